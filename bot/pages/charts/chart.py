"""The night as a picture: every experiment a dot, hollow where only a bound is known, the incumbent a staircase. With
noise, see `noisy_chart`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.pages.charts import noisy_chart
from bot.pages.charts.noisy_chart import BASE, DOT, INK, KEPT
from bot.pages.summary import TargetReport
from bot.pages.tally import Point
from bot.pages.wording.figures import withheld
from bot.pages.wording.gains import direction, headline, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DOTS = 20_000


def chart_png(report: TargetReport) -> bytes:
    """A PNG, 1,200 pixels wide. The same report gives the same bytes with the same matplotlib."""
    buffer = io.BytesIO()
    drawn(report).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def drawn(report: TargetReport) -> Figure:
    """The same before it is a picture. Where the rows are private, no axis of amounts has a scale."""
    import matplotlib as mpl

    mpl.use("Agg")
    return noisy_chart.draw(report, report.noise) if report.noise else _draw(report)


def _draw(report: TargetReport) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    axes = figure.subplots()
    metric = headline(report.rule)
    steps = _staircase(report)
    others = _thin([point for point in report.points if not point.kept and not point.screened])
    axes.scatter(
        [p.experiment for p in others], [p.value for p in others], s=5, color=DOT, linewidths=0, label="reverted"
    )
    _bounds(axes, _thin([point for point in report.points if point.screened]))
    axes.step(
        [p.experiment for p in steps], [p.value for p in steps], where="post", color=KEPT, lw=2, label="incumbent"
    )
    kept = [point for point in report.points if point.kept]
    axes.scatter([p.experiment for p in kept], [p.value for p in kept], s=22, color=KEPT, zorder=3, label="kept")
    axes.axhline(number(report.rule, metric, report.base), color=BASE, lw=1, ls="--", label="base tonight")
    axes.set_ylim(*_frame(report, steps))
    axes.set_xlim(0, max(report.tries, 1))
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("experiment", color=INK)
    axes.set_ylabel(f"{metric.name} ({direction(metric)})", color=INK)
    axes.set_title(_title(report), loc="left", color=INK, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", frameon=False, fontsize=9)
    axes.ticklabel_format(useOffset=False, axis="y")
    if withheld(report, *(point.value for point in steps)):
        axes.set_yticklabels([])
    return figure


def _bounds(axes: Axes, points: Sequence[Point]) -> None:
    """Hollow: the value itself was not measured, and is no better than where the dot stands."""
    if points:
        axes.scatter(
            [p.experiment for p in points], [p.value for p in points], s=7, facecolors="none", edgecolors=DOT,
            linewidths=0.6, label="screened, at its bound",
        )  # fmt: skip


def _title(report: TargetReport) -> str:
    split = ", search rows" if report.sample else ""
    return f"{report.name}, {report.night}: {report.kept} kept of {report.tries:,} tries{split}"


def _staircase(report: TargetReport) -> list[Point]:
    start = Point(0, number(report.rule, headline(report.rule), report.base), kept=True)
    kept = [point for point in report.points if point.kept]
    last = (kept or [start])[-1]
    return [start, *kept, Point(report.tries, last.value, kept=True)]


def _thin(points: Sequence[Point]) -> Sequence[Point]:
    """Every n-th dot where there are more than an eye can tell apart."""
    return points[:: len(points) // MOST_DOTS + 1]


def _frame(report: TargetReport, steps: Sequence[Point]) -> tuple[float, float]:
    """The staircase fills the frame; reverted dots far below it are out of sight rather than flattening it."""
    values, goal = [point.value for point in steps], headline(report.rule).goal
    low, high = min(values), max(values)
    others = sorted(point.value for point in report.points if not point.kept)
    if others:
        low = min(low, others[len(others) // 5]) if goal == "maximize" else low
        high = max(high, others[-len(others) // 5]) if goal == "minimize" else high
    margin = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
    return low - margin, high + margin
