"""Does a confirmed gain last at a longer budget? Pairs measured there, held against the confirmed ones. Pure.

What it comes to is shown beside the confirmed gain and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness import intervals
from harness.intervals import Mean

LEAST_PAIRS = 3  # fewer give no interval worth a line
MOST_PAIRS = 100
HOLDS, SHRINKS, FADES, UNCLEAR, TURNS = "holds", "shrinks", "fades", "unclear", "turns"
FAILS, UNMEASURED = "fails", "not-measured"
MEASURED = (HOLDS, SHRINKS, FADES, UNCLEAR, TURNS)
ALARMING = frozenset({TURNS, FAILS})  # who merges this has to know before


def comes_to(confirmed: Mapping[str, Any], gains: Sequence[float]) -> dict[str, Any]:
    """The interval of gains at a longer budget, and what it says. confirmed: gain, sd and pairs at the usual one."""
    mean = intervals.paired(gains)
    return {
        "reading": _reading(mean, clearly_smaller(confirmed, mean)), "gain": mean.gain, "low": mean.low,
        "high": mean.high, "confidence": mean.confidence, "sd": mean.sd,
    }  # fmt: skip


def _reading(mean: Mean, smaller: bool) -> str:
    if mean.high < 0:
        return TURNS
    if mean.low > 0:
        return SHRINKS if smaller else HOLDS
    return FADES if smaller else UNCLEAR


def clearly_smaller(confirmed: Mapping[str, Any], mean: Mean) -> bool:
    """Whether the interval of what was lost since lies above 0 (Welch: each side scatters in its own way)."""
    usual, longer = float(confirmed["sd"]) ** 2 / int(confirmed["pairs"]), mean.sd**2 / mean.pairs
    lost = float(confirmed["gain"]) - mean.gain
    if usual + longer == 0:
        return lost > 0
    freedom = (usual + longer) ** 2 / (usual**2 / (int(confirmed["pairs"]) - 1) + longer**2 / (mean.pairs - 1))
    return lost > intervals.student(mean.confidence, freedom) * math.sqrt(usual + longer)
