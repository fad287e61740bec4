"""What a target.yaml says that a proposer may know: metrics, what counts as a gain, what is checked, what may change.

Nothing of its evaluator, its data or its hidden files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.proposers.mind.fence import visible
from harness.rule import Metric, Rule, Tolerance
from harness.space import Allowed, Space
from harness.target import Target

_RULES = {
    "primary": "A change is kept if the first metric gains by its minimum and every guard holds.",
    "every": "A change is kept if the first metric gains by its minimum and no other loses beyond its tolerance.",
    "pareto": "A change is kept if no metric gets worse and at least one gains by its minimum.",
    "weighted": "A change is kept if the weighted sum of the metrics gains by its minimum and every guard holds.",
}


def facts(target: Target) -> str:
    """Several lines, all of them the same for a whole night."""
    return "".join(f"{visible(line)}\n" for line in _lines(target))


def _lines(target: Target) -> Iterator[str]:
    yield f"File: {target.file}"
    yield "Metrics, the first is the primary:"
    yield from (f"- {_metric(metric, target.rule)}" for metric in target.rule.metrics)
    yield _RULES[target.rule.name] + (
        f" The minimum of the sum: {target.rule.min_effect:g}." if target.rule.name == "weighted" else ""
    )
    yield from _measuring(target)
    yield from _space(target.space)


def _metric(metric: Metric, rule: Rule) -> str:
    said = [f"{metric.name}: {'higher' if metric.goal == 'maximize' else 'lower'} is better"]
    if metric.min_effect:
        said.append(f"a gain counts from {metric.min_effect:g}")
    if metric.compare == "ratio":
        said.append("compared by ratio")
    if metric.guard:
        said.append(f"guard: may lose at most {_tolerance(metric.guard)} against the night's base")
    if rule.name == "every" and metric is not rule.primary:
        said.append(f"may lose at most {_tolerance(metric.tolerance)}")
    if metric.name in rule.weights:
        said.append(f"weight {rule.weights[metric.name]:g} per {rule.scales.get(metric.name, 1.0):g}")
    if metric.floor is not None:
        said.append(f"below {metric.floor:g} nothing is believed")
    if metric.ceiling is not None:
        said.append(f"above {metric.ceiling:g} nothing is believed")
    return "; ".join(said)


def _tolerance(tolerance: Tolerance) -> str:
    return f"{tolerance.amount:.4g} of its value" if tolerance.relative else f"{tolerance.amount:g}"


def _measuring(target: Target) -> Iterator[str]:
    if target.noise:
        yield (
            "The metrics vary from run to run. A change is measured side by side with the file as it stands, in up to "
            f"{target.noise.max_pairs} pairs, until the gain is beyond chance or hopeless: small gains are not found."
        )
    else:
        simpler = "non-zero values" if target.is_data else "lines"
        yield f"The same file always gets the same score. At an equal score, fewer {simpler} are kept as simpler."
    yield (
        "In the morning everything that was kept is measured again from scratch, by another process"
        + (", on data that nobody has seen in the loop" if target.sample or target.hidden else "")
        + ", and each part of the change must still pay. What only fits this measurement is lost then."
    )


def _space(space: Space) -> Iterator[str]:
    if space:
        yield "What may change (JSON pointers; * is any one key); nothing else, and nothing is added or removed:"
        yield from (f"- /{'/'.join(pattern)}: {_allowed(allowed)}" for pattern, allowed in space.rules)


def _allowed(allowed: Allowed) -> str:
    if allowed.kind == "locked":
        return "locked"
    if allowed.kind == "choice":
        return f"one of {', '.join(map(json.dumps, allowed.choices))}"
    kind = "whole number" if allowed.kind == "int" else "number"
    return f"{kind} from {allowed.low:.15g} to {allowed.high:.15g}" + (", by its order of magnitude" * allowed.log)
