"""`propose`: records the night, then turns confirmed rows into commits and opens the pull request.

It runs nothing of what it received. Each row's content becomes a blob at the one path that the base commit's
target.yaml names, mode 100644, under a templated message. Run again after a kill it makes the same commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import commits, records
from bot.forge import Forge, Opened, PullRequest
from bot.night.confirm import outcome
from bot.night.folder import Night
from bot.night.run import header_fields
from bot.pages import chart, table
from bot.pages.body import section
from bot.pages.summary import TargetReport, summarise
from bot.pages.text import plain, words
from harness import folds
from harness.decide import headline_name
from harness.errors import IntegrityError, RepositoryError
from harness.events import Segment, content_of, verify_order
from harness.target import Target


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
    """reports of every target; opened: None where nothing was confirmed; refused: target -> why."""

    reports: tuple[TargetReport, ...]
    opened: Opened | None
    refused: dict[str, str]


def branch_of(night: str) -> str:
    return f"autoresearch/{night}"


def propose(night: Night, targets: Sequence[Target], forge: Forge) -> Proposed:
    """Records everything; proposes what is confirmed. A target whose record does not hold is left out."""
    record(night, targets)
    segments: dict[str, list[Segment]] = {}
    refused: dict[str, str] = {}
    rows: dict[str, list[Row]] = {}
    for target in sorted(targets, key=lambda t: t.name):
        segments[target.name] = night.segments(target.name)
        try:
            rows[target.name] = checked_rows(night, target, segments[target.name])
        except IntegrityError as error:
            refused[target.name] = error.what
    reports = {name: summarise(found) for name, found in segments.items() if found and name not in refused}
    opened = None
    if any(rows.values()):
        opened = _open(night, rows, reports, segments, forge)
        _note(night, targets, rows, segments)
        record(night, targets)
    if all(folds.run_end(found) for found in segments.values()):
        night.finish()
    return Proposed(tuple(reports.values()), opened, refused)


def checked_rows(night: Night, target: Target, segments: Sequence[Segment]) -> list[Row]:
    """The rows that confirm vouches for; none if it does not. Raises IntegrityError on a contradiction."""
    bad = verify_order(segments)
    if bad:
        raise IntegrityError(f"the record does not verify: {bad}")
    if folds.confirm_end(segments) != "confirmed":
        return []
    lock = night.target_plan(target.name).lock
    if any(segment.header["lock"] != lock or segment.header["base"] != night.plan.base for segment in segments):
        raise IntegrityError("its segments name different locks or base commits")
    event = outcome(segments) or {}
    content = folds.restore(segments, 0, packs := night.packs(target.name))[1]
    found = []
    for entry in event["rows"]:
        content = content_of(entry, content, packs)
        if night.repository.blob_id(content) != entry["blob"]:
            raise IntegrityError(f"row {entry['number']} is not the content that was confirmed")
        experiments = tuple(entry["experiments"])
        found.append(Row(target, entry["number"], entry["change"], content, experiments, entry["adds"]))
    if not found or night.repository.blob_id(content) != event["head"]:
        raise IntegrityError("the rows do not add up to the content that was confirmed")
    return found


def message(row: Row, night: str, report: TargetReport) -> str:
    """The commit message of a row. Free text reaches it in one line, without control characters."""
    metric = headline_name(report.rule)
    subject = words(plain(row.change, 120), 10)
    return (
        f"Change {row.target.name}: {subject}\n\n"
        f"Adds {row.adds:+.6g} {metric} on top of the rows before it, re-measured from scratch.\n\n"
        f"Target: {row.target.name}\n"
        f"Night: {night}\n"
        f"Experiments: {', '.join(map(str, row.experiments)) or 'none'}\n"
        f"Confirmed: {metric} {row.adds:+.6g}\n"
        f"Lock: {report.lock}\n"
        f"Seal: {report.seal}\n"
    )


def record(night: Night, targets: Sequence[Target]) -> None:
    """Appends what a night has so far to the records branch; a target whose record is damaged stays out."""
    files: dict[str, bytes] = {}
    for target in targets:
        try:
            night.healed(target.name)
        except IntegrityError:
            continue  # what does not verify stays where it is, and is refused by name
        files |= records.night_files(night.folder(target.name), target.name)
    records.append(night.repository, files, f"Record night {night.name}\n", night.plan.created)


def _open(
    night: Night, rows: dict[str, list[Row]], reports: dict[str, TargetReport],
    segments: dict[str, list[Segment]], forge: Forge,
) -> Opened:  # fmt: skip
    charts = {name: chart.chart_png(reports[name]) for name, found in rows.items() if found}
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
        found = segments[target.name]
        if not rows.get(target.name) or folds.of_kind(found, "proposed"):
            continue
        share = night.target_plan(target.name)
        writer = night.begin(
            target.name, "propose", found, header_fields(night, target, share, found[0].header["harness"])
        )
        blobs = [night.repository.blob_id(row.content) for row in rows[target.name]]
        writer.append([{"event": "proposed", "branch": branch_of(night.name), "head": head, "rows": blobs}])
        writer.seal("confirmed")
