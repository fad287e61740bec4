"""Metrics, and the rule by which they make a decision: what target.yaml declares, and the arithmetic of a gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tolerance:
    """How much worse a metric may get: an amount, or (relative) a share of the base's absolute value."""

    amount: float = 0.0
    relative: bool = False

    def allowed(self, base: float) -> float:
        return self.amount * abs(base) if self.relative else self.amount


@dataclass(frozen=True)
class Metric:
    """One number that the evaluator reports."""

    name: str
    goal: str  # "maximize" or "minimize"
    min_effect: float = 0.0
    guard: Tolerance | None = None
    tolerance: Tolerance = Tolerance()
    signal: str = ""
    labels: str = ""
    compare: str = "difference"  # or "ratio"
    floor: float | None = None
    ceiling: float | None = None

    def gain(self, before: float, after: float) -> float:
        """How much better `after` is than `before`; negative when worse. In the metric's unit, or a log ratio."""
        if self.compare == "ratio":
            ratio = math.log(after) - math.log(before)
            return ratio if self.goal == "maximize" else -ratio
        return after - before if self.goal == "maximize" else before - after

    def alone(self, value: float) -> float:
        """A value as a part of a sum: higher is better."""
        return self.gain(1.0 if self.compare == "ratio" else 0.0, value)

    def allowed(self, tolerance: Tolerance, base: float) -> float:
        """The largest loss, as `gain` counts it, that a tolerance allows."""
        if self.compare == "ratio":
            return math.log1p(tolerance.amount if tolerance.relative else tolerance.amount / base)
        return tolerance.allowed(base)


@dataclass(frozen=True)
class Rule:
    """How metrics make a decision: primary, pareto, weighted or every. The first metric is the primary."""

    name: str
    metrics: tuple[Metric, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    min_effect: float = 0.0

    @property
    def primary(self) -> Metric:
        return self.metrics[0]

    @property
    def headline_min_effect(self) -> float:
        """The smallest headline gain that counts."""
        return self.min_effect if self.name == "weighted" else self.primary.min_effect


def declared(metrics: Mapping[str, float], rule: Rule) -> dict[str, float]:
    """What the rule knows of; whatever else an evaluator reports decides nothing, and may vary."""
    return {metric.name: metrics[metric.name] for metric in rule.metrics}


def combined(metrics: Mapping[str, float], rule: Rule) -> float:
    """The one number of a weighted rule; higher is better."""
    return sum(
        weight * metric_named(rule, name).alone(metrics[name]) / rule.scales.get(name, 1.0)
        for name, weight in rule.weights.items()
    )


def headline_gain(rule: Rule, before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The gain that the rule cares for: of the combined number for `weighted`, else of the primary metric."""
    if rule.name == "weighted":
        return combined(after, rule) - combined(before, rule)
    return rule.primary.gain(before[rule.primary.name], after[rule.primary.name])


def headline_name(rule: Rule) -> str:
    """What `headline_gain` is a gain of."""
    return "the weighted score" if rule.name == "weighted" else rule.primary.name


def metric_named(rule: Rule, name: str) -> Metric:
    return next(metric for metric in rule.metrics if metric.name == name)
