"""The area under the ROC curve, exactly, and the per-row values that its paired intervals are made of.

The AUC is the chance that a positive row scores above a negative one, a tie counting half: the Mann-Whitney
U divided by the number of pairs (Hanley and McNeil 1982, Radiology 143:29-36). Twice U is a whole number, so it
is counted in integers and divided once: the result is the double nearest to the true value, whatever the order
of the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Counting a row of integer scores costs their range, sorting it costs n log n: about here the two are equal.
_BINS_PER_ROW = 16


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """The AUC of one score per row. Labels are 0 or 1, both present; a higher score says 1.

    Integer scores within a small range are counted instead of sorted, several times faster.

    Raises ValueError for one class alone, other labels, scores that are not finite or lengths that differ.
    """
    truth, values = _checked(labels, scores)
    positive = int(np.count_nonzero(truth))
    return twice_won(values[truth], values[~truth]) / (2 * positive * (truth.size - positive))


def placements(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """DeLong's placement values: (of the positives, of the negatives), each in the order of the rows.

    A positive's value is the share of negatives below it, a negative's the share of positives above it, ties
    half. Either mean is the AUC. For two scores of the same rows, the gain in AUC is the mean of the differences,
    and its variance is estimated by

        var(differences of the m positives) / m  +  var(differences of the n negatives) / n

    with sample variances (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837-845).
    """
    truth, values = _checked(labels, scores)
    positives, negatives = values[truth], values[~truth]
    won = _twice_below(positives, negatives)
    lost = _twice_below(negatives, positives)
    return won / (2 * negatives.size), 1 - lost / (2 * positives.size)


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    truth, values = np.asarray(labels), np.asarray(scores)
    if truth.ndim != 1 or values.shape != truth.shape:
        raise ValueError(f"{truth.shape} labels do not match {values.shape} scores")
    positive = truth == 1
    if not np.all(positive | (truth == 0)):
        raise ValueError("labels are 0 or 1")
    if positive.all() or not positive.any():
        raise ValueError("an AUC needs rows of both classes")
    if not np.issubdtype(values.dtype, np.integer) and not np.all(np.isfinite(values)):
        raise ValueError("scores are finite numbers")
    return positive, values


def twice_won(positives: NDArray[Any], negatives: NDArray[Any]) -> int:
    """Twice the pairs of a positive above a negative, a tie counting one. Neither is empty."""
    if not np.can_cast(positives.dtype, np.int64):  # floats, and unsigned numbers that would wrap round
        return int(_twice_below(positives, negatives).sum())
    positives, negatives = positives.astype(np.int64, copy=False), negatives.astype(np.int64, copy=False)
    low, high = min(positives.min(), negatives.min()), max(positives.max(), negatives.max())
    return twice_won_between(positives, negatives, int(low), int(high))


def twice_won_between(positives: Ints, negatives: Ints, low: int, high: int) -> int:
    """The same of whole numbers that lie between two others, which are included."""
    if high - low >= _BINS_PER_ROW * (positives.size + negatives.size):
        return int(_twice_below(positives, negatives).sum())
    at = np.bincount(negatives - low, minlength=high - low + 1)
    twice_below = np.cumsum(at)
    twice_below += twice_below
    twice_below -= at
    return int(twice_below[positives - low].sum())


def _twice_below(values: NDArray[Any], others: NDArray[Any]) -> Ints:
    """For each value, twice the number of others below it plus the number of others equal to it."""
    ordered = np.sort(others)
    return np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
