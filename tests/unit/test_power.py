"""Candidates that are better: the study of tests/benchmarks in a size for every day, and what makes it fail."""

from __future__ import annotations

import numpy as np
import pytest

from harness.error_budget import ErrorBudget
from tests.benchmarks.noise import FAMILIES
from tests.benchmarks.power import PLACES, TWO_SD_PAIRS, Try, attempt, calibrated

SEED = 20261121


def tries(family: str, effect: float, count: int, place: int = 51) -> list[Try]:
    return [attempt(SEED, family, number, effect=effect, place=place) for number in range(count)]


def kept(found: list[Try]) -> float:
    return float(np.mean([one.kept for one in found]))


@pytest.mark.parametrize("family", FAMILIES)
def test_two_sd_are_kept_and_soon(family: str) -> None:
    found = tries(family, 2.0, 40)
    assert kept(found) > 0.95
    assert np.mean([one.pairs for one in found]) <= TWO_SD_PAIRS + 1  # of 40 only


@pytest.mark.parametrize("family", FAMILIES)
def test_one_sd_is_mostly_kept(family: str) -> None:
    assert kept(tries(family, 1.0, 40)) > 0.7


@pytest.mark.parametrize("place", PLACES)
def test_the_last_try_of_a_night_has_the_power_of_the_first(place: int) -> None:
    assert kept(tries("Gaussian", 1.0, 40, place)) > 0.7


def test_a_small_gain_is_mostly_missed() -> None:
    """The control of the tests above: a decision that kept everything would pass them all."""
    assert kept(tries("Gaussian", 0.2, 40)) < 0.2


def test_a_tenth_of_the_pairs_has_no_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other control: what gives up too soon keeps nothing."""
    monkeypatch.setattr("tests.benchmarks.power.BUDGET", ErrorBudget(0.05, 100, 8))
    assert kept(tries("Gaussian", 2.0, 10)) == 0


def test_what_a_calibration_calls_detectable_is_mostly_kept() -> None:
    found = [calibrated(SEED, "Gaussian", number, from_start=True) for number in range(6)]
    assert 0.6 < np.mean([one.power for one in found]) <= 0.98
