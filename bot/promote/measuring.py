"""Measures a merged content against what it replaced: the figures of a promotion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.night.examination.bench import Bench, BudgetSpent, Drawn, Unconfirmed
from bot.night.examination.noisy import MARGIN
from bot.promote.plan import Due
from harness import holdout
from harness.handover.promotions import INFRA, UNDERPOWERED, means, of_pairs
from harness.holdout import LOOK_CONFIDENCE, TooFewRows
from harness.intervals import CONFIDENCE, LEAST_PAIRS
from harness.reports import Measurement
from harness.rule import headline_gain, headline_name

USUAL_PAIRS, MOST_PAIRS = 40, 80

Figures = dict[str, Any]


def figures(due: Due, bench: Bench, look: Callable[[], None]) -> Figures:
    """What main's file gains over the one before. look: is called before held-out rows are read for a content that no
    night read them for. Raises Unconfirmed."""
    if due.target.noise:
        return _pairs(due, bench)
    head = bench.score(due.content)  # first: a file that crashes is told apart from one that cannot be compared
    base = _before(bench.score(due.before, crash_allowed=True))
    rule = due.target.rule
    gain = headline_gain(rule, base.metrics, head.metrics)
    found: Figures = {
        "how": "search", "metric": headline_name(rule), "base": dict(base.metrics), "head": dict(head.metrics),
        "gain": gain, "low": gain, "high": gain, "confidence": CONFIDENCE,
    }  # fmt: skip
    return found | _held_out(due, bench, look) if due.target.sample and _whole(due) else found


def _whole(due: Due) -> bool:
    """Whether the held-out rows are asked: a part of a night's result was not held against them on its own."""
    return due.vouched is None or due.vouched.whole


def _before(found: Measurement) -> Measurement:
    if found.crash:
        raise Unconfirmed(f"what it replaced cannot be measured any more ({found.crash}): {found.why[:300]}", INFRA)
    return found


def _held_out(due: Due, bench: Bench, look: Callable[[], None]) -> Figures:
    look()
    base, head = bench.score(due.before, "holdout"), bench.score(due.content, "holdout")
    primary = due.target.rule.primary
    if primary.name not in base.rows or primary.name not in head.rows:
        raise Unconfirmed(f"the evaluator reports no rows for {primary.name} on the holdout split")
    try:
        paired = holdout.paired(base.rows[primary.name], head.rows[primary.name], primary.goal)
        interval, lower = paired.interval(), paired.lower(LOOK_CONFIDENCE)
    except TooFewRows as few:
        raise Unconfirmed(f"the holdout cannot show any gain: {few}", UNDERPOWERED) from None
    except ValueError as error:
        raise Unconfirmed(str(error)) from None
    held = {"base": dict(base.metrics), "head": dict(head.metrics), "lower": lower, "rows": interval.rows}
    return {
        "how": "held-out", "gain": interval.gain, "low": interval.low, "high": interval.high,
        "confidence": interval.confidence, "holdout": held,
    }  # fmt: skip


def _pairs(due: Due, bench: Bench) -> Figures:
    """So many pairs as were fixed before the first, in the order that a coin drew."""
    planned = _planned(due, bench)
    try:
        drawn = [_pair(due, bench, number, planned) for number in range(1, planned + 1)]
    except BudgetSpent as spent:
        raise Unconfirmed(f"{spent} before {planned} pairs were measured", spent.end) from None
    pairs = [
        {"seed": one.seed, "base": dict(one.found[0].metrics), "head": dict(one.found[1].metrics)} for one in drawn
    ]
    mean = of_pairs(due.target.rule, pairs)
    return {
        "how": "pairs", "metric": headline_name(due.target.rule), "base": means(pairs, "base"),
        "head": means(pairs, "head"), "gain": mean.gain, "low": mean.low, "high": mean.high,
        "confidence": mean.confidence, "pairs": pairs,
    }  # fmt: skip


def _planned(due: Due, bench: Bench) -> int:
    for event in bench.known("confirm"):
        return int(event["of"])
    wanted = min(max(due.vouched.pairs if due.vouched else USUAL_PAIRS, LEAST_PAIRS), MOST_PAIRS)
    paid = int(MARGIN * bench.left / (2 * bench.seconds)) if bench.seconds else wanted
    if paid < LEAST_PAIRS:
        raise Unconfirmed(f"the confirm budget pays for {paid} pairs, and {LEAST_PAIRS} are the least", UNDERPOWERED)
    return min(wanted, paid)


def _pair(due: Due, bench: Bench, number: int, planned: int) -> Drawn:
    """Both under one seed. A former file that crashes makes the pair void, and is tried once more."""
    for attempt in (1, 2):
        drawn = bench.draw("confirm", 0, number, [due.before, due.content], attempt, of=planned)
        if drawn.crashed is None:
            return drawn
        if drawn.crashed == 1:
            found = drawn.found[1]
            raise Unconfirmed(f"the file crashes: {found.crash}: {found.why[:300]}")
    _before(drawn.found[0])
    raise AssertionError("a void pair is one whose first side crashed")
