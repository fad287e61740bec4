"""The churn-risk target: its table against the purchases, its metrics against scikit-learn and the table itself."""

import csv
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from sklearn.metrics import roc_auc_score

from harness.scorers.saas import columns

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "targets" / "experiments" / "churn-risk"
BLOB = "a" * 40
SPEC = (TARGET / "spec.yaml").read_text()
SCHEMA = json.loads((ROOT / "harness" / "schemas" / "serve-response.schema.json").read_text())
COLUMNS = columns.load(TARGET / "columns.yaml")
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
    """Segments as texts, all else as numbers: money in cents, features in hundredths."""
    with (TARGET / "data" / f"{split}.csv").open() as file:
        rows = list(csv.DictReader(file))
    found: Table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    whole = {COLUMNS.id, "churned", *COLUMNS.segments}
    numbers = {name: np.rint(100 * found[name].astype(float)).astype(int) for name in found if name not in whole}
    return found | numbers | {"churned": found["churned"].astype(int), COLUMNS.id: found[COLUMNS.id].astype(int)}


def weighted(content: Table, weights: dict[str, int]) -> np.ndarray:
    return sum(weight * content[name] for name, weight in weights.items())  # type: ignore[return-value]


class Served:
    """The evaluator as the harness starts it; every answer is checked against the schema."""

    def __init__(self) -> None:
        command = [sys.executable, "evaluate.py"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=TARGET, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
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
    evaluator.process.communicate(timeout=60)


def write_spec(folder: Path, weights: dict[str, Any]) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.yaml"
    path.write_text(f"weights: {json.dumps(weights)}\ntiers: {SPEC.partition('tiers: ')[2]}")
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
    cents = {
        name: sum(int(line[3].replace(".", "")) for line in lines if first <= line[1] < end)
        for name, first, end in (
            ("spent_half_year", "19970701", "19980101"),
            ("spent_next_half_year", "19980101", "19980701"),
            ("spent_in_all", "19970101", "19980701"),
        )
    }
    assert {name: sum(int(half[name].sum()) for half in halves) for name in cents} == cents
    days = Counter(line[0] for line in {(line[0], line[1]): line for line in before}.values())
    groups = Counter(label for half in halves for label in half["orders"].tolist())
    assert groups["one"] == sum(count == 1 for count in days.values())
    assert groups["four_or_more"] == sum(count > 3 for count in days.values())
    assert groups["two_or_three"] == len(days) - groups["one"] - groups["four_or_more"]


def test_the_halves_are_halves_whatever_the_id(prepare: ModuleType) -> None:
    sizes = [len(table(split)["churned"]) for split in ("search", "holdout")]
    assert all(abs(size / 23_570 - 0.5) < 0.01 for size in sizes)  # three standard errors of a fair coin
    assert not set(table("search")["customer_id"]) & set(table("holdout")["customer_id"])
    assert {prepare.split_of(int(c)) for c in table("holdout")["customer_id"]} == {"holdout"}


def test_features_run_from_0_to_100() -> None:
    for content in (table("search"), table("holdout")):
        assert len(COLUMNS.features) == 11
        for name in COLUMNS.features:
            assert content[name].min() == 0, name
            assert 90 < content[name].max() <= 100, name


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
        known = rows[0][0].index("churned")  # then what was spent later, and in all
        assert [row[:known] for row in rows[0]] == [row[:known] for row in rows[1]]
        assert [row[:known] for row in rows[0]] == [row[:known] for row in rows[2]]
        assert [row[known] for row in rows[0]] == [row[known] for row in rows[1]]
        assert {(row[known], row[known + 1]) for row in rows[2][1:]} == {("1", "0")}
        assert [row[known + 2] for row in rows[0]] != [row[known + 2] for row in rows[2]]


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
    assert {name: float(value) for name, value in values.items() if name != "orders"} == {
        "customer_id": 3,
        "days_since_last_order": 0.10,  # 36 / 365
        "few_orders": 0.56,  # 5 / 9
        "low_spend": 0.54,  # 1 - 139.47 / 300
        "small_orders": 0.72,  # 1 - 27.894 / 100
        "small_baskets": 0.50,  # (5 - 3) / 4
        "overdue": 0.11,  # 36 days of 4 x 327 / 4
        "quiet_second_half": 0.33,  # two of three
        "shrinking_orders": 0.50,  # 20.76 of 41.72
        "new_customer": 0.01,  # 1 day of 90
        "single_cd_first_order": 0,
        "weekend_first_order": 0,
        "spent_half_year": 78.41,  # 57.45 + 20.96
        "churned": 0,
        "spent_next_half_year": 16.99,
        "spent_in_all": 156.46,
    }
    assert values["orders"] == "four_or_more"


@pytest.mark.parametrize("split", ["search", "holdout"])
def test_metrics_agree_with_scikit_learn_and_the_table(served: Served, tmp_path: Path, split: str) -> None:
    content = table(split)
    rng = np.random.default_rng(4)
    specs = [dict.fromkeys(COLUMNS.features, 5)]
    specs += [{name: int(rng.integers(0, 26)) for name in COLUMNS.features} for _ in range(4)]
    churned, orders = content["churned"], content["orders"]
    for spec, result in zip(specs, served.ask([write_spec(tmp_path, s) for s in specs], split), strict=True):
        points, metrics = weighted(content, spec), result["metrics"]
        assert metrics["auc_roc_churn"] == pytest.approx(roc_auc_score(churned, points), abs=1e-12)
        by_orders = [roc_auc_score(churned[orders == label], points[orders == label]) for label in set(orders)]
        assert metrics["auc_roc_churn.orders.worst"] == pytest.approx(min(by_orders), abs=1e-12)
        assert metrics["auc_roc_churn.orders.gap"] == pytest.approx(max(by_orders) - min(by_orders), abs=1e-12)
        start, end = content["spent_half_year"], content["spent_next_half_year"]
        loyal = (points < 40 * sum(spec.values())) & (start > 0)
        assert metrics["nrr.loyal"] == pytest.approx(end[loyal].sum() / start[loyal].sum(), abs=1e-12)
        assert metrics["logo_retention.loyal"] == pytest.approx((end[loyal] > 0).mean(), abs=1e-12)
        paying = start > 0
        k = -(-int(paying.sum()) // 5)
        mean = _mean_of_random_ties(-points[paying], start[paying], k, rng) / start.sum()
        assert metrics["revenue_capture_at_20"] == pytest.approx(mean, abs=0.01)


def _mean_of_random_ties(scores: np.ndarray, values: np.ndarray, k: int, rng: np.random.Generator) -> float:
    shuffled = (rng.permutation(len(scores)) for _ in range(30))
    return float(np.mean([values[p[np.argsort(-scores[p], kind="stable")[:k]]].sum() for p in shuffled]))


def test_the_readme_says_what_the_start_scores(served: Served) -> None:
    readme = (TARGET / "README.md").read_text()
    for split, area in (("search", 0.762679), ("holdout", 0.762776)):
        (found,) = served.ask([TARGET / "spec.yaml"], split)
        assert found["metrics"]["auc_roc_churn"] == pytest.approx(area, abs=5e-7)
        content = table(split)
        score = weighted(content, dict.fromkeys(COLUMNS.features, 5)) / (5 * 11)
        gone = (score >= 80) & (content["spent_half_year"] > 0)
        assert gone.sum() == {"search": 1, "holdout": 0}[split], "revenue of the tier gone means nothing, it says"
    content = table("search")
    tiers = np.digitize(weighted(content, dict.fromkeys(COLUMNS.features, 5)), [40 * 55, 60 * 55, 80 * 55])
    sizes = ", ".join(f"{(tiers == tier).sum():,}" for tier in (3, 2, 1))
    assert f"where {sizes} and\n{(tiers == 0).sum():,} of the customers" in readme
    churned = [round(100 * content["churned"][tiers == tier].mean()) for tier in (3, 2, 1, 0)]
    assert "{}, {}, {} and {} % of them churned".format(*churned) in readme


def test_rows_average_to_the_metric(served: Served) -> None:
    (found,) = served.ask([TARGET / "spec.yaml"], "holdout")
    churned = table("holdout")["churned"]
    positives, negatives = found["rows"]["auc_roc_churn"]
    assert (len(positives), len(negatives)) == (churned.sum(), (1 - churned).sum())
    for stratum in (positives, negatives):
        assert np.mean(stratum) == pytest.approx(found["metrics"]["auc_roc_churn"], abs=1e-12)


def test_what_the_shop_cannot_say_is_absent(served: Served) -> None:
    (found,) = served.ask([TARGET / "spec.yaml"])
    assert not [name for name in found["metrics"] if name.startswith(("winback", "activation", "auc_roc_retain"))]


def test_only_ratios_of_weights_count(served: Served, tmp_path: Path) -> None:
    doubled = tmp_path / "spec.yaml"
    doubled.write_text(SPEC.replace(": 5 ", ": 10 "))
    five, ten = served.ask([TARGET / "spec.yaml", doubled])
    assert five["metrics"] == ten["metrics"]


def test_a_flat_score_is_chance(served: Served, tmp_path: Path) -> None:
    (flat,) = served.ask([write_spec(tmp_path, dict.fromkeys(COLUMNS.features, 0))])
    assert flat["metrics"]["auc_roc_churn"] == flat["metrics"]["auc_roc_churn.orders.worst"] == 0.5
    assert flat["metrics"]["revenue_capture_at_20"] == pytest.approx(0.2, abs=1e-3)


def test_a_bad_spec_crashes_and_spares_its_neighbours(served: Served, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SPEC.replace("few_orders: 5", "few_orders: 5.5"))
    before, crashed, after = served.ask([TARGET / "spec.yaml", bad, TARGET / "spec.yaml"])
    assert before == after
    assert before["metrics"]["auc_roc_churn"] > 0.7
    assert crashed == {"crash": "weights: few_orders is not a whole number"}


def test_the_start_is_equal_weights_for_every_feature() -> None:
    weights = re.findall(r"^  (\w+): (\d+)  +# \S", SPEC, re.MULTILINE)
    assert [name for name, _ in weights] == list(table("search"))[1:12] == list(COLUMNS.features)
    assert {weight for _, weight in weights} == {"5"}


def test_the_search_half_is_scored_without_the_holdout(tmp_path: Path) -> None:
    for name in ("target.yaml", "columns.yaml", "evaluate.py", "spec.yaml", "data/search.csv"):
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
