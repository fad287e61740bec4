"""Whether a candidate becomes the incumbent. Pure: the same state gives the same decision, with its reason.

    state = step(state, pair)               (with noise: step(state, pair, rule))
    decide(state, rule, share) -> Measure(n) | Keep(reason, why) | Discard(reason, why)

Values are compared unrounded. A gain counts when it is above 0 and at least the metric's min_effect. Guards and
tolerances are measured against the night's base, not the incumbent, so that small losses cannot add up.

Metrics with noise get a share of the night's error budget: then the state gathers evidence over pairs, and a candidate
is kept when it reaches the share's threshold. Their guards compare the two sides of the pairs, since a value from the
start of the night says nothing about the machine of now; confirm holds them against the base once more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.evidence import Evidence
from harness.rule import Metric, Rule, Tolerance, combined, metric_named


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
class Share:
    """One try's part of the error budget. threshold: N / alpha, what its evidence must reach; max_pairs: at most."""

    threshold: float
    max_pairs: int


@dataclass(frozen=True)
class State:
    """What a decision rests on. base: the metrics of the night's unchanged file; pair: the last one.

    evidence: of each comparison that could keep (`comparisons`); gains: sums over the pairs, per metric.
    """

    base: Mapping[str, float]
    pair: Pair | None = None
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Keep:
    reason: str  # better | simpler
    why: str


@dataclass(frozen=True)
class Discard:
    reason: str  # worse | tie | guard | within-noise
    why: str


@dataclass(frozen=True)
class Measure:
    """Not decided yet: measure so many more pairs."""

    pairs: int


Decision = Keep | Discard | Measure

WEIGHTED = "the weighted score"
_NOTHING = Evidence()


def step(state: State, pair: Pair, rule: Rule | None = None) -> State:
    """The state after one more pair. rule: for metrics with noise, whose evidence adds up."""
    if rule is None:
        return State(state.base, pair)
    before, after = pair.incumbent.metrics, pair.candidate.metrics
    evidence = {
        name: state.evidence.get(name, _NOTHING).add(_gain(rule, name, before, after) - least)
        for name, least in comparisons(rule).items()
    }
    gains = {
        metric.name: state.gains.get(metric.name, 0.0) + metric.gain(before[metric.name], after[metric.name])
        for metric in rule.metrics
    }
    return State(state.base, pair, evidence, gains)


def decide(state: State, rule: Rule, share: Share | None = None) -> Decision:
    """share: None for metrics without noise, for which one pair is enough."""
    if state.pair is None:
        return Measure(1)
    if share is not None:
        return _noisy(state, rule, share)
    broken = broken_guard(state.base, state.pair.candidate.metrics, rule)
    if broken:
        return Discard("guard", broken)
    return _RULES[rule.name](state, state.pair, rule)


def broken_guard(base: Mapping[str, float], metrics: Mapping[str, float], rule: Rule) -> str:
    """The first guard (under `every`, the first tolerance too) that does not hold, in words; else nothing."""
    for metric in rule.metrics:
        for limit in _limits(metric, rule):
            loss, allowed = (
                -metric.gain(base[metric.name], metrics[metric.name]),
                metric.allowed(limit, base[metric.name]),
            )
            if loss > allowed:
                return (
                    f"{metric.name} {base[metric.name]:.6g} -> {metrics[metric.name]:.6g}, "
                    f"worse by {loss:.6g}; at most {allowed:.6g} allowed"
                )
    return ""


def _limits(metric: Metric, rule: Rule) -> list[Tolerance]:
    limits = [metric.guard] if metric.guard else []
    return [*limits, metric.tolerance] if rule.name == "every" and metric is not rule.primary else limits


def comparisons(rule: Rule) -> dict[str, float]:
    """What could keep a candidate: names (a metric's, or the weighted score's), each with its min_effect."""
    if rule.name == "weighted":
        return {WEIGHTED: rule.min_effect}
    if rule.name != "pareto":
        return {rule.primary.name: rule.primary.min_effect}
    # A language model's judgement may veto, never keep.
    return {metric.name: metric.min_effect for metric in rule.metrics if metric.signal != "llm-judge"}


def _gain(rule: Rule, name: str, before: Mapping[str, float], after: Mapping[str, float]) -> float:
    if name == WEIGHTED:
        return combined(after, rule) - combined(before, rule)
    return metric_named(rule, name).gain(before[name], after[name])


def _noisy(state: State, rule: Rule, share: Share) -> Decision:
    """Where any of several comparisons could keep, they share the try's part of the error budget."""
    threshold = math.log(share.threshold * len(state.evidence))
    for name, evidence in state.evidence.items():
        if evidence.log_e >= threshold and evidence.mean > 0:
            return _not_worse(state, rule, name, evidence)
    if all(evidence.tied for evidence in state.evidence.values()):
        return Discard("tie", f"no difference in {_pairs(state)} pairs")
    if all(evidence.hopeless for evidence in state.evidence.values()) or _pairs(state) >= share.max_pairs:
        return _given_up(state)
    return Measure(1)


def _given_up(state: State) -> Discard:
    name, best = max(state.evidence.items(), key=lambda entry: entry[1].log_e)
    reason = "worse" if best.total < -2 * math.sqrt(best.squares) else "within-noise"
    return Discard(
        reason, f"{name} {best.mean:+.4g} beyond min_effect, evidence {best.log_e:.1f} in {best.pairs} pairs"
    )


def _not_worse(state: State, rule: Rule, name: str, evidence: Evidence) -> Decision:
    """What else must hold when one comparison has passed: guards, tolerances, and under pareto every other metric."""
    for metric in rule.metrics:
        loss = -state.gains[metric.name] / _pairs(state)
        limits = [metric.allowed(limit, state.base[metric.name]) for limit in _limits(metric, rule)]
        if rule.name == "pareto" and metric.name != name:
            limits.append(metric.min_effect)
        for limit in limits:
            if loss > limit:
                return Discard("guard", f"{metric.name} worse by {loss:.4g} on average; at most {limit:.4g} allowed")
    return Keep("better", f"{name} {evidence.mean:+.4g} beyond min_effect, evidence {evidence.log_e:.1f}")


def _pairs(state: State) -> int:
    return next(iter(state.evidence.values())).pairs


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
