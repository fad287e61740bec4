"""What a night may find again: what a merge or a forgotten branch left open, and what a human declined."""

from __future__ import annotations

import json
from pathlib import Path

from bot.forge.local import LocalForge
from bot.night.earlier import past
from bot.night.folder import nights
from harness import folds
from harness.handover import plans
from harness.repository import Repository
from tests.support import autoresearch, git, make_repository

EVALUATE = "from harness import candidate, evaluator\nevaluator.report({'score': candidate.load('params.yaml')['x']})\n"
TARGET = """
name: dial
file: params.yaml
space: {/x: {int: [0, 3]}}
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
budget: {experiments: 12}
"""


def after_a_night(folder: Path) -> tuple[Repository, set[str]]:
    """A repository whose night has proposed x: 3, and the canonical ids of what it kept."""
    at = "targets/experiments/dial"
    files = {f"{at}/target.yaml": TARGET, f"{at}/params.yaml": "x: 0\n", f"{at}/evaluate.py": EVALUATE}
    repository = make_repository(folder, files)
    autoresearch(repository.root, "night", "--quiet")
    segments = nights(repository)[-1].segments("dial")
    assert folds.of_kind(segments, "proposed")
    kept = {event["canon"] for event in folds.of_kind(segments, "experiment") if event["status"] == "keep"}
    assert kept
    return repository, kept


def tried(repository: Repository) -> set[str]:
    lock = nights(repository)[-1].target_plan("dial").lock
    return past.tried(repository, "dial", lock, repository.commit(), LocalForge(repository.state))


def test_what_waits_for_a_review_is_not_lost(tmp_path: Path) -> None:
    repository, kept = after_a_night(tmp_path)
    assert tried(repository).isdisjoint(kept)


def test_a_deleted_branch_is_a_decline(tmp_path: Path) -> None:
    repository, kept = after_a_night(tmp_path)
    git(repository, "branch", "-D", f"autoresearch/{nights(repository)[-1].name}")
    assert kept <= tried(repository)


def declined(repository: Repository) -> tuple[str, ...]:
    lock = nights(repository)[-1].target_plan("dial").lock
    return past.in_words(repository, "dial", lock, repository.commit(), LocalForge(repository.state))


def test_what_was_declined_is_told_to_who_proposes(tmp_path: Path) -> None:
    repository, _ = after_a_night(tmp_path)
    night = nights(repository)[-1].name
    assert declined(repository) == (), "it waits for a review"
    git(repository, "branch", "-D", f"autoresearch/{night}")
    assert declined(repository) == (f"x: 0 -> 3 (a human closed it, of the night {night})",)
    autoresearch(repository.root, "plan", "--seed", "2")
    planned = nights(repository)[-1]
    assert planned.name != night
    assert planned.target_plan("dial").declined == declined(repository), "it travels with the plan"


def test_a_plan_says_little_of_what_was_declined(tmp_path: Path) -> None:
    repository, _ = after_a_night(tmp_path)
    plan = json.loads((nights(repository)[-1].path / "plan.json").read_text())
    plan["targets"][0]["declined"] = ["x" * 300] * 20
    assert plans.problem(plan, plan["night"]) == ""
    for declined in (["x" * 301], ["x"] * 21, "x", [1], None):
        plan["targets"][0]["declined"] = declined
        assert "declined" in plans.problem(plan, plan["night"]), declined


def test_a_merged_branch_may_be_deleted(tmp_path: Path) -> None:
    repository, kept = after_a_night(tmp_path)
    branch = f"autoresearch/{nights(repository)[-1].name}"
    git(repository, "merge", "--no-ff", "--quiet", "-m", "Merge", branch)
    git(repository, "branch", "-D", branch)
    assert tried(repository).isdisjoint(kept)


def test_a_squashed_merge_is_recognised_by_its_content(tmp_path: Path) -> None:
    repository, kept = after_a_night(tmp_path)
    branch = f"autoresearch/{nights(repository)[-1].name}"
    git(repository, "merge", "--squash", "--quiet", branch)
    git(repository, "commit", "--quiet", "-m", "Squashed")
    git(repository, "branch", "-D", branch)
    assert tried(repository).isdisjoint(kept)
