"""`propose`: records the night, then turns confirmed rows into commits and opens the pull request.

It runs nothing of what it received. Each row's content becomes a blob at the one path that the base commit's
target.yaml names, mode 100644, under a templated message. Run again after a kill it makes the same commits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot import commits, records
from bot.forge import Forge, Opened, PullRequest
from bot.night import handover
from bot.night.confirm import outcome
from bot.night.folder import RECORDED, Night, write_atomically
from bot.night.handover import Accepted
from bot.night.header import header_fields
from bot.pages import chart, evidence, table
from bot.pages.body import section
from bot.pages.rows import ablation, in_words, measured
from bot.pages.summary import TargetReport, summarise
from bot.pages.text import plain, words
from harness import folds, lock
from harness.errors import IntegrityError, RepositoryError
from harness.events import GENESIS, Segment
from harness.rule import headline_name
from harness.target import Target

_SPEAKING = re.compile(r"[@#](?=\w)|\bGH-(?=\d)|\bwww\.(?=\w)|:(?=//)", re.IGNORECASE)
_BRACKETS = str.maketrans("[]", "()")


@dataclass(frozen=True)
class Row:
    """A confirmed row, read back and checked: what becomes one commit."""

    target: Target
    number: int
    change: str
    content: bytes
    experiments: tuple[int, ...]
    adds: float


@dataclass(frozen=True)
class Proposed:
    """reports of every target; opened: None where nothing was confirmed; refused: target -> why; left_out: what lay in
    the night's folder and was not read (<target>/<name> -> why)."""

    reports: tuple[TargetReport, ...]
    opened: Opened | None
    refused: dict[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)


def branch_of(night: str) -> str:
    return f"autoresearch/{night}"


def propose(night: Night, targets: Sequence[Target], forge: Forge) -> Proposed:
    """Records everything that holds; proposes what is confirmed. A target that is refused is named, and left out."""
    ordered = sorted(targets, key=lambda t: t.name)
    accepted, refused = _recorded(night, ordered)
    segments = {name: list(found.received.segments) for name, found in accepted.items()}
    rows: dict[str, list[Row]] = {}
    for target in ordered:
        try:
            rows[target.name] = checked_rows(target, accepted[target.name]) if target.name in accepted else []
        except IntegrityError as error:
            refused[target.name] = error.what
    reports = {name: summarise(found) for name, found in segments.items() if found and name not in refused}
    opened = None
    if any(rows.values()):
        on_page = {t.name: _refused_report(night, t, refused[t.name]) for t in ordered if t.name in refused}
        opened = _open(night, rows, {**reports, **on_page}, segments, forge)
        _note(night, ordered, rows, segments)
        _recorded(night, ordered)
    whole = {target.name for target in ordered} == {share.name for share in night.plan.targets}
    if whole and all(name in refused or folds.run_end(segments[name]) for name in (t.name for t in ordered)):
        night.finish()
    left_out = {f"{t}/{name}": why for t, found in accepted.items() for name, why in found.left_out.items()}
    return Proposed(tuple(reports.values()), opened, refused, left_out)


def checked_rows(target: Target, accepted: Accepted) -> list[Row]:
    """The rows that confirm vouches for; none if it does not. Raises IntegrityError where they no longer count."""
    segments = accepted.received.segments
    if folds.confirm_end(segments) != "confirmed":
        return []
    if not accepted.current:
        raise IntegrityError("what computes the score is not what the night was confirmed with")
    entries = (outcome(segments) or {})["rows"]
    return [
        Row(target, entry["number"], entry["change"], content, tuple(entry["experiments"]), entry["adds"])
        for entry, content in zip(entries, accepted.received.rows, strict=True)
    ]


def record(night: Night, targets: Sequence[Target]) -> dict[str, str]:
    """Appends what a night has so far to the records branch. What does not hold stays out: target -> why."""
    return _recorded(night, targets)[1]


def _recorded(night: Night, targets: Sequence[Target]) -> tuple[dict[str, Accepted], dict[str, str]]:
    """What of each target holds and is on the records branch now, and why the others are refused."""
    accepted: dict[str, Accepted] = {}
    refused: dict[str, str] = {}
    files: dict[str, bytes] = {}
    there = records.tree(night.repository)
    for target in targets:
        try:
            found = handover.accept(night, target)
            mine = {f"{target.name}/{name}": data for name, data in found.received.files.items()}
            records.check_same(night.repository, there, mine)
        except IntegrityError as error:
            refused[target.name] = error.what
            continue
        accepted[target.name] = found
        files |= mine
    records.append(night.repository, files, f"Record night {night.name}\n", night.plan.created)
    _remember(night, files)
    return accepted, refused


def _remember(night: Night, files: Mapping[str, bytes]) -> None:
    """What is on the records branch, so that it can be missed there."""
    known = night.recorded | {path: night.repository.blob_id(data) for path, data in files.items()}
    text = "".join(f"{blob} {path}\n" for path, blob in sorted(known.items()))
    if known != night.recorded:
        write_atomically(night.path / RECORDED, text)


