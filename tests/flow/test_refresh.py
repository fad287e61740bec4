"""A night's result held against its base on the accounts of a later period."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from bot.refresh import KEEP, READY, refresh
from bot.refresh.drift import stability_index
from bot.refresh.inputs import Policy, Wishes
from harness.errors import ConfigError, EvaluatorError, NotFound
from harness.repository import Repository
from harness.scorers.saas.columns import Period
from tests.scoring import FEATURES, accounts, night_in, repository_at
from tests.support import git

LATER = Period(date(2025, 7, 1), date(2025, 12, 31))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """After a real night whose result was confirmed."""
    found = repository_at(tmp_path_factory.mktemp("refresh"))
    night_in(found)
    return found


LENIENT = Policy(most_moved=1.0)


def wishes(tmp_path: Path, text: str, *, policy: Policy = LENIENT, later: Period = LATER) -> Wishes:
    table = tmp_path / "later.csv"
    table.write_text(text)
    return Wishes("h", table, later, policy=policy, into=tmp_path / "out")


def test_a_gain_that_holds_is_ready_for_review(repository: Repository, tmp_path: Path) -> None:
    before = git(repository.root, "rev-parse", "HEAD"), git(repository.root, "status", "--porcelain")
    found = refresh(repository, wishes(tmp_path, accounts(7)))
    assert found.verdict == READY
    assert [gate.name for gate in found.gates] == ["gain", "tiers", "segments"]
    assert before == (git(repository.root, "rev-parse", "HEAD"), git(repository.root, "status", "--porcelain"))
    figures = json.loads((found.folder / "report.json").read_text())
    assert figures["candidate"]["auc_roc_retain"] - figures["incumbent"]["auc_roc_retain"] == pytest.approx(
        figures["gain"]
    )
    assert figures["low"] > 0
    page = (found.folder / "report.html").read_text()
    assert READY in page
    assert "Drift of the features" in page
    assert "Nothing was changed or promoted" in page


def test_where_the_signal_is_gone_the_incumbent_stays(repository: Repository, tmp_path: Path) -> None:
    found = refresh(repository, wishes(tmp_path, accounts(8, strong=0.0)))
    assert found.verdict == KEEP
    assert not next(gate for gate in found.gates if gate.name == "gain").holds


@pytest.mark.parametrize(
    ("policy", "fails"),
    [(Policy(most_moved=0.001), "tiers"), (Policy(most_moved=1, most_segment_loss=-1), "segments"),
     (Policy(most_moved=1, min_gain=0.9), "gain")],
)  # fmt: skip
def test_each_gate_can_fail_alone(repository: Repository, tmp_path: Path, policy: Policy, fails: str) -> None:
    found = refresh(repository, wishes(tmp_path, accounts(7), policy=policy))
    assert found.verdict == KEEP
    assert [gate.name for gate in found.gates if not gate.holds] == [fails]


def test_a_segment_of_one_class_cannot_be_judged(repository: Repository, tmp_path: Path) -> None:
    lines = accounts(7).splitlines()
    for at, end in ((1, "1,tiny"), (2, "1,tiny")):
        lines[at] = lines[at].rsplit(",", 2)[0] + "," + end
    found = refresh(repository, wishes(tmp_path, "\n".join(lines) + "\n"))
    assert found.verdict == KEEP
    assert "`region: tiny` (2 accounts) cannot be judged" in found.as_text()


def read_changes(folder: Path) -> list[dict[str, str]]:
    with (folder / "accounts.csv").open() as file:
        return list(csv.DictReader(file))


def test_contributions_add_up_to_each_accounts_change(repository: Repository, tmp_path: Path) -> None:
    found = refresh(repository, wishes(tmp_path, accounts(7)))
    rows = read_changes(found.folder)
    assert len(rows) == 1500
    assert len({row["account"] for row in rows}) == 1500
    changes = [abs(float(row["change"])) for row in rows]
    assert changes == sorted(changes, reverse=True)
    for row in rows:
        parts = sum(float(row[name]) for name in (*FEATURES, "scale"))
        assert parts == pytest.approx(float(row["change"]), abs=0.04)
        assert float(row["score_after"]) - float(row["score_before"]) == pytest.approx(float(row["change"]), abs=0.02)
        assert row["tier_after"] == tier(float(row["score_after"]))
    moved = sum(row["tier_before"] != row["tier_after"] for row in rows)
    assert json.loads((found.folder / "report.json").read_text())["moved"] == moved > 0


def tier(score: float) -> str:
    return "A" if score >= 60 else "B" if score >= 40 else "C"


def test_a_feature_that_moved_is_named(repository: Repository, tmp_path: Path) -> None:
    still = figures_of(repository, tmp_path / "a", accounts(7))
    moved = figures_of(repository, tmp_path / "b", accounts(7, shift=0.4))
    assert still["weak"]["reading"] == "stable"
    assert moved["weak"]["reading"] == "shifted"
    assert moved["strong"]["reading"] == "stable"


def figures_of(repository: Repository, folder: Path, text: str) -> dict[str, dict[str, str]]:
    folder.mkdir()
    found = refresh(repository, wishes(folder, text))
    return {one["feature"]: one for one in json.loads((found.folder / "report.json").read_text())["drift"]}


def test_the_stability_index_is_zero_for_the_same_values_and_grows() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    assert stability_index(values, values) == 0
    steps = [stability_index(values, values + shift) for shift in (0.1, 0.5, 1.0)]
    assert steps == sorted(steps)
    # Against the formula on known shares: all of one half moved to the other.
    one, other = np.array([0.0] * 500 + [1.0] * 500), np.array([0.0] * 250 + [1.0] * 750)
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert stability_index(one, other) == pytest.approx(float(np.sum((q - p) * np.log(q / p))), rel=0.01)


def test_an_account_id_cannot_become_a_formula(repository: Repository, tmp_path: Path) -> None:
    text = accounts(7).replace("a5,", "=1+1,", 1)
    assert "=1+1," in text
    found = refresh(repository, wishes(tmp_path, text))
    assert "'=1+1" in {row["account"] for row in read_changes(found.folder)}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_digit_of_an_id_comes_through(repository: Repository, tmp_path: Path, suffix: str) -> None:
    """Whole numbers that no float holds, and zeros in front: what a customer database calls an account."""
    names = [f"{2**53 + 1 + 2 * n}" if n else "0042" for n in range(1500)]
    text = re.sub(r"^a(\d+),", lambda found: f"{names[int(found[1])]},", accounts(7), flags=re.MULTILINE)
    asked = wishes(tmp_path, text)
    if suffix == ".parquet":
        as_text = pyarrow.csv.ConvertOptions(column_types={"account": pyarrow.string()})
        found = pyarrow.csv.read_csv(asked.table, convert_options=as_text)
        names = ["42", *names[1:]]
        found = found.set_column(0, "account", pyarrow.array(map(int, names), pyarrow.int64()))
        pyarrow.parquet.write_table(found, tmp_path / "later.parquet")
        asked = replace(asked, table=tmp_path / "later.parquet")
    assert {row["account"] for row in read_changes(refresh(repository, asked).folder)} == set(names)


def test_the_value_of_a_segment_stays_text_on_the_page(repository: Repository, tmp_path: Path) -> None:
    text = accounts(7).replace(",eu\n", ",<img src=x>\n").replace(",us\n", ",[a](http://b.example)\n")
    for policy in (LENIENT, Policy(most_segment_loss=-1)):
        found = refresh(repository, replace(wishes(tmp_path, text, policy=policy), into=tmp_path / repr(policy)))
        page = (found.folder / "report.html").read_text()
        assert "fares worst, <code>region: " in page
        assert "<img" not in page
        assert "<a " not in page


@pytest.mark.parametrize(
    ("features", "outcomes", "says"),
    [
        ("2025-06-30", "2025-12-31", "the periods overlap"),
        ("2025-07-01", "2025-07-01", "say nothing of features"),
        ("2025-07-01", "2999-01-01", "are not known yet"),
    ],
)
def test_periods_must_follow_each_other(
    repository: Repository, tmp_path: Path, features: str, outcomes: str, says: str
) -> None:
    later = Period(date.fromisoformat(features), date.fromisoformat(outcomes))
    with pytest.raises(ConfigError, match=says):
        refresh(repository, wishes(tmp_path, accounts(7), later=later))
    assert not (tmp_path / "out").exists()


def broken(old: str, new: str) -> str:
    text = accounts(7)
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (broken("a5,", "a6,"), "1 accounts stand twice, such as a6"),
        (broken("stayed", "left"), "has no column stayed"),
        (broken("a5,", "a5,x"), "strong is no number in 1"),
        (accounts(7, count=0), "holds no rows"),
        (broken("a5,", ","), "account: is missing in 1 rows"),
        (re.sub(r",[01],(eu|us)\n", r",1,\1\n", accounts(7)), "auc_roc_retain has no value: all accounts are of one"),
        (accounts(7, count=8), "the later accounts cannot show a gain: "),
    ],
)
def test_a_table_that_does_not_fit_writes_nothing(repository: Repository, tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises((ConfigError, EvaluatorError), match=says):
        refresh(repository, wishes(tmp_path, text))
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="exists already"):
        refresh(repository, wishes(tmp_path, accounts(7)))
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_scoring_target_of_that_night_is_named(repository: Repository, tmp_path: Path) -> None:
    found = wishes(tmp_path, accounts(7))
    with pytest.raises(NotFound, match="did not run a target called other"):
        refresh(repository, Wishes("other", found.table, LATER))


def test_from_the_command_line(repository: Repository, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from bot.cli import cli

    found = wishes(tmp_path, accounts(7))
    options: Sequence[str] = (
        "refresh", "h", "--later", str(found.table), "--features-as-of", "2025-07-01", "--outcomes-as-of", "2025-12-31",
        "--most-moved", "1", "--into", str(tmp_path / "out"), "-C", str(repository.root),
    )  # fmt: skip
    result = CliRunner().invoke(cli, options, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.startswith("READY_FOR_REVIEW")
    assert str(tmp_path / "out" / "report.html") in result.output
    with pytest.raises(Exception, match="is no day of the calendar"):
        CliRunner().invoke(cli, [*options[:5], "2025-02-30", *options[6:]], catch_exceptions=False)
