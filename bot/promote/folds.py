"""What follows from a target's promotions: what each merge really gained, and whether its claims can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.pages.wording.figures import Known
from harness.events import Event, Segment
from harness.folds import rule_of
from harness.handover.promotions import VERB
from harness.rule import Rule

MERGES = 3  # so many in a row must fall short together
SHARE = 0.5  # of what was claimed


@dataclass(frozen=True)
class Realised:
    """What a merge gained when main was measured again. predicted: by its night, None for a content of no night;
    comparable: whether both were measured under one lock; private, base: what decides how gains may be shown, see
    `figures.Measured`."""

    night: str
    row: int
    blob: str
    commit: str
    rule: Rule
    lock: str
    gain: float
    low: float
    high: float
    predicted: float | None
    comparable: bool
    promoted: bool
    private: bool
    base: Mapping[str, float]


def realised(segments: Iterable[Segment]) -> list[Event]:
    """The measurements, oldest first."""
    return [event for segment in _promotions(segments) for event in segment.events if event["event"] == "realised"]


def promoted(segments: Iterable[Segment]) -> list[tuple[Segment, Event]]:
    """Every promotion with the segment that it stands in, oldest first."""
    return [(segment, event) for segment in _promotions(segments) for event in segment.events if _promotes(event)]


def merges(segments: Iterable[Segment]) -> list[Realised]:
    """What each merge gained, oldest first; a content that came back counts once, with its last measurement."""
    found: dict[tuple[str, str], Realised] = {}
    for segment in _promotions(segments):
        for event in segment.events:
            if event["event"] == "realised" and "figures" in event:
                key = event["night"], event["blob"]
                found.pop(key, None)
                found[key] = _realised(segment, event)
    return list(found.values())


def paused(segments: Sequence[Segment], lock: str = "") -> str:
    """Why no night may start on a target, in words; nothing if one may. segments: any of it, promotions among them.

    lock: what computes its score now; claims that were made under another lock count no more. A human's `resume` makes
    a new start too.
    """
    recent = [
        merge
        for merge in merges(_since_resumed(segments))
        if merge.comparable and (not lock or merge.lock == lock) and (merge.predicted or 0) > 0
    ][-MERGES:]
    if len(recent) < MERGES:
        return ""
    claimed = sum(merge.predicted or 0.0 for merge in recent)
    gained = sum(merge.gain for merge in recent)
    upper = gained + math.sqrt(sum((merge.high - merge.gain) ** 2 for merge in recent))
    if upper >= SHARE * claimed:
        return ""
    share, most = (f"{100 * amount / claimed:.3g} %" for amount in (gained, upper))
    return f"its last {MERGES} merges gained {share} of what was claimed together, at most {most}"


def known(segment: Segment, base: Mapping[str, float] | None = None) -> Known:
    """What decides how the values of a promotion may be shown."""
    return Known(segment.header.get("private", False), rule_of(segment.header), base or {})


def _since_resumed(segments: Iterable[Segment]) -> list[Segment]:
    found = list(_promotions(segments))
    for place in range(len(found), 0, -1):
        if found[place - 1].sealed and found[place - 1].events[-1]["end"] == "resumed":
            return found[place:]
    return found


def _promotions(segments: Iterable[Segment]) -> Iterable[Segment]:
    return (segment for segment in segments if segment.events and segment.header.get("verb") == VERB)


def _promotes(event: Event) -> bool:
    return bool(event["event"] == "promoted")


def _realised(segment: Segment, event: Event) -> Realised:
    figures = event["figures"]
    return Realised(
        night=event["night"],
        row=event["row"],
        blob=event["blob"],
        commit=event["commit"],
        rule=rule_of(segment.header),
        lock=segment.header["lock"],
        gain=figures["gain"],
        low=figures["low"],
        high=figures["high"],
        predicted=event["predicted"]["gain"] if "predicted" in event else None,
        comparable=bool(event["comparable"]),
        promoted=event["verdict"] == "promoted",
        private=segment.header.get("private", False),
        base=figures["base"],
    )
