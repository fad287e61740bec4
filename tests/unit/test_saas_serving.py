"""The evaluator of a scoring target, asked as the harness asks it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import EvaluatorError
from harness.evaluator import Crash, Item, Request, Scores, Screened
from harness.reports import check_scores, check_screened
from harness.rule import Metric
from harness.scorers.saas import influence
from harness.scorers.saas.columns import load
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.serving import Serving, declared
from tests.saas_slowly import Account, Sheet, slow_metrics, some_accounts, write

ROOT = Path(__file__).resolve().parents[2]
SEARCH, HOLDOUT = some_accounts(40, seed=2, fine=False), some_accounts(30, seed=3, fine=False)
COLUMNS = """\
search: search.csv
holdout: holdout.csv
id: id
score: health
features: [f0, f1]
outcomes: {retained: retained, revenue_start: revenue_start, revenue_end: revenue_end}
segments: [plan]
"""
TARGET = """\
name: health
metrics:
  - {name: auc_roc_retain, goal: maximize}
  - {name: revenue_hhi, goal: minimize, compare: ratio}
  - {name: nrr.A, goal: maximize, guard: {tolerance: 2%}}
  - {name: auc_roc_retain.plan.worst, goal: maximize}
  - {name: tier_separation, goal: maximize}
"""
TIERS = "tiers: {A: 60, B: 35, C: 0}\n"


def spec(f0: int, f1: int, more: str = "") -> str:
    return f"weights: {{f0: {f0}, f1: {f1}}}\n{TIERS}{more}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, accounts in (("search", SEARCH), ("holdout", HOLDOUT)):
        there = [Account(a.hundredths, {k: a[k] for k in ("retained", "revenue_start", "revenue_end")}, a.plan)
                 for a in accounts]  # fmt: skip
        write(tmp_path / f"{name}.csv", there)
    (tmp_path / "columns.yaml").write_text(COLUMNS)
    (tmp_path / "target.yaml").write_text(TARGET)
    return tmp_path


def serving(folder: Path, metrics: Sequence[Metric] | None = None) -> Serving:
    found = declared(folder / "target.yaml") if metrics is None else metrics
    return Serving(Scorer(folder, load(folder / "columns.yaml")), found)


def ask(to: Serving, *specs: str, split: str = "search", bar: float | None = None) -> list[Any]:
    items = []
    for number, content in enumerate(specs):
        path = to.scorer.folder / f"spec{number}.yaml"
        path.write_text(content)
        items.append(Item(str(number), path))
    return to.score(Request(1, split, 0, 1.0, tuple(items), bar))


def expected(accounts: Sequence[Account], sheet: Sheet) -> dict[str, float]:
    there = [Account(a.hundredths, {k: a[k] for k in ("retained", "revenue_start", "revenue_end")}, a.plan)
             for a in accounts]  # fmt: skip
    return slow_metrics(there, sheet)


def test_a_batch_is_its_specs_one_by_one(folder: Path) -> None:
    specs = [spec(2, 1), spec(0, 0), "weights: {}\n", spec(-1, 3, "scaling: {f0: [0, 0.5]}\n"), spec(4, 2), spec(5, 5)]
    batch = ask(serving(folder), *specs)
    for content, found in zip(specs, batch, strict=True):
        (alone,) = ask(serving(folder), content)
        assert type(found) is type(alone)
        if isinstance(found, Scores):
            assert (found.metrics, found.rows) == (alone.metrics, {})
    assert [type(found) for found in batch] == [Scores, Scores, Crash, Scores, Scores, Scores]
    assert batch[0].metrics == batch[4].metrics == expected(SEARCH, Sheet([2, 1]))
    assert batch[1].metrics == expected(SEARCH, Sheet([0, 0]))


def test_each_scaling_of_a_batch_is_its_own(folder: Path) -> None:
    """Interleaved, one of them impossible: the answers stay with their specs."""
    half = [Account((min(a.hundredths[0] * 2, 100), a.hundredths[1]), a.outcomes, a.plan) for a in SEARCH]
    falling = [Account((100 - a.hundredths[0], a.hundredths[1]), a.outcomes, a.plan) for a in SEARCH]
    scalings = ["", "scaling: {f0: [0, 0.5]}\n", "scaling: {f0: [1, 0]}\n", "scaling: {f0: [3, 3]}\n"]
    found = ask(serving(folder), *(spec(2, weight, more) for weight in (1, 2) for more in scalings))
    for number, weight in enumerate((1, 2)):
        for accounts, result in zip((SEARCH, half, falling), found[4 * number :], strict=False):
            assert result.metrics == expected(accounts, Sheet([2, weight]))
    assert found[3] == found[7] == Crash("scaling: f0 runs from 3 to 3, which is no range")


def test_a_feature_without_a_scale_is_a_crash_that_says_one(folder: Path) -> None:
    text = (folder / "search.csv").read_text().splitlines()
    text[1] = ",".join(['"0"', "1.5", *text[1].split(",")[2:]])
    (folder / "search.csv").write_text("\n".join(text))
    plain, scaled = ask(serving(folder), spec(1, 1), spec(1, 1, "scaling: {f0: [0, 2]}\n"))
    assert isinstance(plain, Crash)
    assert plain.why.startswith("scaling: f0 runs from 0 to 1.5, and the spec has no scaling for it, such as f0: [0,")
    assert isinstance(scaled, Scores)


def test_the_holdout_is_another_table(folder: Path) -> None:
    (found,) = ask(serving(folder), spec(2, 1), split="holdout")
    assert found.metrics == expected(HOLDOUT, Sheet([2, 1])) != expected(SEARCH, Sheet([2, 1]))


def test_a_feature_may_lie_beyond_its_range_in_the_holdout_too(folder: Path) -> None:
    (found,) = ask(serving(folder), spec(2, 1, "scaling: {f0: [0.25, 0.5]}\n"), split="holdout")
    clipped = [Account(((0, 100)[a.hundredths[0] >= 50], a.hundredths[1]), a.outcomes, a.plan) for a in HOLDOUT]
    assert found.metrics == expected(clipped, Sheet([2, 1]))


def test_only_what_is_strictly_worse_than_the_bar_is_screened(folder: Path) -> None:
    specs = [spec(1, 0), spec(2, 0), spec(1, 1), spec(0, 1), spec(-1, 0)]
    values = [found.metrics["auc_roc_retain"] for found in ask(serving(folder), *specs)]
    assert values[0] == values[1] > max(values[2:])
    for bar in values:
        answers = ask(serving(folder), *specs, bar=bar)
        for value, answer in zip(values, answers, strict=True):
            if value < bar:
                assert answer == Screened("auc_roc_retain", value)
                check_screened(answer.as_message()["screened"], Metric("auc_roc_retain", "maximize"), bar)
            else:
                assert answer.metrics["auc_roc_retain"] == value
    assert ask(serving(folder), *specs, bar=np.nextafter(values[0], 2))[0] == Screened("auc_roc_retain", values[0])


def test_where_less_is_better_what_is_above_the_bar_is_screened(folder: Path) -> None:
    to = serving(folder, [Metric("revenue_hhi", "minimize")])
    low, high = sorted({found.metrics["revenue_hhi"] for found in ask(to, spec(1, 0), spec(0, 1))})
    found = ask(to, spec(1, 0), spec(0, 1), bar=low)
    assert sorted(map(str, map(type, found))) == sorted(map(str, [Scores, Screened]))
    assert Screened("revenue_hhi", high) in found


def test_two_values_that_the_harness_takes_for_equal_are_no_reason_to_screen(folder: Path) -> None:
    """Compared as a ratio, values whose logarithms are one float tie; a bound that only ties is a malformed answer."""
    to = serving(folder, [Metric("revenue_hhi", "minimize", compare="ratio")])
    ((value,),) = [[found.metrics["revenue_hhi"] for found in ask(to, spec(1, 0))]]
    bar = float(np.nextafter(value, 0))
    assert np.log(bar) == np.log(value)
    (found,) = ask(to, spec(1, 0), bar=bar)
    assert isinstance(found, Scores)
    assert isinstance(ask(to, spec(1, 0), bar=value * 0.99)[0], Screened)


@pytest.mark.parametrize("name", ["nrr.A", "auc_roc_retain.plan.worst", "tier_separation"])
def test_a_primary_that_is_no_scalar_or_absent_screens_nothing(folder: Path, name: str) -> None:
    assert isinstance(ask(serving(folder, [Metric(name, "maximize")]), spec(1, 0), bar=1e9)[0], Scores)


@pytest.mark.parametrize("primary", ["auc_roc_retain", "revenue_hhi", "nrr.A"])
def test_rows_are_of_the_primary_on_the_holdout_alone(
    folder: Path, primary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influence, "FEWEST_IN_TIER", 1)
    to = serving(folder, [Metric(primary, "maximize"), Metric("grr.A", "maximize")])
    for found in ask(to, spec(2, 1), spec(1, 2), split="holdout"):
        message = json.loads(json.dumps(found.as_message()))
        (strata,) = check_scores(message, [primary, "grr.A"]).rows.values()
        assert list(found.rows) == [primary]
        assert all(abs(np.mean(stratum) / found.metrics[primary] - 1) < 1e-9 for stratum in strata)
        stayed = sum(a["retained"] for a in HOLDOUT)
        sizes = [stayed, len(HOLDOUT) - stayed] if primary.startswith("auc") else [len(HOLDOUT)]
        assert [len(stratum) for stratum in strata] == sizes
    for found in (*ask(to, spec(2, 1), spec(1, 2)), *ask(to, spec(2, 1)), *ask(to, spec(2, 1), bar=0.0)):
        assert found.rows == {}


def test_a_primary_without_an_interval_has_no_rows(folder: Path) -> None:
    (found,) = ask(serving(folder, [Metric("auc_roc_retain.plan.worst", "maximize")]), spec(2, 1), split="holdout")
    assert found.rows == {}


@pytest.mark.parametrize(("lost", "primary"), [("retained", "auc_roc_retain"), ("revenue_start", "revenue_hhi")])
@pytest.mark.parametrize("absent", [False, True])
def test_what_has_no_value_is_left_out_and_the_rest_is_served(
    folder: Path, lost: str, primary: str, absent: bool
) -> None:
    """One class only, or no revenue at all; or no such column. The primary metric, too."""
    same = [
        Account(account.hundredths, {"retained": n % 2, "revenue_start": 5, "revenue_end": 0} | {lost: 0}, account.plan)
        for n, account in enumerate(HOLDOUT)
    ]
    if absent:
        same = [Account(a.hundredths, {k: a[k] for k in a.outcomes if k != lost}, a.plan) for a in same]
        (folder / "columns.yaml").write_text(COLUMNS.replace(f"{lost}: {lost}, ", ""))
    write(folder / "holdout.csv", same)
    (found,) = ask(serving(folder, [Metric(primary, "maximize")]), spec(2, 1), split="holdout")
    assert found.metrics == slow_metrics(same, Sheet([2, 1]))
    assert primary not in found.metrics
    assert found.rows == {}


def test_a_bad_table_stops_the_evaluator(folder: Path) -> None:
    (folder / "search.csv").write_text("id,f0\n1,2\n")
    with pytest.raises(EvaluatorError, match=r"search\.csv has no column plan"):
        ask(serving(folder), spec(1, 1))


def test_the_metrics_of_a_target(folder: Path) -> None:
    found = declared(folder / "target.yaml")
    assert [(one.name, one.goal, one.compare) for one in found[:3]] == [
        ("auc_roc_retain", "maximize", "difference"), ("revenue_hhi", "minimize", "ratio"),
        ("nrr.A", "maximize", "difference"),
    ]  # fmt: skip


def run(folder: Path, stdin: str) -> subprocess.CompletedProcess[str]:
    (folder / "evaluate.py").write_text('from harness.scorers import saas\n\nsaas.serve("columns.yaml")\n')
    return subprocess.run(
        [sys.executable, "evaluate.py"], cwd=folder, input=stdin, text=True, capture_output=True, check=False,
        env={"PYTHONPATH": str(ROOT)}, timeout=600,
    )  # fmt: skip


def test_two_lines_are_an_evaluator(folder: Path) -> None:
    (folder / "spec.yaml").write_text(spec(2, 1))
    line = {"id": 7, "split": "search", "seed": 0, "fidelity": 1, "items": [{"blob": "b", "path": "spec.yaml"}]}
    done = run(folder, json.dumps(line) + "\n")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["id"]) == (0, 7)
    assert answer["results"][0]["metrics"] == expected(SEARCH, Sheet([2, 1]))
    assert "tier_separation is not computed: columns.yaml names no column for lifetime_value" in done.stderr
    (folder / "search.csv").write_text("id,f0\n1,2\n")
    done = run(folder, json.dumps(line) + "\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "search.csv has no column plan" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_columns_are_told_before_anything_is_asked(folder: Path) -> None:
    (folder / "columns.yaml").write_text(COLUMNS.replace("health", "wealth"))
    done = run(folder, "")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("columns.yaml:4:8: score:")
