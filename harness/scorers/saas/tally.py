"""Accounts added up by their points. Every measure is computed from a tally, and tallies of blocks add up too."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.scorers.saas.accounts import CURVES, Facts, Ints
from harness.scorers.saas.spec import Spec

Floats = NDArray[np.float64]

_FEW_BINS = 2**16  # counting into so many costs no more than sorting a small table
_EXACT_PAIRS = 2**50  # up to here twice the pairs that are won are exact in floats


@dataclass(frozen=True, eq=False)
class Tally:
    """points: some whole numbers, rising. index: of each fact, its row; equal facts share one.

    curves: row -> (groups, points), the sum of the fact over the accounts of a group with just these points. All
    accounts together are a tally of one group; a segment's has one for each value. A fact that only tiers are made of
    has none. tiers: (rows, tiers), sums over all accounts of each tier; of a segment there are none.

    spec: whose points they are. rising: whether more points are better for revenue to have (a health score), or worse
    (a risk score).
    """

    points: Ints
    index: Mapping[str, int]
    curves: Mapping[int, Floats]
    tiers: Floats
    spec: Spec
    rising: bool

    @property
    def tier_names(self) -> tuple[str, ...]:
        """Highest first."""
        return tuple(name for name, _at in self.spec.tiers)

    def sums(self, fact: str) -> Floats:
        """(groups, points): a fact's sum."""
        return self.curves[self.index[fact]]

    def totals(self, fact: str) -> list[int]:
        """A fact's sum over each group."""
        row = self.index[fact]
        if row not in self._totals:
            of = self.curves[row].sum(axis=1) if row in self.curves else self.tiers[row : row + 1].sum(axis=1)
            self._totals[row] = of.astype(np.int64).tolist()
        return self._totals[row]

    def by_tier(self, fact: str) -> list[float]:
        """Sums of a fact over each tier of all accounts, in the tiers' order."""
        return self._tiers[self.index[fact]]

    def from_the_top(self, fact: str) -> Floats:
        """The sums of a fact, those points first that count as the best."""
        return self.sums(fact)[:, ::-1] if self.rising else self.sums(fact)

    def twice_won(self, positive: str, negative: str) -> list[int]:
        """Of each group, twice the pairs of a positive above a negative, ties counting one."""
        pair = self.index[positive], self.index[negative]
        if pair not in self._won:
            self._won[pair] = self._twice_won(positive, negative)
            pairs = zip(self.totals(positive), self.totals(negative), self._won[pair], strict=True)
            self._won[pair[::-1]] = [2 * ones * zeros - won for ones, zeros, won in pairs]
        return self._won[pair]

    def _twice_won(self, positive: str, negative: str) -> list[int]:
        positives, negatives = self.sums(positive), self.sums(negative)
        if max(self.totals(positive)) * max(self.totals(negative)) > _EXACT_PAIRS:
            positives, negatives = positives.astype(np.int64), negatives.astype(np.int64)
        below = np.cumsum(negatives, axis=1)
        groups = zip(positives, below, negatives, strict=True)
        return [int(2 * (ones @ lower) - ones @ zeros) for ones, lower, zeros in groups]

    @functools.cached_property
    def _totals(self) -> dict[int, list[int]]:
        return {}

    @functools.cached_property
    def _won(self) -> dict[tuple[int, int], list[int]]:
        return {}

    @functools.cached_property
    def _tiers(self) -> list[list[float]]:
        found: list[list[float]] = self.tiers.tolist()
        return found


@dataclass(frozen=True, eq=False)
class Ranked:
    """points: those that accounts have, rising, perhaps with some between; places: of each account's among them."""

    points: Ints
    places: Ints


def rank(found: Ints) -> Ranked:
    """found: the points of each account."""
    if not found.size:
        return Ranked(found, found)
    low, high = int(found.min()), int(found.max())
    # Counting into bins costs their number, sorting n log n.
    if high - low < found.size:
        return Ranked(np.arange(low, high + 1), found - low)
    if high - low < max(2 * found.size, _FEW_BINS):
        there = np.bincount(found - low) > 0
        return Ranked(np.flatnonzero(there) + low, (np.cumsum(there) - 1)[found - low])
    points, places = np.unique(found, return_inverse=True)
    return Ranked(points, places)


