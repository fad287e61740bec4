"""A short night on each of the three scoring targets with invented accounts."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

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
from tests.generators import TARGETS, Facts, each_target, numbers, scaled
from tests.support import git, make_repository

FILES = ("target.yaml", "columns.yaml", "spec.yaml", "evaluate.py", "program.md", "data/search.csv", "data/holdout.csv")
TRIES = 150
CATALOGUE = {"auc_roc_retain", "auc_roc_churn", "revenue_capture_at_20", "tier_separation", "revenue_hhi"}
PER_TIER = [
    "nrr", "grr", "logo_retention", "expansion", "contraction", "quick_ratio", "winback", "activation", "arpa",
    "tier_share",
]  # fmt: skip


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
