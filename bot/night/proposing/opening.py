"""From confirmed rows to a pull request: the commits, the branch, the page, and what an older one becomes by it.

One pull request for all targets of one owner. Run again after a kill it makes the same commits and opens nothing twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot import commits
from bot.forge import Forge, Opened, Proposal, PullRequest, Standing
from bot.night.earlier import past
from bot.night.folder import Night
from bot.night.header import header_fields
from bot.night.proposing import numbers
from bot.pages import table
from bot.pages.body import section
from bot.pages.charts import chart, dumbbell, training_chart
from bot.pages.facts import Absent, Facts, Moved
from bot.pages.summary import TargetReport
from bot.pages.target import dimensions
from harness import folds, standing
from harness.events import Segment
from harness.repository import CommitSource
from harness.target import Target

GENERATED = "results/.gitattributes"


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
class Material:
    """What a night hands to its pull requests. message: the commit message of a row; refreshes: whether what nobody has
    looked at is renewed in place, rather than replaced by a new pull request; includes: target -> the branch that it
    started from, where that is known already; supersedes: the branch that its pull request took the place of, likewise;
    facts: what no report holds."""

    night: Night
    rows: Mapping[str, Sequence[Row]]
    reports: Mapping[str, TargetReport]
    segments: Mapping[str, Sequence[Segment]]
    message: Callable[[Row, TargetReport], str]
    refreshes: bool = False
    absent: tuple[Absent, ...] = ()
    includes: Mapping[str, str] = field(default_factory=dict)
    supersedes: str = ""
    facts: Facts = field(default_factory=Facts)


def branch_of(night: str, owner: str = "") -> str:
    """The branch of a night's pull request. owner: where several owners are asked."""
    return f"autoresearch/{night}" + (f"-{slug(owner)}" if owner else "")


def slug(owner: str) -> str:
    """An owner in a branch's name; never what a night's own name may end in, a number or `gpu`."""
    words = "-".join(re.findall(r"[a-z0-9]+", owner.rpartition("/")[2].lower()))[:60]
    return words if words[:1].isalpha() and words.partition("-")[0] != "gpu" else f"o-{words}".rstrip("-")


def open_all(material: Material, targets: Sequence[Target], forge: Forge) -> tuple[Opened, ...]:
    """Opens a pull request for every owner of a confirmed target, and notes it in the night's records."""
    night = material.night
    owners = forge.owners(CommitSource(night.repository, night.plan.base), targets)
    several = len(set(owners.values())) > 1
    opened = []
    for owner in sorted(set(owners.values())):
        names = {name for name in owners if owners[name] == owner}
        if any(material.rows.get(name) for name in names):
            part = _part(material, names, several=several)
            opened.append(_as_commanded(part) or _open(part, owner, forge, several=several))
    return tuple(opened)


def _as_commanded(material: Material) -> Opened | None:
    """What humans have made of it by commands since is not made over, when a night's last job is run again."""
    segments = [segment for name, rows in material.rows.items() if rows for segment in material.segments[name]]
    branches = [event["branch"] for event in folds.of_kind(segments, "proposed")]
    if not branches or not any(standing.command_of(segment) for segment in segments):
        return None
    return Opened(branches[-1], "", branches[-1], ("commands were answered on it since, so it is left as it is",))


def stacked_again(material: Material, branch: str, forge: Forge) -> PullRequest:
    """The rows put on the night's base anew, for the branch that holds rows of this night already: commits, nothing
    else. Made again they are the same."""
    rows_head, ids = _commit_rows(material)
    request = _asked(material, branch, rows_head, ids)
    return replace(request, head=_commit_results(material, request, forge))


def put_again(material: Material, request: PullRequest, was: str, forge: Forge) -> Opened:
    """Moves the branch from where it was, notes where it stands now, and renews its pull request."""
    forge.publish(material.night.repository, request.branch, request.head, was)
    _note(material, request)
    return forge.open(request)


def show_again(material: Material, branch: str, head: str, forge: Forge) -> Opened:
    """Renews the text of a pull request whose branch stays where it is."""
    return forge.open(_asked(material, branch, head, _committed(material, head)))


def _asked(material: Material, branch: str, head: str, ids: Mapping[tuple[str, int], str]) -> PullRequest:
    return PullRequest(
        night=material.night.name,
        branch=branch,
        head=head,
        reports=[material.reports[name] for name in sorted(material.reports)],
        charts={name: chart.chart_png(report) for name, report in material.reports.items() if report.points},
        dimensions=_dimensions(material),
        training=_training(material),
        commits=ids,
        includes=tuple(sorted(material.includes.items())),
        supersedes=(material.supersedes,) if material.supersedes else (),
        facts=replace(material.facts, absent=material.absent, tags=_tagged(material)),
        asked=True,
    )


