"""Changes of a document in the words of those who work with what it describes: things by kind and name, not by place.

    tag "GA4 purchase": + parameter currency
    12 tags ("Meta lead", "Meta view" and 10 more): consent types ad_storage

Kinds and fields are the document's own keys, read as words; what they mean is known for a few of Tag Manager's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.documents.change import Change, Item, NotHere, Step, found
from harness.documents.plainly import plain, shown, spaced, unconstant
from harness.documents.references import replaced

NAMED = 2  # of many things, those that are called by name
ALIKE = 3  # so many things of a kind may differ in the values that they got; of more, the fields are said
PARTS = 8  # of one sentence
_KINDS = {
    "customTemplate": "template",
    "builtInVariable": "built-in variable",
    "gtagConfig": "Google tag configuration",
}
_FIELDS = {
    "parentFolderId": "folder", "firingTriggerId": "firing trigger", "blockingTriggerId": "exception",
    "customEventFilter": "event condition", "filter": "condition", "autoEventFilter": "event filter",
    "setupTag": "setup tag", "teardownTag": "teardown tag",
}  # fmt: skip
_FOLLOWS = "references follow the name"
_SYSTEM = {
    "2147479553": "All Pages", "2147479572": "Consent Initialization - All Pages",
    "2147479573": "Initialization - All Pages",
}  # fmt: skip  # triggers that every container has, and none lists


@dataclass(frozen=True)
class _Said:
    """One change of a thing. general: the same without values, so that it can be said of many."""

    exact: str
    general: str


@dataclass(frozen=True)
class _Thing:
    """mark: + added, - removed, or nothing."""

    kind: str
    name: str
    mark: str
    said: tuple[_Said, ...]

    @property
    def exact(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.exact for one in self.said))

    @property
    def general(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.general for one in self.said))


def words(changes: Iterable[Change], before: Any, after: Any, later: Any = None) -> str:
    """Changes in one line, which names the things that change and what of them; of many, how many. later: a document
    whose names are said, where it still has the thing."""
    parts = list(dict.fromkeys(_lines(_things(list(changes), (later, after, before)))))
    if len(parts) > PARTS:
        parts = [*parts[: PARTS - 1], f"and {len(parts) - PARTS + 1} more"]
    return "; ".join(parts)


Documents = tuple[Any, Any, Any]  # as they were later, after the changes, before them


def _things(changes: Sequence[Change], documents: Documents) -> list[_Thing]:
    by_place: dict[tuple[Step, ...], list[Change]] = defaultdict(list)
    for change in changes:
        by_place[_place(change.path)].append(change)
    renamed = _renamed(changes)
    return [_thing(place, mine, documents, renamed) for place, mine in by_place.items()]


def _place(path: tuple[Step, ...]) -> tuple[Step, ...]:
    """Where the thing stands that a change is about: at the first item that has a field to be known by."""
    for index, step in enumerate(path):
        if isinstance(step, Item) and step.field:
            return path[: index + 1]
    return ()


def _renamed(changes: Iterable[Change]) -> dict[str, str]:
    return {
        change.before: change.after
        for change in changes
        if change.what == "set" and change.path[-1:] == ("name",)
        and isinstance(change.before, str) and isinstance(change.after, str)
    }  # fmt: skip


def _thing(
    place: tuple[Step, ...], changes: Sequence[Change], documents: Documents, renamed: Mapping[str, str]
) -> _Thing:
    if not place:
        return _Thing("", "", "", tuple(_plainly(change) for change in changes))
    whole = next((change for change in changes if change.path == place), None)
    mark = "" if whole is None else "+" if whole.what == "add" else "-" if whole.what == "remove" else ""
    said = [] if whole is not None else _said(place, changes, documents, renamed)
    name = next(filter(None, (_name(place, data) for data in documents)), "")
    return _Thing(_kind(place), name, mark, tuple(said))


def _kind(place: tuple[Step, ...]) -> str:
    key = next((step for step in reversed(place) if isinstance(step, str)), "item")
    return _KINDS.get(key, spaced(key))


def _name(place: tuple[Step, ...], data: Any) -> str:
    try:
        thing = found(data, place)
    except NotHere:
        return ""
    item = place[-1]
    return shown(thing.get("name", item.value if isinstance(item, Item) else ""))


def _said(
    place: tuple[Step, ...], changes: Sequence[Change], documents: Documents, renamed: Mapping[str, str]
) -> list[_Said]:
    said = list[_Said]()
    news = [change for change in changes if not _follows(change, renamed)]
    if not news:
        return [_both(_FOLLOWS)]
    for change in news:
        rest = change.path[len(place) :]
        key = rest[0] if rest and isinstance(rest[0], str) else ""
        if key == "consentSettings":
            said.append(_both(_consent(place, documents[1])))
        elif rest == ("name",):
            said.append(_Said(f'was named "{shown(change.before)}"', "renamed"))
        elif key == "parameter" and len(rest) > 1:
            said.append(_parameter(change, rest))
        elif key.endswith("Id") and len(rest) in {1, 2}:
            said.append(_link(change, key, place, documents))
        else:
            said.append(_plainly(change, rest))
    return said


def _both(text: str) -> _Said:
    return _Said(text, text)


def _follows(change: Change, renamed: Mapping[str, str]) -> bool:
    """Whether a value changed only as the names of other things did that it refers to."""
    if change.path[-1:] == ("name",):
        return False
    if change.what == "refer":
        return replaced(change.before, change.after).items() <= renamed.items()
    old, new = change.before, change.after
    return isinstance(old, str) and isinstance(new, str) and renamed.get(old) == new


def _consent(place: tuple[Step, ...], after: Any) -> str:
    """What a tag's consent settings are now."""
    settings = found(after, place).get("consentSettings")
    status = shown(settings.get("consentStatus", "")) if isinstance(settings, dict) else ""
    types = plain(settings.get("consentType", "")) if isinstance(settings, dict) else ""
    if types:
        return f"consent types {types}"
    return f"consent {unconstant(status)}" if status else "- consent settings"


