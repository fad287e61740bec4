"""What the dashboard says after a night: a fold of the last recorded nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot import config, records
from bot.night.earlier import history
from bot.night.folder import Night, segment_number
from bot.night.gates import paused
from bot.pages.dashboard import Board
from bot.pages.summary import TargetReport, summarise
from harness import events, lock
from harness.errors import IntegrityError
from harness.events import Segment
from harness.repository import CommitSource, Repository

NIGHTS = 7


def board(night: Night, refused: Mapping[str, str]) -> Board:
    """refused: targets of this night whose record does not hold."""
    source = CommitSource(night.repository, night.plan.base)
    found = config.declared(source)
    recorded = sorted({*records.nights(night.repository), night.name}, key=records.night_order)
    reports: list[TargetReport] = []
    for name in recorded[-NIGHTS:]:
        reports += _reports(night, name)
    ended = {report.name: report.verdict or report.end or "infra" for report in reports if report.night == night.name}
    for share in night.plan.targets:
        ended[share.name] = "integrity" if share.name in refused else ended.get(share.name, "infra")
    locks = {target.name: lock.compute(source.read(target.locked)).id for target in found.targets}
    stopped = {name: why for name, (_end, why) in paused(night.repository, locks).items()}
    names = [target.name for target in found.targets]
    asleep = _asleep(night.repository, names)
    return Board(night.name, ended, names, reports, asleep=asleep, paused=stopped, broken=found.broken)


def _asleep(repository: Repository, names: Sequence[str]) -> dict[str, str]:
    """Targets that sleep -> since when. It is recorded once: then a target has no night until something wakes it."""
    last: dict[str, records.Place] = {}
    for place in records.places(repository):
        if place.verb == "run" and place.target in names:
            newest = last.setdefault(place.target, place)
            if records.night_order(place.night) >= records.night_order(newest.night):
                last[place.target] = place
    contents = repository.blobs(place.blob for place in last.values())
    return {
        name: f"since {place.night}: {seal.get('why', '')}"
        for name, place in last.items()
        if (seal := history.last_event(contents[place.blob])).get("end") == "sleeping"
    }


def _reports(night: Night, name: str) -> list[TargetReport]:
    """Each target's report of a recorded night. A record that is damaged shows nothing; `log --verify` names it."""
    try:
        files = records.fetch_night(night.repository, name)
    except IntegrityError:
        return []
    found: dict[str, list[Segment]] = {}
    for path in sorted((path for path in files if path.endswith(".jsonl")), key=_place):
        target, _, file = path.removesuffix(".jsonl").partition("/")
        found.setdefault(target, []).append(events.parse(file, files[path], files.get(f"{target}/{file}.pack", b"")))
    return [report for segments in found.values() if (report := _summarised(segments))]


def _place(path: str) -> tuple[str, int]:
    return path.partition("/")[0], segment_number(path.removesuffix(".jsonl"))


def _summarised(segments: Sequence[Segment]) -> TargetReport | None:
    """None of what is damaged, and of what another version recorded in a shape of its own."""
    if any(segment.bad or not segment.events for segment in segments):
        return None
    try:
        return summarise(segments)
    except (KeyError, TypeError, ValueError):
        return None
