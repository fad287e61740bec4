"""Student's quantiles against printed tables, intervals against scipy's, sizes against simulated power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from harness.intervals import (
    LEAST_PAIRS,
    MOST_PAIRS,
    in_percent,
    lower_bound,
    of_repeat,
    one_sided,
    paired,
    pairs_for,
    sign_flip_p,
    student,
)  # fmt: skip

TABLE = [  # two-sided confidence, degrees of freedom, as printed in tables of Student's t
    (0.95, 1, 12.706), (0.95, 2, 4.303), (0.95, 5, 2.571), (0.95, 10, 2.228), (0.95, 30, 2.042), (0.95, 120, 1.980),
    (0.90, 1, 6.314), (0.90, 4, 2.132), (0.90, 19, 1.729), (0.99, 1, 63.657), (0.99, 3, 5.841), (0.99, 60, 2.660),
    (0.80, 19, 1.328), (0.999, 1, 636.619), (0.999, 5, 6.869),
]  # fmt: skip


@pytest.mark.parametrize(("confidence", "freedom", "printed"), TABLE)
def test_quantiles_are_those_of_printed_tables(confidence: float, freedom: int, printed: float) -> None:
    assert student(confidence, freedom) == pytest.approx(printed, abs=6e-4)


@given(st.floats(0.1, 0.9999), st.floats(1, 1e6))
def test_quantiles_hold_for_every_degree_of_freedom(confidence: float, freedom: float) -> None:
    assert student(confidence, freedom) == pytest.approx(stats.t.ppf(0.5 + confidence / 2, freedom), rel=1e-6)


@pytest.mark.parametrize("count", [2, 5, 20, 300])
def test_the_interval_is_the_paired_t_interval(count: int) -> None:
    gains = np.random.default_rng(count).normal(0.3, 2, count)
    found, expected = paired(gains.tolist()), stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    sided = stats.ttest_1samp(gains, 0, alternative="greater").confidence_interval(0.9)
    assert lower_bound(gains.tolist(), 0.9) == pytest.approx(sided.low)
    assert (found.pairs, found.sd) == (count, pytest.approx(gains.std(ddof=1)))


def test_differences_that_never_vary_give_their_mean() -> None:
    found = paired([0.25] * 20)
    assert (found.low, found.high, found.lower) == (0.25, 0.25, 0.25)


def test_the_sign_flip_check_counts_every_deal_of_signs() -> None:
    gains = [0.3, 1.2, -0.4, 0.8, 0.1]
    deals = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1)
    exact = float((np.array(gains) @ deals >= sum(gains) - 1e-12).mean())
    assert sign_flip_p(gains) == pytest.approx(exact, abs=0.015)
    assert sign_flip_p([1.0] * 20) < 1e-3
    assert sign_flip_p([-1.0] * 20) > 0.99
    assert sign_flip_p([0.0] * 20) == 1.0
    assert sign_flip_p([1.0] * 20, value=1.0) == 1.0


def test_the_sign_flip_check_and_the_bound_agree_on_normal_differences() -> None:
    chance = np.random.default_rng(3)
    both = [
        (paired(g).lower > 0, sign_flip_p(g) < 0.05) for g in (chance.normal(0.4, 1, 25).tolist() for _ in range(200))
    ]
    assert 0.3 < sum(bound for bound, _ in both) / len(both) < 0.9, "too clear a case proves nothing"
    assert sum(bound == check for bound, check in both) / len(both) > 0.93


@pytest.mark.parametrize("claimed", [1.0, 1.5])
def test_so_many_pairs_have_the_power_for_half_the_claim(claimed: float) -> None:
    pairs = pairs_for(claimed, 2**0.5)
    chance = np.random.default_rng(5)
    gains = chance.normal(claimed / 2, 2**0.5, (2000, pairs))
    errors = gains.std(axis=1, ddof=1) / pairs**0.5
    power = float((gains.mean(axis=1) - one_sided(0.95, pairs - 1) * errors > 0).mean())
    assert power == pytest.approx(0.95, abs=0.02)


def test_sizes_stay_within_their_bounds() -> None:
    assert pairs_for(100, 1.0) == LEAST_PAIRS
    assert pairs_for(1.0, 0.0) == LEAST_PAIRS
    assert pairs_for(0.01, 1.0) == MOST_PAIRS
    assert pairs_for(1.0, 1.0, beyond=0.5) == MOST_PAIRS
    assert pairs_for(1.0, 1.0, beyond=0.2) > pairs_for(1.0, 1.0)


def test_who_repeats_a_test_until_it_is_lucky_gains_little() -> None:
    """400 results without effect, each measured again 20 times, and the last answer would stand."""
    chance = np.random.default_rng(8)
    gains = chance.normal(0, 1, (400, 20, 25))
    lucky = sum(any(paired(g.tolist(), of_repeat(k)).lower > 0 for k, g in enumerate(each, start=1)) for each in gains)
    as_the_first = sum(any(paired(g.tolist()).lower > 0 for g in each) for each in gains)
    assert lucky <= 34, "5 % of 400 are 20; 34 is as far as chance takes it once in a thousand"
    assert as_the_first > 200, "were each held to 95 %, so many would pass: else this proves nothing"


def test_all_repeats_together_are_held_to_one_alpha() -> None:
    assert sum(1 - of_repeat(k) for k in range(1, 10_000)) == pytest.approx(0.05, rel=1e-3)
    assert (of_repeat(0), of_repeat(1)) == (0.95, pytest.approx(0.975))
    assert [in_percent(of_repeat(k)) for k in range(4)] == ["95%", "97.5%", "99.17%", "99.58%"]
    assert pairs_for(1.0, 1.0, confidence=of_repeat(3)) > pairs_for(1.0, 1.0), "what is held to more takes more pairs"
