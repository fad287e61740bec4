"""The held-out interval against independent ones, its coverage, and what it refuses to be certain about."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from harness.holdout import Interval, disagreement, paired_interval
from harness.scorers.saas import placements

Floats = NDArray[np.float64]


@pytest.mark.parametrize("count", [8, 9, 12, 30, 1000])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_one_stratum_is_the_paired_t_interval(count: int, confidence: float, goal: str) -> None:
    chance = np.random.default_rng(count)
    base = chance.normal(size=count)
    head = base + chance.normal(0.1, 0.7, size=count)
    found = paired_interval([base.tolist()], [head.tolist()], goal, confidence)
    first, second = (head, base) if goal == "maximize" else (base, head)
    expected = stats.ttest_rel(first, second).confidence_interval(confidence)
    assert found.gain == pytest.approx(float((first - second).mean()), rel=1e-12)
    half = (expected.high - expected.low) / 2
    assert found.low == pytest.approx(expected.low, abs=2e-3 * half)
    assert found.high == pytest.approx(expected.high, abs=2e-3 * half)
    assert (found.rows, found.confidence) == (count, confidence)


@pytest.mark.parametrize(("many", "few"), [(6, 6), (6, 40), (12, 7), (400, 60)])
def test_two_strata_have_the_freedom_of_welch_and_satterthwaite(many: int, few: int) -> None:
    chance = np.random.default_rng(many)
    one, two = chance.normal(0.2, 1, many), chance.normal(0.1, 3, few)
    found = paired_interval([[0.0] * many, [0.0] * few], [one.tolist(), two.tolist()], "maximize")
    # A difference of two independent means has Welch's interval; the sum of the strata's means only the sign differs.
    welch = stats.ttest_ind(one, -two, equal_var=False).confidence_interval(0.95)
    assert found.high - found.low == pytest.approx(welch.high - welch.low, rel=1e-3)
    assert found.gain == pytest.approx((one.mean() + two.mean()) / 2)


def slow_delong(labels: NDArray[np.int64], base: Floats, head: Floats) -> tuple[float, float]:
    """The gain in AUC and its standard error, pair by pair (DeLong, DeLong and Clarke-Pearson 1988, eq. 4 to 6)."""

    def structural(scores: Floats) -> tuple[list[float], list[float], float]:
        positives, negatives = scores[labels == 1], scores[labels == 0]
        psi = [[1.0 if x > y else 0.5 if x == y else 0.0 for y in negatives] for x in positives]
        m, n = len(positives), len(negatives)
        v10 = [sum(row) / n for row in psi]
        v01 = [sum(psi[i][j] for i in range(m)) / m for j in range(n)]
        return v10, v01, sum(v10) / m

    one, two = structural(base), structural(head)
    m, n = len(one[0]), len(one[1])

    def covariance(x: list[float], y: list[float]) -> float:
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / (len(x) - 1)

    variance = 0.0
    for part, size in ((0, m), (1, n)):
        a, b = one[part], two[part]
        assert isinstance(a, list)
        assert isinstance(b, list)
        variance += (covariance(a, a) + covariance(b, b) - 2 * covariance(a, b)) / size
    return two[2] - one[2], math.sqrt(variance)


def accounts(seed: int, size: int, gain: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Labels, and two correlated scores with ties, the second better by `gain`."""
    chance = np.random.default_rng(seed)
    labels = (chance.random(size) < 0.3).astype(np.int64)
    labels[:3], labels[3:6] = 1, 0
    signal = labels + chance.normal(0, 1.5, size)
    base = np.round(signal + chance.normal(0, 1, size))
    head = np.round(signal + gain * labels + chance.normal(0, 1, size))
    return labels, base, head


def strata_of(labels: NDArray[np.int64], scores: Floats) -> list[list[float]]:
    positives, negatives = placements(labels, scores.astype(np.int64))
    return [positives.tolist(), negatives.tolist()]


@pytest.mark.parametrize(("seed", "size"), [(1, 40), (2, 90), (3, 160)])
def test_an_auc_has_the_interval_of_delong(seed: int, size: int) -> None:
    labels, base, head = accounts(seed, size, 0.4)
    found = paired_interval(strata_of(labels, base), strata_of(labels, head), "maximize")
    gain, error = slow_delong(labels, base, head)
    assert found.gain == pytest.approx(gain, abs=1e-12)
    assert found.gain == pytest.approx(roc_auc_score(labels, head) - roc_auc_score(labels, base), abs=1e-12)
    half = (found.high - found.low) / 2
    assert (found.high + found.low) / 2 == pytest.approx(gain, abs=1e-12)
    # Student's quantile lies between the normal one and that of the smaller stratum's degrees of freedom.
    smaller = min(int(labels.sum()), int((1 - labels).sum())) - 1
    assert 1.959 * error < half <= float(stats.t.ppf(0.975, smaller)) * error * 1.001


def test_an_auc_agrees_with_a_bootstrap() -> None:
    labels, base, head = accounts(7, 400, 0.5)
    found = paired_interval(strata_of(labels, base), strata_of(labels, head), "maximize")
    chance = np.random.default_rng(8)
    ones, zeros = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    gains = []
    for _ in range(250):
        rows = np.concatenate([chance.choice(ones, ones.size), chance.choice(zeros, zeros.size)])
        gains.append(roc_auc_score(labels[rows], head[rows]) - roc_auc_score(labels[rows], base[rows]))
    low, high = np.quantile(gains, [0.025, 0.975])
    width = found.high - found.low
    assert found.low == pytest.approx(low, abs=0.15 * width)
    assert found.high == pytest.approx(high, abs=0.15 * width)


