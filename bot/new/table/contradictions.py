"""Outcomes of a table that cannot both be true of an account."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bot.new.table.asked import Table
from bot.new.table.content import Floats
from harness.errors import ConfigError


def contradictions(table: Table, outcomes: dict[str, Floats], columns: dict[str, str]) -> Iterator[ConfigError]:
    """Outcomes that cannot both be true of an account."""
    if "revenue_end" in outcomes and "revenue_start" not in outcomes:
        name = columns["revenue_end"]
        yield table.error(
            "is revenue at the end, and no column is revenue at the start", name,
            step=f"name it: --outcome revenue_start=COLUMN; or --feature {name} if it was known when scored",
        )  # fmt: skip
    for left, right, wrong, what in _PAIRS:
        if left in outcomes and right in outcomes:
            there = wrong(outcomes[left], outcomes[right])
            if there.any():
                yield table.error(
                    f"contradicts {columns[right]} in {int(there.sum()):,} rows: {what}", columns[left], first(there),
                    why="they were taken at different times, or one means something else",
                    step="mend the one that is wrong, or --ignore it",
                )  # fmt: skip


def first(wrong: NDArray[np.bool_]) -> int:
    """The place of the first row that is."""
    return int(np.argmax(wrong))


def _same(one: Floats, other: Floats) -> NDArray[np.bool_]:
    return np.asarray(one == other)


def _both(one: Floats, other: Floats) -> NDArray[np.bool_]:
    return np.asarray((one == 1) & (other > 0))


def _neither(one: Floats, other: Floats) -> NDArray[np.bool_]:
    return np.asarray((one == 0) & (other > 0))


def _only(one: Floats, other: Floats) -> NDArray[np.bool_]:
    return np.asarray((one == 1) & (other == 0))


_PAIRS = (
    ("retained", "churned", _same, "an account stayed or left, never both"),
    ("churned", "revenue_end", _both, "it left, and pays at the end"),
    ("retained", "revenue_end", _neither, "it did not stay, and pays at the end"),
    ("returned", "churned", _only, "it came back, and never left"),
)
