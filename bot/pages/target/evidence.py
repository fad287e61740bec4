"""Why to believe a confirmed gain: the numbers side by side, what they rest on, what got worse, what else moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.pages.summary import TargetReport
from bot.pages.target import dimensions, noisy
from bot.pages.wording import figures, gains
from bot.pages.wording.gains import direction, number
from bot.pages.wording.text import count, decimals_for, label, percent
from harness.holdout import LOOK_CONFIDENCE


def headline(report: TargetReport) -> str:
    """The number a night is about: auc 0.7885 -> 0.8047 on held-out rows; seconds -12.3 %, 95 % interval ..."""
    if report.noise and report.interval:
        return figures.fresh(report, report.interval)
    before, after, where = _headline_values(report)
    decimals = decimals_for(after - before)
    return f"{label(report.compared.name)} {figures.pair(report, before, after, decimals)}{where}"


def brief(report: TargetReport) -> str:
    """The same beside other targets': seconds -12.3 %"""
    if report.noise and report.interval:
        return f"{label(report.compared.name)} {figures.shown(report, report.compared, report.interval['gain'])}"
    return headline(report)


def strength(report: TargetReport, weakness: str = "") -> str:
    """weakness: why the evidence is weak, or nothing."""
    if weakness:
        return f"evidence weak ({weakness}{again(report)})"
    if report.noise:
        return f"evidence strong (fresh pairs{again(report)})"
    return "evidence strong" if report.holdout else "evidence exact (deterministic score)"


def again(report: TargetReport) -> str:
    """What commands found since, to be said after something else; nothing where none measured in pairs."""
    return f"; {noisy.again(report).lower()}" if report.repeats else ""


def numbers(report: TargetReport) -> list[str]:
    """Base, claimed, confirmed and held-out, each a value of its own."""
    if report.noise:
        return noisy.numbers(report)
    before, after, _ = _headline_values(report)
    decimals = decimals_for(after - before)
    confirmed = (report.confirm or {})["search"]
    measured = (confirmed["base"], report.claimed, confirmed["head"])
    numbers = [number(report.rule, report.compared, values) for values in measured]
    *searched, found = (figures.one(report, entry, numbers[0], decimals) for entry in numbers)
    rows = "search rows" if report.sample else "score"
    lines = [
        f"{label(report.compared.name)}, {direction(report.compared)}:",
        "",
        "| | base tonight | claimed | confirmed |",
        "|---|--:|--:|--:|",
        f"| {rows} | {searched[0]} | {searched[1]} | {found if report.holdout else f'**{found}**'} |",
    ]
    if report.holdout:
        ends = [figures.one(report, entry, before, decimals) for entry in (before, after)]
        lines.append(f"| **held-out rows** | {ends[0]} | not used | **{ends[1]}** |")
    return lines


def because(report: TargetReport) -> list[str]:
    """One line each."""
    if report.noise:
        return noisy.because(report, report.noise)
    tries = count(report.tries, "try", "tries")
    if report.holdout:
        lines = [
            held_out(report),
            f"Luck: {tries} chose on the search rows only; the held-out rows were read once tonight, after the choice.",
        ]
    else:
        were = "was" if report.tries == 1 else "were"
        lines = [f"Luck: the score is deterministic; {tries} {were} compared exactly."]
    repeat = (report.confirm or {})["repeat"]
    if repeat == "varies":
        lines.append("Asked anew: confirm used no answer that the model gave in the loop, so its numbers may differ.")
    else:
        lines.append(f"Repeat run {repeat}: a clean process gave the kept file the claimed numbers.")
    return [*lines, *_guards(report), *_also(report), *figures.said(report)]


def held_out(report: TargetReport) -> str:
    """The held-out gain with its interval, which look at these rows it was, and what each look has to reach."""
    found = report.holdout
    if not found:
        return ""
    decimals, base = decimals_for(found["gain"]), number(report.rule, report.compared, found["base"])
    gain, low, high = (figures.gain(report, found[key], base, decimals) for key in ("gain", "low", "high"))
    on = "" if report.private else f", on {found['rows']:,} rows"
    text = f"Held-out gain {gain}, {percent(found['confidence'])} interval {low} to {high}{on}."
    if "look" in found:
        bound = figures.gain(report, found["lower"], base, decimals)
        text += (
            f" Look {found['look']} of {found['looks']} at these rows: each has to be above 0 with "
            f"{percent(LOOK_CONFIDENCE)} confidence; the bound is {bound}."
        )
    return text


def _headline_values(report: TargetReport) -> tuple[float, float, str]:
    where = " (pareto: none worse)" if report.rule.name == "pareto" else ""
    measured: Mapping[str, Any] = (report.confirm or {}).get("search", {"base": report.base, "head": report.claimed})
    if report.holdout:
        measured, where = report.holdout, " on held-out rows"
    before, after = (number(report.rule, report.compared, measured[side]) for side in ("base", "head"))
    return before, after, where


def _guards(report: TargetReport) -> list[str]:
    found, told = [], _told(report)
    for metric in report.rule.metrics:
        limit = metric.guard or (
            metric.tolerance if report.rule.name == "every" and metric is not report.primary else None
        )
        if limit is None or (metric.name in told and not metric.guard):
            continue
        before, after = _both(report, metric.name)
        edge = gains.edge(metric, limit, before)
        worst, pair = figures.one(report, edge, before), figures.pair(report, before, after)
        if metric.name in told and not figures.withheld(report, before, after, edge):
            worst, pair = f"{edge:,.6g}", f"{before:,.6g} -> {after:,.6g}"
        found.append(f"{label(metric.name)} {pair} (limit {worst}, {direction(metric)})")
    return [f"Guards hold: {'; '.join(found)}."] if found else ["Guards: none declared."]


def _also(report: TargetReport) -> list[str]:
    shown = {report.compared.name, *(metric.name for metric in report.rule.metrics if metric.guard), *_told(report)}
    found = []
    for metric in report.rule.metrics:
        if metric.name not in shown:
            before, after = _both(report, metric.name)
            word = (
                "better" if metric.gain(before, after) > 0 else "worse" if metric.gain(before, after) < 0 else "equal"
            )
            found.append(f"{label(metric.name)} {figures.pair(report, before, after)} ({word})")
    return [f"Also measured: {'; '.join(found)}."] if found else []


def _told(report: TargetReport) -> set[str]:
    """Metrics that have a table of their own."""
    return {one.metric.name for one in dimensions.moved(report)}


def _both(report: TargetReport, name: str) -> tuple[float, float]:
    """Base and confirmed value, on held-out rows where there are any."""
    where = report.holdout or (report.confirm or {})["search"]
    return where["base"][name], where["head"][name]