def _refused_report(night: Night, target: Target, why: str) -> TargetReport:
    """A refused target on the page: what the plan and the base commit say of it, and nothing of what it handed over."""
    fields = header_fields(night, target, night.target_plan(target.name), lock.harness_hash())
    alone = Segment("", ({"event": "header", "verb": "run", **fields},), GENESIS, 0, None)
    return replace(summarise([alone]), verdict="integrity", end="integrity", why=f"refused: {why}")


def message(row: Row, night: str, report: TargetReport) -> str:
    """The commit message of a row. Free text reaches it in one line, in which nothing means anything to a forge."""
    metric = headline_name(report.rule)
    subject = words(inert(plain(row.change, 120)), 10)
    confirmed = f"Confirmed: {metric} {row.adds:+.6g}\n"
    said = f"Adds {row.adds:+.6g} {metric} on top of the rows before it, re-measured from scratch."
    if report.noise:
        confirmed = f"Confirmed: {evidence.headline(report)}\nAblation: {ablation(report, row.number)}\n"
        said = f"Moves {in_words(report, row.number)}; {measured(report)}, from scratch."
    return (
        f"Change {row.target.name}: {subject}\n\n"
        f"{said}\n\n"
        f"Target: {row.target.name}\n"
        f"Night: {night}\n"
        f"Experiments: {', '.join(map(str, row.experiments)) or 'none'}\n"
        f"{confirmed}"
        f"Lock: {report.lock}\n"
        f"Seal: {report.seal}\n"
    )


def inert(text: str) -> str:
    """Text in which a forge finds nobody to call, nothing to close, link or skip: @, #1, GH-1, addresses, [ci skip]."""
    return _SPEAKING.sub(lambda found: f"{found[0]} ", text).translate(_BRACKETS)


def _open(
    night: Night, rows: dict[str, list[Row]], reports: dict[str, TargetReport],
    segments: dict[str, list[Segment]], forge: Forge,
) -> Opened:  # fmt: skip
    charts = {name: chart.chart_png(report) for name, report in reports.items() if report.points}
    head, ids = _commit_rows(night, rows, reports)
    request = PullRequest(
        night=night.name,
        branch=branch_of(night.name),
        head=head,
        reports=[reports[name] for name in sorted(reports)],
        charts=charts,
        commits=ids,
        includes=_carried(night),
    )
    head = _commit_results(night, request, segments, forge)
    _point_branch(night, head)
    return forge.open(request)


def _commit_rows(
    night: Night, rows: dict[str, list[Row]], reports: dict[str, TargetReport]
) -> tuple[str, dict[tuple[str, int], str]]:
    head, ids = night.plan.base, {}
    for name, found in sorted(rows.items()):
        for row in found:
            blob = commits.write_blob(night.repository, row.content)
            text = message(row, night.name, reports[name])
            head = commits.commit_tree(night.repository, head, {row.target.file: blob}, text, night.plan.created)
            ids[name, row.number] = head
    return head, ids


def _commit_results(night: Night, request: PullRequest, segments: dict[str, list[Segment]], forge: Forge) -> str:
    """results/<target>/ in a last commit of its own, so that the diff opens on the change itself."""
    links = forge.links(request)
    files: dict[str, bytes] = {}
    for report in request.reports:
        if report.confirmed:
            folder = f"results/{report.name}"
            page = section(report, replace(links, charts={}))
            top = f"# {report.name}, night {night.name}\n\n![every experiment of the night](chart.png)"
            files[f"{folder}/README.md"] = f"{top}\n\n{page}\n".encode()
            files[f"{folder}/results.tsv"] = table.results_tsv(segments[report.name]).encode()
            files[f"{folder}/chart.png"] = request.charts[report.name]
    blobs = {path: commits.write_blob(night.repository, content) for path, content in files.items()}
    text = f"Add results of night {night.name}\n\nNight: {night.name}\n"
    return commits.commit_tree(night.repository, request.head, blobs, text, night.plan.created)


def _point_branch(night: Night, head: str) -> None:
    reference = f"refs/heads/{branch_of(night.name)}"
    there = night.repository.reference(reference)
    if there == head:
        return
    if there is not None:
        raise RepositoryError(
            f"the branch {branch_of(night.name)} exists and is not what this night made",
            why="somebody committed to it or created it",
            next_step=f"git branch -m {branch_of(night.name)} NAME keeps it; then run the command again",
        )
    commits.move(night.repository, reference, head, None)


def _carried(night: Night) -> tuple[tuple[str, str], ...]:
    """(target, branch) of each unreviewed night that a target started from."""
    return tuple((share.name, branch_of(share.carried_from)) for share in night.plan.targets if share.carried_from)


def _note(
    night: Night, targets: Sequence[Target], rows: dict[str, list[Row]], segments: dict[str, list[Segment]]
) -> None:
    """The `proposed` event of each target that is in the pull request, once."""
    head = night.repository.reference(f"refs/heads/{branch_of(night.name)}")
    for target in targets:
        found = segments.get(target.name, [])
        if not rows.get(target.name) or folds.of_kind(found, "proposed"):
            continue
        share = night.target_plan(target.name)
        writer = night.begin(
            target.name, "propose", found, header_fields(night, target, share, found[0].header["harness"])
        )
        blobs = [night.repository.blob_id(row.content) for row in rows[target.name]]
        writer.append([{"event": "proposed", "branch": branch_of(night.name), "head": head, "rows": blobs}])
        writer.seal("confirmed")
