"""The difference of two JSON documents, addressed by identity instead of by index.

An item of a list of objects is known by a field of its own: one ending in Id, else `key`, else `name`, whichever tells
all items apart in both documents. An item of a list of texts is known by its value. Any other list is one value. So a
change says which thing it means, and can be made in a document where that thing stands elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from harness.documents.change import Change, Item, NotHere, Step, fits, found, inside, same, standing
from harness.documents.references import named, replaced, with_names
from harness.documents.wording import words


def changes(before: Any, after: Any) -> tuple[Change, ...]:
    """What turns one document into the other; the order of an object's members is no difference."""
    return tuple(_between(before, after, (), frozenset()))


def applied(data: Any, wanted: Iterable[Change]) -> Any:
    """A copy of the data with these changes made, each on what those before it left. One that does not apply, since
    what it changes is not there or is something else by now, is left out."""
    made = [_copy(data)]
    for change in wanted:
        if applies(made[0], change):
            _make(made, change)
    return made[0]


def applies(data: Any, change: Change) -> bool:
    """Whether a change can be made: what it stands in is there, and what it sets is what it was, or will be."""
    if not change.path:
        return _applies_to(data, change)
    try:
        there = inside(found(data, change.path[:-1]), change.path[-1])
    except NotHere:
        return False
    if change.what == "add":
        return not there or same(there[0], change.after)
    return change.what == "remove" or (bool(there) and _applies_to(there[0], change))


def is_made(data: Any, change: Change) -> bool:
    """Whether a document is as it is after a change."""
    there = standing(data, change.path)
    if not there or change.what == "remove":
        return not there and change.what == "remove"
    if change.what == "order":
        return _in_order(there[0], change.after)
    if change.what == "refer":
        names, now = replaced(change.before, change.after), named(there[0])
        old, new = names.keys() - set(names.values()), set(names.values())
        return now >= new and not now & old
    return same(there[0], change.after)


def _in_order(items: Any, wanted: Sequence[Item]) -> bool:
    if not isinstance(items, list):
        return False
    known = [item for item in items if any(fits(item, step) for step in wanted)]
    return len(known) == len(wanted) and all(map(fits, known, wanted))


def _applies_to(value: Any, change: Change) -> bool:
    if change.what == "order":
        return isinstance(value, list)
    if change.what == "refer" and replaced(change.before, change.after).keys() <= named(value):
        return True
    return same(value, change.before) or same(value, change.after)


def _between(before: Any, after: Any, path: tuple[Step, ...], around: frozenset[str]) -> Iterator[Change]:
    """around: keys of the objects around this value."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _members(before, after, path, around)
    elif isinstance(before, list) and isinstance(after, list):
        field = _field(before, after, path, around)
        if field is None:
            yield from _value(before, after, path)
        else:
            yield from _items(before, after, path, around, field)
    else:
        yield from _value(before, after, path)


def _value(before: Any, after: Any, path: tuple[Step, ...]) -> Iterator[Change]:
    if not same(before, after):
        yield Change("refer" if replaced(before, after) else "set", path, before, after)


def _members(
    before: dict[str, Any], after: dict[str, Any], path: tuple[Step, ...], around: frozenset[str]
) -> Iterator[Change]:
    inner = around | before.keys() | after.keys()
    for key, value in before.items():
        if key not in after:
            yield Change("remove", (*path, key), value)
    behind: str | None = None
    for key, value in after.items():
        if key in before:
            yield from _between(before[key], value, (*path, key), inner)
        else:
            yield Change("add", (*path, key), None, value, behind)
        behind = key


def _items(
    before: list[Any], after: list[Any], path: tuple[Step, ...], around: frozenset[str], field: str
) -> Iterator[Change]:
    old, new = {_item(item, field): item for item in before}, {_item(item, field): item for item in after}
    order = [item for item in old if item in new]
    for item, value in old.items():
        if item not in new:
            yield Change("remove", (*path, item), value)
    behind: Item | None = None
    for item, value in new.items():
        if item in old:
            if json.dumps(old[item]) != json.dumps(value):  # faster than a look at everything in it
                yield from _between(old[item], value, (*path, item), around)
        else:
            yield Change("add", (*path, item), None, value, behind)
            order.insert(order.index(behind) + 1 if behind else 0, item)
        behind = item
    if order != list(new):
        yield Change("order", path, tuple(order), tuple(new))


def _field(before: list[Any], after: list[Any], path: tuple[Step, ...], around: frozenset[str]) -> str | None:
    """The field that tells the items of both lists apart, "" for their values, None where nothing does."""
    items = [*before, *after]
    if all(isinstance(item, str) for item in items):
        return "" if _apart(before, "") and _apart(after, "") else None
    if not all(isinstance(item, dict) for item in items):
        return None
    fields = _candidates(items, path, around)
    return next((field for field in fields if _apart(before, field) and _apart(after, field)), None)


def _candidates(items: list[dict[str, Any]], path: tuple[Step, ...], around: frozenset[str]) -> list[str]:
    """Fields that every item has, the likeliest name first. One that an object around them has too, such as an
    account's, says where they belong and not which they are."""
    common = [key for key in items[0] if all(key in item for item in items)]
    kind = str(path[-1]).lower() if path and isinstance(path[-1], str) else ""
    ids = [key for key in common if key.endswith("Id") and key not in around]
    own = [key for key in ids if kind and kind.endswith(key[:-2].lower())]
    return [*own, *(key for key in ids if key not in own), *(key for key in ("key", "name") if key in common)]


