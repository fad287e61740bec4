"""Places in a container by identity: /containerVersion/tag[tagId=12]/parameter[key=eventName]/value.

A JSON pointer whose steps may name an item of a list by one of its fields instead of by its number, which is easy to
get wrong and becomes another one where something is removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.proposers.mind.fence import one_line
from bot.proposers.mind.wrong import Wrong
from harness.documents import escape, unescape
from harness.scorers.gtm.entities import ARRAYS, objects, text_of

VERSION = "containerVersion"
_STEP = re.compile(r"(?P<key>[^\[]*)\[(?P<field>\w+)=(?P<value>.*)\]", re.DOTALL)
_ID_OF = dict(ARRAYS.values())
_KIND_OF = {array: kind for kind, (array, _id) in ARRAYS.items()}
_SHOWN = 80


@dataclass(frozen=True)
class Step:
    """key: of an object, or the number in a list; field and value: which item of the list at that key, if any."""

    key: str
    field: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.key}[{self.field}={self.value}]" if self.field else self.key


def parsed(address: str, data: Any) -> tuple[Step, ...]:
    """The steps of an address. One that leaves out containerVersion means what is in it. Raises Wrong."""
    if not address.startswith("/"):
        raise Wrong("an address begins with /, as /containerVersion/tag[tagId=12]/name")
    steps = tuple(_step(part) for part in address[1:].split("/"))
    inside = isinstance(data, dict) and VERSION in data and steps[0].key not in data
    return (Step(VERSION), *steps) if inside else steps


def _step(part: str) -> Step:
    match = _STEP.fullmatch(part)
    if not match:
        return Step(unescape(part))
    return Step(unescape(match["key"]), match["field"], unescape(match["value"]))


def found(data: Any, steps: tuple[Step, ...]) -> Any:
    """What stands at an address. Raises Wrong."""
    for step in steps:
        data = inside(data, step)
    return data


def inside(parent: Any, step: Step) -> Any:
    """Raises Wrong."""
    value = _member(parent, step.key)
    return value[item(value, step)] if step.field else value


def _member(parent: Any, key: str) -> Any:
    if isinstance(parent, dict) and key in parent:
        return parent[key]
    if isinstance(parent, list) and key.isdecimal() and int(key) < len(parent):
        return parent[int(key)]
    if isinstance(parent, dict):
        raise Wrong(f"there is no {said(key)} in it; there is {said(', '.join(map(str, parent)))}")
    what = f"it is a list of {len(parent)}" if isinstance(parent, list) else "it is a single value"
    raise Wrong(f"there is no {said(key)} in it: {what}")


def item(value: Any, step: Step) -> int:
    """The number of the one item that a step means. Raises Wrong."""
    those = [n for n, one in objects(value) if step.field in one and text_of(one[step.field]) == step.value]
    if len(those) == 1:
        return those[0]
    what = f"{_KIND_OF.get(step.key, step.key)} whose {step.field} is {said(step.value)}"
    raise Wrong(f"there are {len(those)} of {what}: say its number in the list" if those else f"there is no {what}")


def said(text: str) -> str:
    """What somebody wrote, short and in one line."""
    return one_line(text, _SHOWN)


def of_entity(base: str, kind: str, id_: str) -> str:
    """base: the pointer of the version."""
    array, key = ARRAYS[kind]
    return f"{base}/{array}[{key}={escape(id_)}]"


def spelled(data: Any, pointer: str) -> str:
    """A JSON pointer by identity, as far as the items on its way have one."""
    parts: list[str] = []
    for raw in pointer.split("/")[1:]:
        key = unescape(raw)
        if isinstance(data, list) and parts and key.isdecimal() and int(key) < len(data):
            if field := _identity(parts[-1], data, int(key)):
                parts[-1] = f"{parts[-1]}[{field}={escape(text_of(data[int(key)][field]))}]"
            else:
                parts.append(raw)
        else:
            parts.append(raw)
        data = _below(data, key)
    return "".join(f"/{part}" for part in parts)


def _identity(array: str, listed: list[Any], index: int) -> str:
    """The field that tells an item from all others of its list; "" where none does."""
    one = listed[index]
    for field in (_ID_OF.get(array, "key"), "key", "name"):
        value = text_of(one.get(field)) if isinstance(one, Mapping) else ""
        if value and sum(text_of(other.get(field)) == value for _n, other in objects(listed)) == 1:
            return field
    return ""


def _below(data: Any, key: str) -> Any:
    if isinstance(data, Mapping):
        return data.get(key)
    return data[int(key)] if isinstance(data, list) and key.isdecimal() and int(key) < len(data) else None
