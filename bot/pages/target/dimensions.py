"""Every metric before and after, where the keep rule is `every`: what got better, what worse, which is lowest now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.pages.pieces import Piece, Weight
from bot.pages.summary import TargetReport
from bot.pages.wording import figures
from bot.pages.wording.gains import headline
from bot.pages.wording.text import count, label
from harness.rule import Metric

FEWEST = 2  # beside the headline: one more metric is said in a line
_DECIMALS, _MOST = 3, 2


@dataclass(frozen=True)
class Moved:
    """A metric on the base and on what was confirmed, both from confirm, on held-out rows where there are any. judged:
    whether there was anything to judge, in the base or since."""

    metric: Metric
    before: float
    after: float
    judged: bool = True

    @property
    def gain(self) -> float:
        return self.metric.gain(self.before, self.after)

    @property
    def is_share(self) -> bool:
        """Whether it is drawn: 0 to 1, and higher is better."""
        return (
            self.judged
            and self.metric.goal == "maximize"
            and 0 <= min(self.before, self.after) <= max(self.before, self.after) <= 1
        )


def moved(report: TargetReport) -> list[Moved]:
    """Every metric but the headline; nothing where the rule is another, or where nothing was measured again."""
    where = report.holdout or (report.confirm or {}).get("search")
    if report.rule.name != "every" or report.noise or not where or not {"base", "head"} <= where.keys():
        return []
    others = [metric for metric in report.rule.metrics if metric is not headline(report.rule)]
    if len(others) < FEWEST:
        return []
    apart = {one.name for one in others} & report.parts  # an evaluator that tells its metrics as parts tells all judged
    return [Moved(one, where["base"][one.name], where["head"][one.name], _judged(one, where, apart)) for one in others]


def _judged(metric: Metric, where: Mapping[str, Any], apart: set[str]) -> bool:
    is_left_out = where["base"][metric.name] == where["head"][metric.name] == 0 and metric.name not in apart
    return not (apart and is_left_out and metric.goal == "maximize")


def drawn(report: TargetReport) -> list[Moved]:
    """Those that a chart shows; nothing where too few are shares."""
    shares = [one for one in moved(report) if one.is_share]
    return shares if len(shares) >= FEWEST else []


def by_row(report: TargetReport) -> dict[int, str]:
    """Row -> the metrics that it moved most, on top of the rows above it: consent +0.210, folders +0.054. Nothing where
    the metrics have no table, or the rows were not measured one by one."""
    shown = {one.metric.name: said(one.metric) for one in drawn(report)}
    if not shown or not all(row.metrics for row in report.rows):
        return {}
    found, before = dict[int, str](), (report.confirm or {})["search"]["base"]
    for row in report.rows:
        steps = {name: row.metrics[name] - before[name] for name in shown}
        most = sorted((name for name in steps if steps[name]), key=lambda name: (-abs(steps[name]), name))
        found[row.number] = ", ".join(f"{shown[name]} {steps[name]:+.{_DECIMALS}f}" for name in most[:_MOST])
        before = row.metrics
    return found


def pieces(report: TargetReport, address: str) -> list[Piece]:
    """The chart, what it shows in a sentence, and a table of the numbers. address: the chart's, or nothing."""
    found = moved(report)
    if not found:
        return []
    says = _says(found)
    picture = [f"![{count(len(drawn(report)), 'metric')} of {report.name} before and after]({address})", ""]
    lines = [*(picture if address else []), says, "", "| metric | base | after | change |", "|---|--:|--:|--:|"]
    return [
        Piece(lines, Weight.SECTION, report.name, "metrics", [_row(report, one) for one in found], [""], [says, ""]),
    ]


def _says(found: Sequence[Moved]) -> str:
    """8 of 10 metrics are better, 1 equal, 1 worse; the lowest now is naming, 0.810."""
    judged = [one for one in found if one.judged]
    better, worse = (sum(sign * one.gain > 0 for one in judged) for sign in (1, -1))
    equal = len(judged) - better - worse
    parts = [f"{better} of {count(len(judged), 'metric')} {'is' if better == 1 else 'are'} better"]
    parts += [f"{equal} equal"] if equal else []
    parts.append(f"{worse} worse, within what is allowed" if worse else "none worse")
    shares = [one for one in found if one.is_share]
    lowest = min(shares, key=lambda one: one.after, default=None)
    now = f"; the lowest now is {said(lowest.metric)}, {lowest.after:.{_DECIMALS}f}" if lowest else ""
    return f"Beside the headline, {', '.join(parts)}{now}."


def said(metric: Metric) -> str:
    """A metric's name so that a narrow table can break it."""
    return label(metric.name).replace("_", " ")


def _row(report: TargetReport, one: Moved) -> str:
    name = said(one.metric) + ("" if one.metric.goal == "maximize" else " (lower is better)")
    name += ": worse" if one.gain < 0 else ""  # in the one column that a narrow screen can break
    if not one.judged:
        return f"| {name}: not judged | | | |"
    if figures.withheld(report, one.before, one.after):
        before, after = (figures.one(report, number, one.before) for number in (one.before, one.after))
        return f"| {name} | {before} | {after} | {_word(one)} |"
    decimals = _decimals(one)
    change = "0" if one.before == one.after else f"{one.after - one.before:+,.{decimals}f}"
    return f"| {name} | {one.before:,.{decimals}f} | {one.after:,.{decimals}f} | {change} |"


def _decimals(one: Moved) -> int:
    counts = float(one.before).is_integer() and float(one.after).is_integer() and not one.is_share
    return 0 if counts else _DECIMALS


def _word(one: Moved) -> str:
    return "better" if one.gain > 0 else "worse" if one.gain < 0 else "equal"