def _dimensions(material: Material) -> dict[str, bytes]:
    drawn = {name: report for name, report in material.reports.items() if report.confirmed and dimensions.drawn(report)}
    return {name: dumbbell.dumbbell_png(report) for name, report in drawn.items()}


def _training(material: Material) -> dict[str, bytes]:
    return {name: training_chart.training_png(report) for name, report in material.reports.items() if report.runs}


def _committed(material: Material, head: str) -> dict[tuple[str, int], str]:
    """(target, row) -> commit of a branch that stands already, by the branch's own order. Nothing if it is not here."""
    repository, base = material.night.repository, material.night.plan.base
    if repository.reference(f"{head}^{{commit}}") is None:
        return {}
    found: dict[tuple[str, int], str] = {}
    for name, rows in material.rows.items():
        trailer = f"--grep=^Target: {name}$"
        listed = repository.git("log", "--reverse", "--format=%H", trailer, f"{base}..{head}").decode().split()
        found |= {(name, row.number): commit for row, commit in zip(rows, listed, strict=False)}
    return found


def _part(material: Material, names: set[str], *, several: bool) -> Material:
    """An owner's share. What was not confirmed stands in its own owner's pull request, or in the only one."""
    if not several:
        return material
    kept = {name: report for name, report in material.reports.items() if name in names}
    return replace(material, rows={n: r for n, r in material.rows.items() if n in names}, reports=kept)


def _open(material: Material, owner: str, forge: Forge, *, several: bool) -> Opened:
    night = material.night
    rows_head, ids = _commit_rows(material)
    carried = _carried(material)
    before = numbers.before(
        {name: numbers.most(material.segments[name]) for name, rows in material.rows.items() if rows}
    )
    request = PullRequest(
        night=night.name,
        branch=branch_of(night.name, owner if several else ""),
        head=rows_head,
        reports=[material.reports[name] for name in sorted(material.reports)],
        charts={name: chart.chart_png(report) for name, report in material.reports.items() if report.points},
        dimensions=_dimensions(material),
        training=_training(material),
        commits=ids,
        includes=tuple((name, proposal.branch) for name, proposal in carried.items()),
        owners=(owner,) if owner else (),
        facts=replace(
            material.facts, absent=material.absent, moved=moved(material, forge), tags=_tagged(material), before=before
        ),
    )
    head = _commit_results(material, request, forge)
    older = _replaced(material, carried)
    renewed = _renewed(material, older, head, forge)
    if renewed:
        request = replace(request, branch=renewed.branch, includes=())
    older = [] if renewed else [one for one in older if _gives_way(material, one, forge)]
    request = replace(request, head=head, supersedes=tuple(proposal.branch for proposal in older))
    forge.publish(night.repository, request.branch, head, renewed.head if renewed else "")
    opened = forge.open(request)
    _note(material, request)
    for proposal in older:
        forge.supersede(night.repository, proposal, opened)
    return opened


def _commit_rows(material: Material) -> tuple[str, dict[tuple[str, int], str]]:
    night = material.night
    head, ids = night.plan.base, {}
    for name, found in sorted(material.rows.items()):
        for row in found:
            blob = commits.write_blob(night.repository, row.content)
            text = material.message(row, material.reports[name])
            head = commits.commit_tree(night.repository, head, {row.target.file: blob}, text, night.plan.created)
            ids[name, row.number] = head
    return head, ids


def _commit_results(material: Material, request: PullRequest, forge: Forge) -> str:
    """results/<target>/ in a last commit of its own, so that the diff opens on the change itself.

    It holds no address: the same night makes the same commit on every forge.
    """
    night, links = material.night, forge.links(request)
    files: dict[str, bytes] = {}
    for report in request.reports:
        if report.confirmed:
            folder = f"results/{report.name}"
            drawn = {"dimensions.png": request.dimensions, "training.png": request.training}
            beside = {file: png[report.name] for file, png in drawn.items() if report.name in png}
            metrics, trained = ({report.name: file} if file in beside else {} for file in drawn)
            there = replace(links, charts={}, addresses={}, dimensions=metrics, training=trained)
            page = section(report, there)
            top = f"# {report.name}, night {night.name}\n\n![every experiment of the night](chart.png)"
            files[f"{folder}/README.md"] = f"{top}\n\n{page}\n".encode()
            files[f"{folder}/results.tsv"] = table.results_tsv(material.segments[report.name]).encode()
            files[f"{folder}/chart.png"] = request.charts[report.name]
            files |= {f"{folder}/{file}": png for file, png in beside.items()}
    if GENERATED not in night.repository.tree(night.plan.base):
        files[GENERATED] = b"* linguist-generated\n"  # a forge folds them in its list of changes
    blobs = {path: commits.write_blob(night.repository, content) for path, content in files.items()}
    text = f"Add results of night {night.name}\n\nNight: {night.name}\n"
    return commits.commit_tree(night.repository, request.head, blobs, text, night.plan.created)


