"""The e-process: what it may never do whatever the differences are, and what a few lines recompute."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import accumulate, product
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.error_budget import ErrorBudget
from harness.evidence import FUTILITY, THETAS, TIED, WEIGHTS, Evidence

DIFFERENCES = st.floats(-1e9, 1e9, allow_nan=False)


def evidence_of(differences: Sequence[float]) -> Evidence:
    *_, last = accumulate(differences, Evidence.add, initial=Evidence())
    return last


def log_e(differences: Sequence[float]) -> float:
    """By its definition, from nothing but the differences."""
    logs = np.log(WEIGHTS)
    for n, last in enumerate(differences, start=1):
        sizes = [abs(difference) for difference in differences[:n]]
        scale = 1.4826 * median(sizes) or max(sizes)
        if scale:
            logs = logs + math.log(2) - np.logaddexp(0, -2 * np.array(THETAS) * last / scale)
    return float(np.logaddexp.reduce(logs))


@given(st.lists(st.integers(-300, 300), min_size=1, max_size=12))
def test_it_is_what_its_definition_says(differences: list[int]) -> None:
    assert evidence_of(differences).log_e == pytest.approx(log_e(differences), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("sizes", [(1.0, 2.0, 0.5, 4.0), (1.0,) * 9, (0.0, 0.0, 3.0, 0.0, 1.0), (1e-9, 1e9, 1.0, 7.0)])
def test_its_mean_over_all_signs_is_one(sizes: tuple[float, ...]) -> None:
    """A candidate without effect: every sign is a fair coin's, so that E is a martingale. All signs are counted out."""
    values = [
        math.exp(evidence_of([sign * size for sign, size in zip(signs, sizes, strict=True)]).log_e)
        for signs in product((-1, 1), repeat=len(sizes))
    ]
    assert sum(values) / len(values) == pytest.approx(1, rel=1e-9)


@given(st.lists(st.floats(-3, 3), max_size=8), st.floats(1e-6, 1e6))
def test_one_more_pair_changes_nothing_on_average(before: list[float], size: float) -> None:
    past = evidence_of(before)
    up, down = math.exp(past.add(size).log_e), math.exp(past.add(-size).log_e)
    assert (up + down) / 2 == pytest.approx(math.exp(past.log_e), rel=1e-6)


def test_a_factor_that_forgets_the_sign_is_found_out() -> None:
    """The control of the two tests above: a scale that knew the sign of the pair would make evidence out of nothing."""

    def biased(signs: Sequence[int]) -> float:
        return math.prod(1 + math.tanh(sign / (0.5 if sign > 0 else 2)) for sign in signs)

    values = [biased(signs) for signs in product((-1, 1), repeat=6)]
    assert sum(values) / len(values) > 1.5


@given(st.lists(DIFFERENCES, max_size=80))
def test_it_is_never_infinite(differences: list[float]) -> None:
    found = evidence_of(differences)
    assert math.isfinite(found.log_e)
    assert math.isfinite(found.peak)
    assert found.log_e <= found.pairs * math.log(2) + 1e-9


def test_differences_of_nothing_are_a_tie() -> None:
    assert not evidence_of([0.0] * (TIED - 1)).tied
    found = evidence_of([0.0] * TIED)
    assert found.tied
    assert found.log_e == 0
    assert found.mean == 0


def test_a_tie_among_others_is_factor_one() -> None:
    some = evidence_of([0.5, 1.0, -0.5])
    assert some.add(0.0).log_e == pytest.approx(some.log_e)
    assert not some.add(0.0).tied


@pytest.mark.parametrize("tries", [4, 12, 20, 100])
@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_without_variance_it_takes_as_many_pairs_as_a_coin(tries: int, size: float) -> None:
    """Every difference the same: no infinite t, but at least ceil(log2(N / alpha)) heads in a row."""
    threshold = math.log(tries / 0.05)
    found, pairs = Evidence(), 0
    while found.log_e < threshold:
        found, pairs = found.add(size), pairs + 1
    assert pairs >= math.ceil(math.log2(tries / 0.05))
    assert pairs == ErrorBudget(0.05, tries, 80).least_pairs()


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=20))
def test_outliers_are_never_trimmed(differences: list[float]) -> None:
    """A single huge loss is in the mean and against the candidate, however good the other pairs are."""
    found, with_loss = evidence_of(differences), evidence_of([*differences, -1e6])
    assert with_loss.mean < -1e4
    assert with_loss.log_e <= found.log_e
    assert with_loss.pairs == found.pairs + 1


@pytest.mark.parametrize("pairs", sorted(FUTILITY))
def test_futility_stops_only_what_is_below_its_line(pairs: int) -> None:
    """Half of the differences +1, half -1, then all shifted: the line is sum(D) / sqrt(sum(D^2))."""
    least = FUTILITY[pairs]

    def shifted(by: float) -> Evidence:
        return evidence_of([by + (1 if i % 2 else -1) for i in range(pairs)])

    at = least / math.sqrt(pairs - least**2)  # where the ratio is exactly at the line
    assert shifted(at - 0.01).hopeless
    assert not shifted(at + 0.01).hopeless
    assert not evidence_of([-1.0] * (pairs + 1)).hopeless or pairs + 1 in FUTILITY


def test_its_peak_is_the_highest_it_has_been() -> None:
    rng = random.Random(1)
    differences = [rng.gauss(0.5, 1) for _ in range(30)]
    seen = [found.log_e for found in accumulate(differences, Evidence.add, initial=Evidence())]
    assert evidence_of(differences).peak == max(seen)


def test_the_scale_is_known_before_the_sign() -> None:
    """Turning all signs round turns the differences round and leaves the sizes: only E tells the two apart."""
    differences = [0.3, 1.5, 0.7, -0.2]
    one, other = evidence_of(differences), evidence_of([-difference for difference in differences])
    assert one.sizes == other.sizes
    assert one.squares == other.squares
    assert one.log_e > other.log_e
