"""Guards of a customer score: a candidate that ranks better and harms one tier, or one region, is turned away.

A target of the repository is copied and left one thing to change, so that its night has one candidate. Each refusal has
a control: the same night without the guard keeps the same candidate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import log
from bot.night.confirm import confirm
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.report import report
from harness import folds
from harness.events import Event
from harness.scorers.saas import columns
from tests.support import make_repository

TARGETS = Path(__file__).parents[2] / "targets" / "experiments"
FILES = ("target.yaml", "columns.yaml", "spec.yaml", "evaluate.py", "program.md", "data/search.csv", "data/holdout.csv")
SPACE = "/weights/*: {int: [-5, 25]}"
GUARDS = {
    "nrr.A": "{name: nrr.A, goal: maximize, guard: {tolerance: 2%}}",
    "auc_roc_retain.region.worst": "{name: auc_roc_retain.region.worst, goal: maximize, guard: {tolerance: 1%}}",
}


@dataclass(frozen=True)
class Group:
    """Accounts that are alike. ones: how many of the features that stay at weight 5 are 1; ends: what of 100 a month
    is left in the end, 0 for who leaves."""

    count: int
    alert: int
    ones: int
    ends: int
    regions: Sequence[str] = ("north-america", "europe", "asia-pacific")


# Of 14 features with 5 points each, alert_created goes from 5 to 20. Tier A begins at 40 of 100: before, 5.6 features
# at 1 lead there; after, alert_created and 2.8 others do.
STAYS_WHATEVER = Group(40, alert=0, ones=0, ends=100)  # keeps the AUC below the ceiling
TIER_CONFLICT = (
    Group(40, alert=1, ones=8, ends=130),  # in A before and after
    Group(40, alert=1, ones=3, ends=60),  # stays for less money, and rises into A
    Group(40, alert=0, ones=4, ends=0),  # before, level with the group above
    Group(40, alert=0, ones=1, ends=0),
    STAYS_WHATEVER,
)
WEST, EAST = ("north-america", "europe"), ("asia-pacific",)
REGION_CONFLICT = (
    Group(40, alert=1, ones=8, ends=100),  # in A before and after, as everywhere
    Group(40, alert=1, ones=2, ends=100, regions=WEST),  # level with the group below before
    Group(40, alert=0, ones=3, ends=0, regions=WEST),
    Group(15, alert=0, ones=3, ends=100, regions=EAST),  # and here it is the other way round
    Group(15, alert=1, ones=2, ends=0, regions=EAST),
    STAYS_WHATEVER,
)


def accounts(groups: Sequence[Group]) -> str:
    """A table of health-score with so many accounts of each group in each of its regions."""
    found = columns.load(TARGETS / "health-score" / "columns.yaml")
    others = [name for name in found.features if name != "alert_created"]
    lines = [",".join([found.id, *found.features, *found.outcomes.values(), *found.segments])]
    for group in groups:
        values = {name: int(place < group.ones) for place, name in enumerate(others)} | {"alert_created": group.alert}
        stays = int(group.ends > 0)
        outcome = {
            "retained": stays, "churned": 1 - stays, "revenue_start": 100, "revenue_end": group.ends, "returned": 0,
            "activated": stays, "lifetime_value": 1000 + 10 * group.ends,
        }  # fmt: skip
        for region in group.regions:
            segments = {"plan": "team", "region": region, "size": "under-50"}
            cells = [values[name] for name in found.features] + [outcome[ours] for ours in found.outcomes]
            row = ",".join(map(str, [*cells, *(segments[name] for name in found.segments)]))
            lines += [f"{len(lines) + more},{row}" for more in range(group.count)]
    return "\n".join([*lines, ""])


@dataclass(frozen=True)
class Told:
    """What is known of the one candidate: its event, the page, its line of results.tsv, and its lines of the log."""

    event: Event
    base: Mapping[str, float]
    page: str
    line: str
    verdict: str
    logged: Mapping[str, object]


def told(folder: Path, name: str, weight: str, choices: str, changed: Mapping[str, str]) -> Told:
    """A whole night on a copy of a target in which one weight has two values. changed: of its target.yaml and data."""
    files = {file: (TARGETS / name / file).read_text() for file in FILES}
    files |= {file: content for file, content in changed.items() if file in files}
    for before, after in [(SPACE, f"/weights/{weight}: {{choice: {choices}}}"), *changed.items()]:
        if before not in files:
            assert files["target.yaml"].count(before) == 1, before
            files["target.yaml"] = files["target.yaml"].replace(before, after)
    repository = make_repository(folder, {f"targets/experiments/{name}/{file}": text for file, text in files.items()})
    night, _ = plan(repository, Wishes(experiments=5, seed=1))
    (target,) = targets_of(night)
    run(night, target, quiet=True)
    verdict = confirm(night, target)
    report(repository, night.name, folder / "out", as_json=False)
    (event,) = folds.of_kind(night.segments(name), "experiment")
    table = (folder / "out" / f"{name}-results.tsv").read_text().splitlines()
    (logged,) = map(json.loads, log.log_lines(repository, night.name, None, as_json=True))
    return Told(
        event,
        folds.of_kind(night.segments(name), "baseline")[0]["metrics"],
        (folder / "out" / "page.md").read_text(),
        table[-1],
        verdict,
        logged,
    )


def planted(folder: Path, groups: Sequence[Group], without: str = "") -> Told:
    """health-score with these accounts. without: the metric whose guard is taken away."""
    table = accounts(groups)
    changed = {"data/search.csv": table, "data/holdout.csv": table}
    if without:
        bare = GUARDS[without].partition(", guard")[0] + "}"
        changed[GUARDS[without]] = bare
    return told(folder, "health-score", "alert_created", "[5, 20]", changed)


CONFLICTS = {"nrr.A": TIER_CONFLICT, "auc_roc_retain.region.worst": REGION_CONFLICT}


@pytest.mark.parametrize("guard", CONFLICTS)
def test_a_candidate_that_ranks_better_and_harms_a_part_is_refused(guard: str, tmp_path: Path) -> None:
    found = planted(tmp_path, CONFLICTS[guard])
    event = found.event
    assert event["description"] == "alert_created 5 -> 20"
    assert event["metrics"]["auc_roc_retain"] > found.base["auc_roc_retain"] + 0.03
    assert event["metrics"][guard] < 0.9 * found.base[guard]
    assert (event["status"], event["reason"]) == ("discard", "guard")
    assert event["why"].startswith(f"{guard} {found.base[guard]:.6g} -> {event['metrics'][guard]:.6g}, worse by ")
    assert found.verdict == "not-confirmed"
    assert "1 reverted: guard 1; 0 kept on the way" in found.page
    assert f"guard, `{guard} " in found.page
    assert ": `alert_created 5 -> 20` |" in found.page
    assert found.line.split("\t")[-4] == "discard"
    assert f"guard ({guard} " in found.line
    assert found.line.endswith(": alert_created 5 -> 20")
    assert found.logged["why"] == event["why"]


@pytest.mark.parametrize("guard", CONFLICTS)
def test_without_the_guard_it_is_kept_and_confirmed(guard: str, tmp_path: Path) -> None:
    found = planted(tmp_path, CONFLICTS[guard], without=guard)
    assert (found.event["status"], found.event["reason"]) == ("keep", "better")
    assert found.event["metrics"][guard] < 0.9 * found.base[guard]
    assert found.verdict == "confirmed"
    assert "| `alert_created: 5 -> 20` |" in found.page
    assert found.line.endswith("\tbetter: alert_created 5 -> 20")


def test_the_tiers_and_regions_are_what_the_tables_say(tmp_path: Path) -> None:
    """By hand: in tier A three groups of 40 with 130 of 100 left, then as many more with 60."""
    tier = planted(tmp_path / "tier", TIER_CONFLICT)
    assert tier.base["nrr.A"] == 1.3
    assert tier.event["metrics"]["nrr.A"] == 0.95
    assert "worse by 0.35; at most 0.026 allowed" in tier.event["why"]
    region = planted(tmp_path / "region", REGION_CONFLICT)
    assert region.base["nrr.A"] == region.event["metrics"]["nrr.A"] == 1
    # In the east 15 leave, and of the 95 who stay 40 are above them, 15 level with them, later below, and 40 below.
    assert region.base["auc_roc_retain.region.worst"] == (40 + 15 / 2) / 95
    assert region.event["metrics"]["auc_roc_retain.region.worst"] == 40 / 95


WORST = "{name: auc_roc_retain.region.worst, goal: maximize, guard: {tolerance: 1%}}"


def test_the_trap_of_icp_fit_closes_on_its_own_accounts(tmp_path: Path) -> None:
    guarded = told(tmp_path / "guarded", "icp-fit", "card_billing", "[5, 7]", {})
    assert guarded.event["reason"] == "guard"
    assert guarded.event["why"].startswith("auc_roc_retain.region.worst 0.598")
    assert guarded.event["metrics"]["auc_roc_retain"] > guarded.base["auc_roc_retain"] + 0.005
    bare = {WORST: WORST.partition(", guard")[0] + "}"}
    control = told(tmp_path / "control", "icp-fit", "card_billing", "[5, 7]", bare)
    assert (control.event["status"], control.event["metrics"]) == ("keep", guarded.event["metrics"])
