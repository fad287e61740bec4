"""Screened: candidates that a bound on the primary metric rules out, so that the rest of them need not be computed.

A request in serve form may name a bar: what the incumbent scores by the primary metric. An evaluator that can tell
that a candidate falls short of it may answer with a bound instead of metrics. The bar is sent only where such a
candidate is discarded whatever its other metrics are: without noise, under the rules `primary` and `every`.

An equal value is a tie, which may be kept as simpler, so a bound that only reaches the bar decides nothing. Within a
batch the incumbent may change, but for the better or the same only: what falls short of the batch's bar falls short of
every incumbent after it.

With noise a screen (`noise.screen`) measures a candidate once, at a share of the full cost. What falls short of the
incumbent there gets no duel. No such measurement is ever evidence for anything: so here a forecast is as good as a
bound, and the evaluator may stop a measurement that it foresees to fall short.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Any

from harness.rule import Metric
from harness.schedule import Schedule
from harness.target import Screen, Target

RULES = frozenset({"primary", "every"})
LARGEST = 1e150


def bar_of(target: Target, metrics: Mapping[str, float]) -> float | None:
    """The bar that an incumbent with these metrics sets; None where falling short of it would not decide."""
    if target.noise or target.evaluate.form != "serve" or target.rule.name not in RULES:
        return None
    return metrics[target.rule.primary.name]


def screen_bar(metric: Metric, incumbent: float, behind: float) -> float:
    """What a candidate must reach at the share of the cost at which the incumbent scored this."""
    return moved(metric, incumbent, -behind)


def moved(metric: Metric, value: float, gain: float) -> float:
    """The value that is better than this one by so much, as the metric counts gains; within what a record can hold."""
    gain = gain if metric.goal == "maximize" else -gain
    found = value * exp(gain) if metric.compare == "ratio" else value + gain
    return max(-LARGEST, min(found, LARGEST))


def value_of(metric: Metric, screen: Mapping[str, Any]) -> float | None:
    """What the candidate of a recorded screen scores at the share, or is foreseen to; None where nobody knows."""
    found: float | None = screen["candidate"].get(metric.name, screen.get("bound"))
    return found


def lost(metric: Metric, screen: Screen, seen: Mapping[str, Any]) -> float | None:
    """The gain, below 0, for which a recorded screen rules its candidate out; None where it does not."""
    value = value_of(metric, seen)
    if value is None:
        return None
    incumbent = seen["incumbent"][metric.name]
    if not falls_short(metric, value, screen_bar(metric, incumbent, screen.behind)):
        return None
    return metric.gain(incumbent, value)


def screen_seed(schedule: Schedule, keeps: int) -> int:
    """The seed of all screens against the incumbent that so many keeps have made: of a block that no duel uses."""
    return schedule.number("screen", keeps)


def falls_short(metric: Metric, bound: float, bar: float) -> bool:
    """Whether a candidate that scores `bound` at best is worse than the bar.

    Counted as a gain, as decisions count it: two values whose logarithms are one float tie, though they differ.
    """
    if metric.compare == "ratio" and bound <= 0:
        return False
    return metric.gain(bar, bound) < 0


def holds(metric: Metric, bound: float, value: float) -> bool:
    """Whether a value is no better than the bound."""
    return value <= bound if metric.goal == "maximize" else value >= bound


def in_words(metric: Metric, bound: float) -> str:
    """at most 0.71"""
    return f"{'at most' if metric.goal == 'maximize' else 'at least'} {bound:.6g}"
