"""The measures against their definitions, worked slowly in fractions: equal to the last digit."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from harness.errors import InvalidCandidate
from harness.scorers.saas import accounts as accounts_module
from harness.scorers.saas import measures, store, table, tally
from harness.scorers.saas.columns import OUTCOMES
from harness.scorers.saas.scorer import Scorer
from tests.saas_slowly import MONEY, Account, Sheet, columns_of, first, rounded_up, slow_metrics, some_accounts, write

CENTS = st.sampled_from([0, 0, 1, 99, 100, 12_345, 70_000_001, 10**12 + 1])
STARTS = st.sampled_from([100, 99.99, 66.7, 60, 50, 33.3, 25, 12.5, 1, 0.01])


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Account], Sheet]:
    """Small tables full of ties, zeros and single classes; any of the outcomes; weights of any sign and size."""
    size, features = draw(st.integers(1, 9)), draw(st.integers(1, 3))
    outcomes = draw(st.lists(st.sampled_from(OUTCOMES), min_size=1, unique=True))
    hundredths = st.tuples(*[st.sampled_from([0, 25, 50, 50, 100]) | st.integers(0, 100)] * features)
    results = st.fixed_dictionaries({name: CENTS if name in MONEY else st.integers(0, 1) for name in outcomes})
    found = draw(
        st.lists(st.builds(Account, hundredths, results, st.sampled_from(["", "x", "y"])), min_size=size, max_size=size)
    )
    unit = draw(st.sampled_from([1, 1, 7, 10_000]))
    weights = [unit * weight for weight in draw(st.lists(st.integers(-3, 5), min_size=features, max_size=features))]
    starts = [0, *draw(st.lists(STARTS, min_size=1, max_size=4, unique=True))]
    return found, Sheet(weights, {f"T{n}": at for n, at in enumerate(starts)}, draw(st.booleans()))


def measured(
    accounts: Sequence[Account], *sheets: Sheet, name: str = "a.csv", group: int = 1000
) -> list[dict[str, float]]:
    """What the product says, from a table on disk."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, name), accounts, group=group)
        found = Scorer(Path(folder), columns_of(accounts, sheets[0], name, name))
        return found.measure([sheet.spec() for sheet in sheets], "search")


@given(cases(), st.sampled_from([1_000_000, 1, 2]), st.sampled_from(["a.csv", "a.parquet"]))
@settings(deadline=None, max_examples=100)
@example(([Account((n,), {"activated": 1}, "x") for n in (0, 0, 9)], Sheet([1])), 2, "a.csv")  # nothing by segment
def test_every_metric_is_its_definition_to_the_last_digit(
    case: tuple[list[Account], Sheet], block: int, name: str
) -> None:
    accounts, sheet = case
    with mock.patch.object(table, "BLOCK_ROWS", block):
        assert measured(accounts, sheet, name=name) == [slow_metrics(accounts, sheet)]


@pytest.mark.parametrize("health", [True, False])
@pytest.mark.parametrize("fine", [True, False])
def test_a_larger_table_has_every_metric_of_its_definition(health: bool, fine: bool) -> None:
    accounts = some_accounts(50, fine=fine)
    sheets = [Sheet(w, {"A": 60, "B": 33.3, "C": 0}, health) for w in ([2, 1], [-5, 25], [9999, -7])]
    found = measured(accounts, *sheets)
    assert found == [slow_metrics(accounts, sheet) for sheet in sheets]
    assert len(found[0]) == 5 + 10 * 3 + 3 * 2


@given(st.lists(st.tuples(st.integers(0, 2).map(Fraction), st.integers(0, 9)), min_size=1, max_size=6), st.data())
@settings(deadline=None)
def test_a_shared_place_is_the_mean_over_all_orders(ranked: list[tuple[Fraction, int]], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(ranked)))
    orders = [sorted(order, key=lambda one: -one[0])[:k] for order in permutations(ranked)]
    assert first(ranked, k) == Fraction(sum(value for order in orders for _rank, value in order), len(orders))
    levels = range(2, -1, -1)
    number = np.array([[sum(rank == level for rank, _value in ranked) for level in levels]], dtype=float)
    held = np.array([[sum(value for rank, value in ranked if rank == level) for level in levels]], dtype=float)
    (found,) = measures.held_by_first(number, held, [k])
    assert Fraction(found.above, found.below) == first(ranked, k)


