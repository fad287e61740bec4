"""What the dashboard says after a night: a fold of the last recorded nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot import config, records
from bot.night.folder import Night, segment_number
from bot.night.gates import paused
from bot.pages.dashboard import Board
from bot.pages.summary import TargetReport, summarise
from harness import events, lock
from harness.errors import IntegrityError
from harness.events import Segment
from harness.repository import CommitSource

NIGHTS = 7


def board(night: Night, refused: Mapping[str, str]) -> Board:
    """refused: targets of this night whose record does not hold."""
    declared = config.load_targets(CommitSource(night.repository, night.plan.base))
    recorded = sorted({*records.nights(night.repository), night.name}, key=records.night_order)
    reports: list[TargetReport] = []
    for name in recorded[-NIGHTS:]:
        reports += _reports(night, name)
    ended = {report.name: report.verdict or report.end or "infra" for report in reports if report.night == night.name}
    for share in night.plan.targets:
        ended[share.name] = "integrity" if share.name in refused else ended.get(share.name, "infra")
    source = CommitSource(night.repository, night.plan.base)
    locks = {target.name: lock.compute(source.read(target.locked)).id for target in declared}
    stopped = {name: why for name, (_end, why) in paused(night.repository, locks).items()}
    return Board(night.name, ended, [target.name for target in declared], reports, paused=stopped)


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
    return [summarise(segments) for segments in found.values() if _whole(segments)]


def _place(path: str) -> tuple[str, int]:
    return path.partition("/")[0], segment_number(path.removesuffix(".jsonl"))


def _whole(segments: Sequence[Segment]) -> bool:
    return all(segment.events and not segment.bad for segment in segments)
