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

CONFIDENCE = 0.95
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


def paired_interval(base: Strata, head: Strata, goal: str, confidence: float = CONFIDENCE) -> Interval:
    """The gain of head over base. Raises ValueError for strata that do not match row by row, or prove nothing."""
    sizes = [len(stratum) for stratum in base]
    if sizes != [len(stratum) for stratum in head] or not sizes:
        raise ValueError("base and head were not measured on the same rows")
    if min(sizes) < fewest_rows(confidence):
        raise ValueError(
            f"{min(sizes)} rows are too few: {fewest_rows(confidence)} can show a gain at {confidence:.0%}"
        )
    sign = 1.0 if goal == "maximize" else -1.0
    with np.errstate(over="ignore", invalid="ignore"):
        differences = [sign * (_array(after) - _array(before)) for before, after in zip(base, head, strict=True)]
        gain = float(np.mean([difference.mean() for difference in differences]))
        variances = [float(difference.var(ddof=1)) / len(difference) for difference in differences]
    half = _student(confidence, _freedom(variances, sizes)) * sum(variances) ** 0.5
    if not math.isfinite(abs(gain) + half):
        raise ValueError("the rows hold values whose differences are no numbers")
    return Interval(gain, gain - half, gain + half, sum(sizes), confidence)


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


def _student(confidence: float, freedom: float) -> float:
    """The two-sided Student quantile by the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms))
