"""What stands in a container: entities with their place in the file, and parameters as plain values."""

from __future__ import annotations

import functools
import marshal
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from harness.documents import escape

# Of each kind: the array that holds it, and the key of its id.
ARRAYS = {
    "tag": ("tag", "tagId"),
    "trigger": ("trigger", "triggerId"),
    "variable": ("variable", "variableId"),
    "folder": ("folder", "folderId"),
    "template": ("customTemplate", "templateId"),
    "client": ("client", "clientId"),
    "transformation": ("transformation", "transformationId"),
    "zone": ("zone", "zoneId"),
    "tag configuration": ("gtagConfig", "gtagConfigId"),
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED_PAIRS = (("parameter", "parameterValue"), ("name", "value"), ("fieldName", "value"), ("key", "value"))


def canonical(word: Any) -> str:
    """One spelling for what exports write CUSTOM_EVENT and the API customEvent; "" for what is no word."""
    return _CAMEL.sub("_", word).upper() if isinstance(word, str) else ""


def text_of(value: Any) -> str:
    """A scalar as Tag Manager writes it: true for True; "" for nothing and for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""


def objects(value: Any) -> list[tuple[int, Mapping[str, Any]]]:
    """The objects of a list with their index; [] where there is no list, which means the same as an empty one."""
    return [(n, one) for n, one in enumerate(value) if isinstance(one, dict)] if isinstance(value, list) else []


def plain(parameter: Mapping[str, Any]) -> Any:
    """A parameter as text, a list, or a mapping: LIST and MAP are followed, all else is text."""
    kind = canonical(parameter.get("type"))
    if kind == "LIST":
        return [plain(one) for _n, one in objects(parameter.get("list"))]
    if kind == "MAP":
        return {text_of(one.get("key")): plain(one) for _n, one in objects(parameter.get("map"))}
    return text_of(parameter.get("value"))


def plain_all(parameters: Any) -> dict[str, Any]:
    return {text_of(one.get("key")): plain(one) for _n, one in objects(parameters)}


def table(rows: Any) -> dict[str, str]:
    """A list of rows such as {parameter, parameterValue} as one mapping; keys as the ages of Tag Manager spelt them."""
    found: dict[str, str] = {}
    for row in rows if isinstance(rows, list) else []:
        names = next((pair for pair in _NAMED_PAIRS if isinstance(row, dict) and pair[0] in row), None)
        if names:
            found[text_of(row[names[0]])] = text_of(row.get(names[1]))
    return found


@dataclass(frozen=True, eq=False)
class Entity:
    """One entity. pointer: its place in the file (JSON pointer). data: as it stands there, never changed.

    Two entities are the same only if they are the same object: ids may be double in a broken file.
    """

    kind: str
    id: str
    name: str
    type: str
    pointer: str
    data: Mapping[str, Any] = field(repr=False)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        return plain_all(self.data.get("parameter"))

    def text(self, key: str) -> str:
        """A parameter's text; "" where it is absent, empty or no text."""
        value = self.parameters.get(key, "")
        return value if isinstance(value, str) else ""

    def at(self, key: str) -> str:
        """The pointer of a parameter, or of the entity where it has none of that key."""
        for index, one in objects(self.data.get("parameter")):
            if one.get("key") == key:
                return f"{self.pointer}/parameter/{index}"
        return self.pointer

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Every text in its parameters."""
        return tuple(strings(self.data.get("parameter"), f"{self.pointer}/parameter"))

    @cached_property
    def age(self) -> tuple[int, str, str]:
        """Ids count up: an older entity's is smaller. Neither names nor the file's order move it."""
        return len(self.id), self.id, "" if self.id else self.pointer

    @property
    def folder(self) -> str:
        return text_of(self.data.get("parentFolderId"))

    @property
    def paused(self) -> bool:
        return text_of(self.data.get("paused")) == "true"

    def ids(self, key: str) -> list[str]:
        """A field that lists ids, such as firingTriggerId."""
        value = self.data.get(key)
        return [text_of(one) for one in value] if isinstance(value, list) else []

    def sequenced(self) -> Iterator[tuple[str, str, str]]:
        """Tags that run before or after this one: (setup or teardown, name, pointer)."""
        for key, word in (("setupTag", "setup"), ("teardownTag", "teardown")):
            for index, one in objects(self.data.get(key)):
                yield word, text_of(one.get("tagName")), f"{self.pointer}/{key}/{index}/tagName"

    def label(self) -> str:
        return f"{self.kind} {self.name or self.id or '(no name)'}"


Answer = TypeVar("Answer")


def remembered(ask: Callable[[Entity], Answer]) -> Callable[[Entity], Answer]:
    """For questions that an entity answers by itself: asked once of each, in however many containers it stands."""
    key = f"{ask.__module__}.{ask.__qualname__}"

    @functools.wraps(ask)
    def answered(one: Entity) -> Answer:
        known = vars(one)
        if key not in known:
            known[key] = ask(one)
        answer: Answer = known[key]
        return answer

    return answered


@remembered
def packed(one: Entity) -> bytes:
    """Equal bytes for equal data alone: the order of keys, and 1 beside true, are told apart."""
    return marshal.dumps(dict(one.data), 2)


class Text(NamedTuple):
    """A text somewhere in a value. holder: the object that it stands in, {} for a list."""

    above: str
    key: str | int
    text: str
    holder: Mapping[str, Any]

    @property
    def pointer(self) -> str:
        return f"{self.above}/{escape(str(self.key))}"


def strings(value: Any, pointer: str) -> Iterator[Text]:
    """Every text in a value. Pointers are put together only where somebody asks for one."""
    stack: list[tuple[Any, str]] = [(value, pointer)]
    while stack:
        one, at = stack.pop()
        is_object = isinstance(one, dict)
        for key, inner in one.items() if is_object else enumerate(one) if isinstance(one, list) else ():
            if isinstance(inner, str):
                yield Text(at, key, inner, one if is_object else {})
            elif inner and isinstance(inner, (dict, list)):
                stack.append((inner, f"{at}/{escape(str(key))}"))
