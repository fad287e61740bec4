"""One change of a JSON document, at a place that is known by what stands there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.documents.model import Scalar


@dataclass(frozen=True)
class Item:
    """One item of a list: the one whose `field` holds the value, or, where field is empty, the value itself."""

    field: str
    value: Scalar


Step = str | Item
What = Literal["add", "remove", "set", "refer", "order"]


@dataclass(frozen=True)
class Change:
    """path: what is added, removed, set, made to refer to other names, or put in order. after: the new value; of an
    order, the items as they follow each other. behind: of something added, what it stands behind, None at the start."""

    what: What
    path: tuple[Step, ...]
    before: Any = None
    after: Any = None
    behind: Step | None = None


class NotHere(Exception):
    """A change does not apply to this document."""


def found(data: Any, path: Sequence[Step]) -> Any:
    """What stands at a path. Raises NotHere."""
    for step in path:
        standing = inside(data, step)
        if not standing:
            raise NotHere(steps(path))
        data = standing[0]
    return data


def inside(parent: Any, step: Step) -> list[Any]:
    """What a step leads to: one value or none. Raises NotHere where it could lead nowhere, or to several."""
    if isinstance(step, str):
        if not isinstance(parent, dict):
            raise NotHere(step)
        return [parent[step]] if step in parent else []
    if not isinstance(parent, list):
        raise NotHere(steps([step]))
    field, value = step.field, step.value
    if field:  # looked for thousands of times: not through `fits`
        likely = [item for item in parent if isinstance(item, dict) and item.get(field) == value]
    else:
        likely = [item for item in parent if item == value]
    known = [item for item in likely if fits(item, step)]
    if len(known) > 1:
        raise NotHere(steps([step]))
    return known


def standing(data: Any, path: Sequence[Step]) -> list[Any]:
    """What stands at a path: one value or none."""
    try:
        return inside(found(data, path[:-1]), path[-1]) if path else [data]
    except NotHere:
        return []


def steps(path: Sequence[Step]) -> str:
    """A path in words."""
    return "/".join(step if isinstance(step, str) else f"{step.field or 'item'}={step.value}" for step in path)


def same(one: Any, other: Any) -> bool:
    """Equal in values and their types, whatever the order of members: 1, 1.0 and true are three things."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def fits(item: Any, step: Item) -> bool:
    if not step.field:
        return same(item, step.value)
    return isinstance(item, dict) and step.field in item and same(item[step.field], step.value)
