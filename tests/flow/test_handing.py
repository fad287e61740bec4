"""A night over four clones of one repository, with nothing but folders carried between them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.night.folder import Night, nights
from bot.night.handed import handing
from harness import folds
from harness.repository import Repository
from tests.support import autoresearch, git, make_repository

EVALUATE = "from harness import candidate, evaluator\nevaluator.report({'score': candidate.load('params.yaml')['x']})\n"
TARGET = """
name: NAME
file: params.yaml
space: {/x: {int: [0, 3]}}
evaluate: {command: [python, evaluate.py]}
signal: file-property
metrics: [{name: score, goal: maximize}]
budget: {experiments: 6}
"""
NAMES = ("dial", "knob")


@dataclass(frozen=True)
class Workflow:
    """origin: what every job clones; carried: the artifacts, a folder each."""

    origin: Repository
    folder: Path
    carried: Path

    def clone(self, name: str) -> Path:
        into = self.folder / name
        git(self.folder, "clone", "--quiet", str(self.origin.root), str(into))
        return into

    def job(self, verb: str, artifact: str, *arguments: str, handed: Path | None = None) -> Path:
        """A job on a machine of its own. What it hands over is the artifact of that name."""
        clone = self.clone(f"job-{artifact}")
        options = [] if verb == "plan" else ["--handed", str(handed or self.carried), "--quiet"]
        done = autoresearch(clone, verb, *arguments, *options, "--hand-over", str(self.carried / artifact))
        assert done.returncode == 0, done.stderr
        return clone

    def propose(self, name: str) -> tuple[Night, str]:
        """The last job: its night, and what it said."""
        clone = self.clone(name)
        done = autoresearch(clone, "propose", "--handed", str(self.carried))
        assert done.returncode == 0, done.stderr
        return nights(Repository.find(clone))[-1], done.stderr

    def copy(self, into: Path) -> Workflow:
        into.mkdir()
        shutil.copytree(self.carried, into / "carried", symlinks=True)
        return Workflow(self.origin, into, into / "carried")

    @property
    def night(self) -> str:
        found: str = json.loads((self.carried / "plan-1" / "plan.json").read_text())["night"]
        return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Two targets after plan, run and confirm, each job in a clone of its own."""
    folder = tmp_path_factory.mktemp("workflow")
    files = {}
    for name in NAMES:
        at = f"targets/experiments/{name}"
        files |= {f"{at}/target.yaml": TARGET.replace("NAME", name), f"{at}/evaluate.py": EVALUATE}
        files[f"{at}/params.yaml"] = "x: 0\n"
    workflow = Workflow(make_repository(folder, files), folder, folder / "carried")
    workflow.job("plan", "plan-1", "--seed", "3")
    for name in NAMES:
        workflow.job("run", f"run-{name}-1", "--target", name)
    for name in NAMES:
        workflow.job("confirm", f"confirm-{name}-1", "--target", name)
    return workflow


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def ends(night: Night) -> dict[str, str | None]:
    return {name: folds.confirm_end(night.segments(name)) for name in NAMES}


def proposed_files(night: Night) -> set[str]:
    changed = git(night.repository, "diff", "--name-only", night.plan.base, f"autoresearch/{night.name}").split()
    return {path for path in changed if path.startswith("targets/")}


