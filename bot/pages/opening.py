"""The first lines of a page, which stand in a mail as they are: what to do, by how much, at what cost."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pages.facts import Facts
from bot.pages.pieces import Piece, Weight, broken
from bot.pages.summary import TargetReport
from bot.pages.target import evidence
from bot.pages.verdict import Verdict
from bot.pages.wording.gains import direction
from bot.pages.wording.text import count, duration, names

TOLD = 3  # targets that have a line of their own; with more there is a table


def opening(reports: Sequence[TargetReport], facts: Facts, found: Verdict) -> list[str]:
    """The verdict, a line per target, what it cost; then what else a reader has to know before a merge."""
    lines = [f"**{found.says}** {_because(reports, facts, found)}"]
    good = [report for report in reports if report.confirmed]
    told = good if len(good) <= TOLD else good[: TOLD - 1]
    lines += [_line(report) for report in told]
    if len(good) > len(told):
        lines.append(f"And {count(len(good) - len(told), 'more target')} confirmed: see the table.")
    lines.append(_cost(reports, facts, merging=bool(good)))
    return broken([*lines, *_also(facts, good)])


def overview(reports: Sequence[TargetReport], facts: Facts) -> list[Piece]:
    """Every target in a line of a table, where there are more than a mail's first lines hold."""
    if len(reports) + len(facts.absent) <= TOLD:
        return []
    found = {report.name: _overview(report) for report in reports}
    found |= {gone.target: f"| {gone.target} | did not run: {gone.reason} | | |" for gone in facts.absent}
    head = ["", "| target | result | rows | tries |", "|---|---|--:|--:|"]
    return [Piece(head, Weight.FIRST, "", "lines of the overview", [found[name] for name in sorted(found)])]


def _overview(report: TargetReport) -> str:
    if report.confirmed:
        return f"| {report.name} | {evidence.headline(report)} | {len(report.rows)} | {report.tries:,} |"
    return f"| {report.name} | {report.verdict or report.end or 'not confirmed'} | | {report.tries:,} |"


def _because(reports: Sequence[TargetReport], facts: Facts, found: Verdict) -> str:
    good = [report for report in reports if report.confirmed]
    sentences = [f"{why}." for why in found.because]
    missing = _missing(reports, facts)
    if not good:
        return " ".join([*sentences, *([f"{missing}."] if facts.absent else [])])
    all_of_them = "C" if len(good) == 1 else "All c"
    return " ".join([*sentences, f"{all_of_them}onfirmed by {_means(good)}; {missing or 'nothing failed'}."])


def _missing(reports: Sequence[TargetReport], facts: Facts) -> str:
    failed = [report.name for report in reports if not report.confirmed]
    gone = [f"{found.target} ({found.reason})" for found in facts.absent]
    good = len(failed) < len(reports)
    return "; ".join(
        [
            *([f"not confirmed: {names(failed)} (below)"] if failed and good else []),
            *([f"did not run: {names(gone)}"] if gone else []),
        ]
    )


def _line(report: TargetReport) -> str:
    return (
        f"{report.name}: {evidence.headline(report)}, {direction(report.compared)}. "
        f"{count(len(report.rows), 'row')} from {count(report.tries, 'try', 'tries')}{_suspected(report)}."
    )


def _suspected(report: TargetReport) -> str:
    number = report.reasons.get("suspect", 0)
    return f"; {number} too good to be true, not kept" if number else ""


def _means(confirmed: Sequence[TargetReport]) -> str:
    ways = {"fresh pairs" if report.noise else "a clean re-score" for report in confirmed}
    return " and ".join(sorted(ways))


def _cost(reports: Sequence[TargetReport], facts: Facts, *, merging: bool) -> str:
    usd = sum(report.usd for report in reports)
    cost = f"${sum(report.cost for report in reports):.2f}" + (f" of ${usd:.2f}" if usd else "")
    spent = [duration(sum(report.seconds for report in reports)), cost]
    if facts.minutes:
        spent.append(f"{facts.minutes.used:,} of {count(facts.minutes.reserved, 'reserved Actions minute')}")
    ends = names(sorted({report.end or "still running" for report in reports}))
    ended = f" Ended by: {ends}." if ends else ""
    return f"{_published(facts) if merging else ''}{', '.join(spent)}.{ended}"


def _published(facts: Facts) -> str:
    if facts.tags:
        return f"Merging tags {names(sorted(facts.tags), TOLD)}, and publishes nothing else. "
    return "Merging publishes nothing. "


def _also(facts: Facts, confirmed: Sequence[TargetReport]) -> list[str]:
    lines = []
    if facts.supersedes:
        old = f"#{facts.supersedes.number}, which nobody reviewed"
        lines.append(f"Takes the place of {old}; its rows are in this one where they still hold.")
    if facts.dropped:
        gone = sorted(facts.before.get(one.target, 0) + one.row for one in facts.dropped)
        rows = "row" if len(gone) == 1 else "rows"
        lines.append(f"Without {rows} {names([str(number) for number in gone], 20)}; the rest was confirmed again.")
    if facts.squash_only and sum(len(report.rows) for report in confirmed) > 1:
        cure = "; `/drop N` takes a row out before" if facts.commands else ""
        lines.append(
            f"This repository only squashes: all rows become one commit, and none can be reverted alone{cure}."
        )
    return lines
