"""The night's error budget: split evenly, affordable or not, and what it can detect."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.decide import Discard, Keep, Measured, Pair, Share, State, decide, step
from harness.error_budget import ErrorBudget, detectable, kept
from harness.rule import Metric, Rule

RULE = Rule("primary", (Metric("score", "maximize"),))
SHARE = ErrorBudget(0.05, 100, 80).share()


def test_alpha_is_split_evenly_over_the_planned_tries() -> None:
    assert Share(2000, 80) == SHARE
    assert ErrorBudget(0.1, 20, 40).share() == Share(200, 40)


@pytest.mark.parametrize(("tries", "pairs"), [(4, 8), (12, 10), (100, 14)])
def test_the_fewest_pairs_of_the_clearest_candidate(tries: int, pairs: int) -> None:
    assert ErrorBudget(0.05, tries, 80).least_pairs() == pairs
    assert ErrorBudget(0.05, tries, pairs).affordable
    assert not ErrorBudget(0.05, tries, pairs - 1).affordable


def decided(differences: list[float]) -> bool:
    """One row through the decision that a night makes, pair by pair."""
    state = State({"score": 0.0})
    for difference in differences:
        state = step(state, Pair(Measured({"score": 0.0}, 0), Measured({"score": difference}, 0)), RULE)
        decision = decide(state, RULE, SHARE)
        if isinstance(decision, (Keep, Discard)):
            return isinstance(decision, Keep)
    raise AssertionError("undecided at the cap")


@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("quantum", [0.0, 0.5])
def test_many_at_once_decide_as_one_by_one(effect: float, quantum: float) -> None:
    differences = np.random.default_rng(3).normal(effect, 1, (60, 80))
    if quantum:
        differences = np.round(differences / quantum) * quantum
    assert kept(differences, SHARE).tolist() == [decided(row) for row in differences.tolist()]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_what_is_detectable_is_in_the_unit_of_the_differences(scale: float) -> None:
    differences = np.random.default_rng(5).normal(0, 1, 20)
    found = detectable((scale * differences).tolist(), SHARE)
    assert found == pytest.approx(scale * detectable(differences.tolist(), SHARE))


def test_a_sign_of_an_unchanged_pair_means_nothing() -> None:
    differences = np.random.default_rng(5).normal(0, 1, 20)
    assert detectable(np.abs(differences).tolist(), SHARE) == detectable(differences.tolist(), SHARE)


def test_without_noise_anything_is_detectable() -> None:
    assert detectable([0.0] * 20, SHARE) == 0


def test_what_nobody_can_afford_is_never_detectable() -> None:
    assert detectable([1.0, -1.0] * 10, Share(2000, 12)) == math.inf


def test_fewer_pairs_detect_less() -> None:
    differences = np.random.default_rng(5).normal(0, 1, 20).tolist()
    assert detectable(differences, Share(2000, 30)) > 1.2 * detectable(differences, Share(2000, 80))


def test_what_is_called_detectable_is_kept_about_as_often_as_said() -> None:
    """From plenty of pairs; the study has it from twenty, for seven kinds of noise."""
    rng = np.random.default_rng(11)
    gain = detectable(rng.normal(0, 1, 2000).tolist(), SHARE)
    assert 0.75 < kept(rng.normal(gain, 1, (1000, 80)), SHARE).mean() < 0.90
    assert kept(rng.normal(0.7 * gain, 1, (1000, 80)), SHARE).mean() < 0.6  # able to fail: less is not as detectable
