"""What the customers at the top of a score hold: revenue capture, and by the same sum precision and recall.

Capture at a share is the part of all revenue held by the customers that score highest, exactly k of them with
k = ceil(share * n): the cumulative gains curve of direct marketing, read at one point. Where customers tie at
the cut, choosing among them would let the order of the file, or the revenue itself, decide. Each of the tied
takes the same chance of a place instead, so the result is the mean over all ways to break the tie.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIFTH = Fraction(1, 5)


def count_at(n: int, share: Fraction = FIFTH) -> int:
    """How many of n customers a share is: ceil(share * n), exactly, where a float's ceil may be one off."""
    if n < 1 or not 0 < share <= 1:
        raise ValueError(f"a share in (0, 1] of at least one customer, not {share} of {n}")
    return -(-n * share.numerator // share.denominator)


def capture(scores: ArrayLike, revenue: ArrayLike, share: Fraction = FIFTH) -> float:
    """The part of all revenue, in [0, 1], held by the share of customers that score highest.

    Revenue is one number >= 0 per customer, in any unit, not 0 in all; whole numbers (cents) keep sums exact.
    Raises ValueError for other revenue, scores that are not finite, or lengths that differ.
    """
    values, held = np.asarray(scores), np.asarray(revenue)
    if values.ndim != 1 or values.shape != held.shape:
        raise ValueError(f"{values.shape} scores do not match {held.shape} revenues")
    if not np.all(np.isfinite(values)):
        raise ValueError("scores are finite numbers")
    if not np.all(np.isfinite(held) & (held >= 0)) or not held.any():
        raise ValueError("revenues are finite, none below 0 and not all 0")
    return top_sum(values, held, count_at(values.size, share)) / float(held.sum())


def top_sum(scores: NDArray[Any], values: NDArray[Any], k: int) -> float:
    """The expected sum of values over the k highest scores, ties at the cut broken at random. Unchecked."""
    cut = np.partition(scores, scores.size - k)[scores.size - k]
    above, tied = scores > cut, scores == cut
    places = k - int(np.count_nonzero(above))
    tied_sum = float(values[tied].sum()) * places / int(np.count_nonzero(tied))
    return float(values[above].sum()) + tied_sum
