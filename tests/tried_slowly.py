"""What is not worth another try, from segments parsed event by event: what `earlier.history` has to agree with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from harness.events import Event, Segment


def tried_before(segments: Iterable[Segment], lock: str, declined: Mapping[str, int] | None = None) -> set[str]:
    """declined: nights whose result a human refused -> from which experiment on. What any other night kept may be found
    again: it is in the base by now, or nobody merged it. So may what was not finished."""
    return {
        event["canon"]
        for segment in segments
        if segment.events and segment.header.get("lock") == lock
        for event in segment.events
        if event["event"] == "baseline"
        or (
            event["event"] == "experiment"
            and (not _open(event) or event["id"] >= (declined or {}).get(segment.header["night"], math.inf))
        )
    }


def _open(experiment: Event) -> bool:
    return bool(experiment["status"] == "keep" or experiment["reason"] == "unfinished")