def _parameter(change: Change, rest: Sequence[Step]) -> _Said:
    item = rest[1]
    name = f"parameter {shown(item.value if isinstance(item, Item) else item)}"
    if len(rest) == 2 and change.what in {"add", "remove"}:  # the list and its item
        return _both(f"{'+' if change.what == 'add' else '-'} {name}")
    return _valued(name, change, deep=rest[2:] != ("value",))


def _link(change: Change, key: str, place: tuple[Step, ...], documents: Documents) -> _Said:
    """Another thing's id, by that thing's name."""
    what = _FIELDS.get(key, spaced(key[:-2]))
    removed = change.what == "remove"
    value = change.before if removed else change.after
    last = change.path[-1]
    ids = [last.value] if isinstance(last, Item) else value if isinstance(value, list) else [value]
    names = ", ".join(f'"{_known_as(one, key, place, documents)}"' for one in ids[:NAMED])
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    listed = isinstance(last, Item) or isinstance(value, list)
    mark = "- " if removed else "+ " if listed and change.what == "add" else ""
    return _both(f"{mark}{what} {names}{more}")


def _known_as(value: Any, key: str, place: tuple[Step, ...], documents: Documents) -> str:
    """The name of what an id means: an item of a list beside this one whose kind the key ends in."""
    for data in documents:
        try:
            around = found(data, place[:-2])
        except NotHere:
            continue
        for kind, items in around.items() if isinstance(around, dict) else ():
            if isinstance(items, list) and key[:-2].lower().endswith(kind.lower()):
                for item in items:
                    if isinstance(item, dict) and item.get(f"{kind}Id") == value and value is not None:
                        return shown(item.get("name", value))
    return _SYSTEM.get(str(value), shown(value))


def _plainly(change: Change, rest: Sequence[Step] | None = None) -> _Said:
    """A change of anything else, by its key."""
    path = change.path if rest is None else rest
    keys = [step for step in path if isinstance(step, str)]
    name = _FIELDS.get(keys[-1], spaced(keys[-1])) if keys else "content"
    if rest is None and keys:
        name = shown(keys[-1])
    if change.what == "order":
        return _both(f"{name}: another order")
    last = path[-1] if path else None
    if rest is not None and (flag := _flag(name, change)):
        return flag
    if change.what in {"add", "remove"}:
        mark = "+" if change.what == "add" else "-"
        value = last.value if isinstance(last, Item) else change.after if change.what == "add" else change.before
        told = plain(value)
        return _Said(f"{mark} {name} {told}".rstrip() if told else f"{mark} {name}", f"{mark} {name}")
    return _valued(name, change, deep=False)


def _flag(name: str, change: Change) -> _Said | None:
    """Something that is so or is not: paused."""
    now, was = (change.after if change.what != "remove" else False), change.before
    if isinstance(now, bool) and (was is None or isinstance(was, bool)):
        return _both(name if now else f"not {name}")
    return None


def _valued(name: str, change: Change, *, deep: bool) -> _Said:
    """deep: whether it changes within the value, so that its own words would say little."""
    old, new = plain(change.before), plain(change.after)
    if deep or change.what not in {"set", "refer"}:
        return _both(name)
    if not old:
        return _Said(f"{name}: {new}", name)
    return _Said(f"{name}: {old} -> {new or 'nothing'}", name)


def _lines(things: Sequence[_Thing]) -> list[str]:
    """Things to which the same happened are said at once, in the order in which they come first."""
    exact: dict[tuple[str, str, tuple[str, ...]], list[_Thing]] = defaultdict(list)
    general: dict[tuple[str, str, tuple[str, ...]], set[tuple[str, ...]]] = defaultdict(set)
    for thing in things:
        exact[thing.kind, thing.mark, thing.exact].append(thing)
        general[thing.kind, thing.mark, thing.general].add(thing.exact)
    groups: dict[tuple[str, str, tuple[str, ...]], list[_Thing]] = defaultdict(list)
    for thing in things:
        many = len(general[thing.kind, thing.mark, thing.general]) > ALIKE
        groups[thing.kind, thing.mark, thing.general if many else thing.exact].append(thing)
    news = sorted(groups.items(), key=lambda group: group[0][2] == (_FOLLOWS,))
    return [_line(mine, said) for (_, _, said), mine in news]


def _line(things: Sequence[_Thing], said: Sequence[str]) -> str:
    what = ", ".join(said)
    first = things[0]
    if not first.kind:
        return what
    names = ", ".join(f'"{thing.name}"' for thing in things[:NAMED])
    if len(things) == 1:
        who = f"{first.kind} {names}"
    else:
        more = f" and {len(things) - NAMED} more" if len(things) > NAMED else ""
        who = f"{len(things)} {_plural(first.kind)} ({names}{more})"
    return f"{first.mark} {who}" if first.mark else f"{who}: {what}" if what else who


def _plural(kind: str) -> str:
    return f"{kind[:-1]}ies" if kind.endswith("y") else kind if kind.endswith("s") else f"{kind}s"
