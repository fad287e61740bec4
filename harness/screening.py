"""Screened: candidates that a bound on the primary metric rules out, so that the rest of them need not be computed.

A request in serve form may name a bar: what the incumbent scores by the primary metric. An evaluator that can tell
that a candidate falls short of it may answer with a bound instead of metrics. The bar is sent only where such a
candidate is discarded whatever its other metrics are: without noise, under the rules `primary` and `every`.

An equal value is a tie, which may be kept as simpler, so a bound that only reaches the bar decides nothing. Within a
batch the incumbent may change, but for the better or the same only: what falls short of the batch's bar falls short of
every incumbent after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.rule import Metric
from harness.target import Target

_RULES = frozenset({"primary", "every"})


def bar_of(target: Target, metrics: Mapping[str, float]) -> float | None:
    """The bar that an incumbent with these metrics sets; None where falling short of it would not decide."""
    if target.noise or target.evaluate.form != "serve" or target.rule.name not in _RULES:
        return None
    return metrics[target.rule.primary.name]


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
