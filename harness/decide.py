"""Whether a candidate becomes the incumbent. Pure: the same state gives the same decision, with its reason.

    state = step(state, pair)
    decide(state, rule) -> Measure(n) | Keep(reason, why) | Discard(reason, why)

Values are compared unrounded. A gain counts when it is above 0 and at least the metric's min_effect. Guards and
tolerances are measured against the night's base, not the incumbent, so that small losses cannot add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


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

    def gain(self, before: float, after: float) -> float:
        """How much better `after` is than `before`, in the metric's unit; negative when worse."""
        return after - before if self.goal == "maximize" else before - after


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


@dataclass(frozen=True)
class Measured:
    """One side of a comparison. complexity: lines of code, or non-zero leaves of data; less is simpler."""

    metrics: Mapping[str, float]
    complexity: int


@dataclass(frozen=True)
class Pair:
    """Incumbent and candidate, measured for one comparison."""

    incumbent: Measured
    candidate: Measured


@dataclass(frozen=True)
class State:
    """What a decision rests on. base: the metrics of the night's unchanged file."""

    base: Mapping[str, float]
    pair: Pair | None = None


@dataclass(frozen=True)
class Keep:
    reason: str  # better | simpler
    why: str


@dataclass(frozen=True)
class Discard:
    reason: str  # worse | tie | guard
    why: str


@dataclass(frozen=True)
class Measure:
    """Not decided yet: measure so many more pairs."""

    pairs: int


Decision = Keep | Discard | Measure


def step(state: State, pair: Pair) -> State:
    """The state after one more pair."""
    return replace(state, pair=pair)


def decide(state: State, rule: Rule) -> Decision:
    """For metrics without noise one pair is enough."""
    if state.pair is None:
        return Measure(1)
    broken = broken_guard(state.base, state.pair.candidate.metrics, rule)
    if broken:
        return Discard("guard", broken)
    return _RULES[rule.name](state, state.pair, rule)


def broken_guard(base: Mapping[str, float], metrics: Mapping[str, float], rule: Rule) -> str:
    """The first guard (under `every`, the first tolerance too) that does not hold, in words; else nothing."""
    for metric in rule.metrics:
        limits = [metric.guard] if metric.guard else []
        if rule.name == "every" and metric is not rule.primary:
            limits.append(metric.tolerance)
        for limit in limits:
            loss = -metric.gain(base[metric.name], metrics[metric.name])
            if loss > limit.allowed(base[metric.name]):
                return (
                    f"{metric.name} {base[metric.name]:.6g} -> {metrics[metric.name]:.6g}, "
                    f"worse by {loss:.6g}; at most {limit.allowed(base[metric.name]):.6g} allowed"
                )
    return ""


def combined(metrics: Mapping[str, float], rule: Rule) -> float:
    """The one number of a weighted rule; higher is better."""
    return sum(
        weight * _metric(rule, name).gain(0.0, metrics[name]) / rule.scales.get(name, 1.0)
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


def _metric(rule: Rule, name: str) -> Metric:
    return next(metric for metric in rule.metrics if metric.name == name)


def _one_number(gain: float, min_effect: float, label: str, pair: Pair) -> Decision:
    if gain > 0 and gain >= min_effect:
        return Keep("better", f"{label} {gain:+.6g}")
    if gain == 0:
        return _tie(label, pair)
    if gain > 0:
        return Discard("tie", f"{label} {gain:+.6g}, below min_effect {min_effect:g}")
    return Discard("worse", f"{label} {gain:+.6g}")


def _tie(label: str, pair: Pair) -> Decision:
    before, after = pair.incumbent.complexity, pair.candidate.complexity
    if after < before:
        return Keep("simpler", f"{label} equal, {before} -> {after}")
    return Discard("tie", f"{label} equal")


def _primary(_state: State, pair: Pair, rule: Rule) -> Decision:
    metric = rule.primary
    gain = metric.gain(pair.incumbent.metrics[metric.name], pair.candidate.metrics[metric.name])
    return _one_number(gain, metric.min_effect, metric.name, pair)


def _weighted(_state: State, pair: Pair, rule: Rule) -> Decision:
    gain = combined(pair.candidate.metrics, rule) - combined(pair.incumbent.metrics, rule)
    return _one_number(gain, rule.min_effect, "weighted score", pair)


def _pareto(_state: State, pair: Pair, rule: Rule) -> Decision:
    gains = {m: m.gain(pair.incumbent.metrics[m.name], pair.candidate.metrics[m.name]) for m in rule.metrics}
    for metric, gain in gains.items():
        if gain < 0:
            return Discard("worse", f"{metric.name} {gain:+.6g}")
    for metric, gain in gains.items():
        judged = metric.signal == "llm-judge"  # a language model may veto, never keep
        if gain > 0 and gain >= metric.min_effect and not judged:
            return Keep("better", f"{metric.name} {gain:+.6g}, none worse")
    if any(gains.values()):
        return Discard("tie", "no metric up by its min_effect")
    return _tie("every metric", pair)


_RULES = {"primary": _primary, "every": _primary, "weighted": _weighted, "pareto": _pareto}
