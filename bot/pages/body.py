"""The body of the pull request, in Markdown: verdict, number, evidence, rows, and what each choice does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.pages.summary import Row, TargetReport
from bot.pages.text import cell_code, code, count, decimals_for, duration, signed, value, words
from harness.decide import Metric, headline_name


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
    """autoresearch 2026-11-21: churn-risk auc 0.7885 -> 0.8047 (held-out)"""
    moved = ", ".join(f"{report.name} {_headline(report)}" for report in reports if report.confirmed)
    return f"autoresearch {night}: {moved or 'nothing confirmed'}"


def body(night: str, reports: Sequence[TargetReport], links: Links) -> str:
    """The whole body."""
    confirmed = [report for report in reports if report.confirmed]
    rest = [report for report in reports if not report.confirmed]
    parts = [f"<!-- autoresearch:v1 night={night} -->", *_opening(confirmed, rest), ""]
    for report in confirmed:
        parts += [section(report, links), ""]
    for report in rest:
        parts += [_unconfirmed(report), ""]
    parts += _footer(confirmed or rest, links if confirmed else replace(links, merge="", close=""))
    return "\n".join(parts).rstrip() + "\n"


def section(report: TargetReport, links: Links) -> str:
    """One confirmed target."""
    parts = [
        f"## {report.name}: {_evidence(report)}",
        *_numbers(report),
        "",
        *_because(report),
        "",
        *_rows(report, links),
        "",
        *_reverted(report, links),
        "",
        _lock(report),
        *_reproduce(report),
    ]
    return "\n".join(parts)


def _lock(report: TargetReport) -> str:
    lock, harness, base = (code(digest[:12]) for digest in (report.lock, report.harness, report.commit))
    return f"Lock unchanged: {lock}; harness {harness}; base {base}."


def direction(metric: Metric) -> str:
    return "higher is better" if metric.goal == "maximize" else "lower is better"


def _opening(confirmed: Sequence[TargetReport], rest: Sequence[TargetReport]) -> list[str]:
    diffs = "the diff reads" if len(confirmed) == 1 else f"the {len(confirmed)} diffs read"
    if confirmed:
        what = "Confirmed by a clean re-score" if len(confirmed) == 1 else "All confirmed by a clean re-score"
        lines = [f"**Merge if {diffs} well.** {what}; {_failures(rest)}"]
    else:
        lines = ["**Nothing to merge.** No gain was confirmed."]
    for report in confirmed:
        lines.append(
            f"{report.name}: {_headline(report)}, {direction(report.primary)}. "
            f"{count(len(report.rows), 'row')} from {count(report.tries, 'try', 'tries')}."
        )
    everything = [*confirmed, *rest]
    cost = sum(report.cost for report in everything)
    ends = ", ".join(sorted({report.end or "still running" for report in everything}))
    seconds = sum(report.seconds for report in everything)
    merging = "Merging publishes nothing. " if confirmed else ""
    lines.append(f"{merging}{duration(seconds)}, ${cost:.2f}{_of_budget(everything)}. Ended by: {ends}.")
    return [f"{line}  " for line in lines[:-1]] + lines[-1:]


def _failures(rest: Sequence[TargetReport]) -> str:
    if not rest:
        return "nothing failed."
    return f"not confirmed: {', '.join(report.name for report in rest)} (below)."


def _of_budget(reports: Sequence[TargetReport]) -> str:
    usd = sum(report.usd for report in reports)
    return f" of ${usd:.2f}" if usd else ""


def _headline(report: TargetReport) -> str:
    before, after, where = _headline_values(report)
    decimals = decimals_for(after - before)
    return f"{report.primary.name} {value(before, decimals)} -> {value(after, decimals)}{where}"


def _headline_values(report: TargetReport) -> tuple[float, float, str]:
    name = report.primary.name
    if report.holdout:
        return report.holdout["base"][name], report.holdout["head"][name], " on held-out rows"
    search = (report.confirm or {}).get("search", {"base": report.base, "head": report.claimed})
    return search["base"][name], search["head"][name], ""


def _evidence(report: TargetReport) -> str:
    return "evidence strong" if report.holdout else "evidence exact (deterministic score)"


def _numbers(report: TargetReport) -> list[str]:
    """Base, claimed, confirmed and held-out, each a value of its own."""
    name, confirm = report.primary.name, report.confirm or {}
    before, after, _ = _headline_values(report)
    decimals = decimals_for(after - before)
    searched = [value(number, decimals) for number in (confirm["search"]["base"][name], report.claimed[name])]
    found = value(confirm["search"]["head"][name], decimals)
    label = "search rows" if report.sample else "score"
    lines = [
        f"| {name} ({direction(report.primary)}) | base tonight | claimed | confirmed |",
        "|---|--:|--:|--:|",
        f"| {label} | {searched[0]} | {searched[1]} | {found if report.holdout else f'**{found}**'} |",
    ]
    if report.holdout:
        lines.append(f"| **held-out rows** | {value(before, decimals)} | not used | **{value(after, decimals)}** |")
    return lines


def _because(report: TargetReport) -> list[str]:
    """Why to believe it, what got worse, what else moved."""
    confirm = report.confirm or {}
    lines = []
    if report.holdout:
        interval = report.holdout
        decimals = decimals_for(interval["gain"])
        lines.append(
            f"Held-out gain {signed(interval['gain'], decimals)}, {interval['confidence']:.0%} interval "
            f"{signed(interval['low'], decimals)} to {signed(interval['high'], decimals)}, "
            f"on {interval['rows']:,} rows."
        )
        lines.append(
            f"Luck: {count(report.tries, 'try', 'tries')} chose on the search rows only; "
            "the held-out rows were read once tonight, after the choice."
        )
    else:
        lines.append(f"Luck: the score is deterministic; {count(report.tries, 'try', 'tries')} were compared exactly.")
    lines.append(f"Repeat run {confirm['repeat']}: a clean process gave the kept file the claimed numbers.")
    lines += _guards(report)
    lines += _also(report)
    return [f"{line}  " for line in lines[:-1]] + lines[-1:]


def _guards(report: TargetReport) -> list[str]:
    found = []
    for metric in report.rule.metrics:
        limit = metric.guard or (
            metric.tolerance if report.rule.name == "every" and metric is not report.primary else None
        )
        if limit is None:
            continue
        before, after = _both(report, metric.name)
        allowed = limit.allowed(before)
        edge = before - allowed if metric.goal == "maximize" else before + allowed
        found.append(f"{metric.name} {value(before)} -> {value(after)} (limit {value(edge)}, {direction(metric)})")
    return [f"Guards hold: {'; '.join(found)}."] if found else ["Guards: none declared."]


def _also(report: TargetReport) -> list[str]:
    shown = {report.primary.name, *(metric.name for metric in report.rule.metrics if metric.guard)}
    found = []
    for metric in report.rule.metrics:
        if metric.name not in shown:
            before, after = _both(report, metric.name)
            word = (
                "better" if metric.gain(before, after) > 0 else "worse" if metric.gain(before, after) < 0 else "equal"
            )
            found.append(f"{metric.name} {value(before)} -> {value(after)} ({word})")
    return [f"Also measured: {'; '.join(found)}."] if found else []


def _both(report: TargetReport, name: str) -> tuple[float, float]:
    """Base and confirmed value, on held-out rows where there are any."""
    where = report.holdout or (report.confirm or {})["search"]
    return where["base"][name], where["head"][name]


def _rows(report: TargetReport, links: Links) -> list[str]:
    decimals = decimals_for(sum(row.adds for row in report.rows))
    lines = ["| # | commit | change | adds | lines |", "|--:|---|---|--:|--:|"]
    lines += [_row(report, row, links, decimals) for row in report.rows]
    where = "search rows" if report.sample else "score"
    return [
        *lines,
        "",
        f"*adds*: what a row changes in {headline_name(report.rule)} ({where}), on top of the rows above it.",
    ]


def _row(report: TargetReport, row: Row, links: Links, decimals: int) -> str:
    commit = links.commits.get((report.name, row.number), "")
    change = cell_code(words(row.change, 10), 80)
    adds = signed(row.adds, decimals)
    return f"| {row.number} | {code(commit[:8]) if commit else ''} | {change} | {adds} | +{row.added} -{row.removed} |"


def _reverted(report: TargetReport, links: Links) -> list[str]:
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in report.reasons.items())
    kept = f"{report.kept:,} kept on the way"
    summary = f"{report.tries - report.kept:,} reverted: {reasons}; {kept}" if reasons else kept
    lines = [f"<details><summary>{summary}</summary>", ""]
    if report.near_misses:
        name = report.primary.name
        lines += ["Nearest misses:", "", f"| experiment | {name} | reason | what |", "|--:|--:|---|---|"]
        for event in report.near_misses:
            what = cell_code(event["description"], 100)
            lines.append(f"| {event['id']} | {value(event['metrics'][name], 6)} | {event['reason']} | {what} |")
        lines.append("")
    chart = links.charts.get(report.name)
    if chart:
        lines += [f"![{report.primary.name} of {report.name} over {report.tries:,} experiments]({chart})", ""]
    return [*lines, "</details>"]


def _reproduce(report: TargetReport) -> list[str]:
    return [
        "<details><summary>Reproduce a row, or any experiment</summary>",
        "",
        "```sh",
        "# row 1, measured again from scratch",
        f"autoresearch reproduce {report.night}/{report.name}#1",
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


def _unconfirmed(report: TargetReport) -> str:
    lines = [f"## {report.name}: {report.verdict or 'not confirmed'}", ""]
    lines.append(f"Why: {code(report.why or 'confirm has not run', 300)}  ")
    if report.base:
        name = report.primary.name
        lines.append(
            f"Claimed by the loop, not confirmed: {name} {value(report.base[name])} -> {value(report.claimed[name])} "
            f"({direction(report.primary)}) after {count(report.tries, 'try', 'tries')}; "
            f"ended by: {report.end or 'not yet'}."
        )
    return "\n".join(lines)


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