def add_up(spec: Spec, found: Ints, facts: Facts, *, rising: bool, ranked: Ranked | None = None) -> Tally:
    """found: the points of each account."""
    ranked = ranked or rank(found)
    curves = _curves(ranked.places, ranked.points.size, facts)
    counted = curves.keys() == set(facts.places.values())
    tiers = _from_curves(spec, ranked.points, curves) if counted else _by_tier(spec, found, facts)
    return Tally(ranked.points, facts.places, curves, tiers, spec, rising)


def add_up_groups(spec: Spec, ranked: Ranked, facts: Facts, codes: Ints, groups: int, *, rising: bool) -> Tally:
    """The same by group. codes: the group of each account."""
    size = ranked.points.size
    curves = _curves(ranked.places + codes * size, groups * size, facts)
    shaped = {row: sums.reshape(groups, size) for row, sums in curves.items()}
    return Tally(ranked.points, facts.places, shaped, np.zeros((0, 0)), spec, rising)


def _curves(where: Ints, size: int, facts: Facts) -> dict[int, Floats]:
    rows = dict.fromkeys(row for name, row in facts.places.items() if name in CURVES)
    return {row: _counted(where, size, facts.rows[row]) for row in rows}


def _counted(where: Ints, size: int, weights: Floats | None = None) -> Floats:
    found: Floats = np.bincount(where, weights=weights, minlength=size)[None].astype(np.float64, copy=False)
    return found


def _from_curves(spec: Spec, points: Ints, curves: Mapping[int, Floats]) -> Floats:
    edges = [int(edge) for edge in np.searchsorted(points, spec.cuts)]  # falling: the last is 0
    ends = [len(points), *edges[:-1]]
    rows = [[curves[row][0, one:end].sum() for one, end in zip(edges, ends, strict=True)] for row in sorted(curves)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(edges))


def _by_tier(spec: Spec, found: Ints, facts: Facts) -> Floats:
    """One product: sums of whole numbers are exact in any order."""
    tiers = tier_of(spec, found)
    inside = (tiers == np.arange(len(spec.tiers))[:, None]).astype(np.float64)
    sums: Floats = facts.rows @ inside.T
    return sums


def tier_of(spec: Spec, points: Ints) -> Ints:
    """The place of each account's tier, 0 the highest."""
    found: Ints = np.sum([points < cut for cut in spec.cuts], axis=0, dtype=np.int64)
    return found


def add_up_label(spec: Spec, found: Ints, label: str, places: tuple[Ints, Ints], *, rising: bool) -> Tally:
    """As `add_up` of a label and its opposite alone, several times faster, without tiers.

    places: where the label is 1, and where it is 0.
    """
    low, high = int(found.min()), int(found.max())
    if high - low < max(found.size, _FEW_BINS):
        points, where = np.arange(low, high + 1), found - low
    else:
        points, where = np.unique(found, return_inverse=True)
    curves = {side: _counted(where[of], points.size) for side, of in enumerate(places)}
    return Tally(points, {label: 0, f"not_{label}": 1}, curves, np.zeros((0, 0)), spec, rising)


def merged(tallies: Sequence[Tally]) -> Tally:
    """The tally of all blocks together."""
    first = tallies[0]
    if len(tallies) == 1:
        return first
    rows = {fact: tuple(part.index[fact] for part in tallies) for fact in first.index}  # equal here, perhaps not there
    distinct = list(dict.fromkeys(rows.values()))
    points = np.unique(np.concatenate([part.points for part in tallies]))
    places = [np.searchsorted(points, part.points) for part in tallies]
    curves = {}
    for number, of in enumerate(distinct):
        parts = [part.curves.get(row) for part, row in zip(tallies, of, strict=True)]
        if found := _spread(parts, places, points.size):
            curves[number] = found[0]
    sums = [sum(part.tiers[row] for part, row in zip(tallies, of, strict=True)) for of in distinct if first.tiers.size]
    index = {fact: distinct.index(of) for fact, of in rows.items()}
    return replace(first, points=points, index=index, curves=curves, tiers=np.array(sums) if sums else first.tiers)


def _spread(parts: Sequence[Floats | None], places: Sequence[Ints], size: int) -> list[Floats]:
    """The sum of curves that stand at some places of so many; none where one is missing."""
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return []
    found = np.zeros((len(there[0]), size))
    for at, sums in zip(places, there, strict=True):
        found[:, at] += sums
    return [found]
