"""Seeds that cannot meet across blocks, and a coin that is fair and that nobody can foresee."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.schedule import BLOCKS, Schedule, block_of
from tests.benchmarks.simulation import IncumbentFirst

SCHEDULE = Schedule(7, "a coin from the system")


def orders(schedule: Schedule, experiments: int = 40, pairs: int = 25) -> list[bool]:
    return [schedule.pair("loop", i, n).incumbent_first for i in range(1, experiments + 1) for n in range(1, pairs + 1)]


def p_of_fairness(found: list[bool]) -> float:
    return float(stats.binomtest(sum(found), len(found), 0.5).pvalue)


def test_a_draw_is_the_same_whenever_it_is_asked_for() -> None:
    assert SCHEDULE.pair("loop", 3, 5) == Schedule(7, "a coin from the system").pair("loop", 3, 5)


@given(st.integers(0, 2**63), st.integers(0, 10**6), st.integers(0, 200))
def test_blocks_are_ranges_of_seeds_that_cannot_meet(seed: int, experiment: int, number: int) -> None:
    schedule = Schedule(seed, "coin")
    drawn = {block: schedule.pair(block, experiment, number).seed for block in BLOCKS}
    assert {block: block_of(value) for block, value in drawn.items()} == {block: block for block in BLOCKS}
    assert all(0 <= value < 2**31 for value in drawn.values())


def test_pairs_of_a_night_have_seeds_of_their_own() -> None:
    seeds = [SCHEDULE.pair("loop", i, n).seed for i in range(1, 101) for n in range(1, 21)]
    assert len(set(seeds)) >= len(seeds) - 2  # of 2 ** 28; two of 2,000 may meet by chance


def test_the_order_is_a_fair_coin() -> None:
    assert p_of_fairness(orders(SCHEDULE)) > 0.001


def test_each_order_says_nothing_of_the_next() -> None:
    found = orders(SCHEDULE)
    assert p_of_fairness([a == b for a, b in pairwise(found)]) > 0.001


def test_an_order_that_is_fixed_is_found_out() -> None:
    """The control of the two tests above."""
    found = orders(IncumbentFirst(7, "a coin"))
    assert p_of_fairness(found) < 1e-9
    assert p_of_fairness([a == b for a, b in pairwise(found)]) < 1e-9


def test_the_seed_alone_does_not_tell_the_order() -> None:
    """Who knows the night's seed and every measurement's, but not the coin, guesses right half of the time."""
    guessed, drawn = orders(Schedule(7, "")), orders(SCHEDULE)
    assert p_of_fairness([a == b for a, b in zip(guessed, drawn, strict=True)]) > 0.001
    parity = [SCHEDULE.pair("loop", i, n).seed % 2 == 0 for i in range(1, 41) for n in range(1, 26)]
    assert p_of_fairness([a == b for a, b in zip(parity, drawn, strict=True)]) > 0.001


def test_the_coin_does_not_change_the_seeds() -> None:
    assert SCHEDULE.pair("loop", 1, 1).seed == Schedule(7, "another coin").pair("loop", 1, 1).seed


@pytest.mark.parametrize("block", BLOCKS)
def test_another_block_has_another_order(block: str) -> None:
    others = [other for other in BLOCKS if other != block]
    mine = [SCHEDULE.pair(block, 1, n).incumbent_first for n in range(64)]
    assert all(mine != [SCHEDULE.pair(other, 1, n).incumbent_first for n in range(64)] for other in others)


def test_every_order_of_three_is_equally_likely() -> None:
    found: dict[tuple[int, ...], int] = {}
    for number in range(600):
        order = tuple(SCHEDULE.shuffled("ablate", 1, number, 3))
        found[order] = found.get(order, 0) + 1
    assert len(found) == 6
    assert stats.chisquare(list(found.values())).pvalue > 0.001
