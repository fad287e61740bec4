"""What followed from a command: takes the measured segments over as data, records them, and renews the pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot import actions
from bot.commands import work
from bot.commands.proposals import Branch
from bot.commands.request import Request
from bot.forge import Forge, Opened
from bot.night.folder import Night, write_atomically
from bot.night.handed import handover
from bot.night.handed.artifacts import folders, plain
from bot.night.propose import checked_rows, message
from bot.night.proposing import opening
from bot.night.proposing.opening import Material, Row
from bot.night.proposing.recording import recorded
from bot.pages.facts import Absent, Dropped, Facts, Minutes
from bot.pages.summary import TargetReport, summarise
from bot.pages.wording import figures
from harness import standing
from harness.errors import AutoresearchError, IntegrityError
from harness.events import Event, Segment
from harness.handover import receive
from harness.handover.expected import MOST_PACK_BYTES, MOST_SEGMENT_BYTES
from harness.handover.files import read_folder
from harness.standing import DROP
from harness.target import Target

_MOST = {".jsonl": MOST_SEGMENT_BYTES, ".pack": MOST_PACK_BYTES}
_NOTHING = re.compile(r"(?!)")


class Moved(AutoresearchError):
    """The branch is not where the command is bound to any more."""


@dataclass(frozen=True)
class Answer:
    """ends: target -> what the command came to, "" where nothing was handed over that holds; why: target -> in words;
    opened: the pull request, renewed; None where there was nothing to say on it."""

    ends: Mapping[str, str]
    why: Mapping[str, str]
    opened: Opened | None

    @property
    def confirmed(self) -> bool:
        return all(end == "confirmed" for end in self.ends.values())


def answer(
    night: Night, targets: Sequence[Target], branch: Branch, request: Request, handed: Path | None, forge: Forge,
    head: Callable[[], str],
) -> Answer:  # fmt: skip
    """Runs nothing of what it received, and may be run again after a kill at any moment. targets: of the whole night;
    head: where the branch stands on the forge. Raises Moved, once everything is recorded."""
    mine = [target for target in targets if target.name in request.rows]
    refused = {t.name: figures.words(t, why) for t in mine if handed and (why := _take_over(night, t, request, handed))}
    accepted, unrecorded = recorded(night, targets, forge)
    segments = {name: list(found.received.segments) for name, found in accepted.items()}
    ends, whys = dict[str, str](), {**refused, **unrecorded}
    for target in mine:
        found = segments.get(target.name, [])
        ends[target.name] = work.answer(found, request) or ""
        if ends[target.name]:
            whys[target.name] = figures.words(target, _why(found, request))
    if not any(ends.values()):
        return Answer(ends, whys, None)
    rows = {t.name: checked_rows(t, accepted[t.name]) for t in targets if t.name in accepted}
    return Answer(ends, whys, _renewed(night, branch, rows, segments, forge, head()))


def _renewed(
    night: Night, branch: Branch, rows: Mapping[str, list[Row]], segments: Mapping[str, list[Segment]], forge: Forge,
    now: str,
) -> Opened:  # fmt: skip
    """The pull request as the records say it is. Where no row changed, or none is left, its branch stays."""
    if missing := sorted(branch.rows.keys() - segments.keys()):
        raise IntegrityError(f"{missing[0]}: its record does not hold, so nothing can be put together with it")
    before = {name: standing.proposed(segments[name]) for name in branch.rows}
    due = {name: rows.get(name, []) for name in branch.rows}
    there = {name: found[0]["rows"] for name, found in before.items() if found}
    same = {name: [night.repository.blob_id(row.content) for row in found] for name, found in due.items()} == there
    includes = {name: found[0]["includes"] for name, found in before.items() if found and "includes" in found[0]}
    gone = tuple(Absent(*one) for one in _noted(before, "absent") or () if len(one) == 3)
    shown = {name: _shown(found) for name, found in segments.items() if _on_page(branch, night, name, segments)}
    known = replace(facts(branch, segments, due), minutes=_minutes(before))
    material = Material(
        night, due, {name: shown[name] for name in shown.keys() - {one.target for one in gone}}, segments,
        lambda row, report: message(row, night.name, report), absent=gone, includes=includes,
        supersedes=_noted(before, "supersedes") or "", facts=known,
    )  # fmt: skip
    material = replace(material, facts=replace(known, moved=opening.moved(material, forge)))
    if same or not any(due.values()):
        _check_head(branch, now, branch.head)
        return opening.show_again(material, branch.name, branch.head, forge)
    request = opening.stacked_again(material, branch.name, forge)
    _check_head(branch, now, branch.head, request.head)
    opened = opening.put_again(material, request, branch.head, forge)
    refused = recorded(night, [found[0].target for found in due.values() if found], forge)[1]
    for name, why in refused.items():
        raise IntegrityError(f"{name}: where its branch stands now is not recorded: {why}")
    return opened


def _check_head(branch: Branch, now: str, *ours: str) -> None:
    if now not in ours:
        raise Moved(
            f"{branch.name} is at {now[:12]}, and the command is bound to {branch.head[:12]}",
            why="somebody pushed to it in between",
            next_step="what was measured is recorded; the branch is left as it is",
        )


def _on_page(branch: Branch, night: Night, name: str, segments: Mapping[str, Sequence[Segment]]) -> bool:
    """A night's only pull request tells of all its targets, one of several owners of that owner's."""
    proposed = standing.proposed(segments[name])
    if proposed:
        return bool(proposed[0]["branch"] == branch.name)
    return bool(segments[name]) and branch.name == opening.branch_of(night.name)


def _shown(segments: Sequence[Segment]) -> TargetReport:
    """What was confirmed and stands in no pull request is no result to merge."""
    report = summarise(segments)
    if not report.confirmed or standing.proposed(segments):
        return report
    return replace(report, verdict="not-confirmed", why="not proposed: a human declined what it holds")


def _noted(before: Mapping[str, tuple[Event, Any] | None], key: str) -> Any:
    """What the pull request's first page knew of its opening, if it was recorded."""
    return next((found[0][key] for found in before.values() if found and key in found[0]), None)


