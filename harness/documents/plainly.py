"""Keys and values of a document as a person would read them: one line, nothing that cannot be seen, not too long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 40  # characters of a name or a value
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")


def plain(value: Any) -> str:
    """A value as a person would read it: of Tag Manager's typed values what they hold."""
    return shown(_flat(value))


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        if isinstance(value.get("parameter"), list) and "type" in value:
            return _condition(value)
        held = next((value[key] for key in ("value", "list", "map") if key in value), None)
        if held is None:
            return ""
        return f"{value['key']}={_flat(held)}" if "key" in value and "type" in value else _flat(held)
    if isinstance(value, list):
        return ", ".join(_flat(one) for one in value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _condition(value: Mapping[str, Any]) -> str:
    given = [one for one in value["parameter"] if isinstance(one, dict) and isinstance(one.get("key"), str)]
    arguments = {one["key"]: _flat(one.get("value")) for one in given}
    negated = " not" if arguments.get("negate") == "true" else ""
    relation = unconstant(str(value["type"]))
    return f"{arguments.get('arg0', '')}{negated} {relation} {arguments.get('arg1', '')}".strip()


def unconstant(word: str) -> str:
    return word.replace("_", " ").lower()


def spaced(key: str) -> str:
    return shown(_CAMEL.sub(" ", key).lower())


def shown(value: Any) -> str:
    """Text of anyone's making on one line, without what cannot be seen, no longer than a name should be."""
    text = " ".join(_UNSHOWN.sub(" ", str(value)).replace('"', "'").split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
