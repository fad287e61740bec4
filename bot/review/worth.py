"""What each feature is worth: the primary metric with it against without it, and how sure that is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.review.inputs import Reviewed
from harness.scorers.saas.accounts import Facts, Ints, points
from harness.scorers.saas.measures import facts_of, measured
from harness.scorers.saas.spec import Spec
from harness.scorers.saas.tally import add_up

RESAMPLES = 200
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Worth:
    """gain: of the primary metric by this feature, the others as they are; low, high: its bootstrap interval.

    base, head: the weights.
    """

    feature: str
    base: int
    head: int
    gain: float
    low: float
    high: float


def worths(found: Reviewed) -> list[Worth]:
    """One per feature, the most valuable first; a feature whose weight is 0 is worth nothing by definition."""
    without = [_without(found.head.spec, place) for place in range(len(found.columns.features))]
    values = resampled(found, [found.head.spec, *without])
    sign = 1 if found.primary.goal == "maximize" else -1
    entries = []
    for place, name in enumerate(found.columns.features):
        gains = sign * (values[0] - values[place + 1])
        low, high = np.quantile(gains[1:], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        base, head = found.base.spec.weights[place], found.head.spec.weights[place]
        entries.append(Worth(name, base, head, float(gains[0]), float(low), float(high)))
    return sorted(entries, key=lambda one: -one.gain)


def resampled(found: Reviewed, specs: list[Spec]) -> NDArray[np.float64]:
    """(specs, 1 + RESAMPLES): the primary metric on all accounts, then on each resample, the same for every spec.

    The bootstrap draws accounts with replacement (Efron 1979): an account counts as often as it was drawn.
    """
    chance = np.random.default_rng(0)
    size = found.accounts.size
    drawn = [np.bincount(chance.integers(0, size, size), minlength=size) for _ in range(RESAMPLES)]
    facts = Facts.of(found.accounts.facts, facts_of(found.primary.name))
    scored = points(specs, found.accounts.hundredths(specs[0].scaling))
    rows = zip(specs, scored, strict=True)
    return np.array([[_value(found, spec, row, facts, times) for times in (None, *drawn)] for spec, row in rows])


def _value(found: Reviewed, spec: Spec, row: Ints, facts: Facts, times: Ints | None) -> float:
    counted = facts if times is None else dataclasses.replace(facts, rows=facts.rows * times)
    return measured(add_up(spec, row, counted, rising=found.rising)).get(found.primary.name, float("nan"))


def _without(spec: Spec, place: int) -> Spec:
    weights = (*spec.weights[:place], 0, *spec.weights[place + 1 :])
    return dataclasses.replace(spec, weights=weights)