def _carried(material: Material) -> dict[str, Proposal]:
    """Target -> the unreviewed proposal that it started from."""
    night = material.night
    found = {}
    for share in night.plan.targets:
        if share.carried_from and share.name in material.reports:
            proposal = past.proposal(night.repository, share.name, share.carried_from)
            if proposal:
                found[share.name] = proposal
    return found


def _tagged(material: Material) -> tuple[str, ...]:
    return tuple(name for name, rows in material.rows.items() if rows and "tag" in rows[0].target.publish)


def moved(material: Material, forge: Forge) -> Moved | None:
    """Whether the branch that a human merges into has left the night behind where that matters to it."""
    night = material.night
    now = forge.base(night.repository)
    if now is None or now == night.plan.base:
        return None
    names = night.repository.git("diff", "--name-only", "-z", "--no-renames", night.plan.base, now)
    changed = set(os.fsdecode(names).split("\0"))
    targets = [rows[0].target for rows in material.rows.values() if rows]
    if any(target.file in changed for target in targets):
        return Moved(now, "conflict")
    return Moved(now, "lock") if any(not changed.isdisjoint(target.locked) for target in targets) else None


def _replaced(material: Material, carried: Mapping[str, Proposal]) -> list[Proposal]:
    """Those of which every row is in tonight's: each of their targets started from them, and was confirmed again."""
    found = {}
    for proposal in carried.values():
        there = past.targets_on(material.night.repository, proposal.branch, material.night.name)
        again = {name for name, one in carried.items() if one.branch == proposal.branch and material.rows.get(name)}
        if there and there <= again:
            found[proposal.branch] = proposal
    return [found[branch] for branch in sorted(found)]


def _gives_way(material: Material, one: Proposal, forge: Forge) -> bool:
    """Whether nobody has looked at it while the night ran; or it has given way already, to a run that was killed."""
    return forge.standing(material.night.repository, one) in {Standing.WAITING, Standing.SUPERSEDED}


def _renewed(material: Material, older: Sequence[Proposal], head: str, forge: Forge) -> Proposal | None:
    """The one that is renewed in place, if it still waits (or already holds what a killed run put there)."""
    if not material.refreshes or len(older) != 1:
        return None
    for tip in (older[0].head, head):
        if forge.standing(material.night.repository, replace(older[0], head=tip)) is Standing.WAITING:
            return older[0]
    return None


def _noted(segments: Sequence[Segment]) -> tuple[str, str] | None:
    """Branch and head of what a target's records say was proposed last."""
    found = folds.of_kind(segments, "proposed")
    return (found[-1]["branch"], found[-1]["head"]) if found else None


def _note(material: Material, request: PullRequest) -> None:
    """The `proposed` event of each target that is in the pull request, once."""
    night = material.night
    for name, rows in sorted(material.rows.items()):
        found = list(material.segments.get(name, []))
        if not rows or _noted(found) == (request.branch, request.head):
            continue
        fields = header_fields(night, rows[0].target, night.target_plan(name), found[0].header["harness"])
        writer = night.begin(name, "propose", found, fields)
        blobs = [night.repository.blob_id(row.content) for row in rows]
        event = {"event": "proposed", "branch": request.branch, "head": request.head, "rows": blobs}
        writer.append([event | _circumstances(request, name)])
        writer.seal("confirmed")


def _circumstances(request: PullRequest, name: str) -> dict[str, Any]:
    """What a page says of its opening, for when it is written again."""
    found: dict[str, Any] = {}
    if includes := dict(request.includes).get(name, ""):
        found["includes"] = includes
    if request.supersedes:
        found["supersedes"] = request.supersedes[-1]
    if request.facts.absent:
        found["absent"] = [[one.target, one.reason, one.why] for one in request.facts.absent]
    if minutes := request.facts.minutes:
        found |= {"minutes_used": minutes.used, "minutes_reserved": minutes.reserved}
    return found
