"""Per-account values whose mean is a metric: what its paired held-out interval is made of.

An AUC has DeLong's placement values. The others are ratios of means, and an account's value is the metric plus its
influence on it, the linear term of the delta method: for R = mean(a) / mean(b), R + (a - R b) / mean(b). Where accounts
are chosen by a quantile of the score, the term for the quantile's own error is in it (Serfling 1980, Approximation
Theorems of Mathematical Statistics, section 2.5 and chapter 6). It needs what accounts at the cut hold on average:
taken over as many on either side as the square root of their number, since at a fine score one alone stands there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from harness.scorers.saas.accounts import Ints
from harness.scorers.saas.auc import placements
from harness.scorers.saas.capture import FIFTH, count_at
from harness.scorers.saas.measures import PER_TIER, QUARTER, Share
from harness.scorers.saas.spec import Spec
from harness.scorers.saas.tally import Floats, tier_of

# A tier of few accounts may look perfect by chance, and then has no variance that would say so. Simulated, a tier of 50
# passes a gate of 0.25 % by luck in 1.3-1.9 % of nights, of 100 in 0.6 %, of 300 in 0.3 %.
FEWEST_IN_TIER = 300

Strata = list[list[float]]


def strata(name: str, spec: Spec, points: Ints, facts: Mapping[str, Floats], *, rising: bool) -> Strata | None:
    """The strata of one metric for one spec; None for a metric that has none, or
    a tier of too few accounts. points: one per account."""
    if name in {"auc_roc_retain", "auc_roc_churn"}:
        label, stays = ("retained", True) if name.endswith("retain") else ("churned", False)
        signed = points if rising == stays else -points
        return [part.tolist() for part in placements(facts[label], signed)]
    better = points if rising else -points
    if name == "revenue_capture_at_20":
        return [_capture(better, facts).tolist()]
    if name == "tier_separation":
        return [_separation(better, facts["lifetime_value"]).tolist()]
    if name == "revenue_hhi":
        return [_concentration(tier_of(spec, points), facts["revenue_start"]).tolist()]
    return _per_tier(name, spec, points, facts)


def _per_tier(name: str, spec: Spec, points: Ints, facts: Mapping[str, Floats]) -> Strata | None:
    measure, _, tier = name.partition(".")
    tiers = [known for known, _at in spec.tiers]
    for known in PER_TIER:
        if known.name == measure and tier in tiers and set(known.needs) <= set(facts):
            inside = tier_of(spec, points) == tiers.index(tier)
            if isinstance(known, Share):
                return [inside.astype(float).tolist()]
            above = sum((facts[fact] for fact in known.numerator), np.zeros(points.size)) * inside
            below = sum((facts[fact] for fact in known.denominator), np.zeros(points.size)) * inside * known.unit
            return [_ratio(above, below).tolist()] if np.count_nonzero(below) >= FEWEST_IN_TIER else None
    return None


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio = above.sum() / below.sum()
    found: Floats = ratio + (above - ratio * below) / below.mean()
    return found


def _places(better: Ints, k: int, counted: Floats) -> tuple[Floats, Callable[[Floats], float]]:
    """The share of a place among the k best that each counted account has; and the mean of a fact at the cut."""
    chosen = counted > 0
    ordered = np.sort(better[chosen])
    at, reach = ordered.size - k, math.isqrt(ordered.size)
    above, tied = chosen & (better > ordered[at]), chosen & (better == ordered[at])
    share = above + tied * ((k - np.count_nonzero(above)) / np.count_nonzero(tied))
    low, high = ordered[max(at - reach, 0)], ordered[min(at + reach, ordered.size - 1)]
    near = chosen & (better >= low) & (better <= high)
    return share, lambda fact: float(fact[near].mean())


def _capture(better: Ints, facts: Mapping[str, Floats]) -> Floats:
    revenue, paying = facts["revenue_start"], facts["paying"]
    k = count_at(int(paying.sum()), FIFTH)
    share, at_cut = _places(better, k, paying)
    quantile = at_cut(revenue) * (share - k / paying.sum() * paying)
    captured = float(share @ revenue) / float(revenue.sum())
    found: Floats = captured + (share * revenue - quantile - captured * revenue) / revenue.mean()
    return found


def _separation(better: Ints, value: Floats) -> Floats:
    everybody = np.ones(value.size)
    k = count_at(value.size, QUARTER)
    best, at_best = _places(better, k, everybody)
    worst, at_worst = _places(-better, k, everybody)
    top = best * value - at_best(value) * (best - k / value.size)
    bottom = worst * value - at_worst(value) * (worst - k / value.size)
    return _ratio(top, bottom)


def _concentration(tier: Ints, revenue: Floats) -> Floats:
    shares = np.bincount(tier, weights=revenue, minlength=int(tier.max()) + 1) / revenue.sum()
    index = float((shares**2).sum())
    found: Floats = 1e4 * (index + 2 * (shares[tier] - index) * revenue / revenue.mean())
    return found
