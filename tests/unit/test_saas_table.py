"""Tables of accounts: CSV and Parquet read alike, and what is wrong in one is said with its file, column and row."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from harness.errors import EvaluatorError
from harness.scorers.saas import accounts, table
from harness.scorers.saas.columns import Columns
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.spec import spec_of

OUTCOMES = {"retained": "stayed", "revenue_start": "mrr"}


def columns(name: str = "a.csv") -> Columns:
    return Columns({"search": name}, "id", "health", ("days",), OUTCOMES, ("plan",))


def read(folder: Path, name: str = "a.csv") -> list[accounts.Accounts]:
    return list(accounts.read(folder, columns(name), "search"))


def csv(folder: Path, *rows: str, head: str = "id,days,stayed,mrr,plan") -> None:
    (folder / "a.csv").write_text("\n".join([head, *rows, ""]))


def parquet(folder: Path, data: Mapping[str, Any], group: int = 1000) -> None:
    pyarrow.parquet.write_table(pyarrow.table(data), folder / "a.parquet", row_group_size=group)


GOOD = {"days": [1, 2, 3], "stayed": [True, False, True], "mrr": [Decimal("1.10"), Decimal("0.29"), Decimal("19.99")]}


def test_money_becomes_cents_and_labels_become_facts(tmp_path: Path) -> None:
    csv(tmp_path, "a,1,1,1.10,x", "b,2.5,0,0.29,", "c,3,1,0,y")
    (found,) = read(tmp_path)
    assert found.raw.tolist() == [[1.0, 2.5, 3.0]]
    assert found.facts["revenue_start"].tolist() == [110, 29, 0]  # 0.29 * 100 is 28.999999999999996
    assert (found.facts["paying"].tolist(), found.facts["retained"].tolist()) == ([1, 1, 0], [1, 0, 1])
    assert found.values == {"plan": ("missing", "x", "y")}
    assert found.segments["plan"].tolist() == [1, 0, 2]


PLANS = [
    pyarrow.array(["x", None, "y"]),
    pyarrow.array(["x", None, "y"]).dictionary_encode(),
    pyarrow.array(["x", None, "y"], "large_string"),
    pyarrow.DictionaryArray.from_arrays(pyarrow.array([1, None, 2]), ["never", "x", "y"]),
]


@pytest.mark.parametrize("plan", PLANS)
def test_parquet_is_read_as_csv_is(tmp_path: Path, plan: Any) -> None:
    _is_read_alike(tmp_path, plan, ("missing", "x", "y"))


@pytest.mark.parametrize(
    ("plan", "values"),
    [
        (pyarrow.array([1.5, float("nan"), 2.0]), ("1.5", "2.0", "missing")),
        (pyarrow.array([1, None, 2]), ("1.0", "2.0", "missing")),
        (pyarrow.array([True, None, False]), ("0.0", "1.0", "missing")),
        (pyarrow.array([date(2026, 1, 2), None, date(2026, 3, 4)]), ("2026-01-02", "2026-03-04", "missing")),
        (pyarrow.array([["a"], None, ["b", "c"]]), ("['a']", "['b', 'c']", "missing")),
    ],
)
def test_a_segment_of_another_kind_than_text(tmp_path: Path, plan: Any, values: tuple[str, ...]) -> None:
    _is_read_alike(tmp_path, plan, values)


def _is_read_alike(folder: Path, plan: Any, values: tuple[str, ...]) -> None:
    """plan: of three accounts, of whom the second has none."""
    parquet(folder, {**GOOD, "plan": plan}, group=2)
    one, two = read(folder, "a.parquet")
    assert (one.raw.tolist(), two.raw.tolist()) == ([[1.0, 2.0]], [[3.0]])
    assert (one.facts["retained"].tolist(), two.facts["retained"].tolist()) == ([1, 0], [1])
    assert (one.facts["revenue_start"].tolist(), two.facts["revenue_start"].tolist()) == ([110, 29], [1999])
    assert one.values == two.values == {"plan": values}
    codes = [*one.segments["plan"].tolist(), *two.segments["plan"].tolist()]
    assert [values[code] for code in codes] == [_said(plan[0]), "missing", _said(plan[2])]


def _said(scalar: Any) -> str:
    found = scalar.as_py()
    return str(float(found)) if isinstance(found, (bool, int)) else str(found)


def test_a_column_of_whole_numbers_may_turn_out_to_have_fractions(tmp_path: Path) -> None:
    csv(tmp_path, *["a,1,1,2,x"] * 200_000, "a,0.5,1,2.25,x")  # more than is looked at for a guess
    (found,) = read(tmp_path)
    assert (found.raw[0, -1], found.facts["revenue_start"][-1]) == (0.5, 225)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("b,,1,2,x", "a.csv: days is missing or not finite in 1 rows, first in row 4"),
        ("b,inf,1,2,x", "a.csv: days is missing or not finite in 1 rows, first in row 4"),
        ("b,many,1,2,x", "a.csv: days is no number in 1 rows, first in row 4"),
        ("b,1,2,2,x", "a.csv: stayed is neither 0 nor 1 in 1 rows, first in row 4"),
        ("b,1,0.5,2,x", "a.csv: stayed is neither 0 nor 1 in 1 rows, first in row 4"),
        ("b,1,,2,x", "a.csv: stayed is missing or not finite in 1 rows, first in row 4"),
        ("b,1,1,-0.01,x", "a.csv: mrr is below 0 in 1 rows, first in row 4"),
        ("b,1,1,1e14,x", "a.csv: an amount of money adds up to 1e+14, more than can be added to the cent"),
        ("b,1,1,1e308,x", "a.csv: an amount of money adds up to inf"),
        ("b,1", "a.csv cannot be read: CSV parse error: Expected 5 columns, got 2"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_each_complaint_of_a_row(tmp_path: Path, row: str, words: str) -> None:
    csv(tmp_path, "a,1,1,1,x", "a,1,1,1,x", row, "c,1,1,1,x")
    with pytest.raises(EvaluatorError) as raised:
        read(tmp_path)
    assert words in str(raised.value)


def test_rows_are_counted_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "BLOCK_ROWS", 2)
    csv(tmp_path, *["a,1,1,1,x"] * 5, "a,1,3,1,x", "a,1,3,1,x")
    with pytest.raises(EvaluatorError, match="in 1 rows, first in row 7"):
        read(tmp_path)
    parquet(tmp_path, {**GOOD, "stayed": [1, 0, 2], "plan": ["x"] * 3})
    with pytest.raises(EvaluatorError, match=r"a\.parquet: stayed is neither 0 nor 1 in 1 rows, first in row 3"):
        read(tmp_path, "a.parquet")


def test_money_is_added_up_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv(tmp_path, *["a,1,1,3e13,x"] * 4)
    monkeypatch.setattr(table, "BLOCK_ROWS", 1)
    with pytest.raises(EvaluatorError, match=r"adds up to 1\.2e"):
        read(tmp_path)
    csv(tmp_path, *["a,1,1,3e13,x"] * 3)
    assert sum(int(block.facts["revenue_start"].sum()) for block in read(tmp_path)) == 9 * 10**15


def test_numbers_as_text_are_said_to_be_text(tmp_path: Path) -> None:
    parquet(tmp_path, {**GOOD, "days": ["1", "2", "3"], "plan": ["x"] * 3})
    with pytest.raises(EvaluatorError, match=r"a\.parquet: days holds numbers as text in 3 rows, first in row 1"):
        read(tmp_path, "a.parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a.csv cannot be read: Empty CSV file"),
        (b"id,days,stayed,mrr,plan\n", "a.csv holds no rows"),
        (b"id,days,stayed,mrr\na,1,1,1\n", "a.csv has no column plan\n  why:  its columns are id, days, stayed, mrr"),
        (b"days,stayed,mrr,plan,days\n1,1,1,x,2\n", "a.csv has two columns days"),
        (b"id,days,stayed,mrr,plan,\xff\na,1,1,1,x,2\n", "a.csv cannot be read: 'utf-8' codec can't decode"),
    ],
)
def test_each_complaint_of_a_file(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(EvaluatorError) as raised:
        read(tmp_path)
    assert words in str(raised.value)


def test_a_file_that_is_no_table_of_its_kind_or_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"days,plan")
    for name in ("a.parquet", "a.csv"):
        with pytest.raises(EvaluatorError, match=f"{name} cannot be read: "):
            read(tmp_path, name)
        with pytest.raises(EvaluatorError, match=f"{name} cannot be read: "):
            table.columns(tmp_path / name)


def test_parquet_without_rows_or_with_numbers_that_no_float_holds(tmp_path: Path) -> None:
    parquet(tmp_path, {name: pyarrow.array([], "float64") for name in [*GOOD, "plan"]})
    with pytest.raises(EvaluatorError, match=r"a\.parquet holds no rows"):
        read(tmp_path, "a.parquet")
    parquet(tmp_path, {**GOOD, "days": [2**60 + 1, 2, 3], "plan": ["x"] * 3})
    with pytest.raises(EvaluatorError, match=r"a\.parquet cannot be read: Integer value not in range"):
        read(tmp_path, "a.parquet")


def test_row_groups_without_rows_are_passed_over(tmp_path: Path) -> None:
    data = pyarrow.table({**GOOD, "plan": ["x", "y", "x"]})
    with pyarrow.parquet.ParquetWriter(tmp_path / "a.parquet", data.schema) as writer:
        for rows in (data[:0], data[:2], data[:0], data[2:]):
            writer.write_table(rows)
    assert [block.raw.tolist() for block in read(tmp_path, "a.parquet")] == [[[1.0, 2.0]], [[3.0]]]


def test_row_groups_without_rows_add_nothing(tmp_path: Path) -> None:
    data = pyarrow.table({**GOOD, "plan": ["x", "y", "x"]})
    spec = spec_of({"weights": {"days": 1}, "scaling": {"days": [0, 3]}, "tiers": {"A": 50, "B": 0}}, ["days"])
    found = []
    for name, groups in (("a", [data]), ("b", [data[:0], data[:2], data[:0], data[2:], data[:0]])):
        with pyarrow.parquet.ParquetWriter(tmp_path / f"{name}.parquet", data.schema) as writer:
            for rows in groups:
                writer.write_table(rows)
        scorer = Scorer(tmp_path, columns(f"{name}.parquet"))
        found.append((scorer.measure([spec], "search"), scorer.primary([spec], "search", "auc_roc_retain")))
    assert found[0] == found[1]


@pytest.mark.parametrize("amount", ["1e17", "1e306"])
def test_money_beyond_any_whole_number_is_refused_by_the_scorer(tmp_path: Path, amount: str) -> None:
    """Its cents do not fit into 64 bits, so a sum of whole numbers would be below 0."""
    csv(tmp_path, f"a,1,1,{amount},x", "b,2,0,1,y")
    spec = spec_of({"weights": {"days": 1}, "scaling": {"days": [0, 3]}, "tiers": {"A": 50, "B": 0}}, ["days"])
    with pytest.raises(EvaluatorError, match=r"a\.csv: an amount of money adds up to 1e"):
        Scorer(tmp_path, columns()).measure([spec], "search")


def test_a_line_end_in_quotes_is_no_row_wherever_it_lies(tmp_path: Path) -> None:
    """The reader takes a file in pieces of about a megabyte, and must not end one within a value."""
    csv(tmp_path, *(f'a,1,1,1,"{"x" * 50}\n{"y" * 50}, {n % 2}"' for n in range(20_000)))
    (found,) = read(tmp_path)
    assert (found.size, len(found.values["plan"])) == (20_000, 2)
    assert table.columns(tmp_path / "a.csv") == ["id", "days", "stayed", "mrr", "plan"]


def test_a_split_without_a_table(tmp_path: Path) -> None:
    with pytest.raises(EvaluatorError, match=r"columns\.yaml names no table for the split holdout"):
        list(accounts.read(tmp_path, columns(), "holdout"))


@pytest.mark.parametrize("count", [40, 41])
def test_a_segment_has_few_values(tmp_path: Path, count: int) -> None:
    csv(tmp_path, *(f"a,1,1,1,p{n}" for n in range(count)))
    if count == 40:
        assert len(read(tmp_path)[0].values["plan"]) == 40
        return
    with pytest.raises(EvaluatorError, match="the segment plan takes at least 41 values; a segment has at most 40"):
        read(tmp_path)


def test_the_names_of_the_columns(tmp_path: Path) -> None:
    csv(tmp_path, "a,1,1,1,x")
    parquet(tmp_path, {**GOOD, "plan": ["x"] * 3})
    assert table.columns(tmp_path / "a.csv") == ["id", "days", "stayed", "mrr", "plan"]
    assert table.columns(tmp_path / "a.parquet") == ["days", "stayed", "mrr", "plan"]


def test_without_its_library_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv(tmp_path, "a,1,1,1,x")
    original = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EvaluatorError, match=r"pip install 'autoresearch-bot\[saas\]'"):
        read(tmp_path)


def test_facts_follow_the_money_of_each_account() -> None:
    """Who stayed the same, grew, shrank, left, came new, and was never there."""
    found = accounts.facts(
        {"revenue_start": np.array([5, 5, 5, 5, 0, 0.0]), "revenue_end": np.array([5, 8, 2, 0, 4, 0.0])}, 6
    )
    told = {name: values.tolist() for name, values in found.items()}
    assert told["ended_with"] == [5, 8, 2, 0, 0, 0]
    assert told["retained_revenue"] == [5, 5, 2, 0, 0, 0]
    assert (told["expansion"], told["contraction"]) == ([0, 3, 0, 0, 0, 0], [0, 0, 3, 0, 0, 0])
    assert (told["lost"], told["new"]) == ([0, 0, 0, 5, 0, 0], [0, 0, 0, 0, 4, 0])
    assert (told["logos"], told["kept_logos"]) == ([1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0])
