"""What confirm says of a noisy target once more, from the pairs and rounds that it wrote down."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from harness import intervals
from harness.ablate import SEEDS
from harness.calibration import means
from harness.events import Event
from harness.handover.expected import Expected
from harness.handover.loop import Contradiction, Replay, check_metrics
from harness.rule import Metric, Rule, headline_gain, headline_name
from harness.schedule import Schedule, block_of

Metrics = Mapping[str, float]


def recompute_interval(event: Event, replay: Replay, rows: Sequence[bytes], on_the_way: Sequence[Event]) -> None:
    """The interval, its means, its guards and what each row adds follow from what was measured. rows: their contents.

    Raises Contradiction.
    """
    if event.get("repeat") != "varies" or not rows:
        raise Contradiction("it confirms a metric that varies as if it did not")
    rule = replay.expected.target.rule
    base, head = check_pairs(event, replay)
    if event["search"] != {"base": means(base), "head": means(head)}:
        raise Contradiction("its means are not those of its pairs")
    confidence = intervals.of_repeat(replay.expected.repeat)
    check_mean(event, rule, base, head, confidence)
    check_guards(rule, base, head, confidence)
    check_effects(event, rule, on_the_way)


def check_pairs(
    event: Event, replay: Replay, block: str = "confirm",
    count: tuple[int, int] = (intervals.LEAST_PAIRS, intervals.MOST_PAIRS),
) -> tuple[list[Metrics], list[Metrics]]:  # fmt: skip
    """Both sides of the pairs, which are those of the schedule's block, from the first. count: at least, at most."""
    pairs, (least, most) = event.get("pairs"), count
    if not isinstance(pairs, list) or not least <= len(pairs) <= most:
        raise Contradiction(f"fewer than {least} pairs, or more than a test takes")
    for number, pair in enumerate(pairs, start=1):
        if not isinstance(pair, dict) or pair.keys() != {"seed", "order", "base", "head"}:
            raise Contradiction(f"pair {number} is none")
        for side in ("base", "head"):
            check_metrics(replay, pair[side])
        check_draw(replay.expected, number, pair, block)
    return [pair["base"] for pair in pairs], [pair["head"] for pair in pairs]


def check_draw(expected: Expected, number: int, pair: Mapping[str, Any], block: str) -> None:
    """A night from elsewhere comes without its coin: then the seed must be of the block, whichever it is."""
    due = Schedule(expected.seed, expected.coin).pair(block, 0, number)
    drawn = (due.seed, "bh" if due.incumbent_first else "hb")
    right = (pair["seed"], pair["order"]) == drawn if expected.coin else _of_block(pair["seed"], block)
    if not right:
        raise Contradiction(f"the seed or order of pair {number} is not the one that the schedule gives")


def _of_block(seed: Any, block: str) -> bool:
    return type(seed) is int and block_of(seed) == block


def check_mean(
    event: Event, rule: Rule, base: Sequence[Metrics], head: Sequence[Metrics], confidence: float
) -> None:  # fmt: skip
    """The interval is that of the pairs, at the confidence that was due, and its bound lies above min_effect."""
    gains = [headline_gain(rule, one, other) for one, other in zip(base, head, strict=True)]
    mean = intervals.paired(gains, confidence)
    due = {
        "metric": headline_name(rule), "gain": mean.gain, "low": mean.low, "high": mean.high,
        "confidence": mean.confidence, "lower": mean.lower, "min_effect": rule.headline_min_effect,
        "pairs": mean.pairs, "sd": mean.sd,
    }  # fmt: skip
    said = event.get("confirmed")
    if not isinstance(said, dict) or any(said.get(key) != value for key, value in due.items()):
        raise Contradiction("its interval is not that of its pairs")
    if mean.lower <= rule.headline_min_effect:
        raise Contradiction("its gain is not above min_effect")


def check_guards(rule: Rule, base: Sequence[Metrics], head: Sequence[Metrics], confidence: float) -> None:
    """No limit is in doubt."""
    for metric in rule.metrics:
        gains = [metric.gain(one[metric.name], other[metric.name]) for one, other in zip(base, head, strict=True)]
        limits = [metric.guard] if metric.guard else []
        limits += [metric.tolerance] if rule.name == "every" and metric is not rule.primary else []
        level = statistics.fmean(one[metric.name] for one in base)
        if any(-intervals.paired(gains, confidence).lower > metric.allowed(limit, level) for limit in limits):
            raise Contradiction(f"the guard of {metric.name} is not shown to hold")


def check_effects(event: Event, rule: Rule, on_the_way: Sequence[Event]) -> None:
    """A lone row adds the whole gain; several add what the last round of the ablation found."""
    entries = event["rows"]
    rounds = [found for found in on_the_way if found["event"] == "ablate"]
    if len(entries) == 1:
        if entries[0]["adds"] != event["confirmed"]["gain"]:
            raise Contradiction("row 1: it does not add what was measured")
        return
    if not rounds or not isinstance(rounds[-1].get("effects"), list):
        raise Contradiction("several rows, and no round of an ablation")
    found = {str(effect.get("group")): _effect(rule, rounds[-1], effect) for effect in rounds[-1]["effects"]}
    for entry in entries:
        if found.get(entry["change"]) != entry["adds"]:
            raise Contradiction(f"row {entry['number']}: it does not add what was measured")


def _effect(rule: Rule, taken: Event, effect: Mapping[str, Any]) -> float:
    """The mean gain of a group over the seeds of a round."""
    values, head = effect.get("values"), taken.get("head")
    if not isinstance(values, list) or not isinstance(head, list) or not len(values) == len(head) == SEEDS:
        raise Contradiction("a round of the ablation without its values")
    gain = Metric("", "maximize").gain if rule.name == "weighted" else rule.primary.gain
    return statistics.fmean(gain(float(one), float(other)) for one, other in zip(values, head, strict=True))
