"""docs/metrics.md: its ten accounts, read out of the page, have exactly the figures that it works out."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import configfile
from harness.scorers.saas import columns, influence, measures, store
from harness.scorers.saas.accounts import points
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.spec import Spec, spec_of

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
SPEC, COLUMNS, TARGET = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
FIGURE = re.compile(r"(\d+)/(\d+) = ([\d.]+)")


def rows(heading: str) -> list[list[str]]:
    """The tables that begin with this first cell, row by row, the first of each its heads."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE):
        lines = [[cell.strip(" `") for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
        if lines[0][0] == heading:
            found += [lines[0], *lines[2:]]
    return found


def figures() -> dict[str, str]:
    """Metric -> its cell."""
    found: dict[str, str] = {}
    heads: list[str] = []
    for name, *cells in rows("of the ten"):
        if name == "of the ten":
            heads = cells
        elif heads[0]:
            found |= {f"{name}.{tier}": cell for tier, cell in zip(heads, cells, strict=True)}
        else:
            found[name] = cells[0]
    return found


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    heads, *lines = rows("account")
    return [dict(zip(heads, line, strict=True)) for line in lines]


@pytest.fixture(scope="module")
def spec() -> Spec:
    return spec_of(yaml.safe_load(SPEC), yaml.safe_load(COLUMNS)["features"])


@pytest.fixture
def scored(table: list[dict[str, str]], tmp_path: Path) -> Scorer:
    found = columns.parse(COLUMNS.encode())
    lines = [",".join(table[0]), *(",".join(row.values()) for row in table)]
    (tmp_path / found.tables["search"]).write_text("\n".join(lines) + "\n")
    return Scorer(tmp_path, found)


def test_scores_and_tiers_are_as_told(scored: Scorer, table: list[dict[str, str]], spec: Spec) -> None:
    (block,) = scored.store("search").whole() or []
    found = points([spec], block.hundredths(spec.scaling))[0].tolist()
    scores = [Fraction(100 * (one - spec.lowest), spec.highest - spec.lowest) for one in found]
    assert scores == [Fraction(row["score"]) for row in table]
    tiers = [next(name for name, at in spec.tiers if score >= at) for score in scores]
    assert tiers == [row["tier"] for row in table]


def test_the_figures_are_what_is_measured_and_nothing_is_left_out(scored: Scorer, spec: Spec) -> None:
    (measured,) = scored.measure([spec], "search")
    told = figures()
    assert {name for name, cell in told.items() if cell != "none"} == {
        name for name in measured if not name.startswith("auc_roc_churn.plan")
    }
    for name, cell in told.items():
        if cell == "none":
            continue
        (above, below, decimal) = (FIGURE.fullmatch(cell) or pytest.fail(f"{name}: {cell}")).groups()
        exact = Fraction(int(above), int(below))
        assert abs(Fraction(decimal) - exact) <= Fraction(1, 2 * 10 ** -int(Decimal(decimal).as_tuple().exponent)), name
        if name.endswith(".gap"):
            assert measured[name] == pytest.approx(float(exact), rel=1e-14)
        else:
            assert measured[name] == float(exact), name


def test_every_measure_is_defined_and_worked(scored: Scorer) -> None:
    defined = {row[0] for row in rows("metric")} | set(re.findall(r"`(\w+)`: ", TEXT))
    worked = {name.split(".")[0] for name in figures()}
    assert set(measures.NEEDS) <= defined & worked
    thirteen = {*measures.NEEDS} - {
        "auc_roc_churn",
        "tier_share",
    }  # the AUC for who leaves is one with that for who stays
    assert len(thirteen) == 13
    assert f"{store.IN_MEMORY:,} accounts" in " ".join(TEXT.split())


def test_the_lines_for_target_yaml_are_valid_and_name_what_is_reported(
    scored: Scorer, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influence, "FEWEST_IN_TIER", 1)
    rest = "name: x\nfile: spec.yaml\nevaluate: {serve: [python, evaluate.py]}\nspace: {/weights/*: {int: [-5, 25]}}\n"
    data: dict[str, Any] = configfile.read(f"{rest}{TARGET}".encode(), "target.yaml", "target").data
    (measured,) = scored.measure([spec], "search")
    names = [metric["name"] for metric in data["metrics"]]
    assert set(names) <= set(measured)
    held_out = scored.rows(spec, "search", list(measured))
    assert names[0] in held_out
    assert set(held_out) == {name for name in measured if not name.endswith((".worst", ".gap"))}


def test_the_work_behind_the_figures(table: list[dict[str, str]]) -> None:
    """The sums in prose: each `a + b = c`, and A's revenue as it is split there."""
    sums = re.findall(r"((?:[\d.]+ \+ )+[\d.]+) = ([\d.]+)", " ".join(TEXT.split()))
    assert len(sums) >= 2
    for parts, total in sums:
        assert sum(map(Fraction, parts.split(" + "))) == Fraction(total)
    of_a = [row for row in table if row["tier"] == "A"]
    assert sums[0][0] == " + ".join(row["start"] for row in of_a)
    assert sums[1][0] == " + ".join(row["end"] for row in of_a)
