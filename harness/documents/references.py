"""Texts that refer to things by name, {{like this}}: two may differ in what they refer to and in nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\{\{(.*?)\}\}")


def replaced(before: Any, after: Any) -> dict[str, str]:
    """The names that stand in the one value and those in their places in the other; nothing where the values differ in
    more, or a name in two ways."""
    found: dict[str, str] = {}
    alike = _alike(before, after, found)
    return {old: new for old, new in found.items() if old != new} if alike else {}


def with_names(value: Any, names: Mapping[str, str]) -> Any:
    """A value that refers to the new names instead of the old ones."""
    if isinstance(value, dict):
        return {key: with_names(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_names(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: f"{{{{{names.get(match[1], match[1])}}}}}", value)


def named(value: Any) -> frozenset[str]:
    """All names that a value refers to."""
    if isinstance(value, dict):
        return frozenset().union(*map(named, value.values()))
    if isinstance(value, list):
        return frozenset().union(*map(named, value))
    return frozenset(_REFERENCE.findall(value)) if isinstance(value, str) else frozenset()


def _alike(before: Any, after: Any, found: dict[str, str]) -> bool:
    """Whether the values are equal but for names, which are noted."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_alike(before[key], after[key], found) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(_alike(a, b, found) for a, b in zip(before, after, strict=True))
    if isinstance(before, str) and isinstance(after, str):
        old, new = _REFERENCE.split(before), _REFERENCE.split(after)
        if len(old) != len(new) or old[::2] != new[::2]:
            return False
        return all(found.setdefault(one, other) == other for one, other in zip(old[1::2], new[1::2], strict=True))
    return type(before) is type(after) and bool(before == after)
