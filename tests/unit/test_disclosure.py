"""Figures of few accounts: shown of any target, not of one whose rows are private."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bot import disclosure
from harness.scorers.saas.accounts import Accounts, facts
from harness.scorers.saas.scored import Scored, scored
from harness.scorers.saas.spec import spec_of
from tests.proposing import target

PUBLIC = target({"/weights/*": {"int": [-5, 25]}})
PRIVATE = replace(PUBLIC, private=True)
SPEC = spec_of({"weights": {"a": 5}, "tiers": {"A": 60, "B": 30, "C": 0}}, ["a"])


def score(paying_at_the_top: int) -> Scored:
    """Ten accounts in each tier; in the highest only so many pay."""
    revenue = np.full(30, 100.0)
    revenue[paying_at_the_top:10] = 0
    outcomes = {"revenue_start": revenue, "revenue_end": revenue * 2, "activated": np.ones(30)}
    raw = np.repeat([0.9, 0.5, 0.1], 10)[None, :]
    return scored(SPEC, Accounts(("a",), raw, facts(outcomes, 30), {}, {}), rising=True)


@pytest.mark.parametrize("paying", [1, 4])
def test_a_ratio_over_few_accounts_is_not_shown_though_the_tier_is_large(paying: int) -> None:
    shown = disclosure.metrics(PRIVATE, score(paying))
    hidden = set(score(paying).metrics) - set(shown)
    assert {"arpa.A", "nrr.A", "grr.A"} <= hidden
    assert {"activation.A", "arpa.B", "nrr.C", "revenue_hhi"} <= set(shown)


def test_five_are_enough() -> None:
    assert {"arpa.A", "nrr.A"} <= set(disclosure.metrics(PRIVATE, score(disclosure.FEWEST)))


def test_of_rows_that_are_not_private_everything_is_shown() -> None:
    one = score(1)
    assert disclosure.metrics(PUBLIC, one) == one.metrics
    assert one.metrics["arpa.A"] == 1.0, "what one account pays"


def test_small_groups_are_one_and_none_is_lost() -> None:
    codes = np.array([0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3])
    values = ("acme", "bolt", "many", "four")
    found = disclosure.groups(PRIVATE, codes, values)
    assert {name: list(where) for name, where in found.items()} == {
        "many": [3, 4, 5, 6, 7],
        disclosure.SMALL_GROUPS: [0, 1, 2, 8, 9, 10, 11],
    }
    assert list(disclosure.groups(PUBLIC, codes, values)) == list(values)