def test_a_share_of_accounts_is_rounded_up() -> None:
    assert [rounded_up(n, 5) for n in (1, 5, 6, 10, 11)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("health", [True, False])
def test_the_areas_are_those_of_scikit_learn(health: bool) -> None:
    accounts, sheet = some_accounts(300, fine=False), Sheet([3, -2], health=health)
    (found,) = measured(accounts, sheet)
    scores = [float(sheet.score(account)) for account in accounts]
    to_retain = roc_auc_score([account["retained"] for account in accounts], scores)
    assert found["auc_roc_retain"] == pytest.approx(to_retain if health else 1 - to_retain, abs=1e-12)
    to_churn = roc_auc_score([account["churned"] for account in accounts], scores)
    assert found["auc_roc_churn"] == pytest.approx(1 - to_churn if health else to_churn, abs=1e-12)


def test_rows_in_any_order_and_in_any_blocks_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = some_accounts(80, fine=False)
    sheets = [Sheet([2, 1]), Sheet([9999, -7]), Sheet([0, 0])]
    whole = measured(accounts, *sheets)
    shuffled = random.Random(1).sample(accounts, 80)
    assert measured(shuffled, *sheets) == whole
    assert measured(shuffled, *sheets, name="a.parquet", group=7) == whole
    for in_memory, block in ((1_000_000, 3), (0, 3), (0, 1), (50, 11)):
        monkeypatch.setattr(store, "IN_MEMORY", in_memory)
        monkeypatch.setattr(table, "BLOCK_ROWS", block)
        assert measured(shuffled, *sheets) == whole
        assert measured(shuffled, *sheets, name="a.parquet", group=7) == whole


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of the blocks that are read from a table, in their order."""
    found: list[int] = []
    original = accounts_module._block

    def noted(*arguments: object) -> accounts_module.Accounts:
        found.append((block := original(*arguments)).size)  # type: ignore[arg-type]
        return block

    monkeypatch.setattr(accounts_module, "_block", noted)
    return found


def test_what_does_not_fit_into_memory_is_read_from_the_table_no_more(
    sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read until it is known to be too large, then put away; otherwise the test above compares one way with
    itself. Another scaling needs the table again, and leaves nothing behind of the one before."""
    monkeypatch.setattr(store, "IN_MEMORY", 5)
    monkeypatch.setattr(table, "BLOCK_ROWS", 3)
    accounts, sheet = some_accounts(10), Sheet([1, 1])
    half = [Account((min(a.hundredths[0] * 2, 100), a.hundredths[1]), a.outcomes, a.plan) for a in accounts]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "a.parquet"), accounts, group=4)
        found = Scorer(Path(folder), columns_of(accounts, sheet, "a.parquet"))
        narrow, unfit = replace(sheet.spec(), scaling=(("f0", 0.0, 0.5),)), replace(sheet.spec(), scaling=())
        whole, other = slow_metrics(accounts, sheet), slow_metrics(half, sheet)
        for spec, metrics, read in (
            (sheet.spec(), whole, [3, 1, 3, 1, 2]), (sheet.spec(), whole, [3, 1, 3, 1]), (unfit, whole, []),
            (narrow, other, [3, 1, 3, 1, 2]), (narrow, other, []), (sheet.spec(), whole, [3, 1, 3, 1, 2]),
        ):  # fmt: skip
            sizes.clear()
            assert (found.measure([spec], "search"), sizes) == ([metrics], read)
        assert found.rows(sheet.spec(), "search", ["auc_roc_retain"]) == {}


