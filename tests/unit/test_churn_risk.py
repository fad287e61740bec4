"""The churn-risk target: its table against the purchases, its evaluator against scikit-learn."""

import csv
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "targets" / "experiments" / "churn-risk"
BLOB = "a" * 40
SPEC = (TARGET / "spec.yaml").read_text()
SCHEMA = json.loads((ROOT / "harness" / "schemas" / "serve-response.schema.json").read_text())
Table = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("churn_risk_prepare", TARGET / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lines() -> list[list[str]]:
    """The purchases, read without the code under test."""
    found = [f for f in metadata.files("lifetimes") or [] if f.name == "CDNOW_master.txt"]
    return [line.split() for line in Path(str(found[0].locate())).read_text().splitlines()[1:]]


def table(split: str) -> Table:
    with (TARGET / "data" / f"{split}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([int(row[name]) for row in rows]) for name in rows[0]}


def names(columns: Table) -> list[str]:
    return [name for name in columns if f"  {name}: " in SPEC]


def weighted(columns: Table, weights: dict[str, int]) -> np.ndarray:
    return sum(weight * columns[name] for name, weight in weights.items())  # type: ignore[return-value]


class Served:
    """The evaluator as the harness starts it; every answer is checked against the schema."""

    def __init__(self) -> None:
        command = [sys.executable, "evaluate.py"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=TARGET, stdin=pipe, stdout=pipe, text=True)
        self.asked = 0

    def ask(self, paths: list[Path], split: str = "search") -> list[dict[str, Any]]:
        self.asked += 1
        items = [{"blob": BLOB, "path": str(path)} for path in paths]
        request = {"id": self.asked, "split": split, "seed": 0, "fidelity": 1, "items": items}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        Draft202012Validator(SCHEMA).validate(answer)
        assert answer["id"] == self.asked
        return list(answer["results"])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    evaluator = Served()
    yield evaluator
    evaluator.process.communicate(timeout=10)


def write_spec(folder: Path, weights: dict[str, Any]) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.yaml"
    path.write_text("weights:\n" + "".join(f"  {name}: {value}\n" for name, value in weights.items()))
    return path


def test_committed_files_are_what_the_purchases_give() -> None:
    done = subprocess.run(
        [sys.executable, "prepare.py", "--check"], cwd=TARGET, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_table_counts_what_the_purchases_say(lines: list[list[str]]) -> None:
    halves = [table("search"), table("holdout")]
    ids = np.concatenate([half["customer_id"] for half in halves])
    before = [line for line in lines if line[1] < "19980101"]
    again = {line[0] for line in lines} & {line[0] for line in lines if line[1] >= "19980101"}
    assert len(lines) == 69_659
    assert len(ids) == len(set(ids)) == len({line[0] for line in before}) == 23_570
    assert sum(int((half["churned"] == 0).sum()) for half in halves) == len(again)
    assert round(len(again) / len(ids), 3) == 0.228
    assert sum(int(half["orders"].sum()) for half in halves) == len({(line[0], line[1]) for line in before})
    cents = sum(int(line[3].replace(".", "")) for line in lines)
    assert sum(int(half["revenue_cents"].sum() + half["revenue_after_cents"].sum()) for half in halves) == cents


def test_the_halves_are_halves_whatever_the_id(prepare: ModuleType) -> None:
    sizes = [len(table(split)["churned"]) for split in ("search", "holdout")]
    assert all(abs(size / 23_570 - 0.5) < 0.01 for size in sizes)  # three standard errors of a fair coin
    assert not set(table("search")["customer_id"]) & set(table("holdout")["customer_id"])
    assert {prepare.split_of(int(c)) for c in table("holdout")["customer_id"]} == {"holdout"}


def test_features_run_from_0_to_100() -> None:
    for columns in (table("search"), table("holdout")):
        assert len(names(columns)) == 11
        for name in names(columns):
            assert columns[name].min() == 0, name
            assert 90 < columns[name].max() <= 100, name


def test_no_feature_sees_a_purchase_after_the_cut(prepare: ModuleType, lines: list[list[str]]) -> None:
    header = "customer date items dollars"
    kept = [line for line in lines if line[1] < "19980101"]
    moved = [[line[0], "19980401", "9", "999.00"] for line in lines if line[1] >= "19980101"]
    late = [[line[0], "19980701", "9", "999.00"] for line in kept[:5000]]  # after the outcome: seen by nothing
    texts = [
        "\n".join([header, *(" ".join(line) for line in version)]) for version in (lines, kept + moved, kept + late)
    ]
    real, other, none = (prepare.tables(text) for text in texts)
    for split in ("search.csv", "holdout.csv"):
        rows = [[line.split(",") for line in tables[split].decode().splitlines()] for tables in (real, other, none)]
        known = len(rows[0][0]) - 2  # all but churned and revenue_after_cents
        assert [row[:known] for row in rows[0]] == [row[:known] for row in rows[1]]
        assert [row[:known] for row in rows[0]] == [row[:known] for row in rows[2]]
        assert [row[known] for row in rows[0]] == [row[known] for row in rows[1]]
        assert {(row[known], row[known + 1]) for row in rows[2][1:]} == {("1", "0")}


def test_features_by_hand(prepare: ModuleType) -> None:
    """Customer 3 of the source, before the cut: five orders, a Thursday first, 36 days silent."""
    text = "\n".join(
        [
            "customer date items dollars",
            "00003 19970102 2 20.76",
            "00003 19970330 2 20.76",
            "00003 19970402 2 19.54",
            "00003 19971115 5 57.45",
            "00003 19971125 4 20.96",
            "00003 19980528 1 16.99",
        ]
    )
    (orders,) = prepare.customers(text).values()
    values = dict(zip(prepare.HEADER, prepare.row(3, orders), strict=True))
    assert values == {
        "customer_id": 3,
        "days_since_last_order": 10,  # 36 / 365
        "few_orders": 56,  # 5 / 9
        "low_spend": 54,  # 1 - 139.47 / 300
        "small_orders": 72,  # 1 - 27.894 / 100
        "small_baskets": 50,  # (5 - 3) / 4
        "overdue": 11,  # 36 days of 4 x 327 / 4
        "quiet_second_half": 33,  # two of three
        "shrinking_orders": 50,  # 20.76 of 41.72
        "new_customer": 1,  # 1 day of 90
        "single_cd_first_order": 0,
        "weekend_first_order": 0,
        "orders": 5,
        "revenue_cents": 13947,
        "churned": 0,
        "revenue_after_cents": 1699,
    }


@pytest.mark.parametrize("split", ["search", "holdout"])
def test_metrics_agree_with_scikit_learn(served: Served, tmp_path: Path, split: str) -> None:
    columns = table(split)
    rng = np.random.default_rng(4)
    specs = [dict.fromkeys(names(columns), 5)]
    specs += [{name: int(rng.integers(-5, 26)) for name in names(columns)} for _ in range(4)]
    churned, repeat = columns["churned"], columns["orders"] > 1
    for spec, result in zip(specs, served.ask([write_spec(tmp_path, s) for s in specs], split), strict=True):
        points = weighted(columns, spec)
        metrics = result["metrics"]
        assert metrics["auc_roc_churn"] == pytest.approx(roc_auc_score(churned, points), abs=1e-12)
        assert metrics["auc_roc_repeat"] == pytest.approx(roc_auc_score(churned[repeat], points[repeat]), abs=1e-12)
        k = -(-len(points) // 5)
        for name, order, values, total in (
            ("revenue_capture_at_20", -points, columns["revenue_after_cents"], None),
            ("precision_at_20", points, churned, k),
            ("lost_revenue_at_20", points, columns["revenue_cents"] * churned, None),
        ):
            mean = _mean_of_random_ties(order, values, k, rng) / (total or values.sum())
            assert metrics[name] == pytest.approx(mean, abs=0.01), name


def _mean_of_random_ties(scores: np.ndarray, values: np.ndarray, k: int, rng: np.random.Generator) -> float:
    shuffled = (rng.permutation(len(scores)) for _ in range(30))
    return float(np.mean([values[p[np.argsort(-scores[p], kind="stable")[:k]]].sum() for p in shuffled]))


@pytest.mark.parametrize("split", ["search", "holdout"])
def test_rows_average_to_the_metric(served: Served, split: str) -> None:
    (found,) = served.ask([TARGET / "spec.yaml"], split)
    churned = table(split)["churned"]
    positives, negatives = found["rows"]["auc_roc_churn"]
    assert (len(positives), len(negatives)) == (churned.sum(), (1 - churned).sum())
    for stratum in (positives, negatives):
        assert np.mean(stratum) == pytest.approx(found["metrics"]["auc_roc_churn"], abs=1e-12)


def test_a_batch_of_the_loop_comes_without_rows(served: Served) -> None:
    paths = [TARGET / "spec.yaml"] * 2
    assert not any("rows" in found for found in served.ask(paths))
    assert all("rows" in found for found in served.ask(paths, "holdout"))


def test_pulls_add_up_to_the_gap_between_the_classes(served: Served) -> None:
    (result,) = served.ask([TARGET / "spec.yaml"])
    columns = table("search")
    points = weighted(columns, dict.fromkeys(names(columns), 5)) / 100
    gap = points[columns["churned"] == 1].mean() - points[columns["churned"] == 0].mean()
    pulls = [value for name, value in result["parts"].items() if name.startswith("pull.")]
    assert len(pulls) == 11
    assert sum(pulls) == pytest.approx(gap)


def test_a_batch_is_its_items_bit_for_bit(served: Served, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    names_ = names(table("search"))
    paths = [write_spec(tmp_path, {name: int(rng.integers(-5, 26)) for name in names_}) for _ in range(6)]
    together = served.ask(paths)
    alone = [{key: value for key, value in served.ask([path])[0].items() if key != "rows"} for path in paths]
    assert together == alone == served.ask(paths)


def test_only_ratios_of_weights_count(served: Served, tmp_path: Path) -> None:
    doubled = tmp_path / "spec.yaml"
    doubled.write_text(SPEC.replace(": 5 ", ": 10 "))
    five, ten = served.ask([TARGET / "spec.yaml", doubled])
    assert five["metrics"] == ten["metrics"]


def test_a_flat_score_is_chance(served: Served, tmp_path: Path) -> None:
    (flat,) = served.ask([write_spec(tmp_path, dict.fromkeys(names(table("search")), 0))])
    churned = table("search")["churned"]
    assert flat["metrics"]["auc_roc_churn"] == flat["metrics"]["auc_roc_repeat"] == 0.5
    assert flat["metrics"]["revenue_capture_at_20"] == pytest.approx(0.2, abs=1e-3)
    assert flat["metrics"]["precision_at_20"] == pytest.approx(churned.mean())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "one mapping"),
        ("- 5\n", "one mapping"),
        ("weights: [5]\n", "one mapping"),
        (SPEC + "offset: 1\n", "one mapping"),
        ("weights:\n  few_orders: 5\n", "days_since_last_order has no weight"),
        (SPEC + "  churned: 5\n", "churned is no feature"),
        (SPEC.replace("few_orders: 5", "few_orders: 5.5"), "few_orders is not a whole number"),
        (SPEC.replace("few_orders: 5", "few_orders: true"), "few_orders is not a whole number"),
        (SPEC.replace("few_orders: 5", "few_orders: '5'"), "few_orders is not a whole number"),
        (SPEC.replace("few_orders: 5", "few_orders: .nan"), "not a number"),
        (SPEC.replace("few_orders: 5", "few_orders: 101"), "few_orders is not a whole number in -100..100"),
        ("weights: {", "yaml"),
        ("weights: &a {few_orders: *a}\n", "yaml"),
    ],
)
def test_a_bad_spec_crashes_and_spares_its_neighbours(served: Served, tmp_path: Path, text: str, why: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    before, crashed, after = served.ask([TARGET / "spec.yaml", bad, TARGET / "spec.yaml"])
    assert before == after
    assert before["metrics"]["auc_roc_churn"] > 0.7
    assert set(crashed) == {"crash"}
    assert why in crashed["crash"]


def test_the_start_is_equal_weights_for_every_feature() -> None:
    weights = re.findall(r"^  (\w+): (\d+)  +# \S", SPEC, re.MULTILINE)
    assert [name for name, _ in weights] == list(table("search"))[1:12]
    assert {weight for _, weight in weights} == {"5"}


def test_the_search_half_is_scored_without_the_holdout(tmp_path: Path) -> None:
    for name in ("evaluate.py", "spec.yaml", "data/search.csv"):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((TARGET / name).read_bytes())
    item = {"blob": BLOB, "path": str(tmp_path / "spec.yaml")}
    request = {"id": 1, "split": "search", "seed": 0, "fidelity": 1, "items": [item]}
    command = [sys.executable, "evaluate.py"]
    done = subprocess.run(
        command, cwd=tmp_path, input=json.dumps(request) + "\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["metrics"]["auc_roc_churn"] > 0.7
