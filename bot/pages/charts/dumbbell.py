"""Metrics that are shares, before and after, as a picture: a hollow dot at the base, a full one at the result."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.pages.charts.noisy_chart import BASE, DOT, INK, KEPT
from bot.pages.summary import TargetReport
from bot.pages.target.dimensions import Moved, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = 11  # points, in a picture five inches wide: 13 pixels where a phone shows it 390 wide
_ROW = 0.34  # inches


def dumbbell_png(report: TargetReport) -> bytes:
    """A PNG, 1,200 pixels wide; the same report gives the same bytes with the same matplotlib."""
    buffer = io.BytesIO()
    draw(drawn(report)).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw(found: Sequence[Moved]) -> Figure:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 1.0 + _ROW * len(found)), dpi=240, layout="constrained")
    axes = figure.subplots()
    for place, one in enumerate(found):
        color = BASE if one.gain < 0 else KEPT
        axes.plot([one.before, one.after], [place, place], color=color, lw=3, solid_capstyle="butt", zorder=1)
        axes.scatter([one.before], [place], s=46, facecolors="white", edgecolors=INK, linewidths=1.3, zorder=2)
        axes.scatter([one.after], [place], s=58, color=color, zorder=3)
        axes.text(1.05, place, f"{one.after:.2f}", va="center", fontsize=_SIZE, color=INK)
    axes.scatter([], [], s=46, facecolors="white", edgecolors=INK, linewidths=1.3, label="base")
    axes.scatter([], [], s=58, color=KEPT, label="confirmed")
    if any(one.gain < 0 for one in found):
        axes.scatter([], [], s=58, color=BASE, label="lower than the base")
    axes.set_yticks(range(len(found)), [one.metric.name.replace("_", " ") for one in found], fontsize=_SIZE, color=INK)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"], fontsize=_SIZE, color=INK)
    axes.set_xlim(-0.04, 1.04)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.grid(visible=True, axis="x", color=DOT, lw=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=_SIZE, handletextpad=0.2)
    return figure
