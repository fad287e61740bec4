"""The three scoring targets with invented accounts: their tables, what is planted in them, and a short night on each.

The tables are held byte for byte. Their chance comes from the raw bits of PCG64 under a seed, which numpy promises not
to change (NEP 19), and from no distribution of numpy's, which it may change. What is left is the last digit of log, exp
and cos, which differs between machines: it could only show where a value lies within 1e-15 of the edge of a rounding,
or of a draw.
"""

from __future__ import annotations

import csv
import functools
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bot.check import check
from bot.night.confirm import confirm
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.report import report
from harness import folds
from harness.events import Event
from harness.repository import Repository
from harness.scorers.saas import columns
from tests.support import git, make_repository

TARGETS = Path(__file__).parents[2] / "targets" / "experiments"
FILES = ("target.yaml", "columns.yaml", "spec.yaml", "evaluate.py", "program.md", "data/search.csv", "data/holdout.csv")
TRIES = 150
CATALOGUE = {"auc_roc_retain", "auc_roc_churn", "revenue_capture_at_20", "tier_separation", "revenue_hhi"}
PER_TIER = [
    "nrr", "grr", "logo_retention", "expansion", "contraction", "quick_ratio", "winback", "activation", "arpa",
    "tier_share",
]  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What a README says. label: the column that the log odds are of; base: its share of ones; strongest: how many
    planted effects a fit puts into their order; absent: the measures that have no outcome; left: who is gone."""

    name: str
    label: str
    base: float
    strongest: int
    absent: frozenset[str]
    end: str
    retained: int


ALL = (
    Facts("health-score", "retained_6mo", 0.56, 5, frozenset(), "mrr_6mo", 1),
    Facts("churn-decay", "churned", 0.21, 4, frozenset({"activation", "auc_roc_retain"}), "mrr_3mo", 0),
    Facts("icp-fit", "retained_12mo", 0.60, 3, frozenset({"winback", "auc_roc_churn"}), "mrr_12mo", 1),
)
each_target = pytest.mark.parametrize("facts", ALL, ids=lambda facts: facts.name)


@functools.cache
def generator(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generate_{name}", TARGETS / name / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def table(name: str, split: str) -> dict[str, list[str]]:
    with (TARGETS / name / "data" / f"{split}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def numbers(name: str, split: str, column: str) -> Floats:
    return np.array(table(name, split)[column], dtype=np.float64)


# --- the tables ---


@each_target
@pytest.mark.parametrize("split", ["search", "holdout"])
def test_the_committed_table_is_what_the_generator_makes(facts: Facts, split: str) -> None:
    committed = (TARGETS / facts.name / "data" / f"{split}.csv").read_bytes()
    assert generator(facts.name).table(split) == committed
    assert len(committed) < 600_000


@each_target
def test_check_finds_a_changed_byte(facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = generator(facts.name)
    monkeypatch.setattr(module, "DATA", tmp_path / "data")
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    module.main()
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    module.main()
    path = tmp_path / "data" / "holdout.csv"
    path.write_bytes(path.read_bytes().replace(b"0.5,", b"0.6,", 1))
    with pytest.raises(SystemExit, match=r"data/holdout\.csv is not what the generator makes"):
        module.main()


@each_target
def test_chance_is_what_it_is_called(facts: Facts) -> None:
    n = 200_000
    chance = generator(facts.name).Chance(9, n)
    draws: list[tuple[Floats, float, float]] = [
        (chance.uniform(), 1 / 2, 1 / 12),
        (chance.between(2, 5), 3.5, 9 / 12),
        (chance.exponential(3.0), 3.0, 9.0),
        (chance.normal(), 0.0, 1.0),
        (chance.beta(2, 3), 2 / 5, 6 / (25 * 6)),
        (chance.yes(0.3).astype(float), 0.3, 0.21),
        ((chance.pick({"a": 0.2, "b": 0.8}) == "b").astype(float), 0.8, 0.16),
    ]
    if hasattr(chance, "count"):
        draws.append((chance.count(1.4), 1.4, 1.4))
    for found, mean, variance in draws:
        assert abs(found.mean() - mean) < 4 * (variance / n) ** 0.5
        assert found.var() == pytest.approx(variance, rel=0.03)
    drawn = np.corrcoef([found for found, _, _ in draws]) - np.eye(len(draws))
    assert abs(drawn).max() < 5 / n**0.5, "draws are independent of one another"


@each_target
def test_a_row_agrees_with_itself(facts: Facts) -> None:
    found = columns.load(TARGETS / facts.name / "columns.yaml")
    ids = [set(table(facts.name, split)["account_id"]) for split in ("search", "holdout")]
    assert [len(one) for one in ids] == [5_000, 5_000]
    assert not ids[0] & ids[1]
    for split in ("search", "holdout"):
        content = table(facts.name, split)
        assert set(content) == {found.id, *found.names}
        plain = [value for name in (*found.features, *found.outcomes.values()) for value in content[name]]
        assert all(re.fullmatch(r"-?\d+(\.\d{1,2})?", value) for value in plain)
        stayed = numbers(facts.name, split, facts.label) == facts.retained
        assert ((numbers(facts.name, split, facts.end) > 0) == stayed).all()
        assert numbers(facts.name, split, "mrr").min() >= 20
        if "churned" in content:
            assert ((numbers(facts.name, split, "churned") == 0) == stayed).all()
            assert not (numbers(facts.name, split, "came_back") * stayed).any()


# --- what is planted ---


def scaled(facts: Facts, split: str) -> dict[str, Floats]:
    module = generator(facts.name)
    found = columns.load(TARGETS / facts.name / "columns.yaml").features
    same = getattr(module, "scaled", lambda _name, values: values)
    return {name: same(name, numbers(facts.name, split, name)) for name in found}


@functools.cache
def fitted(facts: Facts) -> tuple[dict[str, float], dict[str, float]]:
    """The coefficients of a logistic fit on all 10,000 accounts, and their standard errors."""
    halves = [scaled(facts, split) for split in ("search", "holdout")]
    found = {name: np.concatenate([half[name] for half in halves]) for name in halves[0]}
    if conflict := getattr(generator(facts.name), "CONFLICT", ""):
        regions = [name for split in ("search", "holdout") for name in table(facts.name, split)["region"]]
        elsewhere = np.where(np.array(regions) == "latin-america", -1, 1)
        found[conflict] = (found[conflict] - 0.5) * elsewhere
    matrix = np.stack(list(found.values()), axis=1)
    truth = np.concatenate([numbers(facts.name, split, facts.label) for split in ("search", "holdout")])
    fit = LogisticRegression(C=1e6, max_iter=2000).fit(matrix, truth)
    sure, whole = fit.predict_proba(matrix)[:, 1], np.c_[np.ones(len(matrix)), matrix]
    spread = np.sqrt(np.diag(np.linalg.inv((whole.T * (sure * (1 - sure))) @ whole)))[1:]
    return dict(zip(found, fit.coef_[0], strict=True)), dict(zip(found, spread, strict=True))


@each_target
def test_base_rates_are_as_stated(facts: Facts) -> None:
    for split in ("search", "holdout"):
        assert numbers(facts.name, split, facts.label).mean() == pytest.approx(facts.base, abs=0.01)


@each_target
def test_a_fit_finds_what_is_planted_in_its_order(facts: Facts) -> None:
    found, error = fitted(facts)
    planted = dict(generator(facts.name).TRUTH)
    for name, effect in planted.items():
        assert abs(found[name] - effect) < 3.5 * error[name], name
    strongest = sorted(planted, key=lambda name: -planted[name])[: facts.strongest]
    assert sorted(planted, key=lambda name: -found[name])[: facts.strongest] == strongest
    assert all(found[name] > 5 * error[name] for name in strongest)


@each_target
def test_noise_is_noise(facts: Facts) -> None:
    found, error = fitted(facts)
    module = generator(facts.name)
    nothing = set(found) - set(module.TRUTH) - {getattr(module, "CONFLICT", "")}
    assert {"noise_1"} < nothing
    weakest = sorted(module.TRUTH.values(), reverse=True)[facts.strongest - 1]
    for name in nothing:
        assert abs(found[name]) < 3.5 * error[name], name
        assert abs(found[name]) < weakest / 2, name


def test_the_conflict_of_icp_fit_is_one() -> None:
    facts = ALL[2]
    found, error = fitted(facts)
    effects = generator("icp-fit").CONFLICT_EFFECT
    assert len(set(effects.values())) == 2
    assert abs(found["card_billing"] - effects["europe"]) < 3.5 * error["card_billing"]
    assert effects["latin-america"] == -effects["europe"]


# --- a short night ---


@dataclass(frozen=True)
class Ran:
    """A night that is over: its folder of report, and what stood in the editable file before."""

    repository: Repository
    night: Night
    out: Path
    before: str

    @property
    def measured(self) -> list[Event]:
        """The baseline, then every experiment that was measured in full."""
        segments = self.night.segments(self.night.plan.targets[0].name)
        tries = [event for event in folds.of_kind(segments, "experiment") if event["metrics"]]
        return [*folds.of_kind(segments, "baseline"), *tries]

    @property
    def after(self) -> str:
        name = self.night.plan.targets[0].name
        state = folds.loop_state(self.night.segments(name), self.night.packs(name))
        return state.content.decode()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    @functools.cache
    def made(name: str) -> Ran:
        folder = tmp_path_factory.mktemp(name)
        files = {f"targets/experiments/{name}/{file}": (TARGETS / name / file).read_bytes() for file in FILES}
        repository = make_repository(folder, files)
        night, _ = plan(repository, Wishes(experiments=TRIES, seed=5))
        (target,) = targets_of(night)
        run(night, target, quiet=True)
        confirm(night, target)
        report(repository, night.name, folder / "out", as_json=False)
        return Ran(repository, night, folder / "out", (TARGETS / name / "spec.yaml").read_text())

    return made


@each_target
def test_check_is_ready(facts: Facts, ran: Callable[[str], Ran]) -> None:
    (found,) = check(ran(facts.name).repository, [])
    assert found.ready, found.problems
    assert found.as_json()["warnings"] == []
    assert found.as_json()["space"]["free"] == len(columns.load(TARGETS / facts.name / "columns.yaml").features)
    assert set(found.baseline.metrics) >= measures(facts)


@each_target
def test_a_short_night_keeps_rows_that_its_page_shows(facts: Facts, ran: Callable[[str], Ran]) -> None:
    found = ran(facts.name)
    (outcome,) = folds.of_kind(found.night.segments(facts.name), "confirm")
    assert outcome["verdict"] == "confirmed", outcome["why"]
    assert outcome["rows"]
    assert outcome["holdout"]["low"] > 0.03
    page = (found.out / "page.md").read_text()
    for row in outcome["rows"]:
        assert row["change"] in page
    assert f"{outcome['holdout']['head']['nrr.A' if facts.retained else 'nrr.calm']:.4f}" in page


def measures(facts: Facts) -> set[str]:
    """Every metric that stands in the events: scalars, one of each measure per tier, worst and gap per segment."""
    content = (TARGETS / facts.name / "spec.yaml").read_text()
    tiers = re.findall(r"(\w+): \d+", content.partition("tiers:")[2])
    assert len(tiers) == 4
    found = (CATALOGUE | {f"{measure}.{tier}" for measure in PER_TIER for tier in tiers}) - facts.absent
    found = {name for name in found if name.partition(".")[0] not in facts.absent}
    by_segment = [name for name in found if "auc" in name or "capture" in name]
    segments = columns.load(TARGETS / facts.name / "columns.yaml").segments
    return found | {f"{name}.{s}.{end}" for name in by_segment for s in segments for end in ("worst", "gap")}


@each_target
def test_all_measures_stand_in_the_events_and_in_the_table(facts: Facts, ran: Callable[[str], Ran]) -> None:
    expected = measures(facts)
    found = ran(facts.name).measured
    kept = [event for event in found if event.get("status") == "keep"]
    assert kept
    assert set(found[0]["metrics"]) == expected
    for event in kept:
        assert set(event["metrics"]) == expected, "no tier was empty"
    header = (ran(facts.name).out / f"{facts.name}-results.tsv").read_text().partition("\n")[0].split("\t")
    assert expected <= set(header)


@each_target
def test_nrr_and_grr_of_the_base_are_sums_of_the_table(facts: Facts, ran: Callable[[str], Ran]) -> None:
    """Equal weights, every account scored here by hand."""
    content = ran(facts.name).before
    cuts = {tier: int(at) for tier, at in re.findall(r"(\w+): (\d+)", content.partition("tiers:")[2])}
    points = sum(np.rint(100 * values) for values in scaled(facts, "search").values())
    score = points / len(scaled(facts, "search"))
    names = sorted(cuts, key=lambda tier: -cuts[tier])
    start, end = (numbers(facts.name, "search", column) for column in ("mrr", facts.end))
    base = ran(facts.name).measured[0]["metrics"]
    above = np.inf
    for tier in names:
        inside = (score >= cuts[tier]) & (score < above)
        above = cuts[tier]
        assert base[f"nrr.{tier}"] == pytest.approx(end[inside].sum() / start[inside].sum(), abs=1e-12)
        kept = np.minimum(start, end)[inside].sum()
        assert base[f"grr.{tier}"] == pytest.approx(kept / start[inside].sum(), abs=1e-12)


@each_target
def test_comments_order_and_tiers_survive_the_night(facts: Facts, ran: Callable[[str], Ran]) -> None:
    found = ran(facts.name)
    weight = re.compile(r"^(  \w+: )-?\d+", re.MULTILINE)
    top, _, rest = found.before.partition("\ntiers:")
    after, _, same = found.after.partition("\ntiers:")
    assert after != top
    assert weight.sub(r"\1", after) == weight.sub(r"\1", top)
    assert same == rest
    features = columns.load(TARGETS / facts.name / "columns.yaml").features
    lines = re.findall(r"^  (\w+): 5 +# \S", top, re.MULTILINE)
    assert sorted(lines) == sorted(features), "each weight begins at 5 and has a word of its own"


def test_nothing_but_the_spec_changed(ran: Callable[[str], Ran]) -> None:
    assert git(ran("health-score").repository, "status", "--porcelain") == ""
