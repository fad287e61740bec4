"""What `autoresearch new --data` takes columns for: by name, by content, and why it says so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.csv
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.new.table import names, split, starting, writing
from bot.new.table.asked import Asked, Table
from bot.new.table.content import column
from bot.new.table.detection import Role, detect
from bot.new.table.plan import plan
from bot.new.table.reading import read, table
from bot.pages.web import page
from harness.errors import ConfigError, ConfigErrors
from harness.scorers.saas import accounts, columns, spec

ROWS = 400


def cells(**more: Any) -> dict[str, Any]:
    """Accounts whose stay depends on days_active, as a driver would return them."""
    chance = np.random.default_rng(5)
    days = chance.integers(0, 31, ROWS)
    return {
        "account_id": [f"A{number}" for number in range(ROWS)],
        "days_active": days,
        "retained": (chance.random(ROWS) < 1 / (1 + np.exp(1.5 - days / 10))).astype(int),
        **more,
    }


def made(found: dict[str, Any]) -> Table:
    return table("accounts", pyarrow.table(found), ".parquet", 1)


def roles(found: dict[str, Any], asked: Asked | None = None) -> dict[str, Role]:
    return {role.column: role for role in detect(made(found), asked or Asked())}


def other(step: int = 7) -> list[int]:
    return [number % step for number in range(ROWS)]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (name, ours)
        for ours, known in {
            "retained": ["retained", "retained_6mo", "Retained6Months", "is_renewed"],
            "churned": ["churned", "churn_90d", "did_churn", "CHURN", "cancelled", "left_after_6_months"],
            "revenue_start": ["mrr", "ARR", "mrr_start", "monthlyRecurringRevenue", "revenue_usd", "current_arr"],
            "revenue_end": ["mrr_6mo", "mrr_end", "arr_after_12_months", "future_revenue"],
            "returned": ["returned", "reactivated_90d", "won_back", "WonBack"],
            "activated": ["activated", "is_onboarded"],
            "lifetime_value": ["ltv", "actual_ltv", "customer_lifetime_value", "ltv_usd"],
            "": [
                "days_active", "mrr_growth", "mrr_3_months_ago", "returned_items", "activation_rate", "churn_risk",
                "retained_seats_share", "revenue_per_seat", "left_hand", "market_share",
            ],
        }.items()
        for name in known
    ],
)  # fmt: skip
def test_outcomes_are_known_by_their_names(name: str, ours: str) -> None:
    assert names.outcome(name) == ours


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("account_id", True),
        ("id", True),
        ("CustomerID", True),
        ("userUuid", True),
        ("owner_id", False),
        ("paid", False),
    ],
)
def test_ids_are_known_by_their_names(name: str, is_id: bool) -> None:
    assert names.is_id(name) == is_id


def test_every_column_has_a_role_and_a_reason() -> None:
    found = roles(
        cells(
            plan=["free", "pro"] * (ROWS // 2),
            company=[f"Firm {number % 90}" for number in range(ROWS)],
            owner_id=other(9),
            started=pyarrow.array([17000 + number % 50 for number in range(ROWS)], pyarrow.int32()).cast("date32"),
            exported=pyarrow.array([bool(number % 3) for number in range(ROWS)]),
            churn_reason=["price", ""] * (ROWS // 2),
            tags=[["a"]] * ROWS,
        )
    )
    assert {name: role.kind for name, role in found.items()} == {
        "account_id": "id", "days_active": "feature", "retained": "outcome", "plan": "segment", "company": "left out",
        "owner_id": "left out", "started": "left out", "exported": "feature", "churn_reason": "left out",
        "tags": "left out",
    }  # fmt: skip
    assert found["company"].why == "text of 90 values: a segment has at most 40"
    assert "later" in found["churn_reason"].why
    assert found["retained"].ours == "retained"
    assert all(role.why for role in found.values())


def test_what_is_asked_for_overrides_what_a_name_says() -> None:
    asked = Asked(
        id="key", outcomes={"churned": "gone"}, features=("mrr",), ignore=("notes",), segments=("size",), score="health"
    )
    found = roles(cells(key=list(range(ROWS)), gone=other(2), mrr=other(), notes=["x"] * ROWS, size=other(3)), asked)
    kinds = {name: (role.kind, role.ours) for name, role in found.items()}
    assert kinds["key"] == ("id", "")
    assert kinds["gone"] == ("outcome", "churned")
    assert kinds["mrr"] == ("feature", "")
    assert kinds["notes"] == ("left out", "")
    assert kinds["size"] == ("segment", "")
    assert kinds["account_id"] == ("left out", "")
    assert kinds["retained"] == ("outcome", "retained")


def test_a_second_column_for_an_outcome_that_was_named_is_left_out() -> None:
    found = roles(cells(mrr=other(), arr=other(5)), Asked(outcomes={"revenue_start": "mrr"}))
    assert (found["mrr"].kind, found["arr"].kind) == ("outcome", "left out")
    with pytest.raises(ConfigError, match="mrr and arr could each be revenue_start"):
        roles(cells(mrr=other(), arr=other(5)))


def test_an_id_may_be_known_by_its_content_alone() -> None:
    found = cells(email=[f"{number}@example.org" for number in range(ROWS)])
    del found["account_id"]
    assert roles(found)["email"] == Role("email", "id", "text, another one in every row")


@pytest.mark.parametrize(
    ("texts", "kind", "oddity"),
    [
        (["1", "2.5", ""], "number", ""),
        (["1e3", "-.5", "NA"], "number", ""),
        (["TRUE", "false", ""], "number", ""),
        (["2026-01-31", "2026-02-28T10:00", ""], "date", ""),
        (["31.01.2026", "1/2/26", ""], "date", ""),
        (["", "NA", "null"], "empty", ""),
        (["EU", "NA", "EU"], "text", ""),
        (["1,200", "3", ""], "text", "dressed"),
        (["12%", "$5", "1 200"], "text", "dressed"),
        (["1", "2", "many"], "text", "mixed"),
        (["1", "few", "many"], "text", ""),
    ],
)
def test_cells_of_a_csv(texts: list[str], kind: str, oddity: str) -> None:
    found = column("x", pyarrow.chunked_array([texts]), from_text=True)
    assert (found.kind, found.oddity.kind if found.oddity else "") == (kind, oddity)


def test_numbers_are_read_as_they_are_written() -> None:
    found = column("x", pyarrow.chunked_array([["1e3", "-.5", "NA", "inf", " 7 "]]), from_text=True)
    np.testing.assert_array_equal(found.numbers, [1000, -0.5, np.nan, np.inf, 7])


@pytest.mark.parametrize(
    ("outcomes", "score", "expected"),
    [
        ({"retained": 1}, "", ("health", "auc_roc_retain")),
        ({"churned": 1}, "", ("risk", "auc_roc_churn")),
        ({"retained": 1, "churned": 0}, "", ("health", "auc_roc_retain")),
        ({"retained": 1, "churned": 0}, "risk", ("risk", "auc_roc_churn")),
        ({"churned": 1}, "health", ("health", "auc_roc_churn")),
        ({"retained": 1}, "risk", ("risk", "auc_roc_retain")),
    ],
)
def test_the_score_follows_from_the_outcome_unless_asked(
    outcomes: dict[str, int], score: str, expected: tuple[str, str]
) -> None:
    found = cells()
    stayed = np.asarray(found.pop("retained"))
    found |= {name: stayed if name == "retained" or len(outcomes) == 1 else 1 - stayed for name in outcomes}
    drawn = plan(made(found), Asked(score=score))
    assert (drawn.score, drawn.primary) == expected


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=50, unique=True), st.integers(10, 89))
def test_an_account_stays_on_its_side(accounts: list[str], percent: int) -> None:
    alone = [split.held_out(account, percent) for account in accounts]
    assert split.sides(accounts[::-1], percent).tolist() == alone[::-1]
    wider = split.sides(accounts, percent + 1)
    assert all(wider[at] for at, held in enumerate(alone) if held), "a larger holdout only takes accounts in"


def test_the_split_takes_the_share_that_was_asked_for() -> None:
    accounts = [str(number) for number in range(20_000)]
    for percent in (10, 30, 90):
        assert split.sides(accounts, percent).mean() == pytest.approx(percent / 100, abs=0.015)
    assert [split.held_out(name, 30) for name in ("A1", "A2", "A3", "A4")] == FIXED


FIXED = [False, True, False, False]  # written down once: another answer would move accounts between the sides


def test_an_id_is_the_same_account_however_it_is_stored() -> None:
    stored = [pyarrow.array([7, 12]), pyarrow.array([7.0, 12.0]), pyarrow.array(["7", "12"])]
    assert {tuple(column("id", pyarrow.chunked_array([one]), from_text=False).texts) for one in stored} == {("7", "12")}


def test_features_are_scaled_by_what_is_usual() -> None:
    chance = np.random.default_rng(2)
    rare, tiny, share = np.zeros(ROWS), chance.random(ROWS) / 500, chance.random(ROWS)
    rare[3] = 40.0
    found = made({"days": chance.integers(0, 31, ROWS), "rare": rare, "tiny": tiny, "share": share, "flag": other(2)})
    ranges = {
        name: (low, high) for name, low, high in starting.scaling(found, list(names_of(found)), np.arange(ROWS) > 0)
    }
    assert ranges["days"] == (0, 30)
    assert ranges["rare"] == (0, 40)
    assert ranges["tiny"] == (pytest.approx(0, abs=1e-4), pytest.approx(0.002, abs=1e-4))
    assert not {"share", "flag"} & set(ranges)


def names_of(found: Table) -> list[str]:
    return [one.name for one in found.columns]


def test_a_feature_with_outliers_keeps_its_grain() -> None:
    amounts = np.append(np.arange(ROWS - 1), 10**9).astype(float)
    ((_name, low, high),) = starting.scaling(made({"amount": amounts}), ["amount"], np.ones(ROWS, dtype=bool))
    assert (low, high) == (pytest.approx(4, abs=1), pytest.approx(ROWS - 5, abs=3))


def test_the_first_spec_is_one_that_the_scorer_takes() -> None:
    hostile = {"no": other(3), "Days Active": other(11), "größe": other(13), "a.b-c": other(17), "TRUE": other(19)}
    drawn = plan(made(cells(**hostile, plan=["free", "pro"] * (ROWS // 2), mrr=other(23))), Asked())
    files = writing.files(drawn, "health", "a test", private=False)
    known = columns.parse(files["columns.yaml"])
    assert list(known.features) == drawn.features == ["days_active", *hostile]
    assert (known.id, known.score, known.segments) == ("account_id", "health", ("plan",))
    data = yaml.safe_load(files["spec.yaml"])
    found = spec.spec_of(data, known.features)
    assert set(found.weights) == {starting.WEIGHT}
    assert [name for name, _at in found.tiers] == ["A", "B", "C", "D"]
    target = yaml.safe_load(files["target.yaml"])
    assert [metric["name"] for metric in target["metrics"]] == [
        "auc_roc_retain", "revenue_capture_at_20", "auc_roc_retain.plan.worst",
    ]  # fmt: skip


def test_tiers_lie_near_the_quartiles() -> None:
    scaled = np.arange(101, dtype=np.float32)[np.newaxis]
    assert starting.tiers(scaled) == (("A", 75), ("B", 50), ("C", 25), ("D", 0))
    narrow = np.array([[40, 41, 42, 43] * 25], dtype=np.float32)
    upper, middle, lower, lowest = (at for _name, at in starting.tiers(narrow))
    assert 43 >= upper > middle > lower >= 40
    assert lowest == 0
    flat = np.zeros((1, 50), dtype=np.float32)
    assert starting.tiers(flat) == (("A", 75), ("B", 50), ("C", 25), ("D", 0))


def test_a_small_group_is_no_guard_and_the_reason_is_told() -> None:
    plans = ["free"] * (ROWS - 12) + ["enterprise"] * 12
    drawn = plan(made(cells(plan=plans)), Asked())
    assert drawn.guards == ()
    assert drawn.unguarded["plan"].startswith("`enterprise` has ")
    readme = writing.files(drawn, "health", "a test", private=False)["README.md"].decode()
    assert "`auc_roc_retain.plan.worst` as a guard: `enterprise` has" in readme


def test_names_and_values_stay_code_in_the_readme_and_on_one_line() -> None:
    """Neither a column that is left out nor a segment's value is held to a pattern."""
    name, value = "note` | <img src=x> # big", "<script>x</script>\x1b[31m\n# big"
    found = cells(plan=["free"] * (ROWS - 12) + [value] * 12)
    found[name] = [f"{number} words" for number in range(ROWS)]
    drawn = plan(made(found), Asked())
    readme = writing.files(drawn, "health", "a test", private=False)["README.md"].decode()
    shown = page("readme", readme)
    assert not any(tag in shown for tag in ("<img", "<script", "\x1b", "<h1># big"))
    assert "| `` note` \\| <img src=x> # big `` | left out |" in readme
    assert drawn.unguarded["plan"].startswith("`<script>x</script>[31m # big` has ")


