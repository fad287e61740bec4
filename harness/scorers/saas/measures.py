"""The thirteen measures of a customer score, and the share of each tier, each from a tally. docs/metrics.md defines
them with worked examples.

A measure is a ratio of whole numbers, and is rounded once: to the float next to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from harness.scorers.saas.capture import FIFTH, count_at
from harness.scorers.saas.tally import Floats, Tally

QUARTER = Fraction(1, 4)


@dataclass(frozen=True)
class Scalar:
    """One number of the whole score. needs: the facts that it is made of; of: its value in each group of a tally."""

    name: str
    needs: tuple[str, ...]
    of: Callable[[Tally], list[float | None]]


@dataclass(frozen=True)
class PerTier:
    """A ratio of sums in each tier: nrr.A. numerator, denominator: facts that are added first.

    unit: how much of the numerator counts as 1 (100 where cents become currency).
    """

    name: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    unit: int = 1

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.numerator, *self.denominator)

    def of(self, tally: Tally) -> Iterator[tuple[str, float]]:
        """(tier, value); a tier without a denominator has none."""
        above = [sum(sums) for sums in zip(*map(tally.by_tier, self.numerator), strict=True)]
        below = [sum(sums) for sums in zip(*map(tally.by_tier, self.denominator), strict=True)]
        for tier, one, other in zip(tally.tier_names, above, below, strict=True):
            if other > 0:
                yield tier, one / (other * self.unit)


@dataclass(frozen=True)
class Share(PerTier):
    """What a tier holds of the sum over all tiers: tier_share.A, 0 for an empty tier."""

    def of(self, tally: Tally) -> Iterator[tuple[str, float]]:
        held = tally.by_tier(*self.numerator)
        for (tier, _at), part in zip(tally.spec.tiers, held, strict=True):
            yield tier, part / sum(held)


def area(tally: Tally, positive: str, negative: str, *, rising: bool) -> list[float | None]:
    """The AUC, exactly: a pair of a positive and a negative in the right order counts 1, a tie half."""
    found: list[float | None] = []
    won = tally.twice_won(positive, negative)
    for ones, zeros, twice in zip(tally.totals(positive), tally.totals(negative), won, strict=True):
        found.append(share_won(twice, ones * zeros, rising=rising))
    return found


def share_won(twice: int, pairs: int, *, rising: bool) -> float | None:
    """twice: as many as twice the pairs in rising order."""
    return (twice if rising else 2 * pairs - twice) / (2 * pairs) if pairs else None


@dataclass(frozen=True)
class Ratio:
    """Of two whole numbers: divided once, to the float next to it."""

    above: int
    below: int


def held_by_first(number: Floats, held: Floats, sizes: Sequence[int]) -> list[Ratio]:
    """What the first accounts of each group hold, as many as sizes say; ties at the cut share their places.

    number, held: (groups, points), how many accounts there are and what they hold.
    """
    running, holding = np.cumsum(number, axis=1), np.cumsum(held, axis=1)
    found = []
    for group, k in enumerate(sizes):
        if not k:
            found.append(Ratio(0, 1))
            continue
        at = int(np.searchsorted(running[group], k))
        before, sum_before = (int(running[group, at - 1]), int(holding[group, at - 1])) if at else (0, 0)
        tied = int(number[group, at])
        found.append(Ratio(sum_before * tied + int(held[group, at]) * (k - before), tied))
    return found


def capture(tally: Tally) -> list[float | None]:
    """The share of revenue that the best fifth of the paying accounts holds: exactly k of them."""
    paying, revenue = tally.totals("paying"), tally.totals("revenue_start")
    sizes = [count_at(size, FIFTH) if size else 0 for size in paying]
    held = held_by_first(tally.from_the_top("paying"), tally.from_the_top("revenue_start"), sizes)
    return [
        part.above / (part.below * all_) if size and all_ else None
        for part, size, all_ in zip(held, paying, revenue, strict=True)
    ]


def separation(tally: Tally) -> list[float | None]:
    """Mean lifetime value of the best quarter of the accounts over that of the worst quarter."""
    sizes = [count_at(size, QUARTER) if size else 0 for size in tally.totals("accounts")]
    number, held = tally.from_the_top("accounts"), tally.from_the_top("lifetime_value")
    best, worst = held_by_first(number, held, sizes), held_by_first(number[:, ::-1], held[:, ::-1], sizes)
    return [
        one.above * other.below / (one.below * other.above) if size and other.above else None
        for one, other, size in zip(best, worst, sizes, strict=True)
    ]


def concentration(tally: Tally) -> list[float | None]:
    """The Herfindahl-Hirschman index of revenue over tiers: the sum of squared shares in percent, up to 10,000."""
    held = [int(part) for part in tally.by_tier("revenue_start")]
    return [10_000 * sum(part**2 for part in held) / sum(held) ** 2 if sum(held) else None]


def _auc(outcome: str) -> Callable[[Tally], list[float | None]]:
    return lambda tally: area(tally, outcome, f"not_{outcome}", rising=towards(outcome, rising=tally.rising))


def towards(outcome: str, *, rising: bool) -> bool:
    """Whether a higher score says that an outcome comes: retention of a health score, churn of a risk score."""
    return rising == (outcome == "retained")


SCALARS = (
    Scalar("auc_roc_retain", ("retained", "not_retained"), _auc("retained")),
    Scalar("auc_roc_churn", ("churned", "not_churned"), _auc("churned")),
    Scalar("revenue_capture_at_20", ("revenue_start", "paying"), capture),
    Scalar("tier_separation", ("accounts", "lifetime_value"), separation),
    Scalar("revenue_hhi", ("revenue_start",), concentration),
)
PER_TIER = (
    PerTier("nrr", ("ended_with",), ("revenue_start",)),
    PerTier("grr", ("retained_revenue",), ("revenue_start",)),
    PerTier("logo_retention", ("kept_logos",), ("logos",)),
    PerTier("expansion", ("expansion",), ("revenue_start",)),
    PerTier("contraction", ("contraction",), ("revenue_start",)),
    PerTier("quick_ratio", ("expansion", "new"), ("contraction", "lost")),
    PerTier("winback", ("returned",), ("churned",)),
    PerTier("activation", ("activated",), ("accounts",)),
    PerTier("arpa", ("revenue_start",), ("paying",), unit=100),
    Share("tier_share", ("accounts",), ("accounts",)),
)
BY_SEGMENT = tuple(measure for measure in SCALARS if measure.name in {
    "auc_roc_retain", "auc_roc_churn", "revenue_capture_at_20",
})  # fmt: skip
_MOVED = (("revenue_start", "revenue_end"),)
NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {  # measure -> sets of outcomes, one of which will do
    "auc_roc_retain": (("retained",),),
    "auc_roc_churn": (("churned",),),
    "revenue_capture_at_20": (("revenue_start",),),
    "tier_separation": (("lifetime_value",),),
    "revenue_hhi": (("revenue_start",),),
    "nrr": _MOVED,
    "grr": _MOVED,
    "logo_retention": (*_MOVED, ("retained",), ("churned",)),
    "expansion": _MOVED,
    "contraction": _MOVED,
    "quick_ratio": _MOVED,
    "winback": (("churned", "returned"),),
    "activation": (("activated",),),
    "arpa": (("revenue_start",),),
    "tier_share": ((),),
}


def measured(tally: Tally) -> dict[str, float]:
    """Every metric that the tally's facts allow, by name."""
    found = {one.name: one.of(tally)[0] for one in SCALARS if tally.index.keys() >= set(one.needs)}
    metrics = {name: value for name, value in found.items() if value is not None}
    for measure in PER_TIER:
        if tally.index.keys() >= set(measure.needs):
            metrics |= {f"{measure.name}.{tier}": value for tier, value in measure.of(tally)}
    return metrics


