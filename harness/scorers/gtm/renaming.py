"""References by name in a container's JSON: carried along where somebody is renamed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.scorers.gtm.entities import ARRAYS, canonical, objects, text_of
from harness.scorers.gtm.references import NAMED, NO_TEXT

_UNSAFE = re.compile(r'[{}"\\\x00-\x1f]')


def is_sayable(name: str) -> bool:
    """Whether references can say this name: {{name}}, in texts and in code."""
    return bool(name.strip()) and name == name.strip() and not _UNSAFE.search(name)


def carry(version: Mapping[str, Any], kind: str, names: Mapping[str, str]) -> None:
    """Changes every reference by name, in place. names: of one kind, the old and the new one; all at once."""
    if kind == "variable":
        for one in _all(version):
            for key, value in one.items():
                if key not in NO_TEXT or key == "templateData":
                    one[key] = _with_names(value, names)
    elif kind == "tag":
        for one in _all(version):
            _tags(one, names)
    elif kind == "client":
        for _n, trigger in objects(version.get("trigger")):
            _clients(trigger, names)


def _all(version: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for array, _id in ARRAYS.values():
        for _n, one in objects(version.get(array)):
            if isinstance(one, dict):
                yield one


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return said_anew(value, names) if "{{" in value else value
    if isinstance(value, list):
        return [_with_names(one, names) for one in value]
    return {key: _with_names(one, names) for key, one in value.items()} if isinstance(value, dict) else value


def said_anew(text: str, names: Mapping[str, str]) -> str:
    """A text with {{old}} become {{new}}."""

    def new(match: re.Match[str]) -> str:
        old = match.group(1)
        found = names.get(old, names.get(old.strip()))
        return match.group(0) if found is None else f"{{{{{found}}}}}"

    return NAMED.sub(new, text)


def _tags(value: Any, names: Mapping[str, str]) -> None:
    if isinstance(value, list):
        for one in value:
            _tags(one, names)
    elif isinstance(value, dict):
        for key in ("setupTag", "teardownTag"):
            for _n, one in objects(value.get(key)):
                if isinstance(one, dict) and one.get("tagName") in names:
                    one["tagName"] = names[one["tagName"]]
        if canonical(value.get("type")) == "TAG_REFERENCE" and text_of(value.get("value")) in names:
            value["value"] = names[text_of(value["value"])]
        for one in value.values():
            _tags(one, names)


def _clients(trigger: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """A condition that names a client says {{Client Name}}, and whom."""
    for _n, condition in objects(trigger.get("filter")):
        parts = {text_of(part.get("key")): part for _m, part in objects(condition.get("parameter"))}
        left, right = parts.get("arg0", {}), parts.get("arg1")
        is_client = text_of(left.get("value")).strip("{} ") == "Client Name"
        if is_client and isinstance(right, dict) and text_of(right.get("value")) in names:
            right["value"] = names[text_of(right["value"])]
