"""What is recorded of a target already: a proposer that learns is told it, and a resumed run goes on as if nothing had
been."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.night.earlier.history import mark
from bot.night.folder import Night
from bot.proposers import Outcome, Told
from harness import device, folds
from harness.contents import content_of
from harness.events import Event, Segment
from harness.target import Target


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
            yield Told(content, outcome_of(event), event["description"])


def outcome_of(event: Event) -> Outcome:
    """What a proposer is told of a recorded experiment."""
    return Outcome(
        event["id"], event["status"], event["reason"], event["metrics"], event["parts"], event.get("bound"),
        event["why"], event["gain"], event["cost_usd"], event.get("model", {}),
    )  # fmt: skip


def begun_on(segments: Sequence[Segment]) -> dict[str, str] | None:
    """The machine of the last try: of its segment, since one resume after another may have come to nothing."""
    tries = (s.header["machine"] for s in reversed(segments) if any(event["event"] == "try" for event in s.events))
    return next(tries, None)


def tried_before(night: Night, target: Target) -> set[str]:
    """Canonical ids that earlier nights tried under the same lock, on the kind of card that is here."""
    path = night.folder(target.name) / "tried.txt"
    found = set(path.read_text(encoding="ascii").split()) if path.exists() else set()
    return found if not target.evaluate.gpu or mark(device.name()) in found else set()
