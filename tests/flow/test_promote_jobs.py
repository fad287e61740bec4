"""The three steps of a promotion as jobs on three machines, and killed at every point between them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import commits, records
from bot.promote import chain, folds, handed, measuring
from bot.promote import publish as publishing
from bot.promote.publish import publish
from bot.promote.remeasure import folder, remeasure
from harness.events import SegmentWriter
from harness.repository import Repository
from tests.promotions import FILE, content, copied, edit, end, found, make, merge, night, promote, references, tags
from tests.support import ENVIRONMENT, git

NOISY = """
name: dial
file: params.yaml
space: {/x: {int: [0, 3]}, /y: {int: [0, 3]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: seconds, goal: minimize, min_effect: 0.5}]
noise: {calibration: 6, max_pairs: 30}
publish: [tag]
"""
MEASURED_NOISILY = """
import random
from harness import candidate, evaluator

def score(request):
    rng, found = random.Random(request.seed), []
    for item in request.items:
        params = candidate.load(item.path)
        found.append(evaluator.Scores({"seconds": 20 - params["x"] - params["y"] + rng.gauss(0, 0.3)}))
    return found

evaluator.serve(score)
"""


class Killed(BaseException):
    """Stands for a kill: nothing in the program handles it."""


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = make(tmp_path_factory.mktemp("night"))
    merge(repository, night(repository))
    return repository


def test_three_machines_and_nothing_but_folders_between_them(merged: Repository, tmp_path: Path) -> None:
    origin = copied(merged, tmp_path)
    shutil.rmtree(origin.state)
    before = {"GITHUB_OUTPUT": str(tmp_path / "outputs"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    planned = step(clone(origin, tmp_path / "plan"), "promote", "plan", "--before", "HEAD^1", **before)
    assert planned.returncode == 0, planned.stderr
    (line,) = (tmp_path / "outputs").read_text().splitlines()
    assert json.loads(line.removeprefix("matrix=")) == [{"target": "dial", "runner": ["ubuntu-latest"]}]
    artifact = tmp_path / "in" / "promote-dial-1"
    done = step(clone(origin, tmp_path / "measure"), "promote", "remeasure", "dial", "--hand-over", str(artifact))
    assert done.returncode == 0, done.stderr
    publisher = clone(origin, tmp_path / "publish")
    done = step(publisher, "promote", "publish", "--handed", str(tmp_path / "in"), "--branch", "origin/main")
    assert done.returncode == 0, done.stderr
    assert end(publisher)[0] == "promoted"
    assert tags(publisher) == ["autoresearch/dial/1"]
    assert "dial: promoted" in done.stdout
    assert "dial: confirmed" in (tmp_path / "summary").read_text()
    there = records.tree(origin)
    assert there.items() < records.tree(publisher).items(), "nothing recorded is touched, and one segment is more"


def test_nothing_due_is_an_empty_matrix(merged: Repository, tmp_path: Path) -> None:
    repository = copied(merged, tmp_path)
    promote(repository)
    out = tmp_path / "outputs"
    assert step(repository, "promote", "plan", GITHUB_OUTPUT=str(out)).returncode == 0
    assert out.read_text() == "matrix=[]\n"
    assert "nothing is due" in step(repository, "promote", "remeasure", "dial").stderr


def test_killed_at_every_step_it_comes_to_the_same(merged: Repository, tmp_path: Path) -> None:
    """The steps are the writes: of blobs, commits, references and tags, and what is sent away. Each is killed before
    its effect and after it."""
    measured = copied(merged, tmp_path)
    due = found(measured).due
    assert due
    remeasure(measured, due)
    whole = copied(measured, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        steps = _stepping(patch)
        _published(whole, [])
    assert set(steps) == {name for _owner, name in STEPS}
    for place, after in itertools.product(range(len(steps)), (False, True)):
        repository = copied(measured, tmp_path / f"{place}-{after}")
        with pytest.MonkeyPatch.context() as patch:
            _stepping(patch, place, after=after)
            with pytest.raises(Killed):
                _published(repository, [])
        for _ in range(2):
            _published(repository, [])
            assert references(repository) == references(whole), f"killed at {steps[place]}"
            assert tree_and_length(repository) == tree_and_length(whole), f"killed at {steps[place]}"


def tree_and_length(repository: Repository) -> tuple[dict[str, str], str]:
    return dict(records.tree(repository)), git(repository, "rev-list", "--count", "autoresearch/results")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_measurement_killed_at_every_write_comes_to_the_same(
    merged: Repository, tmp_path: Path, *, after: bool
) -> None:
    measured = copied(merged, tmp_path)
    due = found(measured).due
    assert due
    with pytest.MonkeyPatch.context() as patch:
        writes = _dying(patch, -1, after=after)
        assert remeasure(copied(measured, tmp_path / "whole"), due) == "promoted"
    assert len(writes) == 5, "the header, two scores, what was found, the seal"
    for place in range(len(writes)):
        repository = copied(measured, tmp_path / str(place))
        due = found(repository).due
        assert due
        with pytest.MonkeyPatch.context() as patch:
            _dying(patch, place, after=after)
            with pytest.raises(Killed):
                remeasure(repository, due)
        assert remeasure(repository, due) == "promoted"
        kinds = [json.loads(line)["event"] for line in waiting(repository)]
        assert kinds == ["header", "note", "note", "realised", "promoted", "seal"]
        _published(repository, [])
        assert tags(repository) == ["autoresearch/dial/1"]


def waiting(repository: Repository) -> list[bytes]:
    """The lines of the one promotion that waits to be published."""
    (path,) = folder(repository, "dial").iterdir()
    return path.read_bytes().splitlines()


def _dying(patch: pytest.MonkeyPatch, last: int, *, after: bool) -> list[int]:
    """Kills a measurement at the write of this number, before or after it; the writes so far."""
    real, seen = SegmentWriter.append, list[int]()

    def append(self: SegmentWriter, events: Any, *, wait: bool = True) -> None:
        seen.append(len(events))
        if len(seen) == last + 1 and not after:
            raise Killed
        real(self, events, wait=wait)
        if len(seen) == last + 1:
            raise Killed

    patch.setattr(SegmentWriter, "append", append)
    return seen


def test_a_killed_measurement_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make(tmp_path, NOISY, MEASURED_NOISILY)
    edit(repository, content(2, 3))
    due = found(repository).due
    assert due
    real, drawn = measuring._pair, []

    def killing(due: Any, bench: Any, number: int, planned: int) -> Any:
        drawn.append(number)
        if len(drawn) == 5:
            raise Killed
        return real(due, bench, number, planned)

    monkeypatch.setattr(measuring, "_pair", killing)
    with pytest.raises(Killed):
        remeasure(repository, due)
    (interrupted,) = folder(repository, "dial").iterdir()
    before = [line for line in interrupted.read_bytes().splitlines() if b'"note"' in line]
    assert len(before) == 4
    assert remeasure(repository, due) == "promoted"
    after = [json.loads(line) for line in interrupted.read_bytes().splitlines() if b'"note"' in line]
    kept = [{**json.loads(line), "chain": ""} for line in before]
    assert [{**event, "chain": ""} for event in after[:4]] == kept, "the pairs before the kill stand"
    assert [event["n"] for event in after] == list(range(1, len(after) + 1)), "and none was measured twice"
    assert remeasure(repository, due) == "promoted"
    assert publish(repository, handed.here(repository, ["dial"]), due.commit, "", _Shelf([])).tags == [
        "autoresearch/dial/1"
    ]


def test_a_noisy_merge_is_measured_in_fresh_pairs(tmp_path: Path) -> None:
    repository = make(tmp_path, NOISY, MEASURED_NOISILY)
    merge(repository, night(repository, "-n", "10", "--seed", "5"))
    promote(repository)
    (merged,) = folds.merges(chain.read(repository, "dial").segments)
    assert merged.promoted
    assert merged.comparable
    assert merged.predicted
    assert merged.low < merged.gain < merged.high
    segment = chain.read(repository, "dial").segments[-1]
    pairs = folds.realised([segment])[0]["figures"]["pairs"]
    confirmed = next(
        event["pairs"]
        for path, blob in records.tree(repository).items()
        if path.endswith("-confirm.jsonl")
        for line in repository.blobs([blob])[blob].splitlines()
        if (event := json.loads(line))["event"] == "confirm"
    )
    assert {pair["seed"] for pair in pairs}.isdisjoint(pair["seed"] for pair in confirmed)


def test_a_noisy_edit_without_effect_is_not_promoted(tmp_path: Path) -> None:
    repository = make(tmp_path, NOISY, MEASURED_NOISILY)
    edit(repository, content(1, 1).replace("# one", "# another one"))
    promote(repository)
    assert end(repository) == ("not-confirmed", "")


def test_the_publishing_step_starts_no_evaluator(
    merged: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = copied(merged, tmp_path)
    due = found(repository).due
    assert due
    remeasure(repository, due)
    real, started = subprocess.Popen.__init__, set()

    def watched(self: Any, args: Any, *rest: Any, **more: Any) -> None:
        started.add(args[0])
        real(self, args, *rest, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", watched)
    _published(repository, [])
    assert started == {"git"}


def _published(repository: Repository, sent: list[str]) -> None:
    publish(repository, handed.here(repository, ["dial"]), repository.commit(), "", _Shelf(sent))


class _Shelf:
    def __init__(self, sent: list[str]) -> None:
        self.sent = sent

    def fetch(self, repository: Repository) -> None:
        """Everything is here."""

    def base(self, repository: Repository) -> str | None:
        return repository.reference("refs/heads/main")

    def publish_records(self, repository: Repository) -> None:
        self.sent.append(str(records.tip(repository)))

    def publish_tag(self, repository: Repository, name: str) -> None:
        self.sent.append(f"{name} {repository.reference(f'refs/tags/{name}')}")


STEPS = (
    (commits, "write_blob"), (commits, "commit_tree"), (commits, "annotated_tag"), (commits, "move"),
    (_Shelf, "publish_records"), (_Shelf, "publish_tag"), (publishing, "make_tag"),
)  # fmt: skip


def _stepping(patch: pytest.MonkeyPatch, last: int = -1, *, after: bool = False) -> list[str]:
    """Raises at the write of this number, before or after its effect; the writes so far."""
    seen: list[str] = []

    def stepping(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def step_(*args: Any, **more: Any) -> Any:
            mine = len(seen) == last
            seen.append(name)
            if mine and not after:
                raise Killed
            answer = real(*args, **more)
            if mine:
                raise Killed
            return answer

        patch.setattr(owner, name, step_)

    for owner, name in STEPS:
        stepping(owner, name)
    return seen


def clone(origin: Repository, into: Path) -> Repository:
    """A machine of its own: main is checked out, the records are origin's."""
    git(origin.root.parent, "clone", "--quiet", str(origin.root), str(into))
    assert (into / FILE).is_file()
    return Repository.find(into)


def step(repository: Repository, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments], cwd=repository.root, capture_output=True, text=True,
        check=False, timeout=600, env={**inherited, **ENVIRONMENT, **more},
    )  # fmt: skip