def test_what_private_refusals_say_has_no_cell() -> None:
    for name, values in (("plan", ["Acme Ltd"] * ROWS), ("spend", [987_654] * ROWS)):
        for private in (False, True):
            with pytest.raises(ConfigErrors) as raised:
                plan(replace(made(cells(**{name: values})), private=private), Asked())
            assert f"{name}: is " in str(raised.value)
            assert private != any(cell in str(raised.value) for cell in ("Acme Ltd", "987654"))


@pytest.mark.parametrize(
    ("name", "word"), [("nps_next_quarter", "next"), ("loginsAfter90d", "after"), ("nextdoor", "")]
)
def test_a_feature_named_after_the_future_is_asked_for_by_name(name: str, word: str) -> None:
    found = made(cells(**{name: other(11)}))
    if not word:
        assert name in plan(found, Asked()).features
        return
    with pytest.raises(ConfigErrors, match=f'is named after what happens later \\("{word}"\\)'):
        plan(found, Asked())
    assert name in plan(found, Asked(features=(name,))).features


def test_a_leak_that_is_named_is_taken() -> None:
    leak = 9 * np.asarray(cells()["retained"]) + np.arange(ROWS) % 5
    with pytest.raises(ConfigError, match="tells retained almost alone"):
        plan(made(cells(last_seen=leak)), Asked())
    assert "last_seen" in plan(made(cells(last_seen=leak)), Asked(features=("last_seen",))).features


