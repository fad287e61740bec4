"""How the runs went as a picture: above, the course of the base and of what was kept, by the candidate's own log;
below, the staircase of the number that decides."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bot.pages.charts.ends import APART, LOST, SIZE, frame, spread, titled
from bot.pages.charts.noisy_chart import BASE, DOT, INK, KEPT
from bot.pages.charts.staircase import staircase
from bot.pages.summary import TargetReport
from bot.pages.tally import Run
from bot.pages.target.training import is_training, said

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 5  # courses that an eye can tell apart: the base and the latest
_FROM = 20  # percent: what is before it is far from everything else, and would flatten it
_Dashes = tuple[int, tuple[float, ...]]
_BETWEEN: tuple[tuple[str, float, _Dashes], ...] = (
    (LOST, 1.2, (0, ())), ("#0969da", 1.2, (0, (4, 1.5))),
    ("#8250df", 1.4, (0, (1, 1))),
)  # fmt: skip


def training_png(report: TargetReport) -> bytes:
    """A PNG, 1,200 pixels wide; the same report gives the same bytes with the same matplotlib."""
    buffer = io.BytesIO()
    draw(report).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw(report: TargetReport) -> Figure:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 6.4), dpi=240, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[1.15, 1])
    _courses(above, report)
    staircase(below, report)
    for axes in (above, below):
        axes.tick_params(labelsize=SIZE - 1, colors=INK, length=0)
        axes.grid(visible=True, axis="y", color=DOT, lw=0.4)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(DOT)
    return figure


def drawn(report: TargetReport) -> list[Run]:
    """The base and the latest that were kept."""
    first, *kept = report.runs
    return [first, *kept[-(MOST - 1) :]]


def _courses(axes: Axes, report: TargetReport) -> None:
    runs = drawn(report)
    looks = [_look(report, run, at) for at, run in enumerate(runs)]
    for run, (color, width, dashes) in zip(runs, looks, strict=True):
        axes.plot(*zip(*run.course, strict=True), color=color, lw=width, ls=dashes, zorder=2)
    amounts = [point for run in runs for point in run.course]
    low, high = frame([y for x, y in amounts if x >= _FROM] or [y for _, y in amounts], share=0.06)
    axes.set_ylim(low, high)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    axes.set_xlabel("of the budget" if is_training(report) else "of the measurement", color=INK, fontsize=SIZE)
    ends = [(run.course[-1][1], said(run), look[0]) for run, look in zip(runs, looks, strict=True)]
    for place, (amount, text, color) in spread(ends, APART * (high - low), high):
        axes.plot([100, 102.5], [amount, place], color=color, lw=0.8, clip_on=False)
        axes.text(103, place, text, color=color, fontsize=SIZE, va="center")
    _title(axes, report, len(report.runs) - len(runs))


def _title(axes: Axes, report: TargetReport, left_out: int) -> None:
    more = f";\n{left_out} earlier keeps are not drawn" if left_out else ""
    if is_training(report):
        titled(axes, "Training loss, bits per token", f"as the candidate's own training log says{more}")
    else:
        titled(axes, "Along the way of one measurement", f"as the evaluator's parts say{more}")


def _look(report: TargetReport, run: Run, at: int) -> tuple[str, float, _Dashes]:
    """Colour, width, dashes: each of them tells most lines apart without the others."""
    if not run.experiment:
        return BASE, 1.6, (0, (3, 1.5))
    return (KEPT, 2.6, (0, ())) if run is report.runs[-1] else _BETWEEN[(at - 1) % len(_BETWEEN)]
