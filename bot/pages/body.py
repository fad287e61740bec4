"""The body of the pull request, in Markdown: verdict, number, evidence, rows, and what each choice does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.pages import evidence, noisy, rows, tried
from bot.pages.gains import direction, number, shown
from bot.pages.summary import TargetReport
from bot.pages.text import code, count, duration, unbroken, value


@dataclass(frozen=True)
class Links:
    """What only a forge knows. merge, close: what to do, in Markdown; chart, commit: an address or nothing.
    includes: (target, branch) of unreviewed nights that this one started from."""

    merge: str
    close: str
    charts: Mapping[str, str]
    commits: Mapping[tuple[str, int], str]
    includes: tuple[tuple[str, str], ...] = ()


def title(night: str, reports: Sequence[TargetReport]) -> str:
    """autoresearch 2026-11-21: churn-risk auc 0.7885 -> 0.8047 on held-out rows"""
    moved = ", ".join(f"{report.name} {evidence.headline(report)}" for report in reports if report.confirmed)
    return f"autoresearch {night}: {moved or 'nothing confirmed'}"


def body(night: str, reports: Sequence[TargetReport], links: Links) -> str:
    """The whole body."""
    confirmed = [report for report in reports if report.confirmed]
    rest = [report for report in reports if not report.confirmed]
    parts = [f"<!-- autoresearch:v1 night={night} -->", *_opening(confirmed, rest), ""]
    for report in confirmed:
        parts += [section(report, links), ""]
    for report in rest:
        parts += [_unconfirmed(report, links), ""]
    parts += _footer(confirmed or rest, links if confirmed else replace(links, merge="", close=""))
    return unbroken("\n".join(parts).rstrip() + "\n")


def section(report: TargetReport, links: Links) -> str:
    """One confirmed target."""
    parts = [
        f"## {report.name}: {evidence.strength(report)}",
        *evidence.numbers(report),
        "",
        *_broken(evidence.because(report)),
        "",
        *rows.table(report, links.commits),
        *rows.unproven(report),
        *tried.suspects(report),
        "",
        *tried.reverted(report, links.charts.get(report.name, "")),
        *_method(report),
        "",
        _lock(report),
        *_reproduce(report),
    ]
    return unbroken("\n".join(parts))


def _method(report: TargetReport) -> list[str]:
    lines = noisy.method(report, report.noise) if report.noise else []
    lines += [line for line in [rows.method(report)] if line]
    if not lines:
        return []
    return ["", "<details><summary>How it was measured</summary>", "", *_broken(lines), "", "</details>"]


def _broken(lines: Sequence[str]) -> list[str]:
    """Lines of one paragraph, each on a line of its own."""
    return [f"{line}  " for line in lines[:-1]] + list(lines[-1:])


def _lock(report: TargetReport) -> str:
    lock, harness, base = (code(digest[:12]) for digest in (report.lock, report.harness, report.commit))
    return f"Lock unchanged: {lock}; harness {harness}; base {base}."


def _opening(confirmed: Sequence[TargetReport], rest: Sequence[TargetReport]) -> list[str]:
    diffs = "the diff reads" if len(confirmed) == 1 else f"the {len(confirmed)} diffs read"
    if confirmed:
        what = f"{'C' if len(confirmed) == 1 else 'All c'}onfirmed by {_means(confirmed)}"
        lines = [f"**Merge if {diffs} well.** {what}; {_failures(rest)}"]
    else:
        lines = ["**Nothing to merge.** No gain was confirmed."]
    for report in confirmed:
        lines.append(
            f"{report.name}: {evidence.headline(report)}, {direction(report.compared)}. "
            f"{count(len(report.rows), 'row')} from {count(report.tries, 'try', 'tries')}{_suspected(report)}."
        )
    everything = [*confirmed, *rest]
    cost = sum(report.cost for report in everything)
    ends = ", ".join(sorted({report.end or "still running" for report in everything}))
    seconds = sum(report.seconds for report in everything)
    merging = "Merging publishes nothing. " if confirmed else ""
    lines.append(f"{merging}{duration(seconds)}, ${cost:.2f}{_of_budget(everything)}. Ended by: {ends}.")
    return _broken(lines)


def _means(confirmed: Sequence[TargetReport]) -> str:
    ways = {"fresh pairs" if report.noise else "a clean re-score" for report in confirmed}
    return " and ".join(sorted(ways))


def _suspected(report: TargetReport) -> str:
    number = report.reasons.get("suspect", 0)
    return f"; {number} too good to be true, not kept" if number else ""


def _failures(rest: Sequence[TargetReport]) -> str:
    if not rest:
        return "nothing failed."
    return f"not confirmed: {', '.join(report.name for report in rest)} (below)."


def _of_budget(reports: Sequence[TargetReport]) -> str:
    usd = sum(report.usd for report in reports)
    return f" of ${usd:.2f}" if usd else ""


def _reproduce(report: TargetReport) -> list[str]:
    if report.noise:
        again = ["# the whole result, in fresh pairs held against the interval above", "head"]
    else:
        again = ["# row 1, measured again from scratch", "1"]
    return [
        "<details><summary>Reproduce a row, or any experiment</summary>",
        "",
        "```sh",
        again[0],
        f"autoresearch reproduce {report.night}/{report.name}#{again[1]}",
        "# experiment 17, kept or not",
        f"autoresearch reproduce {report.night}/{report.name}/17",
        "# every recorded byte against its chain",
        f"autoresearch log --verify {report.night}",
        "```",
        "",
        f"Seal of confirm: {code(report.seal[:16])}",
        "",
        "</details>",
    ]


def _unconfirmed(report: TargetReport, links: Links) -> str:
    ended_early = report.end == "underpowered"
    why = report.end_why if ended_early else report.why
    lines = [f"Why: {code(why or 'confirm has not run', 500)}"]
    if report.noise:
        lines += [noisy.measured(report), noisy.luck(report, report.noise)]
    else:
        lines.append(evidence.held_out(report))
    lines.append(_claim(report))
    heading = f"## {report.name}: {'underpowered' if ended_early else report.verdict or 'not confirmed'}"
    paragraph = _broken([line for line in lines if line])
    parts = [heading, "", *paragraph, *tried.suspects(report)]
    if report.tries and report.verdict != "integrity":
        parts += ["", *tried.reverted(report, links.charts.get(report.name, ""))]
    return "\n".join([*parts, *_method(report)])


def _claim(report: TargetReport) -> str:
    if not report.base:
        return ""
    tries = count(report.tries, "try", "tries")
    if not report.kept:
        return f"Nothing was kept, in {tries}; ended by: {report.end or 'not yet'}." if report.tries else ""
    if report.noise:
        claim = f"{report.compared.name} {shown(report.compared, report.claim)}"
    else:
        before, after = (number(report.rule, report.compared, values) for values in (report.base, report.claimed))
        claim = f"{report.compared.name} {value(before)} -> {value(after)}"
    ended = f"after {tries}; ended by: {report.end or 'not yet'}"
    return f"Claimed by the loop, not confirmed: {claim} ({direction(report.compared)}) {ended}."


def _footer(reports: Sequence[TargetReport], links: Links) -> list[str]:
    lines = []
    if links.merge:
        lines.append(f"**Merge:** {links.merge}  ")
    if links.close:
        lines.append(f"**Close:** {links.close}  ")
    for name, branch in links.includes:
        lines.append(f"Includes what {code(branch)} proposed for {name}, which nobody has reviewed yet.  ")
    owners = sorted({report.owner for report in reports if report.owner})
    if owners:
        lines.append(f"Asked to review: {', '.join(code(owner) for owner in owners)}.  ")
    proposers = ", ".join(sorted({code(report.proposer) for report in reports}))
    lines.append(f"Proposed by {proposers}; judged by the harness; written by a bot.")
    return lines