def facts_of(metric: str) -> tuple[str, ...]:
    """The facts that one metric is made of. Raises KeyError for what is no metric of the whole table."""
    known: dict[str, Scalar | PerTier] = {one.name: one for one in (*SCALARS, *PER_TIER)}
    needs = known[metric.partition(".")[0]].needs
    return tuple(dict.fromkeys(needs))


def over_segments(segment: str, tally: Tally) -> dict[str, float]:
    """The worst value, and the gap between the best and the worst, over the groups of a segment that have one."""
    metrics = {}
    for measure in BY_SEGMENT:
        if not tally.index.keys() >= set(measure.needs):
            continue
        values = [value for value in measure.of(tally) if value is not None]
        if len(values) > 1:
            metrics[f"{measure.name}.{segment}.worst"] = min(values)
            metrics[f"{measure.name}.{segment}.gap"] = max(values) - min(values)
    return metrics


def absent(outcomes: Collection[str]) -> dict[str, str]:
    """Measure -> why it is not computed, for the outcomes that columns.yaml names."""
    found = {}
    for name, ways in NEEDS.items():
        if not any(set(way) <= set(outcomes) for way in ways):
            lacking = [word for word in ways[0] if word not in outcomes]
            found[name] = f"columns.yaml names no column for {' and '.join(lacking)}"
    return found
