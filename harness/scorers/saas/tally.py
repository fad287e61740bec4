"""Accounts added up by their points. Every measure is computed from a tally, and tallies of blocks add up too."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scorers.saas.accounts import Facts, Ints
from harness.scorers.saas.spec import Spec

Floats = NDArray[np.float64]

_FEW_BINS = 2**16  # counting into so many costs no more than sorting a small table
_EXACT_PAIRS = 2**50  # up to here twice the pairs that are won are exact in floats


@dataclass(frozen=True)
class Tally:
    """points: some whole numbers, rising. matrix: (groups, facts, points), the sum of each fact over the accounts of a
    group with just these points. All accounts together are a tally of one group; a segment's has one for each value.

    spec: whose points they are. rising: whether more points are better for revenue to have (a health score), or worse
    (a risk score).
    """

    points: Ints
    names: tuple[str, ...]
    matrix: Floats
    spec: Spec
    rising: bool

    @property
    def tiers(self) -> tuple[str, ...]:
        """Their names, highest first."""
        return tuple(name for name, _at in self.spec.tiers)

    def sums(self, fact: str) -> Floats:
        """(groups, points): a fact's sum."""
        found: Floats = self.matrix[:, self.names.index(fact)]
        return found

    def totals(self, fact: str) -> list[int]:
        """A fact's sum over each group."""
        return self._totals[self.names.index(fact)]

    def by_tier(self, fact: str) -> list[float]:
        """Sums of a fact over each tier of all accounts, in the tiers' order."""
        return self._tiers[self.names.index(fact)]

    def from_the_top(self, fact: str) -> Floats:
        """The sums of a fact, those points first that count as the best."""
        return self.sums(fact)[:, ::-1] if self.rising else self.sums(fact)

    @functools.cached_property
    def _totals(self) -> list[list[int]]:
        found: list[list[int]] = self.matrix.sum(axis=2).T.astype(np.int64).tolist()
        return found

    @functools.cached_property
    def _tiers(self) -> list[list[float]]:
        """(facts, tiers): sums over the points from each tier's first to the next tier's."""
        edges = [int(edge) for edge in np.searchsorted(self.points, self.spec.cuts)]  # falling: the last is 0
        ends = [len(self.points), *edges[:-1]]
        sums = [self.matrix[0, :, one:end].sum(axis=1) for one, end in zip(edges, ends, strict=True)]
        return [list(of) for of in zip(*(tier.tolist() for tier in sums), strict=True)]


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


def add_up(
    spec: Spec, found: Ints | Ranked, facts: Facts, *, rising: bool, codes: Ints | None = None, groups: int = 1
) -> Tally:
    """found: the points of each account. codes: the group of each, where there are several."""
    ranked = found if isinstance(found, Ranked) else rank(found)
    size = ranked.points.size
    where = ranked.places if codes is None else ranked.places + codes * size
    rows = [np.bincount(where, weights=row, minlength=groups * size).reshape(groups, size) for row in facts.rows]
    matrix = np.zeros((groups, len(facts.names), size))
    for place, index in enumerate(facts.index):
        matrix[:, place] = rows[index]
    return Tally(ranked.points, facts.names, matrix, spec, rising)


def add_up_label(spec: Spec, found: Ints, label: str, places: tuple[Ints, Ints], *, rising: bool) -> Tally:
    """As `add_up` of a label and its opposite alone, several times faster. places: where it is 1, and where it is 0."""
    low, high = int(found.min()), int(found.max())
    if high - low < max(found.size, _FEW_BINS):
        points, where = np.arange(low, high + 1), found - low
    else:
        points, where = np.unique(found, return_inverse=True)
    matrix = np.empty((1, 2, points.size))
    for side, of in enumerate(places):
        matrix[0, side] = np.bincount(where[of], minlength=points.size)
    return Tally(points, (label, f"not_{label}"), matrix, spec, rising)


def merged(tallies: Sequence[Tally]) -> Tally:
    """The tally of all blocks together."""
    first = tallies[0]
    if len(tallies) == 1:
        return first
    points = np.unique(np.concatenate([part.points for part in tallies]))
    matrix = np.zeros((*first.matrix.shape[:2], len(points)))
    for part in tallies:
        matrix[:, :, np.searchsorted(points, part.points)] += part.matrix
    return Tally(points, first.names, matrix, first.spec, first.rising)


def twice_won(tally: Tally, positive: str, negative: str) -> list[int]:
    """Of each group, twice the pairs of a positive above a negative, ties counting one."""
    positives, negatives = tally.sums(positive), tally.sums(negative)
    if max(tally.totals(positive)) * max(tally.totals(negative)) > _EXACT_PAIRS:
        positives, negatives = positives.astype(np.int64), negatives.astype(np.int64)
    below = np.cumsum(negatives, axis=1)
    return [int(2 * (one @ lower) - one @ zero) for one, lower, zero in zip(positives, below, negatives, strict=True)]