def test_a_batch_that_breaks_off_leaves_no_accounts_of_two_scalings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first block fits a spec without a scaling, the second does not."""
    monkeypatch.setattr(store, "IN_MEMORY", 0)
    monkeypatch.setattr(table, "BLOCK_ROWS", 2)
    accounts = [Account((n,), {"retained": n % 3 % 2}) for n in (10, 20, 30, 150, 160)]
    scaled = replace(Sheet([1]).spec(), scaling=(("f0", 0.0, 2.0),))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "a.csv"), accounts)
        found = Scorer(Path(folder), columns_of(accounts, Sheet([1])))
        first = found.measure([scaled], "search")
        for _again in range(2):
            with pytest.raises(InvalidCandidate, match=r"f0 runs from 0\.3 to 1\.5"):
                found.measure([Sheet([1]).spec()], "search")
            assert found.measure([scaled], "search") == first


def test_counting_and_sorting_are_the_same_sums() -> None:
    """The same accounts by points that lie close are counted, by points that lie far apart sorted."""
    accounts = some_accounts(60, fine=False)
    for weights in ([2, 1], [1, -1]):
        dense, sorted_ = Sheet(weights), Sheet([weight * 40_000 for weight in weights])
        assert measured(accounts, dense) == measured(accounts, sorted_) == [slow_metrics(accounts, dense)]
    facts = accounts_module.Facts(np.ones((1, 3)), {"accounts": 0})
    spec = Sheet([1, 1]).spec()
    assert tally.add_up(spec, np.array([5, 7, 5]), facts, rising=True).points.tolist() == [5, 6, 7]
    assert tally.add_up(spec, np.array([0, 70_000, 5_000]), facts, rising=True).points.tolist() == [0, 5_000, 70_000]


@pytest.mark.parametrize("far", [1, 20_000])
def test_the_primary_metric_alone_is_the_same_number(far: int, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, sheets = some_accounts(90), [Sheet([far, -2 * far]), Sheet([3 * far, far])]
    monkeypatch.setattr(table, "BLOCK_ROWS", 40)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "a.csv"), accounts)
        found, specs = Scorer(Path(folder), columns_of(accounts, sheets[0])), [sheet.spec() for sheet in sheets]
        whole = found.measure(specs, "search")
        for name in [one.name for one in measures.SCALARS]:
            assert found.primary(specs, "search", name) == [metrics[name] for metrics in whole]
        for name in ("nrr.A", "auc_roc_retain.plan.worst", "unheard_of"):
            assert found.primary(specs, "search", name) == [None, None]


def test_one_metric_alone_needs_no_more_room_than_the_accounts() -> None:
    """Weights may be so large that few of the possible points are taken."""
    found = np.array([0, 16_000_000, 5], dtype=np.int64)
    alone = tally.add_up_label(Sheet([1]).spec(), found, "retained", (np.array([0, 2]), np.array([1])), rising=True)
    assert (alone.points.tolist(), alone.sums("retained").tolist()) == ([0, 5, 16_000_000], [[1, 1, 0]])
    assert alone.sums("not_retained").tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("outcomes", "missing"),
    [
        (OUTCOMES, {}),
        (("retained",), {"nrr": "revenue_start and revenue_end", "auc_roc_churn": "churned", "arpa": "revenue_start"}),
        (("revenue_start",), {"nrr": "revenue_end", "winback": "churned and returned", "tier_separation": "lifetime_"}),
        (("churned",), {"winback": "returned", "activation": "activated", "auc_roc_retain": "retained"}),
    ],
)
def test_what_is_absent_says_which_column_it_needs(outcomes: Sequence[str], missing: dict[str, str]) -> None:
    why = measures.absent(outcomes)
    for name, words in missing.items():
        assert why[name].startswith(f"columns.yaml names no column for {words}")
    accounts = [replace(account, outcomes={name: account[name] for name in outcomes}) for account in some_accounts(60)]
    (found,) = measured(accounts, Sheet([1, 1]))
    there = {name.split(".")[0] for name in found}
    assert there | set(why) == set(measures.NEEDS)
    assert not there & set(why)
