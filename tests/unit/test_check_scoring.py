"""`autoresearch check` of a scoring target: what is absent and why, tiers as a goal, and accounts that stand twice."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from bot.check import CheckReport, accounts, check
from bot.check.text import as_text
from harness.scorers.saas import absence, measures
from harness.scorers.saas.columns import OUTCOMES, parse
from tests.support import autoresearch, make_repository

FOLDER = "targets/experiments/h"
PRIMARY = "{name: auc_roc_retain, goal: maximize, signal: file-property}"
TARGET = f"""
name: h
file: spec.yaml
space: {{/weights/*: {{int: [-5, 25]}}}}
evaluate: {{serve: [python, evaluate.py]}}
locked: [evaluate.py, columns.yaml, "data/**"]
data: {{hidden: [data/holdout.csv]}}
sample: rows
metrics: [{PRIMARY}]
"""
COLUMNS = """
search: data/search.csv
holdout: data/holdout.csv
id: account
score: health
features: [f]
outcomes: {retained: stayed, revenue_start: start, revenue_end: end}
segments: [region]
"""
SPEC = "weights: {f: 5}\ntiers: {A: 60, C: 0}\n"
HEAD = "account,f,stayed,start,end,region"


def table(prefix: str, *, lost_in_a: bool = True) -> str:
    """200 accounts; the upper half is in tier A. lost_in_a: one of them leaves with its revenue."""
    rows = [HEAD]
    for number in range(200):
        lost = number == 150 and lost_in_a if number >= 119 else number % 3 > 0
        rows.append(f"{prefix}{number},{number / 200},{int(not lost)},100,{100 * (not lost)},{'ab'[number % 2]}")
    return "\n".join([*rows, ""])


def checked(folder: Path, **changed: str) -> CheckReport:
    """changed: target, columns, search or holdout, where it is not the usual one."""
    files = {
        "target.yaml": changed.get("target", TARGET), "columns.yaml": changed.get("columns", COLUMNS),
        "spec.yaml": SPEC, "evaluate.py": 'from harness.scorers import saas\n\nsaas.serve("columns.yaml")\n',
        "data/search.csv": changed.get("search", table("s")), "data/holdout.csv": changed.get("holdout", table("h")),
    }  # fmt: skip
    (report,) = check(make_repository(folder, {f"{FOLDER}/{name}": text for name, text in files.items()}), [])
    return report


def test_what_is_absent_and_why(tmp_path: Path) -> None:
    report = checked(tmp_path)
    assert report.ready, report.problems
    assert report.as_json()["absent"] == [
        "auc_roc_churn: columns.yaml names no column for churned",
        "tier_separation: columns.yaml names no column for lifetime_value",
        "winback: columns.yaml names no column for churned and returned",
        "activation: columns.yaml names no column for activated",
    ]
    assert "  absent     auc_roc_churn: columns.yaml names no column for churned\n" in as_text(report)
    assert report.warnings == []


def test_a_tier_without_a_value_is_told_too(tmp_path: Path) -> None:
    report = checked(tmp_path, search=table("s", lost_in_a=False))
    assert report.ready, report.problems
    assert (
        "quick_ratio.A: no revenue of the tier was lost or shrank, so the number below the line is 0"
        in report.scoring.absent
    )


def declaring(metric: str) -> str:
    guard = f"{{name: {metric}, goal: maximize, guard: {{tolerance: 5%}}, signal: file-property}}"
    return TARGET.replace(PRIMARY, f"{PRIMARY}, {guard}")


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("winback.A", "is not computed: columns.yaml names no column for churned and returned"),
        ("nrr.B", "is not computed: the tiers of the spec are A, C, such as nrr.A"),
        ("nrr", "is not computed: the tiers of the spec are A, C, such as nrr.A"),
        ("quick_ration.A", 'is not computed: "quick_ration" is no measure of a score; did you mean "quick_ratio"?'),
        ("auc_roc_retain.plan.worst", "the segments of columns.yaml are: region"),
        ("revenue_hhi.region.gap", "is not computed: revenue_hhi is computed of the whole score alone"),
    ],
)
def test_a_declared_metric_that_cannot_be(tmp_path: Path, metric: str, why: str) -> None:
    report = checked(tmp_path, target=declaring(metric))
    assert not report.ready
    (said,) = [problem for problem in report.problems if problem.startswith(metric)]
    assert why in said


@pytest.mark.parametrize("split", ["search", "holdout"])
def test_a_guard_that_these_accounts_do_not_have(tmp_path: Path, split: str) -> None:
    report = checked(tmp_path, target=declaring("quick_ratio.A"), **{split: table(split[0], lost_in_a=False)})
    assert not report.ready
    assert any("the metric quick_ratio.A was not reported" in problem for problem in report.problems)
    assert report.problems[-1].startswith("quick_ratio.A has no value: no revenue of the tier was lost or shrank")
    assert checked(tmp_path / "control", target=declaring("quick_ratio.A")).ready


def test_the_night_names_the_metric_and_who_says_more(tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path,
        {
            f"{FOLDER}/{name}": text
            for name, text in {
                "target.yaml": declaring("quick_ratio.A"), "columns.yaml": COLUMNS, "spec.yaml": SPEC,
                "evaluate.py": 'from harness.scorers import saas\n\nsaas.serve("columns.yaml")\n',
                "data/search.csv": table("s", lost_in_a=False), "data/holdout.csv": table("h"),
            }.items()
        },
    )  # fmt: skip
    done = autoresearch(repository, "night", "-n", "20")
    assert done.returncode != 0
    assert "the metric quick_ratio.A was not reported" in done.stdout + done.stderr
    assert "autoresearch check h" in done.stdout + done.stderr


def warned(report: CheckReport) -> bool:
    return any("can be gained by a tier A of a few accounts" in said for said in report.warnings)


@pytest.mark.parametrize(
    ("primary", "expected"),
    [("nrr.A", True), ("tier_share.A", False), ("auc_roc_retain", False), ("auc_roc_retain.region.worst", False)],
)
def test_a_tier_as_the_goal_is_warned_of(tmp_path: Path, primary: str, expected: bool) -> None:
    assert warned(checked(tmp_path, target=TARGET.replace("auc_roc_retain", primary))) is expected


def test_a_guard_on_the_size_of_the_tier_ends_the_warning(tmp_path: Path) -> None:
    """The one that the warning names, as it names it."""
    plain = TARGET.replace("auc_roc_retain", "nrr.A")
    (said,) = checked(tmp_path / "plain", target=plain).warnings
    guard = said.partition("metrics: ")[2].replace("{name", ", {signal: file-property, name")
    assert "tier_share.A" in guard
    wrong = {
        "another tier": ("share.A", "share.C"),
        "no guard": (", guard: {tolerance: 10%}", ""),
        "the other way": (": max", ": min"),
    }
    for what, (before, after) in wrong.items():
        changed = guard.replace(before, after)
        assert changed != guard
        assert warned(checked(tmp_path / what, target=plain.replace("}]", f"}}{changed}]"))), what
    report = checked(tmp_path / "guarded", target=plain.replace("}]", f"}}{guard}]"))
    assert report.problems == ["the evaluator reports no rows for nrr.A on the holdout split"], "A is too small"
    assert not report.warnings


# --- accounts ---


def test_an_account_that_stands_twice(tmp_path: Path) -> None:
    twice = table("s").replace("\ns7,", "\ns3,").replace("\ns9,", "\ns3,")
    report = checked(tmp_path, search=twice)
    assert not report.ready
    assert report.problems == [
        "search.csv: 1 account stands more than once, the first in rows 5 and 9; a table holds one row per account"
    ]


def test_an_account_in_both_tables(tmp_path: Path) -> None:
    report = checked(tmp_path, holdout=table("h").replace("\nh5,", "\ns100,").replace("\nh8,", "\ns2,"))
    assert not report.ready
    (problem,) = report.problems
    assert problem.startswith("2 accounts stand in both search.csv and holdout.csv, the first in row 4 and row 10; ")
    assert "s2" not in as_text(report)
    assert "s100" not in as_text(report), "an id may be a person's address"


def test_ids_that_are_missing_or_have_no_column(tmp_path: Path) -> None:
    report = checked(tmp_path / "missing", search=table("s").replace("\ns7,", "\n,").replace("\ns9,", "\n,"))
    assert report.problems == ["search.csv: account is missing in 2 rows, first in row 9"]
    report = checked(tmp_path / "column", columns=COLUMNS.replace("id: account", "id: accuont"))
    assert report.problems == [
        f"{split}.csv has no column accuont, which columns.yaml calls the id of an account"
        for split in ("search", "holdout")
    ]


def test_long_numbers_are_told_apart_in_either_format(tmp_path: Path) -> None:
    """2**53 and its neighbour are one number as floats."""
    paths = {"search": tmp_path / "a.parquet", "holdout": tmp_path / "b.csv"}
    pyarrow.parquet.write_table(pyarrow.table({"id": [2**53, 2**53 + 1]}), paths["search"])
    pyarrow.csv.write_csv(pyarrow.table({"id": [2**53 + 2, 2**53 + 3]}), paths["holdout"])
    assert list(accounts.problems(paths, "id")) == []
    pyarrow.csv.write_csv(pyarrow.table({"id": [2**53 + 2, 2**53 + 1]}), paths["holdout"])
    (problem,) = accounts.problems(paths, "id")
    assert "the first in row 2 and row 3" in problem


def test_a_table_that_cannot_be_read_is_the_evaluators_to_tell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe")
    assert list(accounts.problems({"search": tmp_path / "a.csv", "holdout": tmp_path / "none.csv"}, "id")) == []


# --- the reasons ---


def test_every_measure_has_a_reason() -> None:
    outcomes = ", ".join(f"{name}: {name}" for name in OUTCOMES)
    columns = parse(COLUMNS.replace("retained: stayed, revenue_start: start, revenue_end: end", outcomes).encode())
    per_tier = {one.name for one in measures.PER_TIER}
    for name in measures.NEEDS:
        metric = f"{name}.A" if name in per_tier else name
        assert absence.impossible(metric, columns, ["A", "B"]) == ""
        assert absence.accounts_lack(metric)
    for measure in measures.BY_SEGMENT:
        assert absence.impossible(f"{measure.name}.region.worst", columns, ["A"]) == ""
        assert "fewer than two values" in absence.accounts_lack(f"{measure.name}.region.worst")
