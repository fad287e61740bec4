"""What an intruder may put into the folders that jobs hand over. Every attack has its control: the same folder without
what makes it one is taken."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.night.folder import Night
from bot.night.handed import artifacts, handing
from bot.night.handed.handing import Taken, hand_over, take_over
from harness import folds
from harness.errors import IntegrityError, NotFound
from harness.handover import files
from harness.repository import Repository
from tests.attacks.forgery import Forged, confirmed, copied, ran
from tests.support import git

ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Jobs:
    """What three honest jobs hand over of one target, `t`."""

    repository: Repository
    carried: Path
    night: str

    def copy(self, into: Path) -> Jobs:
        shutil.copytree(self.carried, into / "in")
        return Jobs(self.repository, into / "in", self.night)

    def take(self, verb: str = "propose") -> Taken:
        return take_over(self.repository, self.carried, verb)

    @property
    def run(self) -> Path:
        return self.carried / "run-t-1" / "t" / f"{self.night}.1-run.jsonl"

    @property
    def confirm(self) -> Path:
        return self.carried / "confirm-t-1" / "t" / f"{self.night}.2-confirm.jsonl"

    @property
    def plan(self) -> Path:
        return self.carried / "plan-1" / "plan.json"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    folder = tmp_path_factory.mktemp("jobs")
    night = ran(folder, experiments=12)
    hand_over(night, folder / "in" / "plan-1", ["t"], plan=True)
    (folder / "in" / "plan-1" / "t" / f"{night.name}.1-run.jsonl").unlink()  # planned before it ran
    hand_over(night, folder / "in" / "run-t-1", ["t"])
    hand_over(confirmed(night), folder / "in" / "confirm-t-1", ["t"])
    return Jobs(night.repository, folder / "in", night.name)


@pytest.fixture
def jobs(honest: Jobs, tmp_path: Path) -> Jobs:
    return honest.copy(tmp_path)


@pytest.mark.parametrize(("name", "verb"), [("plan-9999", "plan"), ("run-t-2", "run"), ("confirm-t-9999", "confirm")])
def test_nothing_is_of_an_attempt_that_has_not_begun(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, name: str, verb: str
) -> None:
    """Who breaks into a job names what it hands over, and the newest is taken first."""
    shutil.copytree(jobs.carried / name.replace("9999", "1").replace("-2", "-1"), jobs.carried / name)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for attempt, first in (("1", 1), ("9999", int(name.rpartition("-")[2]))):
        monkeypatch.setenv("GITHUB_RUN_ATTEMPT", attempt)
        found = artifacts.listed(jobs.carried)
        assert found.of(verb, "" if verb == "plan" else "t")[0].attempt == first
        assert (name in found.refused) == (attempt == "1")


def verdict(taken: Taken) -> tuple[str | None, str | None]:
    segments = taken.night.segments("t")
    return folds.run_end(segments), folds.confirm_end(segments)


def moved_aside(path: Path) -> Path:
    """The file or folder in a place that no job handed over."""
    other = path.parents[2].parent / ELSEWHERE / path.name
    other.parent.mkdir(exist_ok=True)
    return Path(shutil.move(path, other))


def linked(path: Path) -> None:
    other = moved_aside(path)
    path.symlink_to(other)


def hard_linked(path: Path) -> None:
    os.link(path, path.parents[2].parent / "second")


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def foldered(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_the_honest_folders_are_taken_whole(jobs: Jobs) -> None:
    taken = jobs.take()
    assert (taken.refused, taken.silent, verdict(taken)) == ({}, {}, ("experiments", "confirmed"))


@pytest.mark.parametrize("attack", [linked, hard_linked, fifo, foldered])
@pytest.mark.parametrize("which", ["run", "confirm"])
def test_what_is_no_plain_file_is_left_out(jobs: Jobs, attack: Callable[[Path], None], which: str) -> None:
    attack(getattr(jobs, which))
    taken = jobs.take("run" if which == "run" else "propose")
    name = getattr(jobs, which).name
    assert f"{which}-t-1/t/'{name}'" in taken.refused
    assert verdict(taken) == ((None, None) if which == "run" else ("experiments", None))


@pytest.mark.parametrize("place", ["run-t-1", "run-t-1/t"])
def test_a_linked_folder_is_not_entered(jobs: Jobs, place: str) -> None:
    path = jobs.carried / place
    other = Path(shutil.move(path, jobs.carried.parent / ELSEWHERE))
    path.symlink_to(other)
    taken = jobs.take("run")
    assert "link" in taken.refused["run-t-1"]
    assert verdict(taken) == (None, None)
    path.unlink()
    shutil.move(other, path)
    assert verdict(jobs.take("run")) == ("experiments", None)


def test_a_linked_plan_is_not_read(jobs: Jobs) -> None:
    other = moved_aside(jobs.plan)
    jobs.plan.symlink_to(other)
    with pytest.raises(NotFound, match=r"no plan was handed over.*plan-1: plan\.json"):
        jobs.take()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".git", "'.git'"),
        ("run-t-0", "'run-t-0'"),
        ("run-t-1x", "'run-t-1x'"),
        ("run-1", "run-1"),
        ("plan-t-1", "'plan-t-1'"),
        ("stage-t-1", "'stage-t-1'"),
        ("run-stranger-1", "run-stranger-1"),
        ("run-t-1\n::error::x", "'run-t-1\\n::error::x'"),
        ("run-T-1", "'run-T-1'"),
    ],
)
def test_a_folder_of_another_name_is_named_and_not_read(jobs: Jobs, name: str, said: str) -> None:
    shutil.copytree(jobs.carried / "run-t-1", jobs.carried / name)
    shutil.rmtree(jobs.carried / "run-t-1")
    taken = jobs.take("run")
    assert said.strip("'") in {what.strip("'") for what in taken.refused}
    assert verdict(taken) == (None, None)


@pytest.mark.parametrize("name", ["config", "plan.json", "tried.txt", "recorded.txt", "done"])
def test_extra_files_go_nowhere(jobs: Jobs, name: str) -> None:
    config = (jobs.repository.common / "config").read_bytes()
    for place in (jobs.carried / "run-t-1", jobs.carried / "run-t-1" / "t"):
        (place / name).write_text("[core]\n\tfsmonitor = touch /tmp/owned\n")
    taken = jobs.take("run")
    assert (jobs.repository.common / "config").read_bytes() == config
    assert not taken.night.done
    assert "touch" not in (taken.night.path / "plan.json").read_text()
    assert "touch" not in (taken.night.folder("t") / "tried.txt").read_text()
    assert f"run-t-1/'{name}'" in taken.refused
    assert f"run-t-1/t/'{name}'" in taken.refused
    assert verdict(taken) == ("experiments", None)  # what is in order beside them is taken


def test_a_job_hands_over_segments_of_its_own_verb_alone(jobs: Jobs) -> None:
    shutil.rmtree(jobs.carried / "run-t-1")
    forged = jobs.carried / "confirm-t-1"
    forged.rename(jobs.carried / "run-t-1")
    taken = jobs.take()
    assert "a segment of confirm, which whoever hands this over does not write" in taken.refused["run-t-1"]
    assert verdict(taken) == (None, None)
    (jobs.carried / "run-t-1").rename(forged)
    assert verdict(jobs.take()) == ("experiments", "confirmed")


def test_the_job_that_plans_hands_over_no_loop(jobs: Jobs) -> None:
    shutil.copy(jobs.run, jobs.carried / "plan-1" / "t")
    shutil.rmtree(jobs.carried / "run-t-1")
    shutil.rmtree(jobs.carried / "confirm-t-1")
    taken = jobs.take()
    assert taken.refused["plan-1"] == "the job that plans hands over a loop that began"
    assert verdict(taken) == (None, None)


def test_a_confirm_that_forges_its_loop_is_refused_and_the_run_stands(jobs: Jobs, honest: Jobs, tmp_path: Path) -> None:
    night = copied(Night(honest.repository, jobs.take().night.path), tmp_path / "copy")
    forged = Forged(night)
    forged.discard().update(status="keep", reason="better")
    forged.write()
    shutil.rmtree(jobs.carried / "confirm-t-1")
    hand_over(night, jobs.carried / "confirm-t-1", ["t"])
    taken = jobs.take()
    assert "confirm-t-1" in taken.refused
    assert verdict(taken) == ("experiments", None)


# Sizes -------------------------------------------------------------------------------------------------------------


def test_a_huge_segment_is_not_read(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    size = jobs.run.stat().st_size
    assert verdict(jobs.take("run")) == ("experiments", None)
    monkeypatch.setattr(handing, "_MOST", {".jsonl": size - 1, ".pack": 1})
    taken = jobs.take("run")
    assert "larger than a night can make it" in taken.refused["run-t-1"]
    assert verdict(taken) == (None, None)


def test_a_segment_of_holes_costs_no_memory(jobs: Jobs) -> None:
    os.truncate(jobs.run, 2**40)
    assert "larger than a night can make it" in jobs.take("run").refused["run-t-1"]


def test_a_huge_plan_is_not_read(jobs: Jobs) -> None:
    os.truncate(jobs.plan, artifacts.MOST_PLAN_BYTES + 1)
    with pytest.raises(NotFound, match="too large"):
        jobs.take()


def test_more_files_than_a_night_has_are_not_listed(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ENTRIES", 3)
    for number in range(3):
        (jobs.run.parent / f"{number}.txt").touch()
    assert "more than 3 files" in jobs.take("run").refused["run-t-1"]
    monkeypatch.setattr(artifacts, "MOST_ENTRIES", 2)
    with pytest.raises(IntegrityError, match="more than 2 files"):
        jobs.take("run")


# The plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("night", "../../hooks", "night"),
        ("night", "/etc", "night"),
        ("night", "2026\n::error::", "night"),
        ("base", "HEAD", "base"),
        ("base", "--upload-pack=x", "base"),
        ("targets", [{"name": "../t"}], "name"),
        ("targets", "t", "targets"),
        ("created", 1e400, "created"),
    ],
)
def test_a_plan_that_is_none_is_refused(jobs: Jobs, key: str, value: object, said: str) -> None:
    plan = json.loads(jobs.plan.read_text())
    jobs.plan.write_text(json.dumps({**plan, key: value}))
    with pytest.raises(NotFound, match=f"plan-1: plan.json: .*{said}"):
        jobs.take()
    jobs.plan.write_text(json.dumps(plan))
    assert verdict(jobs.take()) == ("experiments", "confirmed")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00", "1" * 5000])
def test_a_plan_that_cannot_be_parsed_is_refused(jobs: Jobs, text: str) -> None:
    jobs.plan.write_text(text)
    with pytest.raises(NotFound, match=r"plan-1: plan\.json: "):
        jobs.take()


def test_a_plan_on_a_commit_that_nobody_merged_is_refused(jobs: Jobs) -> None:
    repository = jobs.repository
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    foreign = git(repository, "commit-tree", tree, "-p", "HEAD", "-m", "Foreign")
    plan = json.loads(jobs.plan.read_text())
    jobs.plan.write_text(json.dumps({**plan, "base": foreign}))
    with pytest.raises(NotFound, match=f"its base commit {foreign[:12]} is no part of what is checked out"):
        jobs.take()


@pytest.mark.parametrize(
    "text", [b"../x\n", b"abc\n", b"A" * 32 + b"\n", b"a" * 32, b"a" * 32 + b"\n\n", b"a" * 65 + b"\n"]
)
def test_what_was_tried_is_hashes_and_nothing_else(jobs: Jobs, text: bytes) -> None:
    tried = jobs.carried / "plan-1" / "t" / "tried.txt"
    tried.write_bytes(text)
    taken = jobs.take("run")
    assert "plan-1/t/tried.txt" in taken.refused
    assert not (taken.night.folder("t") / "tried.txt").exists()
    tried.write_bytes(b"a" * 32 + b"\n")
    assert (jobs.take("run").night.folder("t") / "tried.txt").read_bytes() == b"a" * 32 + b"\n"


# What lies here ----------------------------------------------------------------------------------------------------


def test_what_another_job_left_on_this_machine_is_not_used(jobs: Jobs) -> None:
    """A machine of one's own keeps its folders from job to job: a run that was broken into may leave a confirm."""
    assert verdict(jobs.take()) == ("experiments", "confirmed")
    shutil.rmtree(jobs.carried / "confirm-t-1")
    taken = jobs.take("confirm")
    assert verdict(taken) == ("experiments", None)
    replaced = taken.night.repository.state / "replaced"
    assert any(replaced.glob(f"{jobs.night}.*/t/{jobs.night}.2-confirm.jsonl"))


def downloaded(jobs: Jobs) -> None:
    """Several artifacts as GitHub lays them: each in a folder of its own name."""
    for path in list(jobs.carried.iterdir()):
        outer = path.with_name("outer")
        outer.mkdir()
        path.rename(outer / path.name)
        outer.rename(path)


def test_no_artifact_speaks_for_another(jobs: Jobs) -> None:
    downloaded(jobs)
    assert verdict(jobs.take()) == ("experiments", "confirmed")
    forged = jobs.carried / "run-t-1" / "confirm-t-9"
    shutil.move(jobs.carried / "confirm-t-1" / "confirm-t-1", forged)
    shutil.rmtree(jobs.carried / "confirm-t-1")
    assert verdict(jobs.take())[1] is None
    outer = jobs.carried / "confirm-t-9"
    outer.mkdir()
    shutil.move(forged, outer / "confirm-t-9")
    assert verdict(jobs.take()) == ("experiments", "confirmed"), "by itself it would have been taken"
