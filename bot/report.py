"""What a night came to, as text, as JSON, and as a folder of page, chart and table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.night.earlier import archive
from bot.night.folder import Night, write_atomically
from bot.night.handed import handover
from bot.night.night import NightResult, targets_of
from bot.night.proposing import numbers
from bot.pages import table
from bot.pages.body import Facts, Links, body, title
from bot.pages.charts import chart, dumbbell, training_chart
from bot.pages.summary import TargetReport, summarise
from bot.pages.target import dimensions, evidence, models
from bot.pages.web import page
from bot.pages.wording import figures
from bot.pages.wording.text import code, count, duration, plain
from bot.promote import words as promotions
from harness import folds
from harness.events import Segment
from harness.handover.shapes import GATED
from harness.repository import Repository


def report(repository: Repository, name: str, out: Path | None, *, as_json: bool) -> str:
    """A night from its records. out: where page.md, page.html and each target's chart and results.tsv go."""
    with archive.opened(repository, name) as night:
        return _report(night, out, as_json=as_json)


def _report(night: Night, out: Path | None, *, as_json: bool) -> str:
    found, refused = handover.held(night, targets_of(night))
    reports = [summarise(segments) for segments in found.values() if segments]
    if as_json:
        told = [{"target": name, "night": night.name, "refused": why} for name, why in refused.items()]
        return json.dumps([*(_with_merges(night, entry) for entry in reports), *told], indent=2)
    charts = {entry.name: f"{entry.name}-chart.png" for entry in reports if entry.points}
    commits = {(r.name, row.number): _commit_of(night, r, row.number, found[r.name]) for r in reports for row in r.rows}
    facts = Facts(before=numbers.of_night(found))
    drawn = {entry.name: f"{entry.name}-dimensions.png" for entry in reports if dimensions.drawn(entry)}
    trained = {entry.name: f"{entry.name}-training.png" for entry in reports if entry.runs}
    links = Links(_merged(night, reports), "", charts, commits, facts=facts, dimensions=drawn, training=trained)
    text = body(night.name, reports, links)
    text += "".join(f"\n## {name}: refused\n\nWhy: {code(why, 300)}\n" for name, why in refused.items())
    text += promotions.section(night.repository, sorted(found), night.name)
    if out is None:
        return text
    for entry in reports:
        write_atomically(out / f"{entry.name}-results.tsv", table.results_tsv(found[entry.name]))
        if entry.points:
            write_atomically(out / charts[entry.name], chart.chart_png(entry))
        if entry.name in drawn:
            write_atomically(out / drawn[entry.name], dumbbell.dumbbell_png(entry))
        if entry.name in trained:
            write_atomically(out / trained[entry.name], training_chart.training_png(entry))
    write_atomically(out / "page.md", text)
    write_atomically(out / "page.html", page(title(night.name, reports), text))
    return str(out / "page.html")


def night_text(result: NightResult) -> str:
    """The end of `autoresearch night` on a terminal: the page's path and the merging command come last."""
    lines = [f"night {result.night.name}"]
    lines += [f"  {_line(entry)}" for entry in result.proposed.reports]
    lines += [f"  {name}: refused: {plain(why, 300)}" for name, why in result.proposed.refused.items()]
    lines += [f"  {plain(name)}: left out: {why}" for name, why in result.proposed.left_out.items()]
    lines.append("records: branch autoresearch/results")
    if result.proposed.opened is None:
        lines.append("no pull request: nothing was confirmed. The night's page: autoresearch report")
        return "\n".join(lines)
    for opened in result.proposed.pulls:
        lines += [f"branch:  {opened.branch}", f"page:    {opened.where}", *(f"note:    {n}" for n in opened.notes)]
        lines.append(f"merge:   {opened.merge}")
    return "\n".join(lines)


def night_json(result: NightResult) -> dict[str, Any]:
    opened = result.proposed.opened
    return {
        "night": result.night.name,
        "targets": [_target_json(entry) for entry in result.proposed.reports],
        "refused": result.proposed.refused,
        "failures": result.failures,
        "branch": opened.branch if opened else None,
        "page": opened.where if opened else None,
        "merge": opened.merge if opened else None,
    }


def _line(entry: TargetReport) -> str:
    if entry.end in GATED:
        return f"{entry.name}: did not begin, ended by: {entry.end}: {plain(figures.words(entry, entry.end_why), 300)}"
    if entry.confirmed and entry.confirm:
        moved = f"confirmed, {evidence.headline(entry)}, {count(len(entry.rows), 'row')}"
    else:
        why = figures.words(entry, entry.why) or "the loop did not come to its end"
        moved = f"{entry.verdict or 'not confirmed'}: {plain(why, 300)}"
    tries = f"{count(entry.tries, 'try', 'tries')} in {duration(entry.seconds)}"
    return f"{entry.name}: {moved}; {tries}, ended by: {entry.end}{models.failures(entry)}"


def _target_json(entry: TargetReport) -> dict[str, Any]:
    return {
        "target": entry.name, "night": entry.night, "base_commit": entry.commit, "end": entry.end,
        "verdict": entry.verdict, "why": entry.why, "experiments": entry.tries, "kept": entry.kept,
        "reverted": entry.reasons, "base": entry.base, "claimed": entry.claimed,
        "search": (entry.confirm or {}).get("search"), "holdout": entry.holdout, "interval": entry.interval,
        "noise": asdict(entry.noise) if entry.noise else None, "ablation": (entry.confirm or {}).get("ablation"),
        "rows": [{"number": row.number, "change": row.change, "adds": row.adds} for row in entry.rows],
        "cost_usd": entry.cost, "seconds": entry.seconds, "lock": entry.lock, "seal": entry.seal,
        **({"models": [asdict(one) for one in entry.models]} if entry.models else {}),
        **({"device": entry.device} if entry.device else {}),
        **({"runs": [asdict(run) for run in entry.runs]} if entry.runs else {}),
    }  # fmt: skip


def _with_merges(night: Night, entry: TargetReport) -> dict[str, Any]:
    merges = promotions.of_night(night.repository, entry.name, night.name)
    return {**_target_json(entry), "realised": [promotions.as_json(merge) for merge, _line in merges]}


def _merged(night: Night, reports: list[TargetReport]) -> str:
    return f"{code(f'git merge --no-ff autoresearch/{night.name}')}" if any(r.confirmed for r in reports) else ""


def _commit_of(night: Night, entry: TargetReport, number: int, segments: Sequence[Segment]) -> str:
    """The commit of a row on the night's branch, found by the branch's own order: rows, then results."""
    proposed = folds.of_kind(segments, "proposed")
    if not proposed or night.repository.reference(f"{proposed[-1]['head']}^{{commit}}") is None:
        return ""
    trailer = f"--grep=^Target: {entry.name}$"
    span = f"{night.plan.base}..{proposed[-1]['head']}"
    found = night.repository.git("log", "--reverse", "--format=%H", trailer, span).decode().split()
    place = [row.number for row in entry.rows].index(number)
    return found[place] if place < len(found) else ""