def _apart(items: list[Any], field: str) -> bool:
    """Whether these are texts or whole numbers, and no two of them are the same."""
    values = [item[field] if field else item for item in items]
    kinds = {type(value) for value in values}
    return kinds <= {str, int} and len(set(values)) == len(values)


def _item(item: Any, field: str) -> Item:
    return Item(field, item[field] if field else item)


def _make(made: list[Any], change: Change) -> None:
    """Makes a change that applies. made: the one document, so that it can be replaced as a whole."""
    if change.what == "order":
        _put_in_order(found(made[0], change.path), change.after)
        return
    if not change.path:
        made[0] = _after(made[0], change)
        return
    parent, step = found(made[0], change.path[:-1]), change.path[-1]
    if isinstance(step, str):
        _make_member(parent, step, change)
    else:
        _make_item(parent, step, change)


def _copy(value: Any) -> Any:
    """Faster than copy.deepcopy, and data is all that it has to copy."""
    return json.loads(json.dumps(value)) if isinstance(value, (dict, list)) else value


def _after(value: Any, change: Change) -> Any:
    if change.what == "refer" and not same(value, change.before):
        return with_names(value, replaced(change.before, change.after))
    return _copy(change.after)


def _make_member(parent: dict[str, Any], key: str, change: Change) -> None:
    if change.what == "remove":
        parent.pop(key, None)
    elif key in parent:
        parent[key] = _after(parent[key], change)
    else:
        members = list(parent.items())
        keys = list(parent)
        at = keys.index(change.behind) + 1 if change.behind in keys else 0 if change.behind is None else len(keys)
        members.insert(at, (key, _copy(change.after)))
        parent.clear()
        parent.update(members)


def _make_item(parent: list[Any], step: Item, change: Change) -> None:
    places = [index for index, item in enumerate(parent) if fits(item, step)]
    if change.what == "remove":
        del parent[slice(places[0], places[0] + 1) if places else slice(0, 0)]
    elif places:
        parent[places[0]] = _after(parent[places[0]], change)
    else:
        behind = change.behind
        before = [i for i, item in enumerate(parent) if isinstance(behind, Item) and fits(item, behind)]
        at = before[0] + 1 if before else 0 if behind is None else len(parent)
        parent.insert(at, _copy(change.after))


def _put_in_order(items: list[Any], wanted: Sequence[Item]) -> None:
    """The items that are named stand in this order, in the places that they have among the others."""
    places = [index for index, item in enumerate(items) if any(fits(item, step) for step in wanted)]
    known = [item for step in wanted for item in items if fits(item, step)]
    for place, item in zip(places, known, strict=True):
        items[place] = item


__all__ = ["Change", "Item", "NotHere", "Step", "applied", "applies", "changes", "is_made", "same", "words"]