def _minutes(before: Mapping[str, tuple[Event, Any] | None]) -> Minutes | None:
    used, reserved = _noted(before, "minutes_used"), _noted(before, "minutes_reserved")
    return None if used is None or reserved is None else Minutes(used, reserved)


def facts(branch: Branch, segments: Mapping[str, Sequence[Segment]], due: Mapping[str, Sequence[Row]]) -> Facts:
    """What commands made of a pull request: the rows that left it, by whom or because nothing vouches for them now."""
    dropped: list[Dropped] = []
    for name in sorted(branch.most):
        found = segments.get(name, [])
        struck = standing.struck(found)
        dropped += [Dropped(name, n, row["change"], asked["by"]) for n, (row, asked) in sorted(struck.items())]
        proposed = standing.proposed(found)
        if proposed and not due.get(name):
            entries = proposed[1].event["rows"]
            dropped += [Dropped(name, entry["number"], entry["change"]) for entry in entries]
    return Facts(dropped=tuple(dropped), rechecked=True, before=branch.before)


def _take_over(night: Night, target: Target, request: Request, handed: Path) -> str:
    """Puts what was measured beside the night's segments, if it holds; why not, or nothing."""
    if work.answer(night.segments(target.name), request):
        return ""
    refused = [f"its job handed over nothing in {handed.name}"]
    for folder in _folders(handed, target.name):
        try:
            files = _answering(night, target, request, folder / target.name)
        except IntegrityError as error:
            refused.append(f"{folder.name}: {error.what}")
            continue
        for name, content in files.items():
            write_atomically(night.folder(target.name) / name, content)
        return ""
    return "; ".join(refused[1:] or refused)


def _folders(handed: Path, target: str) -> list[Path]:
    """What the jobs of a target left, the newest attempt first."""
    form = re.compile(rf"work-{re.escape(target)}-([1-9][0-9]{{0,3}})")
    there = folders(handed) if handed.is_dir() else {}
    found = [(int(parts[1]), path) for name, path in there.items() if (parts := form.fullmatch(name)) and plain(path)]
    return [path for attempt, path in sorted(found, reverse=True) if not actions.ahead(attempt)]


def _answering(night: Night, target: Target, request: Request, folder: Path) -> dict[str, bytes]:
    """The files that answer this very command and follow what is recorded. Raises IntegrityError."""
    wanted = re.compile(rf"{re.escape(night.name)}\.[0-9]+-{request.command}\.(?:jsonl|pack)")
    files = dict(read_folder(folder, wanted, _NOTHING, _MOST).contents)
    there = night.files(target.name).contents
    if files.keys() & there.keys():
        raise IntegrityError("it would replace what is recorded")
    received = receive({**there, **files}, handover.expected(night, target))
    fresh = [segment for segment in received.segments if f"{segment.name}.jsonl" in files]
    due = request.event(target.name)
    if not fresh or not fresh[-1].sealed or any(standing.command_of(segment) != due for segment in fresh):
        raise IntegrityError("it answers another command, or none to its end")
    return files


def _why(segments: Sequence[Segment], request: Request) -> str:
    """What confirm said of the command's answer."""
    for each in standing.confirmations(segments):
        asked = standing.command_of(each.segment)
        if asked and asked["coin"] == request.coin:
            return str(each.event["why"])
    return ""


def report_of(answered: Answer, request: Request) -> str:
    """For a human in a terminal: one line a target."""
    lines = [f"{name}: {end or 'not measured'}: {answered.why.get(name, '')}" for name, end in answered.ends.items()]
    if request.command == DROP and not answered.confirmed:
        lines.append("the pull request is as it was")
    return "\n".join(lines)
