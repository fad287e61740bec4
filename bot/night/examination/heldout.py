"""The look at held-out rows: base against the final head, once, on rows that no decision has seen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.night.examination.bench import Unconfirmed
from bot.night.examination.case import Case
from harness import holdout
from harness.decide import broken_guard
from harness.holdout import LOOK_CONFIDENCE, LOOKS, Paired, TooFewRows
from harness.reports import Measurement


def look(case: Case, head: bytes, claimed: float) -> None:
    """Passes if the gain holds on the held-out rows; else raises Unconfirmed. claimed: the gain on the search rows."""
    number = case.look(case.bench.blob_id(head))
    both = (case.base, head)  # what a model answers is asked once; anything else has to come out twice
    contents = both if case.target.evaluate.model else (*both, *both)
    base, found, *again = [case.bench.score(content, "holdout") for content in contents]
    if again and [dict(m.metrics) for m in again] != [dict(base.metrics), dict(found.metrics)]:
        raise Unconfirmed("the same file got two scores on the holdout split: the evaluator is not deterministic")
    paired = _paired(case, base, found)
    entry: dict[str, Any] = {
        "metric": case.target.rule.primary.name, "base": base.metrics, "head": found.metrics, **number, "looks": LOOKS,
    }  # fmt: skip
    try:
        interval, lower = paired.interval(), paired.lower(LOOK_CONFIDENCE)
    except TooFewRows as few:
        raise Unconfirmed(f"the holdout cannot show any gain: {few}", "underpowered") from None
    detectable = paired.detectable(LOOK_CONFIDENCE)
    case.event["holdout"] = {**entry, **asdict(interval), "lower": lower, "detectable": detectable}
    if broken := broken_guard(base.metrics, found.metrics, case.target.rule):
        raise Unconfirmed(f"a guard does not hold on the holdout split: {broken}")
    if lower <= 0:
        raise _not_held(paired, claimed, detectable)


def _not_held(paired: Paired, claimed: float, detectable: float) -> Unconfirmed:
    interval, lower = paired.interval(), paired.lower(LOOK_CONFIDENCE)
    why = (
        f"the gain does not hold on held-out rows: {interval.gain:+.6g}, {interval.confidence:.0%} interval "
        f"{interval.low:+.6g} to {interval.high:+.6g}; its bound for one of {LOOKS} looks ({LOOK_CONFIDENCE:.2%}) is "
        f"{lower:+.6g}"
    )
    if detectable <= claimed:
        return Unconfirmed(why)
    small = f"these {paired.rows:,} rows detect gains from {detectable:.3g} on, and {claimed:.3g} was claimed"
    return Unconfirmed(f"{why}; {small}", "underpowered")


def _paired(case: Case, base: Measurement, head: Measurement) -> Paired:
    primary = case.target.rule.primary
    if primary.name not in base.rows or primary.name not in head.rows:
        raise Unconfirmed(f"the evaluator reports no rows for {primary.name} on the holdout split")
    apart = max(holdout.disagreement(m.rows[primary.name], m.metrics[primary.name]) for m in (base, head))
    if apart > holdout.AGREEMENT:
        raise Unconfirmed(f"the rows that the evaluator reports for {primary.name} do not average to its value")
    try:
        return holdout.paired(base.rows[primary.name], head.rows[primary.name], primary.goal)
    except TooFewRows as few:
        raise Unconfirmed(f"the holdout cannot show any gain: {few}", "underpowered") from None
    except ValueError as error:
        raise Unconfirmed(str(error)) from None
