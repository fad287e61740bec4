"""What the studies on few accounts count: outcomes dealt out together, bars, and what a score is worth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.benchmarks import few_accounts, permuted, recovery
from tests.benchmarks.few_accounts import Night, judged
from tests.benchmarks.health import accounts_of, health_files, logistic, worth, worth_of
from tests.benchmarks.permuted import HEALTH_OUTCOMES, dealt, most_pages
from tests.benchmarks.saas import FOLDER, table

TRUE_LIKE = {"alert_created": 25, "session_depth": 20, "setup_speed": 18, "noise_1": 0, "noise_2": 0}


def night_with(confirmed: float | None) -> Night:
    return Night("confirmed" if confirmed else "not-confirmed", 0.63, 0.72, confirmed, 0.73, 0.73, 0)


def test_outcomes_are_dealt_out_together_and_nothing_else_moves() -> None:
    accounts = table(1, 300)
    found = dealt(accounts, 1, "search")
    others = [name for name in accounts.column_names if name not in HEALTH_OUTCOMES]
    assert found.select(others).equals(accounts.select(others))
    assert not found.column("mrr").equals(accounts.column("mrr"))
    before, after = (sorted(zip(*(each.column(n).to_pylist() for n in HEALTH_OUTCOMES), strict=True))
                     for each in (accounts, found))  # fmt: skip
    assert before == after


def test_every_outcome_that_the_target_knows_is_dealt_out() -> None:
    columns = str(health_files(table(1, 10))[f"{FOLDER}/columns.yaml"])
    named = columns.partition("outcomes:")[2].partition("segments:")[0].split()[1::2]
    assert set(named) == set(HEALTH_OUTCOMES)


def test_each_half_and_each_night_has_a_deal_of_its_own() -> None:
    accounts = table(1, 300)
    deals = [dealt(accounts, seed, half).column("ltv").to_pylist() for seed in (1, 2) for half in ("search", "holdout")]
    assert all(one != other for one, other in itertools.combinations(deals, 2))


@pytest.mark.parametrize(("nights", "share", "most"), [(200, 0.05, 18), (200, 0.0025, 3), (40, 0.0025, 1)])
def test_the_bars_are_the_99_percent_points(nights: int, share: float, most: int) -> None:
    assert most_pages(nights, share) == most


def test_more_pages_than_the_gate_promises_miss_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert permuted._judged(3, 200)
    assert not permuted._judged(4, 200)
    assert "MISS 4 of 200 nights" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("results", "held"),
    [((None, None), True), ((0.7285, None, 0.75), True), ((0.7285, 0.7285, 0.7275), True), ((0.7275, None), False)],
)
def test_the_bar_is_of_the_median_of_what_was_confirmed(results: tuple[float | None, ...], held: bool) -> None:
    assert judged([night_with(result) for result in results]) is held


def test_a_setting_changes_what_stands_in_the_target_and_nothing_else() -> None:
    for way in (*few_accounts.WAYS, *few_accounts.CURES):
        files = health_files(table(1, 10), changes=way.changes, guards=way.guards)
        target = str(files[f"{FOLDER}/target.yaml"])
        assert ("guard:" in target) is way.guards
        assert all(new in target for new in way.changes.values())
    with pytest.raises(AssertionError, match="no such line"):
        health_files(table(1, 10), changes={"no such line": ""})


def test_a_regression_learns_and_chance_is_worth_nothing() -> None:
    names = list(TRUE_LIKE)
    known, fresh = accounts_of(table(1, 2_000), names), accounts_of(table(2, 20_000), names)
    fitted = logistic(known, names)
    assert worth_of(fitted, fresh) == pytest.approx(worth(TRUE_LIKE, fresh), abs=0.01)
    assert worth_of(fitted, fresh) > 0.7
    assert worth({**dict.fromkeys(names, 0), "noise_1": 5}, fresh) == pytest.approx(0.5, abs=0.02)


def test_the_best_small_noise_is_found_and_a_wider_choice_is_no_worse() -> None:
    names = list(TRUE_LIKE)
    features, labels = accounts_of(table(1, 300), names)
    features[:, 3] = np.where(labels == 1, 0.0, features[:, 3])  # noise_1 now speaks against staying
    found = [recovery.best_with(TRUE_LIKE, small, (features, labels)) for small in recovery.SMALL]
    assert found[0] <= found[1] < found[2]
    assert found[2] >= worth({**TRUE_LIKE, "noise_1": -1}, (features, labels))
