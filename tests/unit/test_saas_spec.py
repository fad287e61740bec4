"""Specs: what they must hold, each complaint about them, and tiers that begin exactly where they say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.errors import InvalidCandidate
from harness.scorers.saas.accounts import Accounts, points
from harness.scorers.saas.spec import spec_of
from harness.scorers.saas.tally import tier_of
from tests.saas_slowly import Account, Sheet

FEATURES = ["days", "tickets"]
GOOD: dict[str, Any] = {"weights": {"days": 5, "tickets": -2}, "tiers": {"A": 60, "B": 35.5, "C": 0}}


def spec(**changes: Any) -> Any:
    return spec_of({**GOOD, **changes}, FEATURES)


def test_a_spec_is_what_the_file_says_in_the_order_of_the_features() -> None:
    found = spec(weights={"tickets": -2, "days": 5}, tiers={"A": 60, "B": 35.5, "C": 0}, scaling={"tickets": [9, 0.5]})
    assert found.weights == (5, -2)
    assert found.tiers == (("A", 60), ("B", 35.5), ("C", 0))
    assert found.scaling == (("tickets", 9.0, 0.5),)
    assert (found.lowest, found.highest) == (-200, 500)
    assert found.cuts == (220, 49, -200)  # -200 + 60 % of 700; -200 + 248.5, rounded up


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("text", "the file holds weights, tiers and perhaps scaling, and nothing else"),
        ({"weights": {}}, "the file holds weights, tiers"),
        ({**GOOD, "model": "x"}, "the file holds weights, tiers"),
        ({**GOOD, "weights": [5, -2]}, "weights: is no mapping of features"),
        ({**GOOD, "weights": {"days": 5}}, "weights: tickets has none; 0 switches a feature off"),
        (
            {**GOOD, "weights": {"days": 5, "tickets": 1, "mrr": 3}},
            "weights: mrr is no feature; they are days, tickets",
        ),
        ({**GOOD, "weights": {"days": 5.0, "tickets": 1}}, "weights: days is not a whole number"),
        ({**GOOD, "weights": {"days": True, "tickets": 1}}, "weights: days is not a whole number"),
        ({**GOOD, "weights": {"days": "5", "tickets": 1}}, "weights: days is not a whole number"),
        ({**GOOD, "weights": {"days": 2**24 // 100, "tickets": -1}}, "the weights are too large to be added exactly"),
        ({**GOOD, "weights": {"days": 10**400, "tickets": 1}}, "the weights are too large to be added exactly"),
        ({**GOOD, "scaling": [0, 1]}, "scaling: is no mapping of features"),
        ({**GOOD, "scaling": {"mrr": [0, 1]}}, "scaling: mrr is no feature"),
        ({**GOOD, "scaling": {"days": 30}}, "scaling: days is not a pair such as [0, 30]"),
        ({**GOOD, "scaling": {"days": [0, 15, 30]}}, "scaling: days is not a pair"),
        ({**GOOD, "scaling": {"days": [0, "30"]}}, "scaling: days is not a pair"),
        ({**GOOD, "scaling": {"days": [False, True]}}, "scaling: days is not a pair"),
        ({**GOOD, "scaling": {"days": [30, 30.0]}}, "scaling: days runs from 30 to 30.0, which is no range"),
        ({**GOOD, "scaling": {"days": [2**53, 2**53 + 1]}}, "which is no range"),  # one and the same float
        ({**GOOD, "scaling": {"days": [-1.7e308, 1.7e308]}}, "which is no range"),  # its width is no float
        ({**GOOD, "tiers": ["A", "B"]}, "tiers: 2 to 12 of them"),
        ({**GOOD, "tiers": {"A": 0}}, "tiers: 2 to 12 of them"),
        ({**GOOD, "tiers": {f"T{n}": n for n in range(13)}}, "tiers: 2 to 12 of them"),
        ({**GOOD, "tiers": {"A.1": 60, "B": 0}}, "tiers: a name is up to 24 letters, digits, - and _"),
        ({**GOOD, "tiers": {"A\n": 60, "B": 0}}, "tiers: a name is up to 24 letters"),
        ({**GOOD, "tiers": {"A" * 25: 60, "B": 0}}, "tiers: a name is up to 24 letters"),
        ({**GOOD, "tiers": {"A": 101, "B": 0}}, "tiers: A does not begin at a score from 0 to 100"),
        ({**GOOD, "tiers": {"A": 60, "B": -1}}, "tiers: B does not begin at a score from 0 to 100"),
        ({**GOOD, "tiers": {"A": "60", "B": 0}}, "tiers: A does not begin at a score"),
        ({**GOOD, "tiers": {"A": float("nan"), "B": 0}}, "tiers: A does not begin at a score"),
        ({**GOOD, "tiers": {"A": 60, "B": 60, "C": 0}}, "tiers: A and B begin at the same score"),
        ({**GOOD, "tiers": {"A": 30, "B": 60, "C": 0}}, "tiers: they stand from the highest to the lowest; A, B, C"),
        ({**GOOD, "tiers": {"A": 60, "B": 5}}, "tiers: the lowest, B, begins at 5; it must begin at 0"),
    ],
)
def test_each_complaint(data: Any, words: str) -> None:
    with pytest.raises(InvalidCandidate) as raised:
        spec_of(data, FEATURES)
    assert words in str(raised.value)


def test_the_largest_weights_are_added_exactly() -> None:
    """One more is refused above; float32 would lose the last points from there on."""
    largest = (2**24 - 1) // 100 - 1
    found = spec(weights={"days": largest, "tickets": -1})
    hundredths = np.array([[100, 99, 0], [0, 100, 100]], dtype=np.float32)
    assert points([found], hundredths).tolist() == [[100 * largest, 99 * largest - 100, -100]]


def hundredths_of(values: list[float], low: float, high: float) -> list[float]:
    block = Accounts(("f",), np.array([values]), {}, {}, {})
    found: list[float] = block.hundredths((("f", low, high),))[0].tolist()
    return found


def test_a_range_becomes_whole_hundredths_and_is_cut_off_beyond() -> None:
    assert hundredths_of([0, 15, 30, 45, -3, 0.149, 0.151], 0, 30) == [0, 50, 100, 100, 0, 0, 1]
    assert hundredths_of([0, 10, 2], 10, 0) == [100, 0, 80]  # a range may fall


@pytest.mark.parametrize("values", [[0, 1.001], [-0.001, 1]])
def test_a_feature_beyond_0_and_1_needs_a_scale(values: list[float]) -> None:
    block = Accounts(("days",), np.array([values]), {}, {}, {})
    with pytest.raises(InvalidCandidate, match=r"scaling: days runs from .* no scaling for it, such as days: \["):
        block.hundredths(())
    assert block.hundredths((("days", -1.0, 2.0),)).shape == (1, 2)


@given(
    st.lists(st.integers(-30, 30), min_size=2, max_size=2),
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=8),
    st.lists(st.sampled_from([100, 99.99, 66.66, 50, 33.3, 12.5, 0.1, 1e-7]), min_size=1, max_size=5, unique=True),
    st.integers(1, 2000),
)
@settings(deadline=None)
@example([3, 0], [(1, 0), (0, 0)], [1.0], 1)
@example([0, 0], [(100, 0)], [1e-7], 1)
@example([1, 99], [(7, 0), (6, 0)], [0.07], 1)  # in floats 0.07 % of 10,000 is more than 7
def test_tiers_begin_exactly_at_their_score_whatever_the_size_of_the_weights(
    weights: list[int], rows: list[tuple[int, int]], starts: list[float], times: int
) -> None:
    tiers = {**{f"T{n}": at for n, at in enumerate(starts)}, "last": 0}
    slow = Sheet(weights, tiers)
    expected = [slow.tier(Account(row, {})) for row in rows]
    for factor in (1, times):
        found = Sheet([factor * weight for weight in weights], tiers).spec()
        places = tier_of(found, points([found], np.array(rows, dtype=np.float32).T)[0])
        assert [found.tiers[place][0] for place in places] == expected


def test_a_score_is_between_the_lowest_and_the_highest_that_the_weights_allow() -> None:
    sheet = Sheet([3, -1])
    assert [sheet.score(Account(row, {})) for row in ((0, 100), (100, 0), (90, 30))] == [0, 100, Fraction(85)]
