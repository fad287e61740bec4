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

    Raises ValueError for one class alone, other labels, scores that are not finite or lengths that differ.
    """
    truth, values = _checked(labels, np.atleast_2d(np.asarray(scores)))
    return float(_areas(truth, values)[0])


def auc_batch(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """The AUC of each row of a (candidates, rows) matrix: bit for bit what `auc` says of it.

    Integer scores within a small range are counted instead of sorted, several times faster.
    """
    return _areas(*_checked(labels, np.asarray(scores)))


def placements(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """DeLong's placement values: (of the positives, of the negatives), each in the order of the rows.

    A positive's value is the share of negatives below it, a negative's the share of positives above it, ties
    half. Either mean is the AUC. For two scores of the same rows, the gain in AUC is the mean of the differences,
    and its variance is estimated by

        var(differences of the m positives) / m  +  var(differences of the n negatives) / n

    with sample variances (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837-845).
    """
    truth, values = _checked(labels, np.atleast_2d(np.asarray(scores)))
    positives, negatives = values[0, truth], values[0, ~truth]
    won = _twice_below(positives, negatives)
    lost = _twice_below(negatives, positives)
    return won / (2 * negatives.size), 1 - lost / (2 * positives.size)


def _checked(labels: ArrayLike, scores: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    truth = np.asarray(labels)
    if truth.ndim != 1 or scores.ndim != 2 or scores.shape[1] != truth.size:
        raise ValueError(f"{truth.shape} labels do not match {scores.shape} scores")
    positive = truth == 1
    if not np.all(positive | (truth == 0)):
        raise ValueError("labels are 0 or 1")
    if positive.all() or not positive.any():
        raise ValueError("an AUC needs rows of both classes")
    if not np.issubdtype(scores.dtype, np.integer) and not np.all(np.isfinite(scores)):
        raise ValueError("scores are finite numbers")
    return positive, scores


def _areas(truth: NDArray[np.bool_], scores: NDArray[Any]) -> Floats:
    counted = _countable(scores)
    if counted is None:
        pairs = zip(scores[:, truth], scores[:, ~truth], strict=True)
        wins = [int(_twice_below(positives, negatives).sum()) for positives, negatives in pairs]
    else:
        pairs = zip(counted[:, truth], counted[:, ~truth], strict=True)
        wins = [_twice_wins_counted(positives, negatives) for positives, negatives in pairs]
    positive = int(np.count_nonzero(truth))
    return np.array(wins, dtype=np.float64) / (2 * positive * (truth.size - positive))


def _countable(scores: NDArray[Any]) -> Ints | None:
    """The scores counted from 0 in each row, if they are integers and few enough values to count."""
    if not np.issubdtype(scores.dtype, np.integer):
        return None
    low, high = scores.min(axis=1), scores.max(axis=1)
    span = max((int(h) - int(b) for b, h in zip(low, high, strict=True)), default=0)
    if span >= _BINS_PER_ROW * scores.shape[1]:
        return None
    counted: Ints = scores.astype(np.int64) - low.astype(np.int64)[:, None]
    return counted


def _twice_wins_counted(positives: Ints, negatives: Ints) -> int:
    """Twice the number of (positive, negative) pairs that stand in the right order, a tie counting one."""
    span = max(int(positives.max()), int(negatives.max())) + 1
    at = np.bincount(negatives, minlength=span)
    twice_below = 2 * np.cumsum(at) - at
    return int(twice_below[positives].sum())


def _twice_below(values: NDArray[Any], others: NDArray[Any]) -> Ints:
    """For each value, twice the number of others below it plus the number of others equal to it."""
    ordered = np.sort(others)
    return np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
