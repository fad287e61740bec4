"""The final diff by operations: each kept experiment is a unit, whatever it touched.

A unit's change is against the incumbent before it, by identity, so that any choice of units can be made on the base.
Operations that touch the same place, such as one that adds a tag and one that fills it, are one unit: none of them
could be left out alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from harness.documents import ParseProblem, Scalar, leaves, parse, splice
from harness.documents.change import Change, NotHere, Step, fits, found, inside, same
from harness.documents.identity import applied, applied_whole, changes, words
from harness.documents.jsonstyle import rewritten

Places = frozenset[tuple[Step, ...]]


class Operations:
    """See `harness.rows.Diff`. Raises ValueError where the contents are not the data of one file all along, and where
    YAML changes in more than the values of the same leaves; ParseProblem."""

    def __init__(self, base: bytes, history: Sequence[bytes], head: bytes, name: str) -> None:
        self._name, self._text, self._head = name, base.decode(), head
        self._document = parse(base, name)
        self._base, self._final = self._document.data, parse(head, name).data
        if isinstance(self._base, str):
            raise ValueError("plain text has no operations")
        contents = [base, *history]
        if contents[-1] != head:
            raise ValueError("the history does not lead to the head")
        data = [self._base, *(parse(content, name).data for content in history)]
        self._steps = [changes(before, after) for before, after in pairwise(data)]
        self._fed = dict(zip(pairwise(contents), range(len(history)), strict=True))
        together = self._independent(_touching(self._steps))
        self._units = [unit for unit in together if not same(self._made([unit]), self._base)]
        if not self._units:
            raise ValueError("nothing is changed in the end")
        for unit in range(len(self._units)):
            self.content([unit])  # in YAML, what cannot be written raises

    def changes(self) -> list[str]:
        """Each unit in words."""
        return [words(net, self._base, self._final) for net in self._net]

    def kinds(self) -> list[str]:
        """What sort of change each unit is, so that those alike are joined first."""
        return [_shape(net[0]) for net in self._net]

    def content(self, units: Iterable[int]) -> bytes:
        """The base with only these units applied, in the order in which they were found."""
        wanted = set(units)
        if not wanted:
            return self._text.encode()
        if len(wanted) == len(self._units):
            return self._head
        return self._written(self._made([self._units[unit] for unit in wanted]))

    def touched(self, before: bytes, after: bytes) -> set[int]:
        """Which unit a kept experiment became."""
        step = self._fed.get((before, after))
        return {index for index, unit in enumerate(self._units) if step in unit}

    def units_in(self, made: bytes) -> tuple[int, ...] | None:
        """The units that give this content; None if none do."""
        try:
            data = parse(made, self._name).data
        except ParseProblem:
            return None
        present = tuple(unit for unit, net in enumerate(self._net) if all(_is_made(data, change) for change in net))
        return present if self.content(present) == made else None

    @cached_property
    def _net(self) -> list[tuple[Change, ...]]:
        """What each unit alone does to the base."""
        return [changes(self._base, self._made([unit])) for unit in self._units]

    def _made(self, units: Iterable[Sequence[int]]) -> Any:
        wanted = sorted(step for unit in units for step in unit)
        return applied(self._base, (change for step in wanted for change in self._steps[step]))

    def _independent(self, units: list[list[int]]) -> list[list[int]]:
        """The units, if each can be left out with every change of the others still made; else all of them as one."""
        for left_out in units:
            wanted = sorted(step for unit in units if unit is not left_out for step in unit)
            try:
                applied_whole(self._base, (change for step in wanted for change in self._steps[step]))
            except NotHere:
                return [sorted(step for unit in units for step in unit)]
        return units

    def _written(self, data: Any) -> bytes:
        """In the style of the base."""
        if self._name.lower().endswith(".json"):
            return rewritten(data, self._text).encode()
        before, after = dict(leaves(self._base)), dict(leaves(data))
        if before.keys() != after.keys():
            raise ValueError("leaves were added or removed")
        changed: dict[str, Scalar] = {p: value for p, value in after.items() if not same(value, before[p])}
        return splice(self._text, self._document, changed, self._name).encode()


def _touching(steps_: Sequence[Sequence[Change]]) -> list[list[int]]:
    """The steps in groups, each of those that touch the same places, or what stands within them; in order."""
    groups: list[tuple[list[int], Places]] = []
    for index, step in enumerate(steps_):
        mine, places = [index], frozenset(change.path for change in step)
        apart = []
        for group, theirs in groups:
            if _meet(places, theirs):
                mine, places = group + mine, places | theirs
            else:
                apart.append((group, theirs))
        groups = [*apart, (mine, places)] if step else groups
    return sorted(sorted(group) for group, _ in groups)


def _meet(one: Places, other: Places) -> bool:
    return _within(one, other) or _within(other, one)


def _within(inner: Places, outer: Places) -> bool:
    """Whether something of the one is, or stands in, something of the other."""
    return any(path[:length] in outer for path in inner for length in range(len(path) + 1))


def _is_made(data: Any, change: Change) -> bool:
    """Whether a document is as it is after a change."""
    try:
        if change.what == "order":
            items = [item for item in found(data, change.path) if any(fits(item, step) for step in change.after)]
            return len(items) == len(change.after) and all(map(fits, items, change.after))
        if not change.path:
            return same(data, change.after)
        standing = inside(found(data, change.path[:-1]), change.path[-1])
    except NotHere:
        return change.what == "remove"
    return not standing if change.what == "remove" else bool(standing) and same(standing[0], change.after)


def _shape(change: Change) -> str:
    """containerVersion/tag/consentSettings: where a change is made, in whichever thing."""
    return "/".join(step for step in change.path if isinstance(step, str))
