"""How far a mean of paired differences can be trusted: Student's interval and bounds, a check of it, and its size.

Differences are goal-signed gains, one per pair. The interval rests on their mean being close to normal, which the
sign-flip test does not: it asks how often signs dealt by a fair coin would give a mean this far above a value.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
POWER = 0.95
LEAST_PAIRS = 20
MOST_PAIRS = 1000
FLIPS = 10_000
_SEED = 20_000


@dataclass(frozen=True)
class Mean:
    """A mean gain with its two-sided interval; sd: of one difference; lower: the one-sided bound at `confidence`."""

    gain: float
    low: float
    high: float
    lower: float
    sd: float
    pairs: int
    confidence: float = CONFIDENCE


def paired(differences: Sequence[float], confidence: float = CONFIDENCE) -> Mean:
    """The mean of at least two differences."""
    values = np.asarray(differences, dtype=np.float64)
    gain, sd = float(values.mean()), float(values.std(ddof=1))
    error, freedom = sd / math.sqrt(len(values)), len(values) - 1
    half = student(confidence, freedom) * error
    return Mean(
        gain, gain - half, gain + half, gain - one_sided(confidence, freedom) * error, sd, len(values), confidence
    )


def lower_bound(differences: Sequence[float], confidence: float) -> float:
    """Where the mean lies above with this confidence."""
    return paired(differences, confidence).lower


def sign_flip_p(differences: Sequence[float], value: float = 0.0) -> float:
    """How likely signs alone give a mean as far above `value`, if differences lie around it evenly. One-sided."""
    centred = np.asarray(differences, dtype=np.float64) - value
    signs = np.random.default_rng(_SEED).integers(0, 2, (FLIPS, len(centred)), dtype=np.int8) * 2 - 1
    tolerance = 1e-12 * float(np.abs(centred).sum())
    as_far = int((signs @ centred >= centred.sum() - tolerance).sum())
    return (1 + as_far) / (1 + FLIPS)


def of_repeat(number: int) -> float:
    """The confidence of a test that is made for the n-th time again: with alpha / (n * (n + 1)) for each, all repeats
    together are lucky with at most one alpha more, however many there are. 0: the test itself."""
    return 1 - (1 - CONFIDENCE) / (number * (number + 1)) if number else CONFIDENCE


def in_percent(confidence: float) -> str:
    """95%, 99.17%"""
    return f"{100 * confidence:.4g}%"


def pairs_for(
    gain: float, sd: float, beyond: float = 0.0, power: float = POWER, confidence: float = CONFIDENCE
) -> int:  # fmt: skip
    """Pairs whose one-sided bound lies above `beyond` with this power, if the truth is half the claimed gain.

    sd: of one difference. Between LEAST_PAIRS and MOST_PAIRS, which it is where half the claim proves nothing.
    """
    margin = gain / 2 - beyond
    if margin <= 0:
        return MOST_PAIRS
    pairs = LEAST_PAIRS
    for _ in range(8):  # Student's quantile depends on the number it helps to find; a few rounds settle it
        reach = one_sided(confidence, pairs - 1) + one_sided(power, pairs - 1)
        pairs = math.ceil(min(max((reach * sd / margin) ** 2, LEAST_PAIRS), MOST_PAIRS))
    return pairs


def one_sided(confidence: float, freedom: float) -> float:
    """The Student quantile: below it with this probability. confidence above 0.5."""
    return student(2 * confidence - 1, freedom)


@functools.lru_cache(maxsize=1024)
def student(confidence: float, freedom: float) -> float:
    """The two-sided Student quantile: within it, on either side of 0, with this probability."""
    outside = 1 - confidence
    low, high = 0.0, NormalDist().inv_cdf(0.5 + confidence / 2)
    while _outside(high, freedom) > outside:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _outside(middle, freedom) > outside else (low, middle)
    return high


def _outside(t: float, freedom: float) -> float:
    """P(|T| > t): the regularised incomplete beta function at freedom / (freedom + t^2)."""
    x = freedom / (freedom + t * t)
    a, b = freedom / 2, 0.5
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    total = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d or tiny)
            c = 1 + term / c or tiny
            total *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return total
