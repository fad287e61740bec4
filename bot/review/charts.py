"""The charts of a review: how the night converged, and what each feature is worth."""

from __future__ import annotations

import io
from collections.abc import Sequence

from bot.pages.charts.chart import chart_png
from bot.pages.charts.noisy_chart import BASE, INK, KEPT
from bot.review.inputs import Reviewed
from bot.review.worth import Worth


def convergence(found: Reviewed) -> bytes:
    return chart_png(found.report)


def worth(weights: Sequence[Worth]) -> bytes:
    """A bar per feature with its interval, the most valuable on top. PNG, 1,200 pixels wide."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 0.32 * len(weights)), dpi=150, layout="constrained")
    axes = figure.subplots()
    places = range(len(weights))
    spread = [[max(one.gain - one.low, 0) for one in weights], [max(one.high - one.gain, 0) for one in weights]]
    axes.barh(places, [one.gain for one in weights], xerr=spread, color=KEPT, ecolor=BASE, height=0.6)
    axes.set_yticks(places, [f"{one.feature} ({one.head})" for one in weights])
    axes.invert_yaxis()
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_xlabel("what the score loses without the feature; line: 95 % interval", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
