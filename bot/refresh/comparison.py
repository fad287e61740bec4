"""Incumbent and candidate on the later accounts: the gain with its interval, who changes tier, what segments lose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot import disclosure
from bot.pages.wording.text import cell_code
from bot.refresh.inputs import LATER, SEARCH, Inputs, Policy
from harness import holdout
from harness.errors import EvaluatorError
from harness.scorers.saas import absence, influence
from harness.scorers.saas.accounts import Facts, Ints
from harness.scorers.saas.measures import SCALARS, Scalar
from harness.scorers.saas.scored import Scored, scored
from harness.scorers.saas.tally import add_up


@dataclass(frozen=True)
class SegmentChange:
    """One value of one segment, by the primary metric. None: it cannot be computed there, as with one class alone."""

    segment: str
    value: str
    size: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Comparison:
    """before, after: incumbent and candidate on the later accounts; in_sample: both on the accounts of the search."""

    before: Scored
    after: Scored
    in_sample: tuple[float, float]
    interval: holdout.Interval
    segments: tuple[SegmentChange, ...]
    goal: str

    @property
    def moved(self) -> int:
        """How many accounts change tier."""
        return int(np.count_nonzero(self.before.tiers != self.after.tiers))


@dataclass(frozen=True)
class Gate:
    """One condition, whether it holds, and the figures that say so."""

    name: str
    holds: bool
    says: str


def compare(inputs: Inputs) -> Comparison:
    """Raises InvalidCandidate where a spec does not fit the later features, EvaluatorError where accounts are too few
    or without the metric."""
    later, goal = inputs.accounts[LATER], inputs.primary.goal
    before, after = (
        scored(version.spec, later, rising=inputs.rising) for version in (inputs.incumbent, inputs.candidate)
    )
    _require(inputs, after)
    rows = [
        influence.strata(inputs.primary.name, one.spec, one.points, later.facts, rising=inputs.rising)
        for one in (before, after)
    ]
    if rows[0] is None or rows[1] is None:
        raise ValueError(f"{inputs.primary.name} has no per-account values")
    search = inputs.accounts[SEARCH]
    name = inputs.primary.name
    in_sample = [
        scored(version.spec, search, rising=inputs.rising).metrics[name]
        for version in (inputs.incumbent, inputs.candidate)
    ]
    return Comparison(
        before, after, (in_sample[0], in_sample[1]),
        _interval(rows[0], rows[1], goal), tuple(_segments(inputs, before, after)), goal,
    )  # fmt: skip


def _require(inputs: Inputs, later: Scored) -> None:
    """That the later accounts have the metric at all."""
    if (name := inputs.primary.name) not in later.metrics:
        raise EvaluatorError(
            f"{inputs.table.name}: {name} has no value: {absence.accounts_lack(name)}",
            next_step="a period that is long enough for some accounts to leave",
        )


def _interval(before: influence.Strata, after: influence.Strata, goal: str) -> holdout.Interval:
    try:
        return holdout.paired_interval(before, after, goal)
    except holdout.TooFewRows as few:
        raise EvaluatorError(f"the later accounts cannot show a gain: {few}", next_step="more accounts") from None


def _segments(inputs: Inputs, before: Scored, after: Scored) -> list[SegmentChange]:
    block = inputs.accounts[LATER]
    scalar = next(scalar for scalar in SCALARS if scalar.name == inputs.primary.name)
    found = []
    for segment, codes in block.segments.items():
        for value, where in disclosure.groups(inputs.target, codes, block.values[segment]).items():
            facts = Facts.of(block.facts, scalar.needs, where)
            few = inputs.target.private and where.size < disclosure.FEWEST
            values = [None if few else _alone(scalar, one, where, facts, inputs) for one in (before, after)]
            found.append(SegmentChange(segment, value, where.size, *values))
    return found


def _alone(scalar: Scalar, one: Scored, where: Ints, facts: Facts, inputs: Inputs) -> float | None:
    return scalar.of(add_up(one.spec, one.points[where], facts, rising=inputs.rising))[0] if where.size else None


def gates(found: Comparison, policy: Policy) -> tuple[Gate, ...]:
    """What must hold before a human is asked to look. Nothing is promoted by it."""
    interval, size = found.interval, found.before.points.size
    share = found.moved / size
    return (
        Gate(
            "gain", interval.gain >= policy.min_gain and interval.low > 0,
            f"gain {interval.gain:+.4f}, {interval.confidence:.0%} interval {interval.low:+.4f} to "
            f"{interval.high:+.4f}, on {size:,} later accounts; asked for: at least {policy.min_gain:g}, and the "
            "interval above 0",
        ),
        Gate(
            "tiers", share <= policy.most_moved,
            f"{found.moved:,} of {size:,} accounts change tier ({share:.1%}); at most {policy.most_moved:.0%}",
        ),
        _segment_gate(found, policy),
    )  # fmt: skip


def _segment_gate(found: Comparison, policy: Policy) -> Gate:
    sign = 1 if found.goal == "maximize" else -1
    unknown = [one for one in found.segments if one.before is None or one.after is None]
    losses = {
        (one.segment, one.value): sign * (one.before - one.after)
        for one in found.segments
        if one.before is not None and one.after is not None
    }
    if unknown:
        first = unknown[0]
        where = cell_code(f"{first.segment}: {first.value}")
        says = f"{where} ({first.size} accounts) cannot be judged: one class alone, or too few"
        return Gate("segments", False, says)
    if not losses:
        return Gate("segments", True, "no segments are named in columns.yaml, so none was looked at")
    (segment, value), loss = max(losses.items(), key=lambda entry: entry[1])
    says = f"the segment that fares worst, {cell_code(f'{segment}: {value}')}, moves by {-loss:+.4f}"
    return Gate("segments", loss <= policy.most_segment_loss, f"{says}; a loss of at most {policy.most_segment_loss:g}")
