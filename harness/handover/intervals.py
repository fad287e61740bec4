"""What confirm says of a noisy target once more, from the pairs and rounds that it wrote down."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import intervals
from harness.ablate import SEEDS
from harness.calibration import means
from harness.events import Event
from harness.handover.expected import Expected
from harness.handover.loop import Contradiction, Replay, check_metrics
from harness.rule import Metric, Rule, headline_gain, headline_name
from harness.schedule import Schedule

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Compared:
    """What base and head are compared by. of_values: the gain between two recorded headline values."""

    name: str
    min_effect: float
    gain: Callable[[Metrics, Metrics], float]
    of_values: Callable[[float, float], float]


def compared(rule: Rule, base: Metrics, claimed: Metrics) -> Compared:
    """The headline; under `pareto`, where it did not move enough, the first metric that is claimed to have."""
    chosen = rule.primary
    if rule.name == "weighted":
        gain = functools.partial(headline_gain, rule)
        return Compared(headline_name(rule), rule.headline_min_effect, gain, lambda one, other: other - one)
    if rule.name == "pareto":
        moved = [metric for metric in rule.metrics if _moved(metric, base, claimed)]
        chosen = chosen if chosen in moved or not moved else moved[0]
    name = chosen.name
    return Compared(name, chosen.min_effect, lambda one, other: chosen.gain(one[name], other[name]), chosen.gain)


def _moved(metric: Metric, base: Metrics, claimed: Metrics) -> bool:
    gain = metric.gain(base[metric.name], claimed[metric.name])
    return gain > 0 and gain >= metric.min_effect and metric.signal != "llm-judge"


def recompute_interval(event: Event, replay: Replay, rows: Sequence[bytes], on_the_way: Sequence[Event]) -> None:
    """The interval, its means, its guards and what each row adds follow from what was measured. rows: their contents.

    Raises Contradiction.
    """
    if event.get("repeat") != "varies" or not rows:
        raise Contradiction("it confirms a metric that varies as if it did not")
    by = compared(replay.expected.target.rule, replay.state.base_metrics, replay.state.metrics)
    base, head = check_pairs(event, replay)
    if event["search"] != {"base": means(base), "head": means(head)}:
        raise Contradiction("its means are not those of its pairs")
    check_mean(event, by, base, head)
    check_guards(replay.expected.target.rule, by, base, head)
    check_effects(event, by, on_the_way)


def check_pairs(event: Event, replay: Replay) -> tuple[list[Metrics], list[Metrics]]:
    """Both sides of the pairs, which are those of the schedule, from the first."""
    pairs = event.get("pairs")
    if not isinstance(pairs, list) or not intervals.LEAST_PAIRS <= len(pairs) <= intervals.MOST_PAIRS:
        raise Contradiction(f"fewer than {intervals.LEAST_PAIRS} pairs, or more than a test takes")
    for number, pair in enumerate(pairs, start=1):
        if not isinstance(pair, dict) or pair.keys() != {"seed", "order", "base", "head"}:
            raise Contradiction(f"pair {number} is none")
        for side in ("base", "head"):
            check_metrics(replay, pair[side])
        check_draw(replay.expected, number, pair)
    return [pair["base"] for pair in pairs], [pair["head"] for pair in pairs]


def check_draw(expected: Expected, number: int, pair: Mapping[str, Any]) -> None:
    due = Schedule(expected.seed, expected.coin).pair("confirm", 0, number)
    order = "bh" if due.incumbent_first else "hb"
    if pair["seed"] != due.seed or (expected.coin and pair["order"] != order):
        raise Contradiction(f"the seed or order of pair {number} is not the one that the schedule gives")


def check_mean(event: Event, by: Compared, base: Sequence[Metrics], head: Sequence[Metrics]) -> None:
    """The interval is that of the pairs, and lies above min_effect."""
    mean = intervals.paired([by.gain(one, other) for one, other in zip(base, head, strict=True)])
    due = {
        "metric": by.name, "gain": mean.gain, "low": mean.low, "high": mean.high, "confidence": mean.confidence,
        "lower": mean.lower, "min_effect": by.min_effect, "pairs": mean.pairs, "sd": mean.sd,
    }  # fmt: skip
    said = event.get("confirmed")
    if not isinstance(said, dict) or any(said.get(key) != value for key, value in due.items()):
        raise Contradiction("its interval is not that of its pairs")
    if mean.lower <= by.min_effect:
        raise Contradiction("its gain is not above min_effect")


def check_guards(rule: Rule, by: Compared, base: Sequence[Metrics], head: Sequence[Metrics]) -> None:
    """No limit is in doubt."""
    for metric in rule.metrics:
        gains = [metric.gain(one[metric.name], other[metric.name]) for one, other in zip(base, head, strict=True)]
        limits = [metric.guard] if metric.guard else []
        limits += [metric.tolerance] if rule.name == "every" and metric is not rule.primary else []
        level = statistics.fmean(one[metric.name] for one in base)
        if any(-intervals.paired(gains).lower > metric.allowed(limit, level) for limit in limits):
            raise Contradiction(f"the guard of {metric.name} is not shown to hold")
        worse = intervals.lower_bound([-gain for gain in gains], intervals.CONFIDENCE) > metric.min_effect
        if rule.name == "pareto" and metric.name != by.name and worse:
            raise Contradiction(f"{metric.name} is worse, and pareto allows no metric to be")


def check_effects(event: Event, by: Compared, on_the_way: Sequence[Event]) -> None:
    """A lone row adds the whole gain; several add what the last round of the ablation found."""
    entries = event["rows"]
    rounds = [found for found in on_the_way if found["event"] == "ablate"]
    if len(entries) == 1:
        if entries[0]["adds"] != event["confirmed"]["gain"]:
            raise Contradiction("row 1: it does not add what was measured")
        return
    if not rounds or not isinstance(rounds[-1].get("effects"), list):
        raise Contradiction("several rows, and no round of an ablation")
    found = {str(effect.get("group")): _effect(by, rounds[-1], effect) for effect in rounds[-1]["effects"]}
    for entry in entries:
        if found.get(entry["change"]) != entry["adds"]:
            raise Contradiction(f"row {entry['number']}: it does not add what was measured")


def _effect(by: Compared, taken: Event, effect: Mapping[str, Any]) -> float:
    """The mean gain of a group over the seeds of a round."""
    values, head = effect.get("values"), taken.get("head")
    if not isinstance(values, list) or not isinstance(head, list) or not len(values) == len(head) == SEEDS:
        raise Contradiction("a round of the ablation without its values")
    return statistics.fmean(by.of_values(float(one), float(other)) for one, other in zip(values, head, strict=True))
