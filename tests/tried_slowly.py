"""What is not worth another try, from segments parsed event by event: what `bot.night.history` has to agree with."""

from __future__ import annotations

from collections.abc import Container, Iterable

from harness.events import Event, Segment


def tried_before(segments: Iterable[Segment], lock: str, declined: Container[str] = ()) -> set[str]:
    """declined: nights whose result a human refused. What any other night kept may be found again: it is in the base by
    now, or nobody merged it. So may what was not finished."""
    return {
        event["canon"]
        for segment in segments
        if segment.events and segment.header.get("lock") == lock
        for event in segment.events
        if event["event"] == "baseline"
        or (event["event"] == "experiment" and (segment.header.get("night") in declined or not _open(event)))
    }


def _open(experiment: Event) -> bool:
    return bool(experiment["status"] == "keep" or experiment["reason"] == "unfinished")