def test_revenue_at_the_start_may_be_a_feature_too_where_it_is_named() -> None:
    revenue = other(23)
    with pytest.raises(ConfigError, match="says the same as the outcome mrr"):
        plan(made(cells(mrr=revenue, spend=revenue)), Asked())
    assert "spend" in plan(made(cells(mrr=revenue, spend=revenue)), Asked(features=("spend",))).features


def test_a_private_spec_shows_no_single_accounts_value() -> None:
    amounts = np.append(np.arange(ROWS - 1), 987_654).astype(float)
    accounts = [name for name in (f"B{number}" for number in range(3 * ROWS)) if not split.held_out(name, 30)][:ROWS]
    held = [name for name in (f"B{number}" for number in range(3 * ROWS)) if split.held_out(name, 30)][: ROWS // 2]
    found = cells(amount=amounts)
    found["account_id"] = [*held, *accounts[: ROWS - len(held)]]
    drawn = plan(made(found), Asked())
    shown = {private: writing.files(drawn, "x", "a test", private=private) for private in (False, True)}
    assert b"987654" in shown[False]["spec.yaml"]
    assert not any(b"987654" in content for content in shown[True].values())
    assert not any(path.startswith("data/") for path in shown[True])


def test_the_private_script_and_new_split_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = plan(made(cells()), Asked(holdout=40))
    script = writing.files(drawn, "x", "a test", private=True)["prepare.py"].decode()
    module: dict[str, Any] = {"__name__": "prepare", "__file__": str(tmp_path / "prepare.py")}
    exec(compile(script, "prepare.py", "exec"), module)  # noqa: S102  # the script as it is written
    ids = [*cells()["account_id"], "7", "größe"]
    assert [module["held_out"](one) for one in ids] == [split.held_out(one, 40) for one in ids]
    assert [module["spelled"](value) for value in (7, 7.0, "7 ")] == ["7", "7", "7"]


def test_the_private_script_and_new_see_the_same_segments(tmp_path: Path) -> None:
    plans = np.array([" pro", "pro ", "free"] * ROWS)[:ROWS]
    table_file = tmp_path / "accounts.csv"
    pyarrow.csv.write_csv(pyarrow.table(cells(plan=plans)), table_file)
    for path, content in writing.files(plan(read(table_file), Asked()), "x", "a test", private=True).items():
        (tmp_path / path).write_bytes(content)
    (tmp_path / ".autoresearch-private").write_text(str(table_file))
    subprocess.run([sys.executable, "prepare.py"], cwd=tmp_path, check=True)
    known = columns.load(tmp_path / "columns.yaml")
    assert accounts.segment_values(tmp_path, known, "search") == {"plan": ("free", "pro")}
