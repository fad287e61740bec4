"""What a night has recorded of a target so far, for a proposer that learns from it: a resumed run goes on as if nothing
had been."""

from __future__ import annotations

from collections.abc import Iterator

from bot.night.folder import Night
from bot.proposers import Outcome, Told
from harness import folds
from harness.contents import content_of


def told_before(night: Night, name: str) -> Iterator[Told]:
    """Baseline and experiments, with their contents. Lazy: most proposers do not ask."""
    segments, packs = night.segments(name), night.packs(name)
    incumbent: bytes | None = None
    for event in folds.all_events(segments):
        if event["event"] == "baseline" and incumbent is None:
            incumbent = content_of(event, None, packs)
            yield Told(incumbent, Outcome(0, "keep", "baseline", event["metrics"], event["parts"]))
        elif event["event"] == "experiment":
            content = content_of(event, incumbent, packs)
            if event["status"] == "keep":
                incumbent = content
            found = (event["status"], event["reason"], event["metrics"], event["parts"], event.get("bound"))
            yield Told(content, Outcome(event["id"], *found))
