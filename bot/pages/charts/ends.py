"""What charts for a phone share: the size of letters, names at the ends of lines, and the frame around amounts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.pages.charts.noisy_chart import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Label = tuple[float, str, str]  # the amount that it belongs to, its text, its colour
LOST = "#57606a"
SIZE = 11  # points, in a picture five inches wide: 12 pixels where a phone shows it 390 wide
APART = 0.075  # of an axis, between the middles of two lines of letters


def spread(found: Sequence[Label], apart: float, top: float) -> Iterator[tuple[float, Label]]:
    """Each with the place of its label: its own, or as little above the one below it as it has to be, and none above
    the top, as long as there is room."""
    ordered, places, below = sorted(found), list[float](), -math.inf
    for one in ordered:
        below = max(one[0], below + apart)
        places.append(below)
    above = top + apart
    for at in reversed(range(len(places))):
        above = places[at] = min(places[at], above - apart)
    yield from zip(places, ordered, strict=True)


def frame(amounts: Sequence[float], share: float) -> tuple[float, float]:
    """The ends of an axis that holds these amounts, with this share of room on both sides."""
    low, high = min(amounts), max(amounts)
    margin = share * (high - low) or abs(high) * 0.01 or 1.0
    return low - margin, high + margin


def titled(axes: Axes, what: str, told: str) -> None:
    """Above the axes: what they show, and who says so."""
    axes.set_title(f"{what}\n{told}", loc="left", color=INK, fontsize=SIZE)
