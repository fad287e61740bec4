"""What may become of values: gaps are filled, what is set stays, or is said in another way that comes to the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from harness.complaints import show
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.entities import Entity, canonical, objects, text_of
from harness.scorers.gtm.policing.base import called
from harness.scorers.gtm.references import NAMED, References
from harness.scorers.gtm.values import Values

CODE = {"html": "html", "jsm": "javascript"}  # of a type, the parameter that is code
_ROW_NAMES = ("parameter", "name", "fieldName", "key")
_FIXED = ("LIST", "MAP", "TAG_REFERENCE", "TRIGGER_REFERENCE")
_SETTINGS = {("v", "dataLayerVersion", "1", "2")}  # of which one value is right: version 2 reads what version 1 does


class Parameters:
    """Of one candidate. before, after: values in the base and in it."""

    def __init__(self, before: Values, after: Values, references: References, container: Container) -> None:
        self._before, self._after, self._references, self._container = before, after, references, container

    def problems(self, before: Entity, after: Entity, *, code: bool) -> Iterator[str]:
        old, new = before.data.get("parameter"), after.data.get("parameter")
        if _keys(old) != list(dict.fromkeys(_keys(old))) or _keys(new) != list(dict.fromkeys(_keys(new))):
            yield f"{called(after)}: a parameter stands twice, so its parameters stay as they are"
            return
        news = {text_of(one.get("key")): one for _n, one in objects(new)}
        for _n, one in objects(old):
            key = text_of(one.get("key"))
            if news.get(key) == one:
                continue
            if not self._keeps(one, news.get(key), before, key, code=code):
                yield f"{called(after)}: parameter {show(key)} {_what(before, key)}"

    def _keeps(
        self, old: Mapping[str, Any], new: Mapping[str, Any] | None, one: Entity, key: str, *, code: bool
    ) -> bool:
        if self._is_gap(old):
            return new is None or CODE.get(one.type) != key or code
        if new is None:
            return False
        if CODE.get(one.type) == key:
            return code
        if (one.type, key, text_of(old.get("value")), text_of(new.get("value"))) in _SETTINGS:
            return True
        return self._same(old, new)

    def _same(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether everything that stood in a parameter still stands there, or comes to the same."""
        kinds = canonical(old.get("type")), canonical(new.get("type"))
        if kinds[0] != kinds[1] and any(kind in _FIXED for kind in kinds):
            return False
        if kinds[0] == "LIST":
            return self._rows(old.get("list"), new.get("list"))
        if kinds[0] == "MAP":
            return self._members(old.get("map"), new.get("map"))
        return self._text(text_of(old.get("value")), text_of(new.get("value")), kinds[0])

    def _text(self, old: str, new: str, kind: str) -> bool:
        if old == new or self._is_nothing(old, kind):
            return True
        if kind in _FIXED or not new:
            return False
        constant = self._before.constant(old)
        if constant is not None and constant == self._after.constant(new):
            return True
        return "{{" in old and self.meaning(old) == self.meaning(new)

    def meaning(self, text: str) -> str:
        """A text with what its variables are in the place of their names."""
        return NAMED.sub(lambda match: self._content(match.group(1)), text)

    def _content(self, name: str) -> str:
        variable = self._references.variable(name)[0] or self._before.references.variable(name)[0]
        if variable is None:
            return f"<{name}>"
        skipped = {"name", "variableId", "parentFolderId", "fingerprint", "notes"}
        return json.dumps({k: v for k, v in variable.data.items() if k not in skipped}, sort_keys=True)

    def _rows(self, old: Any, new: Any) -> bool:
        """Rows of a table are known by their name, entries of a plain list by what they say. There may be more."""
        news = [one for _n, one in objects(new)]
        for _n, row in objects(old):
            name = _row_name(row)
            if name:
                same = [one for one in news if _row_name(one) == name]
                if len(same) != 1 or not self._same(row, same[0]):
                    return False
            elif not self._is_gap(row) and not any(one == row or self._same(row, one) for one in news):
                return False
        names = [_row_name(one) for one in news if _row_name(one)]
        return len(names) == len(set(names)) or len(names) <= sum(bool(_row_name(one)) for _n, one in objects(old))

    def _members(self, old: Any, new: Any) -> bool:
        news = {text_of(one.get("key")): one for _n, one in objects(new)}
        for _n, one in objects(old):
            found = news.get(text_of(one.get("key")))
            if not self._is_gap(one) and (found is None or not self._same(one, found)):
                return False
        return True

    def _is_gap(self, parameter: Mapping[str, Any]) -> bool:
        kind = canonical(parameter.get("type"))
        if kind == "LIST":
            return not parameter.get("list")
        if kind == "MAP":
            return not parameter.get("map")
        return self._is_nothing(text_of(parameter.get("value")), kind)

    def _is_nothing(self, text: str, kind: str) -> bool:
        """Empty, or it comes to nothing, or it means somebody who does not exist."""
        if not text.strip() or self._before.is_empty(text):
            return True
        if kind in {"TAG_REFERENCE", "TRIGGER_REFERENCE"}:
            wanted = ("tag", text) if kind == "TAG_REFERENCE" else ("trigger", text)
            return wanted not in (self._container.by_name if wanted[0] == "tag" else self._container.by_id)
        match = NAMED.fullmatch(text.strip())
        return bool(match) and match.group(1) in self._undefined if match else False

    @cached_property
    def _undefined(self) -> frozenset[str]:
        """Names that mean nobody in the base, whoever says them."""
        before = self._before.references
        return frozenset(one.says for one in before.all if one.how == "variable" and one.state == "missing")


def is_code(one: Entity) -> bool:
    """Whether it is code that a browser or a server runs."""
    return one.kind == "template" or one.type in CODE


def _keys(listed: Any) -> list[str]:
    return [text_of(one.get("key")) for _n, one in objects(listed)]


def _row_name(row: Mapping[str, Any]) -> str:
    members = {text_of(one.get("key")): text_of(one.get("value")) for _n, one in objects(row.get("map"))}
    return next((members[name] for name in _ROW_NAMES if members.get(name)), "")


def _what(before: Entity, key: str) -> str:
    if CODE.get(before.type) == key:
        return "is code, which stays as it is"
    return "is set already: it stays, or is said by a variable that comes to the same; only gaps are filled"
