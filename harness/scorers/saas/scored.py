"""One spec on one block of accounts: every account's score and tier, and what a tier change between two specs is."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scorers.saas.accounts import Accounts, Floats, Ints, points
from harness.scorers.saas.measures import measured
from harness.scorers.saas.spec import Spec
from harness.scorers.saas.tally import add_up, tier_of


@dataclass(frozen=True, eq=False)
class Scored:
    """points, tiers: one per account; a tier is its place, 0 the highest. rising: a health score, not a risk score."""

    spec: Spec
    block: Accounts
    points: Ints
    rising: bool

    @functools.cached_property
    def tiers(self) -> Ints:
        return tier_of(self.spec, self.points)

    @functools.cached_property
    def metrics(self) -> dict[str, float]:
        return measured(add_up(self.spec, self.points, self.block.all_facts, rising=self.rising))

    @property
    def scores(self) -> Floats:
        """From 0 to 100, one per account."""
        found: Floats = _per_width(self.spec, (self.points - self.spec.lowest).astype(np.float64))
        return found

    @property
    def contributions(self) -> Floats:
        """(features, accounts), in points of the score. With `floor` added they are the score."""
        weights = np.array(self.spec.weights, dtype=np.float64)[:, None]
        return _per_width(self.spec, weights * self.block.hundredths(self.spec.scaling))

    @property
    def floor(self) -> float:
        """The score of an account whose features are all 0."""
        return float(_per_width(self.spec, np.array([-self.spec.lowest], dtype=np.float64))[0])


def scored(spec: Spec, block: Accounts, *, rising: bool) -> Scored:
    """Raises InvalidCandidate where the spec does not fit the features."""
    return Scored(spec, block, points([spec], block.hundredths(spec.scaling))[0], rising)


def moves(before: Scored, after: Scored) -> NDArray[np.int64]:
    """(tiers before, tiers after): how many accounts go from one to the other."""
    found = np.zeros((len(before.spec.tiers), len(after.spec.tiers)), dtype=np.int64)
    np.add.at(found, (before.tiers, after.tiers), 1)
    return found


def _per_width(spec: Spec, values: Floats) -> Floats:
    width = spec.highest - spec.lowest
    return 100 * values / width if width else np.zeros(values.shape)
