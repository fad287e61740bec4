"""The first spec.yaml: every weight the same, scales from what is usual, tiers near the quartiles of that score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.new.table.asked import Table
from bot.new.table.content import Floats
from harness.complaints import Faults
from harness.errors import ConfigError
from harness.scorers.saas.accounts import Accounts, Scaling, points
from harness.scorers.saas.spec import Spec

WEIGHT = 5
TIERS = ("A", "B", "C", "D")
_NARROW = 0.2  # a feature within 0..1 that uses less of it than this is scaled all the same: hundredths are too coarse
_USUAL = (1, 99)  # percentiles


def scaling(table: Table, features: Sequence[str], search: NDArray[np.bool_]) -> Scaling:
    """The range of each feature that is not one of 0 to 1 already, from the 1st to the 99th percentile to search on."""
    found = []
    for name in features:
        values = table[name].numbers
        low, high = np.percentile(values[search], _USUAL)
        inside = values.min() >= 0 and values.max() <= 1
        if inside and (high - low >= _NARROW or table[name].binary):
            continue
        if low == high:
            low, high = values[search].min(), values[search].max()
        if low == high:
            low, high = values.min(), values.max()
        found.append((name, *_neat(float(low), float(high), whole=bool((values == np.rint(values)).all()))))
    return tuple(found)


def _neat(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """A range of few digits around this one, its steps at most a hundredth of it."""
    step = 10.0 ** (math.floor(math.log10(high - low)) - 2)
    step = max(1.0, step) if whole else step
    return (float(f"{math.floor(low / step) * step:.10g}"), float(f"{math.ceil(high / step) * step:.10g}"))


def hundredths(table: Table, features: Sequence[str], ranges: Scaling) -> NDArray[np.float32]:
    """(features, accounts) as the scorer computes them."""
    raw = np.stack([table[name].numbers for name in features])
    return Accounts(tuple(features), raw, {}, {}, {}).hundredths(ranges)


def refuse_alike(table: Table, features: Sequence[str], scaled: NDArray[np.float32]) -> None:
    """Raises ConfigErrors for features that say the same of every account, or the opposite."""
    with Faults() as faults:
        faults.found += _alike(table, features, scaled)


def _alike(table: Table, features: Sequence[str], scaled: NDArray[np.float32]) -> Iterator[ConfigError]:
    seen: dict[bytes, str] = {}
    for name, row in zip(features, scaled, strict=True):
        other = seen.get(row.tobytes()) or seen.get((100 - row).tobytes())
        if other:
            yield table.error(
                f"says the same as {other} of every account, or the opposite", name,
                why="their weights could not be told apart: points on one are points on the other",
                step=f"--ignore {name}",
            )  # fmt: skip
        seen.setdefault(row.tobytes(), name)


def tiers(scaled: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
    """Lowest score of each tier, falling: round numbers near the quartiles of the score with equal weights."""
    spec = Spec((WEIGHT,) * len(scaled), (), (("A", 1), ("D", 0)))
    scores: Floats = 100 * points([spec], scaled)[0] / spec.highest
    quartiles = np.percentile(scores, (75, 50, 25))
    for step in (5, 1, 0.1):
        cuts = [float(f"{round(value / step) * step:.10g}") for value in quartiles]
        if 100 > cuts[0] > cuts[1] > cuts[2] > 0:
            return tuple(zip(TIERS, [*cuts, 0], strict=True))
    return tuple(zip(TIERS, (75, 50, 25, 0), strict=True))
