"""How far a target's metrics scatter: pairs of the unchanged file with itself, and what a night can tell from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import duel
from harness.duel import Fought, Ring
from harness.error_budget import ErrorBudget, detectable
from harness.rule import Rule, headline_gain

MOST = 1e300  # in place of infinity, which no record can hold


@dataclass(frozen=True)
class Scatter:
    """metrics: means over both sides; spread: standard deviation of a pair's gain; detectable: the gain beyond
    min_effect that a try keeps with 80 % power; order: mean gain of the side that was measured first, with its
    standard error. Gains as the headline counts them."""

    metrics: Mapping[str, float]
    pairs: int
    spread: float
    detectable: float
    order: float
    order_error: float


def calibrate(ring: Ring, content: bytes, wanted: int, before: Sequence[Fought] = ()) -> list[Fought]:
    """So many sound pairs of one content with itself; each goes through `ring.record`, which may raise."""
    found = list(before)
    while sum(not fought.void for fought in found) < wanted:
        found.append(duel.fight(ring, "calibration", 0, duel.next_number(found), content, content))
        ring.record(found[-1])
    return found


def scatter(rule: Rule, pairs: Sequence[Fought], budget: ErrorBudget) -> Scatter:
    """What sound A/A pairs say."""
    gains = [headline_gain(rule, pair.incumbent, pair.candidate) for pair in pairs]
    ahead = [-gain if pair.draw.incumbent_first else gain for gain, pair in zip(gains, pairs, strict=True)]
    return Scatter(
        means([side for pair in pairs for side in (pair.incumbent, pair.candidate)]), len(pairs),
        statistics.stdev(gains), min(detectable(gains, budget.share()), MOST),
        statistics.fmean(ahead), statistics.stdev(ahead) / math.sqrt(len(pairs)),
    )  # fmt: skip


def underpowered(rule: Rule, budget: ErrorBudget, found: Scatter) -> str:
    """Why no night of this size could keep what is worth keeping, and what would be enough; nothing where it can."""
    if not budget.affordable:
        return (
            f"among {budget.tries} tries the clearest gain takes {budget.least_pairs()} pairs to keep, and "
            f"noise.max_pairs is {budget.max_pairs}: allow more pairs, or plan fewer experiments"
        )
    least = rule.headline_min_effect
    if not 0 < least < found.detectable:
        return ""
    return (
        f"a gain counts beyond min_effect {least:.3g}, and what {budget.max_pairs} pairs tell from noise is "
        f"{found.detectable:.3g}: allow more pairs, plan fewer experiments, measure longer, or leave min_effect out"
    )


def means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric."""
    names = found[0] if found else {}
    return {name: statistics.fmean(metrics[name] for metrics in found) for name in names}