@pytest.mark.parametrize(
    ("name", "rows", "lowest"),
    [("normal", 8, 0.935), ("normal", 100, 0.935), ("skewed", 150, 0.92), ("hits and misses", 200, 0.93)],
)
def test_it_covers_the_truth_about_as_often_as_it_says(name: str, rows: int, lowest: float) -> None:
    chance = np.random.default_rng(rows)
    covered = 0
    for _ in range(1500):
        base, head, truth = sample(chance, name, rows)
        found = paired_interval([base.tolist()], [head.tolist()], "maximize")
        covered += found.low <= truth <= found.high
    assert lowest <= covered / 1500 <= 0.97


def sample(chance: np.random.Generator, name: str, rows: int) -> tuple[Floats, Floats, float]:
    if name == "hits and misses":
        base = (chance.random(rows) < 0.7).astype(float)
        return base, np.where(chance.random(rows) < 0.2, 1.0, base), 0.2 * 0.3
    base = chance.normal(size=rows)
    noise = chance.normal(size=rows) if name == "normal" else chance.exponential(size=rows) - 1
    return base, base + 0.3 + noise, 0.3


def test_coverage_of_an_auc() -> None:
    truth = _auc_gain()
    covered = 0
    for seed in range(500):
        labels, base, head = accounts(seed, 250, 0.4)
        found = paired_interval(strata_of(labels, base), strata_of(labels, head), "maximize")
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 500 <= 0.975


def _auc_gain() -> float:
    labels, base, head = accounts(999, 300_000, 0.4)
    return float(roc_auc_score(labels, head) - roc_auc_score(labels, base))


# --- what it will not be certain about ---


def test_no_difference_is_no_gain() -> None:
    rows = [[0.25, 1.0, 0.0, 1.0, 0.5, 0.5]]
    assert paired_interval(rows, rows, "maximize") == Interval(0.0, 0.0, 0.0, 6)
    assert paired_interval([[1.0] * 6, [0.0] * 9], [[1.0] * 6, [0.0] * 9], "minimize").low <= 0


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_a_few_rows_that_all_moved_alike_prove_nothing(rows: int) -> None:
    """Their variance is 0, but 5 equal signs come by chance 1 time in 16: more than the 5 % that are allowed."""
    with pytest.raises(ValueError, match="too few"):
        paired_interval([[0.0] * rows], [[1.0] * rows], "maximize")
    with pytest.raises(ValueError, match="too few"):
        paired_interval([[0.1 * n for n in range(rows)]], [[0.1 * n + 0.7 for n in range(rows)]], "maximize")
    with pytest.raises(ValueError, match="too few"):
        paired_interval([[0.0] * 50, [0.0] * rows], [[1.0] * 50, [1.0] * rows], "maximize")


@pytest.mark.parametrize("rows", [6, 40])
def test_enough_rows_that_all_moved_alike_do(rows: int) -> None:
    assert paired_interval([[0.0] * rows], [[1.0] * rows], "maximize") == Interval(1.0, 1.0, 1.0, rows)
    assert paired_interval([[0.0] * rows], [[1.0] * rows], "minimize").high == -1.0


def test_more_confidence_asks_for_more_such_rows() -> None:
    with pytest.raises(ValueError, match="too few"):
        paired_interval([[0.0] * 7], [[1.0] * 7], "maximize", 0.99)
    assert paired_interval([[0.0] * 8], [[1.0] * 8], "maximize", 0.99).low == 1.0


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ([], []),
        ([[1.0, 2.0]], []),
        ([[1.0, 2.0]], [[1.0, 2.0, 3.0]]),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0]]),
        ([[1.0, 2.0], [3.0, 4.0, 5.0]], [[1.0, 2.0, 5.0], [3.0, 4.0]]),
        ([[1.0]], [[2.0]]),
        ([[]], [[]]),
        ([[1.0, 2.0], [3.0]], [[1.5, 2.0], [3.5]]),
        ([[1e308, -1e308] * 3], [[-1e308, 1e308] * 3]),
        ([[float("nan"), 1.0] * 3], [[1.0, 2.0] * 3]),
        ([[0.0, 1.0] * 3], [[1.0, float("inf")] * 3]),
    ],
)
def test_what_cannot_be_compared_is_refused(base: list[list[float]], head: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="rows"):
        paired_interval(base, head, "maximize")


values = st.floats(-1e150, 1e150)


@given(
    rows=st.lists(st.tuples(values, values), min_size=6, max_size=12), goal=st.sampled_from(["maximize", "minimize"])
)
@settings(max_examples=200, deadline=None)
def test_an_interval_is_finite_and_holds_its_gain(rows: list[tuple[float, float]], goal: str) -> None:
    base, head = ([row[side] for row in rows] for side in (0, 1))
    found = paired_interval([base], [head], goal)
    assert all(map(math.isfinite, (found.low, found.gain, found.high)))
    assert found.low <= found.gain <= found.high
    opposite = paired_interval([head], [base], goal)
    assert (opposite.low, opposite.high) == (-found.high, -found.low)


def test_rows_are_held_against_the_metric_that_they_stand_for() -> None:
    assert disagreement([[0.0, 1.0], [0.25, 0.75]], 0.5) == 0
    assert disagreement([[0.0, 1.0], [0.25, 0.85]], 0.5) == pytest.approx(0.05)
    assert disagreement([[0.0, 1.0]], 0.7) == pytest.approx(0.2)
