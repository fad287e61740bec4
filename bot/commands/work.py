"""Measures what a command asks for, into a segment of its own: no token, no forge, no text but the records'."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from bot.commands.request import Request
from bot.night import confirm
from bot.night.examination import again
from bot.night.examination.again import Asked, Kept
from bot.night.examination.bench import Unconfirmed
from bot.night.examination.case import Case
from bot.night.folder import Night, write_atomically
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.night.proposing import numbers
from harness import standing
from harness.contents import content_of
from harness.errors import IntegrityError, NotFound
from harness.events import Event, Segment
from harness.handover import Received
from harness.handover.loop import Replay
from harness.handover.outcome import units_of
from harness.rows import Group
from harness.target import Target


def work(night: Night, target: Target, request: Request) -> str:
    """What the command came to on this target, noted in the night's folder. Raises IntegrityError, NotFound."""
    accepted = handover.accept(night, target)
    segments = list(accepted.received.segments)
    if done := answer(segments, request):
        return done
    if not accepted.current:
        raise IntegrityError(
            f"{target.name}: what computes the score is not what the night {night.name} was measured with",
            why="the bot or its libraries were updated since, and scores under different locks are never compared",
            next_step="the next night measures with what is installed now; or run the command with the night's version",
        )
    event, before = _proposed(night, target, request, segments)
    rows = _contents(accepted.received, before)
    replay = Replay(handover.expected(night, target), accepted.received.packs)
    replay.state = accepted.received.state

    added = numbers.of_night(handover.held(night, targets_of(night))[0])[target.name]

    def examine(case: Case) -> str:
        mine = copy.copy(replay)
        mine.history = list(case.history)
        kept = _kept(case, mine, before, rows, event["rows"])
        return again.examine(case, Asked(tuple(kept), tuple(event["rows"]), before, added))

    return confirm.carry_out(night, target, segments, confirm.Task(request.command, request.coin, examine, event))


def answer(segments: Sequence[Segment], request: Request) -> str | None:
    """What the command came to, if these segments hold its answer."""
    for segment in segments:
        asked = standing.command_of(segment)
        if asked and segment.sealed and (asked["comment"], asked["coin"]) == (request.comment, request.coin):
            end = str(segment.events[-1]["end"])
            if end != "interrupted":
                return end
    return None


def _proposed(night: Night, target: Target, request: Request, segments: Sequence[Segment]) -> tuple[Event, Event]:
    """The command's event, and the confirm event whose rows are proposed."""
    found = standing.proposed(segments)
    if not found or found[0]["head"] != request.head or target.name not in request.rows:
        raise NotFound(
            f"{night.name}/{target.name}: the commit {request.head[:12]} that the command is bound to is not proposed",
            next_step="write the comment again, on the pull request as it is now",
        )
    return request.event(target.name), found[1].event


def _contents(received: Received, before: Event) -> list[bytes]:
    """The contents that the proposed rows add up to."""
    contents: list[bytes] = []
    parent = content_of(_baseline(received.segments), None, received.packs)
    for entry in before["rows"]:
        parent = content_of(entry, parent, received.packs)
        contents.append(parent)
    return contents


def _baseline(segments: Sequence[Segment]) -> Event:
    return next(event for segment in segments for event in segment.events if event["event"] == "baseline")


def _kept(case: Case, replay: Replay, before: Event, contents: Sequence[bytes], dropped: Sequence[int]) -> list[Kept]:
    """The rows that are left, as parts of the final diff."""
    kept, taken = [], set[int]()
    for entry, content in zip(before["rows"], contents, strict=True):
        units = units_of(content, replay)
        if units is None or not taken < set(units) or case.diff.content(units) != content:
            raise Unconfirmed(f"row {entry['number']} cannot be told apart from the others", "infra")
        mine = tuple(sorted(set(units) - taken))
        taken = set(units)
        if entry["number"] not in dropped:
            kept.append(Kept(entry["number"], Group(mine, entry["change"], tuple(entry["experiments"]))))
    return kept


def hand_over(night: Night, target: str, request: Request, into: Path) -> None:
    """Writes the segments that answer the command, and nothing else, to <into>/<target>/."""
    files = night.files(target).contents
    for segment in night.segments(target):
        asked = standing.command_of(segment) if segment.events else None
        if asked and asked["coin"] == request.coin:
            for name in (f"{segment.name}.jsonl", f"{segment.name}.pack"):
                if name in files:
                    write_atomically(into / target / name, files[name])
