"""The night of a noisy target as a picture: what noise alone does to each try, and which tries left it.

Above, a try is a dot at its mean gain against the incumbent of its moment, on a bar from -2 to +2 standard errors that
pairs of the unchanged file have when there are as many of them: a dot on its bar is noise. Tries too far off to be
shown lie at the edge. Below, the whole result
against the base as confirm measured it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.pages.summary import TargetReport
from bot.pages.tally import Noise, Point
from bot.pages.wording.figures import withheld
from bot.pages.wording.gains import change, direction, headline, number
from harness.rule import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, KEPT, DOT, BASE = "#1f2328", "#1a7f37", "#afb8c1", "#9a6700"
_BAR, _LOST = "#e4e8ec", "#6e7781"
_KEPT_DOT = {"s": 34, "color": KEPT}
_SIGMAS = 2.0


def draw(report: TargetReport, noise: Noise) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5), dpi=200, layout="constrained")
    if report.interval:
        tries, result = figure.subplots(2, 1, height_ratios=[3.2, 1])
        _result(result, report, report.interval)
    else:
        tries = figure.subplots()
    _tries(tries, report, noise)
    return figure


def _tries(axes: Axes, report: TargetReport, noise: Noise) -> None:
    metric = headline(report.rule)
    points = [point for point in report.points if point.pairs]
    kept, others = [p for p in points if p.kept], [p for p in points if not p.kept]
    width = max(0.6, min(6.0, 260 / max(report.tries, 1)))
    reach = [_SIGMAS * noise.spread / math.sqrt(point.pairs) for point in points]
    axes.vlines(
        [p.experiment for p in points], [change(metric, -r) for r in reach], [change(metric, r) for r in reach],
        color=_BAR, lw=width, label="noise alone, \u00b12 standard errors",
    )  # fmt: skip
    _whiskers(axes, metric, kept)
    _dots(axes, [(p.experiment, change(metric, p.value)) for p in kept], _KEPT_DOT, "kept")
    low, high = axes.get_ylim()
    low, high = 1.3 * min(low, -high / 3), 1.3 * max(high, -low / 3)  # room for what is not kept
    dots = [(p.experiment, change(metric, p.value)) for p in others]
    style = {"s": max(3.0, 3 * width), "color": _LOST}
    _dots(axes, [dot for dot in dots if low <= dot[1] <= high], style, "not kept")
    edge = (high - low) / 60
    _dots(axes, [(x, low + edge) for x, y in dots if y < low], {**style, "marker": "v"}, "not kept, far below")
    _dots(axes, [(x, high - edge) for x, y in dots if y > high], {**style, "marker": "^"}, "not kept, far above")
    axes.axhline(0, color=BASE, lw=1, ls="--")
    axes.set_ylim(low, high)
    axes.set_xlim(0, report.tries + 1)
    axes.locator_params(axis="x", integer=True)
    if _in_amounts(report, metric):
        axes.set_yticklabels([])
    axes.set_xlabel("try", color=INK)
    axes.set_ylabel(f"{_unit(metric)} against\nthe incumbent ({direction(metric)})", color=INK)
    title = f"{report.name}, {report.night}: {report.kept} kept of {report.tries:,} tries"
    if screened := report.reasons.get("screened"):
        title += f",\n{screened:,} of them screened, which have no dot"
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", frameon=False, fontsize=9)


def _dots(axes: Axes, places: Sequence[tuple[float, float]], style: Mapping[str, Any], label: str) -> None:
    if places:
        axes.scatter([x for x, _ in places], [y for _, y in places], linewidths=0, zorder=3, label=label, **style)


def _whiskers(axes: Axes, metric: Metric, points: Sequence[Point]) -> None:
    low, high = ([change(metric, p.value + sign * _SIGMAS * p.error) for p in points] for sign in (-1, 1))
    axes.vlines([p.experiment for p in points], low, high, color=KEPT, lw=1.2, zorder=2)


def _result(axes: Axes, report: TargetReport, found: Any) -> None:
    metric = report.compared
    low, high = (change(metric, found[end]) for end in ("low", "high"))
    colour = KEPT if report.confirmed else _LOST
    axes.scatter([change(metric, report.claim)], [1], s=30, color=DOT, zorder=3)
    axes.hlines([0], low, high, color=colour, lw=4, zorder=2)
    axes.scatter([change(metric, found["gain"])], [0], s=46, color=colour, zorder=3)
    axes.axvline(0, color=BASE, lw=1, ls="--")
    axes.set_yticks([1, 0], labels=["claimed", "confirmed" if report.confirmed else "measured"])
    axes.set_ylim(-0.7, 1.7)
    if _in_amounts(report, metric):
        axes.set_xticklabels([])
    axes.set_xlabel(f"{_unit(metric)} against the base, {100 * found['confidence']:g} % interval", color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _in_amounts(report: TargetReport, metric: Metric) -> bool:
    """Whether an axis of this metric's gains would tell amounts that are not shown."""
    return metric.compare != "ratio" and withheld(report, number(report.rule, metric, report.base))


def _unit(metric: Metric) -> str:
    return f"{metric.name}, % change" if metric.compare == "ratio" else f"change of {metric.name}"
