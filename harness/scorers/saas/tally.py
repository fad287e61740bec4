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


@dataclass(frozen=True)
class Tally:
    """points: some whole numbers, rising. matrix: one row per fact, its sum over the accounts with just these points.

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
        """A fact's sum per points."""
        found: Floats = self.matrix[self.names.index(fact)]
        return found

    def total(self, fact: str) -> float:
        return float(self.by_tier(fact).sum())

    def by_tier(self, fact: str) -> Floats:
        """Sums of a fact over each tier, in the tiers' order."""
        found: Floats = self._tiers[self.names.index(fact)]
        return found

    def from_the_top(self, fact: str) -> Floats:
        """The sums of a fact, those points first that count as the best."""
        return self.sums(fact)[::-1] if self.rising else self.sums(fact)

    @functools.cached_property
    def _tiers(self) -> Floats:
        """(facts, tiers): sums over the points from each tier's first to the next tier's."""
        edges = [int(edge) for edge in np.searchsorted(self.points, self.spec.cuts)]  # falling: the last is 0
        ends = [len(self.points), *edges[:-1]]
        return np.stack([self.matrix[:, one:end].sum(axis=1) for one, end in zip(edges, ends, strict=True)], axis=1)


def add_up(spec: Spec, found: Ints, facts: Facts, *, rising: bool) -> Tally:
    """found: the points of each account."""
    if not found.size:
        return Tally(found, facts.names, np.zeros((len(facts.names), 0)), spec, rising)
    low, high = int(found.min()), int(found.max())
    # Counting into bins costs their number, sorting n log n.
    if high - low < found.size:
        where, span = found - low, high - low + 1
        rows = [np.bincount(where, weights=row, minlength=span) for row in facts.matrix]
        matrix = np.array(rows, dtype=np.float64).reshape(len(rows), span)  # of no facts at all, too
        return Tally(np.arange(low, high + 1), facts.names, matrix, spec, rising)
    narrow = (found - low).astype(np.uint16) if high - low < 2**16 else found  # few digits are sorted by digits
    order = np.argsort(narrow, kind="stable")
    points = found[order]
    starts = np.flatnonzero(np.diff(points, prepend=points[0] - 1))
    return Tally(points[starts], facts.names, np.add.reduceat(facts.matrix[:, order], starts, axis=1), spec, rising)


def add_up_label(spec: Spec, found: Ints, label: str, ones: Ints, *, rising: bool) -> Tally:
    """As `add_up` of a label and its opposite alone, several times faster. ones: 1 where the label holds, else 0."""
    low, high = int(found.min()), int(found.max())
    if high - low < max(found.size, _FEW_BINS):
        points, where = np.arange(low, high + 1), found - low
    else:
        points, where = np.unique(found, return_inverse=True)
    both = np.bincount(where + ones * points.size, minlength=2 * points.size).reshape(2, points.size)[::-1]
    return Tally(points, (label, f"not_{label}"), both.astype(np.float64), spec, rising)


def merged(tallies: Sequence[Tally]) -> Tally:
    """The tally of all blocks together."""
    first = tallies[0]
    if len(tallies) == 1:
        return first
    points = np.unique(np.concatenate([part.points for part in tallies]))
    matrix = np.zeros((len(first.names), len(points)))
    for part in tallies:
        matrix[:, np.searchsorted(points, part.points)] += part.matrix
    return Tally(points, first.names, matrix, first.spec, first.rising)


def twice_won(positives: Floats, negatives: Floats) -> int:
    """Twice the pairs of a positive above a negative, ties counting one, of counts per rising points."""
    at = negatives.astype(np.int64)
    return int(positives.astype(np.int64) @ (2 * np.cumsum(at) - at))
