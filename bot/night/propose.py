"""`propose`: records the night, then turns confirmed rows into commits and opens the pull request.

It runs nothing of what it received. Each row's content becomes a blob at the one path that the base commit's
target.yaml names, mode 100644, under a templated message. Run again after a kill it makes the same commits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bot import config
from bot.forge import Forge, Opened, Standing
from bot.night.confirm import outcome
from bot.night.earlier import past
from bot.night.folder import Night
from bot.night.handed.handing import NOTHING
from bot.night.handed.handover import Accepted
from bot.night.header import header_fields
from bot.night.proposing import opening
from bot.night.proposing.board import board
from bot.night.proposing.opening import Material, Row
from bot.night.proposing.recording import recorded
from bot.pages.facts import Absent, Facts, Minutes
from bot.pages.summary import TargetReport, summarise
from bot.pages.target import evidence
from bot.pages.target.rows import ablation, in_words, measured
from bot.pages.wording import figures
from bot.pages.wording.gains import headline
from bot.pages.wording.text import plain, words
from harness import folds, lock
from harness.errors import IntegrityError
from harness.events import GENESIS, Segment
from harness.handover.shapes import GATED
from harness.repository import CommitSource
from harness.rule import headline_name
from harness.target import Target

_SPEAKING = re.compile(r"[@#](?=\w)|\bGH-(?=\d)|\bwww\.(?=\w)|:(?=//)", re.IGNORECASE)
_BRACKETS = str.maketrans("[]", "()")


@dataclass(frozen=True)
class Proposed:
    """reports of every target; opened: one pull request, or one per owner, none where nothing was confirmed; refused:
    target -> why; left_out: what lay in the night's folder and was not read (<target>/<name> -> why)."""

    reports: tuple[TargetReport, ...]
    pulls: tuple[Opened, ...]
    refused: dict[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def opened(self) -> Opened | None:
        return self.pulls[0] if self.pulls else None


def propose(
    night: Night, targets: Sequence[Target], forge: Forge, silent: Mapping[str, str] = MappingProxyType({}),
    minutes: Minutes | None = None,
) -> Proposed:  # fmt: skip
    """Records everything that holds; proposes what is confirmed. A target that is refused is named, and left out.

    silent: targets of which nothing could be taken over -> why; minutes: of the workflow, where there is one.
    """
    ordered = sorted(targets, key=lambda t: t.name)
    forge.fetch(night.repository)
    accepted, refused = recorded(night, ordered, forge)
    segments = {name: list(found.received.segments) for name, found in accepted.items()}
    rows: dict[str, list[Row]] = {}
    for target in ordered:
        try:
            rows[target.name] = checked_rows(target, accepted[target.name]) if target.name in accepted else []
        except IntegrityError as error:
            refused[target.name] = error.what
    reports = {name: summarise(found) for name, found in segments.items() if found and name not in refused}
    for name, why in _declined(night, rows, forge).items():
        rows[name] = []
        reports[name] = replace(reports[name], verdict="not-confirmed", why=why)
    pulls: tuple[Opened, ...] = ()
    if any(rows.values()):
        gone = _absent(segments, silent)
        on_page = {t.name: _refused_report(night, t, refused[t.name]) for t in ordered if t.name in refused}
        on_page |= {name: report for name, report in reports.items() if name not in {one.target for one in gone}}
        material = replace(
            _material(night, rows, on_page, segments),
            absent=gone,
            facts=Facts(minutes=minutes),
        )
        pulls = opening.open_all(material, ordered, forge)
        recorded(night, ordered, forge)
    told = {target.name: figures.words(target, refused[target.name]) for target in ordered if target.name in refused}
    whole = {target.name for target in ordered} == {share.name for share in night.plan.targets}
    if whole and all(name in refused or folds.run_end(segments[name]) for name in (t.name for t in ordered)):
        night.finish()
    forge.dashboard(replace(board(night, refused), minutes=minutes))
    left_out = {f"{t}/{name}": why for t, found in accepted.items() for name, why in found.left_out.items()}
    return Proposed(tuple(reports.values()), pulls, told, left_out)


def _material(
    night: Night, rows: Mapping[str, list[Row]], reports: Mapping[str, TargetReport],
    segments: Mapping[str, list[Segment]],
) -> Material:  # fmt: skip
    settings = config.load(CommitSource(night.repository, night.plan.base)).pull_request
    return Material(
        night, rows, reports, segments, lambda row, report: message(row, night.name, report),
        refreshes=settings.unreviewed == "refresh",
    )  # fmt: skip


def _declined(night: Night, rows: Mapping[str, list[Row]], forge: Forge) -> dict[str, str]:
    """Targets whose result a human has declined, of whatever it was made -> why: it is not proposed again."""
    repository, base, found = night.repository, night.plan.base, {}
    for share in night.plan.targets:
        if not rows.get(share.name):
            continue
        carried = past.proposal(repository, share.name, share.carried_from)
        if carried and past.standing(repository, carried, base, forge) is Standing.DECLINED:
            found[share.name] = "a human closed what it started from while the night ran"
        refused = past.refused(repository, share.name, share.lock, base, forge)
        earlier, did = refused.get(repository.blob_id(rows[share.name][-1].content), (night.name, ""))
        if earlier != night.name:
            found.setdefault(share.name, f"a human {did} when the night {earlier} proposed it")
    return found


def _absent(segments: Mapping[str, Sequence[Segment]], silent: Mapping[str, str]) -> tuple[Absent, ...]:
    """Targets that did not run: something kept them from beginning, or their job left nothing that holds."""
    found = []
    for name, there in sorted(segments.items()):
        if not there:
            why = silent.get(name, NOTHING)
            found.append(Absent(name, "infra" if why == NOTHING else "integrity", why))
        elif (end := folds.run_end(there)) in GATED:
            found.append(Absent(name, str(end), there[-1].events[-1]["why"]))
    return tuple(found)


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


def _refused_report(night: Night, target: Target, why: str) -> TargetReport:
    """A refused target on the page: what the plan and the base commit say of it, and nothing of what it handed over."""
    fields = header_fields(night, target, night.target_plan(target.name), lock.harness_hash())
    alone = Segment("", ({"event": "header", "verb": "run", **fields},), GENESIS, 0, None)
    return replace(summarise([alone]), verdict="integrity", end="integrity", why=f"refused: {why}")


def message(row: Row, night: str, report: TargetReport) -> str:
    """The commit message of a row. Free text reaches it in one line, in which nothing means anything to a forge."""
    metric = headline_name(report.rule)
    subject = words(inert(plain(row.change, 120)), 10)
    adds = figures.amount(report, headline(report.rule), row.adds)
    confirmed = f"Confirmed: {metric} {adds}\n"
    said = f"Adds {adds} {metric} on top of the rows before it, re-measured from scratch."
    if report.noise:
        confirmed = f"Confirmed: {evidence.headline(report)}\nAblation: {ablation(report, row.number)}\n"
        said = f"Moves {in_words(report, row.number)}; {measured(report)}, from scratch."
    return (
        f"Change {row.target.name}: {subject}\n\n"
        f"{_parts(row) if report.unit == 'operation' else ''}"
        f"{said}\n\n"
        f"Target: {row.target.name}\n"
        f"Night: {night}\n"
        f"Experiments: {', '.join(map(str, row.experiments)) or 'none'}\n"
        f"{confirmed}"
        f"Lock: {report.lock}\n"
        f"Seal: {report.seal}\n"
    )


def _parts(row: Row) -> str:
    """What a row of operations changes, a thing a line; no line could be taken for a trailer."""
    return "".join(f"* {inert(plain(part, 300))}\n" for part in row.change.split("; ")) + "\n"


def inert(text: str) -> str:
    """Text in which a forge finds nobody to call, nothing to close, link or skip: @, #1, GH-1, addresses, [ci skip]."""
    return _SPEAKING.sub(lambda found: f"{found[0]} ", text).translate(_BRACKETS)
