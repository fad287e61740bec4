"""How the runs went as a picture: above, the course of the base and of what was kept, by the candidate's own log;
below, the number that decides, step by step as the loop claims it, and at the end as confirm measured it."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.pages.figures import withheld
from bot.pages.gains import direction, headline, number
from bot.pages.noisy_chart import BASE, DOT, INK, KEPT
from bot.pages.summary import TargetReport
from bot.pages.tally import Run
from bot.pages.text import decimals_for, value
from bot.pages.training import is_training, said
from harness.rule import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 6  # courses that an eye can tell apart: the base and the latest
_SIZE = 10  # points, in a picture five inches wide: 11 pixels where a phone shows it 390 wide
_BETWEEN = ("#57606a", "#0969da", "#8250df", "#57606a")
_STYLES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1, 1, 1)))
_FROM = 20  # percent: what is before it is far above everything else, and would flatten it
_NUMBERED = 10  # keeps that have room for their number
_APART = 0.075  # of the axis, so that labels at line ends do not lie on one another


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
    _staircase(below, report)
    for axes in (above, below):
        axes.tick_params(labelsize=_SIZE - 1, colors=INK, length=0)
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
    for at, run in enumerate(runs):
        color, width, style = _look(run, report, at)
        axes.plot(*zip(*run.course, strict=True), color=color, lw=width, ls=style, solid_capstyle="round", zorder=2)
    low, high = _frame([amount for run in runs for percent, amount in run.course if percent >= _FROM])
    axes.set_ylim(low, high)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    ends = [(run.course[-1][1], said(run), _look(run, report, at)[0]) for at, run in enumerate(runs)]
    for place, (amount, text, color) in _spread(ends, _APART * (high - low)):
        axes.plot([100, 102.5], [amount, place], color=color, lw=0.8, clip_on=False)
        axes.text(103, place, text, color=color, fontsize=_SIZE, va="center")
    what = "Training loss, bits per token" if is_training(report) else "Along the way"
    told = "as the candidate's own training log says" if is_training(report) else "as the evaluator tells its parts"
    left_out = len(report.runs) - len(runs)
    _title(axes, f"{what}\n{told}{f'; {left_out} earlier kept not drawn' if left_out else ''}")
    axes.set_xlabel("of the budget", color=INK, fontsize=_SIZE)


def _look(run: Run, report: TargetReport, at: int) -> tuple[str, float, object]:
    """Colour, width, dashes: each of them tells the lines apart without the others."""
    if not run.experiment:
        return BASE, 1.6, (0, (3, 1.5))
    if run is report.runs[-1]:
        return KEPT, 2.6, "-"
    return _BETWEEN[(at - 1) % len(_BETWEEN)], 1.2, _STYLES[(at - 1) % len(_STYLES)]


def _staircase(axes: Axes, report: TargetReport) -> None:
    metric = headline(report.rule)
    steps = list(_steps(report, metric))
    last = max(report.tries, 1)
    xs, ys = [x for x, _ in steps] + [last], [y for _, y in steps] + [steps[-1][1]]
    base = ys[0]
    axes.axhline(base, color=BASE, lw=1.2, ls=(0, (3, 1.5)))
    axes.step(xs, ys, where="post", color=INK, lw=1.8, zorder=2)
    axes.scatter(xs[1:-1], ys[1:-1], s=26, color=INK, zorder=3)
    confirmed = _confirmed(report, metric, base)
    end = last * 1.12 + 0.5
    if confirmed:
        colour = KEPT if report.confirmed else BASE
        reach = [[abs(one - confirmed[0])] for one in sorted(confirmed[1:])]
        axes.errorbar([end], [confirmed[0]], yerr=reach, fmt="D", ms=5, color=colour, lw=1.6, capsize=5, zorder=3)
    low, high = _frame([*ys, *confirmed], share=0.12)
    axes.set_ylim(low, high)
    axes.set_xlim(0, end + 0.04 * last)
    if report.kept <= _NUMBERED:
        for x, y in zip(xs[1:-1], ys[1:-1], strict=True):
            axes.annotate(f"{x}", (x, y), (5, 4), textcoords="offset points", fontsize=_SIZE - 1, color=INK)
    axes.locator_params(axis="x", integer=True, nbins=6)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= last])
    _levels(axes, report, [(base, "base", BASE), (ys[-1], "claimed", INK)], confirmed, high - low)
    _title(axes, f"{metric.name}, {direction(metric)}\nthe loop's steps, then what confirm measured")
    axes.set_xlabel(f"try; {report.kept} kept of {report.tries:,}", color=INK, fontsize=_SIZE)
    axes.ticklabel_format(useOffset=False, axis="y")
    if withheld(report, *ys):
        axes.set_yticklabels([])


def _levels(
    axes: Axes, report: TargetReport, found: list[tuple[float, str, str]], confirmed: Sequence[float], span: float
) -> None:
    """What each level is and comes to, at the right end."""
    levels = [found[0], *found[1:]] if report.kept else [found[0]]
    if confirmed:
        levels.append(
            (confirmed[0], "confirmed" if report.confirmed else "measured", KEPT if report.confirmed else BASE)
        )
    hidden = withheld(report, *(amount for amount, _, _ in levels))
    decimals = decimals_for(min(abs(levels[0][0] - levels[-1][0]) or 1, 1))
    right = axes.get_xlim()[1]
    texts = [
        (amount, name if hidden else f"{name}\n{value(amount, decimals)}", color) for amount, name, color in levels
    ]
    for place, (_, text, color) in _spread(texts, 2.4 * _APART * span):
        axes.text(right * 1.03, place, text, color=color, fontsize=_SIZE, va="center", linespacing=1.05)


def _steps(report: TargetReport, metric: Metric) -> Iterator[tuple[int, float]]:
    """The level after each kept try: gains put on top of the base, which with noise is that of confirm's own pairs."""
    searched = (report.confirm or {}).get("search") or {"base": report.base}
    level = number(report.rule, metric, searched["base"] if report.noise else report.base)
    yield 0, level
    for point in report.points:
        if point.kept:
            level = _moved(metric, level, point.value) if report.noise else point.value
            yield point.experiment, level


def _confirmed(report: TargetReport, metric: Metric, base: float) -> tuple[float, ...]:
    """The value that confirm found and the ends of its interval; nothing where it measured none, or another metric."""
    found = report.interval
    if not found or report.compared.name != metric.name:
        return ()
    return tuple(_moved(metric, base, found[end]) for end in ("gain", "low", "high"))


def _moved(metric: Metric, before: float, gain: float) -> float:
    signed = gain if metric.goal == "maximize" else -gain
    return before * math.exp(signed) if metric.compare == "ratio" else before + signed


def _frame(amounts: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    low, high = min(amounts), max(amounts)
    margin = share * (high - low) or abs(high) * 0.01 or 1.0
    return low - margin, high + margin


def _spread(
    found: Sequence[tuple[float, str, str]], apart: float
) -> Iterator[tuple[float, tuple[float, str, str]]]:  # fmt: skip
    """Each with the place of its label: its own, or as little above the one below it as it has to be."""
    below = -math.inf
    for one in sorted(found):
        below = max(one[0], below + apart)
        yield below, one


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", color=INK, fontsize=_SIZE)
