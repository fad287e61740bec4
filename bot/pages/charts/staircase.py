"""The number that decides, over the tries: a step for every keep, as the loop claims them; what confirm found."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.pages.charts.ends import APART, LOST, SIZE, Label, frame, spread, titled
from bot.pages.charts.noisy_chart import BASE, INK, KEPT
from bot.pages.summary import TargetReport
from bot.pages.wording.figures import withheld
from bot.pages.wording.gains import direction, headline, number
from bot.pages.wording.text import decimals_for, value
from harness.rule import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NUMBERED = 10  # keeps that have room for their number
_LINES = 2.4  # of letters, with what lies between two labels


def staircase(axes: Axes, report: TargetReport) -> None:
    metric, last = headline(report.rule), max(report.tries, 1)
    found = [*steps(report), (last, 0.0)]
    found[-1] = (last, found[-2][1])
    xs, ys = [x for x, _ in found], [y for _, y in found]
    axes.axhline(ys[0], color=BASE, lw=1.2, ls=(0, (3, 1.5)))
    axes.step(xs, ys, where="post", color=INK, lw=1.8, zorder=2)
    axes.scatter(xs[1:-1], ys[1:-1], s=26, color=INK, zorder=3)
    for x, y in found[1:-1] if report.kept <= _NUMBERED else []:
        axes.annotate(f"{x}", (x, y), (5, 4), textcoords="offset points", fontsize=SIZE - 1, color=INK)
    measured = confirmed(report, ys[0])
    axes.set_ylim(*frame([*ys, *measured], share=0.12))
    _ticks(axes, last)
    _end(axes, report, measured, 1.12 * last + 0.5)
    _levels(axes, report, ys, measured)
    titled(axes, f"{metric.name}, {direction(metric)}", "the loop's steps, then what confirm measured")
    axes.set_xlabel(f"try; {report.kept} kept of {report.tries:,}", color=INK, fontsize=SIZE)
    if withheld(report, *ys):
        axes.set_yticklabels([])


def steps(report: TargetReport) -> Iterator[tuple[int, float]]:
    """The level at the start, and after each kept try. With noise, gains on top of the base of confirm's own pairs."""
    metric, searched = headline(report.rule), (report.confirm or {}).get("search", {})
    level = number(report.rule, metric, searched.get("base", report.base) if report.noise else report.base)
    yield 0, level
    for point in report.points:
        if point.kept:
            level = _moved(metric, level, point.value) if report.noise else point.value
            yield point.experiment, level


def confirmed(report: TargetReport, base: float) -> tuple[float, ...]:
    """The value that confirm found and the ends of its interval; nothing where it measured none, or another metric."""
    metric, found = headline(report.rule), report.interval
    if not report.noise:
        head = (report.confirm or {}).get("search", {}).get("head")
        return (number(report.rule, metric, head),) * 3 if head else ()
    if not found or report.compared.name != metric.name:
        return ()
    return tuple(_moved(metric, base, found[end]) for end in ("gain", "low", "high"))


def _ticks(axes: Axes, last: int) -> None:
    axes.set_xlim(0, last)
    axes.locator_params(axis="x", integer=True, nbins=6)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= last])
    axes.ticklabel_format(useOffset=False, axis="y")


def _end(axes: Axes, report: TargetReport, measured: tuple[float, ...], at: float) -> None:
    """What confirm measured, with its interval, behind the last try."""
    axes.set_xlim(0, 1.04 * at)
    if measured:
        color, reach = _color(report), [[abs(one - measured[0])] for one in sorted(measured[1:])]
        axes.errorbar([at], [measured[0]], yerr=reach, fmt="D", ms=5, color=color, lw=1.6, capsize=5, zorder=3)


def _levels(axes: Axes, report: TargetReport, ys: list[float], measured: tuple[float, ...]) -> None:
    """What each level is and comes to, at the right end."""
    levels: list[Label] = [(ys[0], "base", BASE)]
    levels += [(ys[-1], "claimed", INK)] if report.kept else []
    levels += [(measured[0], "confirmed" if report.confirmed else "measured", _color(report))] if measured else []
    decimals = decimals_for(min(abs(levels[0][0] - levels[-1][0]) or 1, 1))
    hidden = withheld(report, *(amount for amount, _, _ in levels))
    told = [(y, name if hidden else f"{name}\n{value(y, decimals)}", color) for y, name, color in levels]
    low, high = axes.get_ylim()
    line = APART * (high - low)
    for place, (_, text, color) in spread(told, _LINES * line, high - line):
        axes.text(1.03 * axes.get_xlim()[1], place, text, color=color, fontsize=SIZE, va="center", linespacing=1.05)


def _color(report: TargetReport) -> str:
    return KEPT if report.confirmed else LOST


def _moved(metric: Metric, before: float, gain: float) -> float:
    signed = gain if metric.goal == "maximize" else -gain
    return before * math.exp(signed) if metric.compare == "ratio" else before + signed
