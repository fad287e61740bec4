"""What a night tried and did not keep: too good to be true, near misses, and how much there was of everything else."""

from __future__ import annotations

import math

from bot.pages.pieces import Piece, Weight
from bot.pages.summary import TargetReport
from bot.pages.wording import figures
from bot.pages.wording.gains import headline, number
from bot.pages.wording.text import cell_code, count, label
from harness.events import Event
from harness.rule import headline_name


def suspects(report: TargetReport) -> list[Piece]:
    """What passed and was not believed, where a reader cannot miss it."""
    found = report.reasons.get("suspect", 0)
    if not found:
        return []
    head = [f"### Too good to be true: {found}, not kept", "", "| try | why | what |", "|--:|---|---|"]
    lines = [
        f"| {event['id']} | {_why(report, event, 200)} | {cell_code(event['description'], 80)} |"
        for event in report.suspects
    ]
    if found > len(report.suspects):
        lines.append(f"| | and {found - len(report.suspects)} more: results.tsv | |")
    return [Piece(head, Weight.SECTION, report.name, "what was too good to be true", lines, [""])]


def reverted(report: TargetReport, chart: str) -> Piece:
    """chart: an address, or nothing."""
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in report.reasons.items())
    kept = f"{report.kept:,} kept on the way"
    summary = f"{report.tries - report.kept:,} reverted: {reasons}; {kept}" if reasons else kept
    lines = [f"<details><summary>{summary}</summary>", ""]
    if report.near_misses:
        where = "" if report.noise else f", by {label(headline(report.rule).name)}"
        lines += [f"Nearest misses{where}:", "", *(_noisy_misses(report) if report.noise else _misses(report)), ""]
    if report.reasons.get("unfinished"):
        lines += ["Unfinished: the night ended in the middle of its pairs; it may be tried again.", ""]
    if report.reasons.get("screened"):
        lines += [_screened(report), ""]
    if chart:
        tries = count(report.tries, "experiment")
        lines += [f"![{label(headline_name(report.rule))} of {report.name} over {tries}]({chart})", ""]
    return Piece([*lines, "</details>", ""], Weight.FOLDED, report.name, "near misses", short=[f"{summary}.", ""])


def _screened(report: TargetReport) -> str:
    name = label(report.primary.name)
    if report.noise:
        return f"Screened: measured once at a share of the cost, behind the incumbent in {name}, so no pair was spent."
    return f"Screened: a bound on {name} ruled it out, so nothing else of it was measured."


def _misses(report: TargetReport) -> list[str]:
    metric = headline(report.rule)
    lines = ["| try | reached | what |", "|--:|--:|---|"]
    for event in report.near_misses:
        what = cell_code(event["description"], 100)
        base, reached = (number(report.rule, metric, values) for values in (report.base, event["metrics"]))
        said = figures.one(report, reached, base, 6)
        lines.append(f"| {event['id']} | {said} | {_reason(report, event)}: {what} |")
    return lines


def _noisy_misses(report: TargetReport) -> list[str]:
    """Evidence: the largest at any pair. It is an odds ratio, and no try is kept below the night's threshold."""
    metric, gains = headline(report.rule), [event["gain"] for event in report.near_misses]
    lines = ["| try | change | evidence | what |", "|--:|--:|--:|---|"]
    for event in report.near_misses:
        evidence, moved = (
            f"{math.exp(min(event['peak'], 50)):,.0f} to 1",
            figures.shown(report, metric, event["gain"], like=gains),
        )
        what = cell_code(event["description"], 100)
        lines.append(f"| {event['id']} | {moved} | {evidence} | {_reason(report, event)}: {what} |")
    return lines


def _reason(report: TargetReport, event: Event) -> str:
    """Which guard it was that did not hold, and by how much."""
    return f"guard, {_why(report, event, 120)}" if event["reason"] == "guard" else str(event["reason"])


def _why(report: TargetReport, event: Event, most: int) -> str:
    return cell_code(figures.words(report, event["why"]), most)
