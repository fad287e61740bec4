"""Gains in the words of a reader: as the change of the metric itself, in its unit or, where it is compared by ratio, in
percent. A timing that gets better reads -12.3 %."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.pages.wording.text import count, label, percent
from harness.intervals import Mean
from harness.rule import Metric, Rule, Tolerance, combined, headline_name, metric_named


def headline(rule: Rule) -> Metric:
    """The metric that headline gains are gains of: the primary, or under `weighted` the combined number."""
    return Metric(headline_name(rule), "maximize") if rule.name == "weighted" else rule.primary


def compared(rule: Rule, found: Mapping[str, Any]) -> Metric:
    """The metric whose gain confirm measured; under `pareto` it may be another than the primary."""
    return headline(rule) if found["metric"] == headline_name(rule) else metric_named(rule, found["metric"])


def deciding(rule: Rule, before: Mapping[str, float], after: Mapping[str, float]) -> Metric:
    """The metric that an exact comparison was decided by: the headline; under `pareto`, of those that are better by
    their min_effect, the one whose gain is the largest multiple of it. before, after: empty where nothing is known."""
    if rule.name != "pareto" or not before or not after:
        return headline(rule)
    moved = {metric: metric.gain(before[metric.name], after[metric.name]) for metric in rule.metrics}
    enough = [
        metric
        for metric, gain in moved.items()
        if gain > 0 and gain >= metric.min_effect and metric.signal != "llm-judge"
    ]
    multiple = {metric: moved[metric] / metric.min_effect if metric.min_effect else math.inf for metric in enough}
    return max(enough, key=lambda metric: multiple[metric], default=rule.primary)


def number(rule: Rule, metric: Metric, metrics: Mapping[str, float]) -> float:
    """The value of a metric, or of the combined number where it stands for that."""
    weighted = rule.name == "weighted" and metric.name == headline_name(rule)
    return combined(metrics, rule) if weighted else metrics[metric.name]


def edge(metric: Metric, limit: Tolerance, before: float) -> float:
    """The worst value that a limit allows."""
    allowed = metric.allowed(limit, before) * (-1 if metric.goal == "maximize" else 1)
    return before * math.exp(allowed) if metric.compare == "ratio" else before + allowed


def direction(metric: Metric) -> str:
    return "higher is better" if metric.goal == "maximize" else "lower is better"


def change(metric: Metric, gain: float) -> float:
    """What a gain does to the metric: in its unit, or in percent."""
    signed = gain if metric.goal == "maximize" else -gain
    return 100 * math.expm1(signed) if metric.compare == "ratio" else signed


def shown(metric: Metric, gain: float, *, like: Sequence[float] = ()) -> str:
    """-12.3 %, or +0.0123 in the metric's unit. like: gains beside it, whose decimals it takes."""
    return _told([change(metric, each) for each in (gain, *like)], percent=metric.compare == "ratio")


def against(metric: Metric, gain: float, base: float, *, like: Sequence[float] = ()) -> str:
    """The same in percent of the base's value, which is not 0."""
    return _told([100 * change(metric, each) / abs(base) for each in (gain, *like)], percent=True)


def interval(metric: Metric, found: Mapping[str, Any], say: Callable[..., str] = shown) -> str:
    """-12.3 %, 95 % interval -14.0 % to -10.6 %. found: gain, low, high, confidence; say: as `shown`."""
    gains = [found["low"], found["high"]]
    low, high = sorted(gains, key=lambda gain: change(metric, gain))
    ends = f"{say(metric, low, like=gains)} to {say(metric, high, like=gains)}"
    return f"{say(metric, found['gain'], like=gains)}, {percent(found['confidence'])} interval {ends}"


def fresh(rule: Rule, found: Mapping[str, Any], say: Callable[..., str] = shown) -> str:
    """seconds -12.3 %, 95 % interval -14.0 % to -10.6 %, from 40 fresh pairs"""
    metric = compared(rule, found)
    return f"{label(metric.name)} {interval(metric, found, say)}, from {count(found['pairs'], 'fresh pair')}"


def remeasured(rule: Rule, confirmed: Mapping[str, Any], again: Mean, kind: str = "confirmed") -> str:
    """A noisy result that was measured again, held against its interval of this kind, in one line."""
    metric = compared(rule, confirmed)
    gains = [confirmed["low"], confirmed["high"]]
    low, high = sorted(gains, key=lambda gain: change(metric, gain))
    there = f"{shown(metric, low, like=gains)} to {shown(metric, high, like=gains)}"
    now = f"{metric.name} {shown(metric, again.gain, like=gains)} in {count(again.pairs, 'pair')}"
    if confirmed["low"] <= again.gain <= confirmed["high"]:
        return f"{now}: inside the {kind} interval, {there}"
    if again.low <= confirmed["high"] and confirmed["low"] <= again.high:
        return f"{now}: outside the {kind} interval, {there}, and too few pairs to contradict it"
    return f"{now}: NOT the same; the {kind} interval is {there}, and the two do not overlap"


def _told(changes: Sequence[float], *, percent: bool) -> str:
    """The first of these changes, with the decimals that the largest asks for."""
    found, largest = changes[0], _magnitude(max(map(abs, changes)))
    decimals = max(1, min(4, 1 - largest)) if percent else max(0, min(10, 2 - largest))
    text = "0" if abs(found) < 0.5 * 10**-decimals else f"{found:+,.{decimals}f}"
    return f"{text} %" if percent else text


def _magnitude(number: float) -> int:
    return math.floor(math.log10(number)) if number > 0 else 0