def test_only_folders_travel_and_the_pull_request_opens(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    assert names(workflow.carried / "plan-1") == {"plan.json", "dial/tried.txt", "knob/tried.txt"}
    assert names(workflow.carried / "run-dial-1") == {f"dial/{done.night}.1-run.jsonl"}
    assert names(workflow.carried / "confirm-dial-1") == {
        f"dial/{done.night}.1-run.jsonl", f"dial/{done.night}.2-confirm.jsonl",
    }  # fmt: skip
    night, said = workflow.propose("last")
    assert "not taken over" not in said
    assert ends(night) == dict.fromkeys(NAMES, "confirmed")
    assert proposed_files(night) == {f"targets/experiments/{name}/params.yaml" for name in NAMES}
    recorded = git(night.repository, "ls-tree", "-r", "--name-only", "autoresearch/results").split()
    assert len(recorded) == 6  # run, confirm and propose of both
    assert night.done


def test_proposing_twice_changes_nothing(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    night, _ = workflow.propose("last")
    before = git(night.repository, "for-each-ref", "--format=%(objectname) %(refname)")
    again = autoresearch(night.repository.root, "propose", "--handed", str(workflow.carried))
    assert again.returncode == 0, again.stderr
    assert git(night.repository, "for-each-ref", "--format=%(objectname) %(refname)") == before
    assert (night.repository.state / "replaced" / f"{night.name}.1" / "plan.json").exists()


def test_the_newest_attempt_that_holds_wins_and_a_damaged_one_is_named(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    segment = f"dial/{done.night}.1-run.jsonl"
    for attempt in (2, 3):
        shutil.copytree(workflow.carried / "run-dial-1", workflow.carried / f"run-dial-{attempt}")
    damaged = workflow.carried / "run-dial-3" / segment
    damaged.write_bytes(damaged.read_bytes().replace(b'"status":"keep"', b'"status":"kept"', 1))
    short = (workflow.carried / "run-dial-1" / segment).read_bytes().splitlines(keepends=True)
    (workflow.carried / "run-dial-1" / segment).write_bytes(b"".join(short[:3]))  # interrupted, and older
    clone = workflow.clone("taker")
    taken = handing.take_over(Repository.find(clone), workflow.carried, "run")
    assert set(taken.refused) == {"run-dial-3"}
    assert "chain breaks" in taken.refused["run-dial-3"]
    assert folds.run_end(taken.night.segments("dial")) == "exhausted"
    assert (taken.night.path / segment).read_bytes() == (workflow.carried / "run-dial-2" / segment).read_bytes()


def test_an_interrupted_run_goes_on_in_the_next_attempt(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    segment = workflow.carried / "run-dial-1" / "dial" / f"{done.night}.1-run.jsonl"
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    workflow.job("run", "run-dial-2", "--target", "dial")
    assert names(workflow.carried / "run-dial-2") == {
        f"dial/{done.night}.1-run.jsonl", f"dial/{done.night}.2-run.jsonl",
    }  # fmt: skip
    shutil.rmtree(workflow.carried / "confirm-dial-1")
    workflow.job("confirm", "confirm-dial-2", "--target", "dial")
    night, _ = workflow.propose("last")
    assert ends(night) == dict.fromkeys(NAMES, "confirmed")


def test_a_missing_confirm_leaves_the_other_target_alone(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    shutil.rmtree(workflow.carried / "confirm-dial-1")
    night, _ = workflow.propose("last")
    assert ends(night) == {"dial": None, "knob": "confirmed"}
    assert proposed_files(night) == {"targets/experiments/knob/params.yaml"}
    assert folds.run_end(night.segments("dial")) == "exhausted"


def test_a_missing_target_is_said_and_leaves_the_other_alone(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    shutil.rmtree(workflow.carried / "run-dial-1")
    shutil.rmtree(workflow.carried / "confirm-dial-1")
    night, said = workflow.propose("last")
    assert "dial: its job handed over nothing" in said
    assert proposed_files(night) == {"targets/experiments/knob/params.yaml"}
    clone = workflow.clone("confirms")
    failed = autoresearch(clone, "confirm", "--target", "dial", "--handed", str(workflow.carried))
    assert failed.returncode == 9
    assert "there is nothing to confirm: dial: its job handed over nothing" in failed.stderr


def test_a_newer_plan_that_holds_leaves_what_an_older_one_began(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    plan = json.loads((workflow.carried / "plan-1" / "plan.json").read_text())
    (workflow.carried / "plan-2").mkdir()
    (workflow.carried / "plan-2" / "plan.json").write_text(json.dumps({**plan, "night": "2020-01-01"}))
    taken = handing.take_over(Repository.find(workflow.clone("taker")), workflow.carried, "propose")
    assert taken.night.name == "2020-01-01"
    assert set(taken.silent) == set(NAMES)
    assert f"run-dial-1/dial/'{done.night}.1-run.jsonl'" in taken.refused
    (workflow.carried / "plan-3").mkdir()
    (workflow.carried / "plan-3" / "plan.json").write_text("{")
    shutil.rmtree(workflow.carried / "plan-2")
    again = handing.take_over(Repository.find(workflow.clone("another")), workflow.carried, "propose")
    assert (again.night.name, again.silent, list(again.refused)) == (done.night, {}, ["plan-3"])


def test_a_shallow_clone_says_the_cure(done: Workflow, tmp_path: Path) -> None:
    plan = done.copy(tmp_path / "w")
    git(done.origin, "commit", "--quiet", "--allow-empty", "-m", "Later")
    try:
        git(plan.folder, "clone", "--quiet", "--depth=1", f"file://{done.origin.root}", str(plan.folder / "shallow"))
    finally:
        git(done.origin, "reset", "--quiet", "--hard", "HEAD~1")
    failed = autoresearch(plan.folder / "shallow", "run", "--target", "dial", "--handed", str(plan.carried))
    assert failed.returncode == 9
    assert "fetch-depth: 0" in failed.stderr


def test_what_does_not_hold_is_told_on_the_page(done: Workflow, tmp_path: Path) -> None:
    workflow = done.copy(tmp_path / "w")
    for artifact in ("run-dial-1", "confirm-dial-1"):
        segment = workflow.carried / artifact / "dial" / f"{done.night}.1-run.jsonl"
        segment.write_bytes(segment.read_bytes().replace(b'"status":"keep"', b'"status":"kept"', 1))
    night, said = workflow.propose("last")
    assert "not taken over: confirm-dial-1: dial:" in said
    page = (night.path / "pull-request.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if "the chain breaks here" in line)
    assert "run-dial-1" in line
    assert proposed_files(night) == {"targets/experiments/knob/params.yaml"}
