"""Candidates without effect, seven kinds of noise: the study of tests/benchmarks in a size for every day, and what
makes it fail."""

from __future__ import annotations

import numpy as np
import pytest

from harness.error_budget import ErrorBudget
from tests.benchmarks import noise
from tests.benchmarks.noise import CORRELATION, FAMILIES, METRIC, USUAL, Family, Machine
from tests.benchmarks.nulls import MOST_PAIRS, most_nights, night

SEED, NIGHTS, TRIES = 20261121, 6, 25
UNSPLIT = ErrorBudget(0.05, 1, 80).share()  # alpha for every try, as if there were no others
SPLIT = ErrorBudget(0.05, TRIES, 80).share()


@pytest.mark.parametrize("family", FAMILIES)
def test_one_sd_is_the_sd_of_a_measurement(family: str) -> None:
    """Within a night, on average over nights."""
    variances = [np.var(values_of(FAMILIES[family], number)) for number in range(800)]
    rare = 0.1 if family == "Student t(3)" else 0.03  # whose variance has none itself
    assert np.mean(variances) == pytest.approx(1, abs=rare)


def values_of(family: Family, number: int, count: int = USUAL) -> noise.Values:
    return Machine(family, np.random.default_rng([SEED, number]), count).unchanged()


@pytest.mark.parametrize("family", FAMILIES)
def test_one_after_the_other_is_what_all_at_once_is(family: str) -> None:
    machine = Machine(FAMILIES[family], np.random.default_rng([SEED, 1]), 500)
    found = [machine.measure(b"any", 0).metrics[METRIC] for _ in range(500)]
    assert found == values_of(FAMILIES[family], 1, 500).tolist()


def test_every_family_is_what_it_is_called() -> None:
    nights = {name: np.array([values_of(family, i) for i in range(30)]) for name, family in FAMILIES.items()}
    centred = {name: values - values.mean(axis=1, keepdims=True) for name, values in nights.items()}
    lagged = np.mean(centred["AR(1) 0.8"][:, 1:] * centred["AR(1) 0.8"][:, :-1])
    assert lagged == pytest.approx(CORRELATION, abs=0.05)
    assert np.mean(centred["Student t(3)"] ** 4) > 2 * np.mean(centred["Gaussian"] ** 4)
    assert np.mean(centred["log-normal"] ** 3) > 1 > abs(np.mean(centred["Gaussian"] ** 3))
    assert set(np.unique(nights["quantised"] * 2 % 1)) == {0.0}
    warm = nights["warm-up"]
    assert np.mean(warm[:, 1::2] - warm[:, ::2]) == pytest.approx(noise.WARM_UP, abs=0.05)
    drifted, steady = (
        np.abs(centred[name][:, -200:].mean(axis=1)).mean() for name in ("drift, step, speed", "Gaussian")
    )
    assert drifted > 4 * steady


def test_a_machine_gives_the_effect_to_its_content_alone() -> None:
    def machine() -> Machine:
        return Machine(FAMILIES["Gaussian"], np.random.default_rng(1), 4, effects={b"better": 2.0})

    one, other = machine(), machine()
    for content in (b"better", b"another", b"better"):
        gain = one.measure(content, 0).metrics[METRIC] - other.measure(b"any", 0).metrics[METRIC]
        assert gain == pytest.approx(2.0 if content == b"better" else 0.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_has_no_effect_is_not_kept_and_is_cheap(family: str) -> None:
    nights = [night(SEED, family, number, share=SPLIT, tries=TRIES) for number in range(NIGHTS)]
    assert sum(one.kept for one in nights) <= most_nights(NIGHTS)
    assert np.mean([one.pairs for one in nights]) <= MOST_PAIRS + 2  # of 150 candidates only


def test_without_a_coin_a_warm_up_is_taken_for_a_gain() -> None:
    """The control: the order of pairs is what keeps the machine out of the decision."""
    nights = [night(SEED, "warm-up", number, share=SPLIT, tries=TRIES, fixed=True) for number in range(NIGHTS)]
    assert sum(one.kept for one in nights) > most_nights(NIGHTS)


def test_without_a_split_of_alpha_nights_keep_falsely() -> None:
    """The other control: 5 % for every try is not 5 % for a night."""
    nights = [night(SEED, "Gaussian", number, share=UNSPLIT, tries=TRIES) for number in range(NIGHTS)]
    assert sum(one.kept for one in nights) > most_nights(NIGHTS)


def test_what_is_often_done_instead_keeps_falsely_on_the_same_machines() -> None:
    nights = [night(SEED, "Gaussian", number, share=SPLIT, tries=TRIES) for number in range(NIGHTS)]
    assert sum(one.best for one in nights) > most_nights(NIGHTS)
    assert sum(one.t_test for one in nights) > most_nights(NIGHTS)


def test_how_many_false_nights_chance_allows() -> None:
    assert most_nights(2000) == 123
    assert most_nights(100) < 100 * 0.15
