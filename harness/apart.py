"""Which operations can be told apart: what one changed, another may change again, add to, or take away.

Operations that change the same place are one unit, for one of them cannot be left out alone. Where an operation works
on something that another added or removed, they stay apart: without the other, it does the rest of what it does. Only
where it does nothing else, it is one unit with that other. Two that carry the names of different things through one
text stay apart too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from harness.documents.change import Change, Step, standing
from harness.documents.identity import applied, changes, is_made
from harness.documents.references import replaced

Path = tuple[Step, ...]
Unit = tuple[int, ...]


class Apart:
    """The units of a history of operations. steps: what each changed; units: which steps each is made of, in order."""

    def __init__(self, base: Any, steps: Sequence[Sequence[Change]]) -> None:
        self._base, self._steps = base, steps
        self._known: dict[Unit, tuple[Change, ...]] = {}
        self.units = _united([(index,) for index, step in enumerate(steps) if step], _clashing(steps))
        while idle := self._idle():
            self.units = _united([unit for unit in self.units if unit not in idle or idle[unit]], idle.values())
        if any(self.present(self.made(rest)) != tuple(rest) for rest in self._leaving_one_out()):
            self.units = [tuple(step for unit in self.units for step in unit)]

    def made(self, units: Iterable[int]) -> Any:
        """The base with only these units, their steps in the order in which they came."""
        wanted = sorted(step for unit in units for step in self.units[unit])
        return applied(self._base, (change for step in wanted for change in self._steps[step]))

    def alone(self, unit: int) -> tuple[Change, ...]:
        """What a unit does to the base."""
        return self._alone[unit]

    def present(self, data: Any) -> tuple[int, ...]:
        """The units that a document shows, if it is made of any."""
        return tuple(unit for unit, shown in enumerate(self._shown()) if all(_shows(data, *each) for each in shown))

    def _leaving_one_out(self) -> Iterable[list[int]]:
        everything = range(len(self.units))
        return ([unit for unit in everything if unit != out] for out in everything) if len(everything) > 1 else ()

    @property
    def _alone(self) -> list[tuple[Change, ...]]:
        found = []
        for index, unit in enumerate(self.units):
            if unit not in self._known:
                self._known[unit] = changes(self._base, self.made([index]))
            found.append(self._known[unit])
        return found

    def _shown(self) -> list[list[tuple[Change, bool]]]:
        """Of each unit what it does to the base, but for what another unit takes away with all that is in it; and
        whether another changes something within."""
        alone = self._alone
        gone = {change.path: unit for unit, mine in enumerate(alone) for change in mine if change.what == "remove"}
        within: dict[Path, set[int]] = defaultdict(set)
        for unit, steps in enumerate(self.units):
            for change in (change for step in steps for change in self._steps[step]):
                for length in range(len(change.path)):
                    within[change.path[:length]].add(unit)
        return [
            [(c, bool(within[c.path] - {unit})) for c in mine if not _others(c.path, gone, unit)]
            for unit, mine in enumerate(alone)
        ]

    def _idle(self) -> dict[Unit, Unit]:
        """Units that do nothing that would show, with the steps of all that they are one with: the units that added or
        removed what they work on. Of one that undoes itself, nothing."""
        found = {}
        for unit, shown in zip(self.units, self._shown(), strict=True):
            if not shown:
                others = self._around(unit)
                found[unit] = tuple(sorted({*unit, *others})) if others else ()
        return found

    def _around(self, unit: Unit) -> set[int]:
        """Steps of other units that added or removed what this one changes something in."""
        held = {
            change.path[:length] for step in unit for change in self._steps[step] for length in range(len(change.path))
        }
        return {
            step
            for other in self.units
            for step in other
            if other != unit and any(c.what in {"add", "remove"} and c.path in held for c in self._steps[step])
        }


def _shows(data: Any, change: Change, others_within: bool) -> bool:
    if others_within and change.what == "add":
        return bool(standing(data, change.path))
    return is_made(data, change)


def _others(path: Path, gone: dict[Path, int], unit: int) -> bool:
    return any(gone.get(path[:length], unit) != unit for length in range(len(path)))


def _united(units: Iterable[Unit], together: Iterable[Unit]) -> list[Unit]:
    """The units, with those that share a step with one of `together` joined."""
    found = list(units)
    for steps in together:
        mine = [unit for unit in found if set(unit) & set(steps)]
        if len(mine) > 1:
            found = [
                *(unit for unit in found if unit not in mine),
                tuple(sorted(step for unit in mine for step in unit)),
            ]
    return sorted(found)


def _clashing(steps: Sequence[Sequence[Change]]) -> list[Unit]:
    """Pairs of steps that change the same place."""
    at: dict[Path, list[tuple[int, Change]]] = defaultdict(list)
    for index, step in enumerate(steps):
        for change in step:
            at[change.path].append((index, change))
    found = set[Unit]()
    for index, step in enumerate(steps):
        for change in step:
            for length in range(len(change.path) + 1):
                for other, theirs in at.get(change.path[:length], ()):
                    if other != index and _clash(theirs, change):
                        found.add((min(index, other), max(index, other)))
    return sorted(found)


def _clash(outer: Change, inner: Change) -> bool:
    """Whether neither of two changes leaves the other alone. outer: of the same place, or of one around it."""
    if outer.path == inner.path:
        if outer.what == inner.what == "refer":
            return bool(_names(outer) & _names(inner))
        return True
    if outer.what == "order":
        return inner.what in {"add", "remove"} and len(inner.path) == len(outer.path) + 1
    return outer.what not in {"add", "remove"}


def _names(change: Change) -> frozenset[str]:
    found = replaced(change.before, change.after)
    return frozenset((*found, *found.values()))
