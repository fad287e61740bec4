"""Whether a gain holds on rows that no decision has seen: one paired test of base against head.

A metric is given as strata of per-row values; the mean of each stratum is the metric (a mean over rows: one stratum; an
AUC: placement values of positives and of negatives, DeLong et al. 1988). Base and head are measured on the same rows,
so the rows' differences carry the gain: its variance is the sum over strata of var(differences) / n. The interval is
Student's, with Welch-Satterthwaite degrees of freedom. Too few rows give no interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from harness import intervals
from harness.intervals import one_sided, student

CONFIDENCE = intervals.CONFIDENCE
LOOKS = 20  # at the same held-out rows, in all nights; then they are spent
LOOK_CONFIDENCE = 1 - (1 - CONFIDENCE) / LOOKS  # one-sided, of each look
POWER = 0.8
AGREEMENT = 1e-6  # how far the mean of a stratum may lie from the metric that it is said to estimate

Strata = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Interval:
    """A gain with its two-sided interval, signed so that above 0 is better. rows: how many rows carry it."""

    gain: float
    low: float
    high: float
    rows: int
    confidence: float = CONFIDENCE


class TooFewRows(ValueError):
    """So few rows that no gain on them could be told from chance."""


@dataclass(frozen=True)
class Paired:
    """A gain over rows. error: its standard error; freedom: Student's degrees; rows: how many; least: in a stratum."""

    gain: float
    error: float
    freedom: float
    rows: int
    least: int

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Two-sided. Raises TooFewRows."""
        half = self._reach(confidence)
        return Interval(self.gain, self.gain - half, self.gain + half, self.rows, confidence)

    def lower(self, confidence: float) -> float:
        """The one-sided bound. Raises TooFewRows."""
        return self.gain - self._reach(2 * confidence - 1)

    def detectable(self, confidence: float, power: float = POWER) -> float:
        """The gain whose one-sided bound lies above 0 with this power."""
        return (one_sided(confidence, self.freedom) + NormalDist().inv_cdf(power)) * self.error

    def _reach(self, confidence: float) -> float:
        if self.least < (fewest := fewest_rows(confidence)):
            raise TooFewRows(f"{self.least} rows are too few: {fewest} can show a gain at {confidence:.4g}")
        return student(confidence, self.freedom) * self.error


def paired(base: Strata, head: Strata, goal: str) -> Paired:
    """The gain of head over base. Raises ValueError for strata that do not match row by row, or hold no numbers."""
    sizes = [len(stratum) for stratum in base]
    if sizes != [len(stratum) for stratum in head] or not sizes:
        raise ValueError("base and head were not measured on the same rows")
    if min(sizes) < 2:
        raise TooFewRows(f"{min(sizes)} rows are too few: {fewest_rows()} can show a gain at {CONFIDENCE:.4g}")
    sign = 1.0 if goal == "maximize" else -1.0
    with np.errstate(over="ignore", invalid="ignore"):
        differences = [sign * (_array(after) - _array(before)) for before, after in zip(base, head, strict=True)]
        gain = float(np.mean([difference.mean() for difference in differences]))
        variances = [float(difference.var(ddof=1)) / len(difference) for difference in differences]
    error = sum(variances) ** 0.5
    if not math.isfinite(abs(gain) + error):
        raise ValueError("the rows hold values whose differences are no numbers")
    return Paired(gain, error, _freedom(variances, sizes), sum(sizes), min(sizes))


def paired_interval(base: Strata, head: Strata, goal: str, confidence: float = CONFIDENCE) -> Interval:
    """The two-sided interval of `paired`. Raises ValueError as it does, and for too few rows."""
    return paired(base, head, goal).interval(confidence)


def fewest_rows(confidence: float = CONFIDENCE) -> int:
    """With fewer, even rows that all moved the same way do so by chance too often (2 ** -n, on either side)."""
    return math.ceil(math.log2(2 / (1 - confidence)))


def disagreement(rows: Strata, value: float) -> float:
    """How far the strata's means lie from the metric that they are said to estimate."""
    return max(abs(float(np.mean(stratum)) - value) for stratum in rows)


def _array(values: Sequence[float]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _freedom(variances: Sequence[float], sizes: Sequence[int]) -> float:
    total = sum(variances)
    if total == 0:
        return float(min(sizes) - 1)
    return 1 / sum((v / total) ** 2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
