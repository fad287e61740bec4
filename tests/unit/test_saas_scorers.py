"""AUC and placement values against hand-worked examples, scikit-learn and slow definitions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from harness.scorers.saas import auc, placements
from harness.scorers.saas.capture import count_at

Scored = tuple[list[int], list[float]]
MIXED = st.one_of(st.integers(-4, 4), st.floats(-1e6, 1e6))


@st.composite
def scored(draw: st.DrawFn, values: st.SearchStrategy[float] = MIXED) -> Scored:
    """Labels of both classes, and scores with many ties."""
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), max_size=40))]
    scores = draw(st.lists(values, min_size=len(labels), max_size=len(labels)))
    return draw(st.permutations(labels)), scores


def slow_auc(labels: list[int], scores: list[float]) -> Fraction:
    """The definition: every pair of a positive and a negative, compared."""
    pairs = [
        (p, n) for p, i in zip(scores, labels, strict=True) if i for n, j in zip(scores, labels, strict=True) if not j
    ]
    return sum((Fraction(2 * (p > n) + (p == n), 2) for p, n in pairs), Fraction(0)) / len(pairs)


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 1], [1, 2], 1.0),
        ([0, 1], [2, 1], 0.0),
        ([0, 1], [1, 1], 0.5),
        ([1, 1, 0, 0], [3, 1, 2, 0], 0.75),  # of the four pairs only (1, 2) is in the wrong order
        ([1, 1, 0, 0, 0], [0.9, 0.4, 0.4, 0.4, 0.1], (1 + 1 + 1 + 0.5 + 0.5 + 1) / 6),
    ],
)
def test_auc_by_hand(labels: list[int], scores: list[float], expected: float) -> None:
    assert auc(labels, scores) == expected


@given(scored())
def test_auc_is_the_share_of_ordered_pairs_to_the_last_bit(case: Scored) -> None:
    assert auc(*case) == float(slow_auc(*case))


@given(scored())
def test_auc_agrees_with_scikit_learn(case: Scored) -> None:
    assert auc(*case) == pytest.approx(roc_auc_score(*case), abs=1e-12)


@given(scored(st.integers(-(10**9), 10**9)))
def test_counting_and_sorting_agree_bit_for_bit(case: Scored) -> None:
    labels, scores = case
    narrow = np.array(scores, dtype=np.int64) % 7  # counted; scores themselves span too much and are sorted
    assert auc(labels, narrow) == auc(labels, narrow.astype(float)) == float(slow_auc(labels, narrow.tolist()))
    assert auc(labels, np.array(scores)) == auc(labels, np.array(scores, dtype=float))


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint8, np.float32, np.float64])
def test_every_kind_of_number_is_scored(kind: type) -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, 300), rng.integers(0, 120, 300)
    assert auc(labels, scores.astype(kind)) == float(slow_auc(labels.tolist(), scores.tolist()))


def test_extreme_bytes_do_not_wrap_around() -> None:
    assert auc([0, 1, 0] * 10, np.array([-128, 127, 0] * 10, dtype=np.int8)) == 1.0  # enough rows to be counted
    assert auc([0, 1], np.array([1, 2**63 + 5], dtype=np.uint64)) == 1.0


@given(scored())
def test_both_placements_average_to_the_auc(case: Scored) -> None:
    positives, negatives = placements(*case)
    assert len(positives) == sum(case[0])
    assert positives.mean() == pytest.approx(auc(*case), abs=1e-12)
    assert negatives.mean() == pytest.approx(auc(*case), abs=1e-12)


def test_placements_by_hand_in_row_order() -> None:
    positives, negatives = placements([1, 0, 1, 0], [3, 2, 2, 0])
    assert positives.tolist() == [1.0, 0.75]  # 3 is above both; 2 ties with one and is above the other
    assert negatives.tolist() == [0.75, 1.0]


def test_delong_variance_of_a_gain_agrees_with_a_bootstrap() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([1, 0], [400, 250])
    base = labels + rng.normal(0, 2, labels.size)
    head = labels + 0.5 * base + rng.normal(0, 1, labels.size)
    (p0, n0), (p1, n1) = placements(labels, base), placements(labels, head)
    delong = np.var(p1 - p0, ddof=1) / p0.size + np.var(n1 - n0, ddof=1) / n0.size
    gains = []
    for _ in range(2000):
        rows = np.concatenate([rng.integers(0, 400, 400), rng.integers(400, 650, 250)])
        gains.append(auc(labels, head[rows]) - auc(labels, base[rows]))
    assert float(delong) == pytest.approx(np.var(gains), rel=0.15)
    assert (p1 - p0).mean() == pytest.approx(auc(labels, head) - auc(labels, base))


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([1, 1], [0, 1]),
        ([0, 0], [0, 1]),
        ([0, 2], [0, 1]),
        ([0, 1], [0, float("nan")]),
        ([0, 1], [0, float("inf")]),
        ([0, 1, 1], [0, 1]),
        ([], []),
    ],
)
def test_what_has_no_auc_is_an_error(labels: list[int], scores: list[float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each case has a message of its own
        auc(labels, scores)
    with pytest.raises(ValueError):  # noqa: PT011
        placements(labels, scores)


@pytest.mark.parametrize(
    ("n", "share", "k"), [(1, "1/5", 1), (5, "1/5", 1), (6, "1/5", 2), (100, "0.07", 7), (9, "1", 9)]
)
def test_a_share_is_rounded_up_exactly(n: int, share: str, k: int) -> None:
    assert count_at(n, Fraction(share)) == k  # in floats, 0.07 * 100 is 7.000000000000001


@pytest.mark.parametrize(("n", "share"), [(0, "1/5"), (5, "0"), (5, "6/5")])
def test_a_share_of_nobody_is_an_error(n: int, share: str) -> None:
    with pytest.raises(ValueError, match="a share in"):
        count_at(n, Fraction(share))
