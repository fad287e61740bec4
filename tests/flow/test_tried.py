"""What was tried is not paid for again; a night ends for its own reason; what is recorded can be measured again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bot.forge.local import LocalForge
from bot.night.folder import Night, nights
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import propose
from bot.night.run import run
from bot.reproduce import Reproduction, reproduce
from harness import folds
from harness.errors import NotFound
from harness.events import Event
from harness.repository import Repository
from tests.support import ENVIRONMENT, autoresearch, git, make_repository, write

FOLDER = "targets/experiments/sums"
EVALUATOR = """
import os, time
from harness import evaluator
from harness.candidate import load

def score(request):
    time.sleep(PAUSE * len(request.items))
    results = []
    for item in request.items:
        values = load(item.path)
        with open(LOG, "a") as log:
            log.write(" ".join(str(value) for value in values.values()) + "\\n")
        if sum(values.values()) % 7 == 0:
            results.append(evaluator.Crash("sevens are unlucky"))
        else:
            results.append(evaluator.Scores({"closeness": -sum((v - BEST) ** 2 / 3 for v in values.values())}))
    return results

evaluator.serve(score)
"""


def repository_of(
    tmp_path: Path, space: str, spec: str, *, best: int = 2, pause: float = 0.0, more: str = ""
) -> Repository:
    """One target: the closer its values are to `best`, the better; the evaluator notes everything it measures."""
    words = {"PAUSE": str(pause), "LOG": repr(str(tmp_path / "measured")), "BEST": str(best)}
    script = EVALUATOR
    for word, value in words.items():
        script = script.replace(word, value)
    yaml = (
        f"name: sums\nfile: spec.yaml\nspace: {space}\nevaluate: {{serve: [python, evaluate.py]}}\n"
        f"metrics: [{{name: closeness, goal: maximize}}]\n{more}"
    )
    files = {f"{FOLDER}/target.yaml": yaml, f"{FOLDER}/evaluate.py": script, f"{FOLDER}/spec.yaml": spec}
    return make_repository(tmp_path, files)


def loop(repository: Repository, **wishes: Any) -> Night:
    """Plans, runs and records a night in this process; nothing is confirmed."""
    found, _ = plan(repository, Wishes(**wishes))
    targets = targets_of(found)
    run(found, targets[0], quiet=True)
    propose(found, targets, LocalForge(found.path))
    return found


def night(repository: Repository, *arguments: str) -> Night:
    done = autoresearch(repository, "night", "--quiet", *arguments)
    assert done.returncode == 0, done.stderr
    return nights(repository)[-1]


def experiments(found: Night) -> list[Event]:
    return folds.of_kind(found.segments("sums"), "experiment")


def end(found: Night) -> str | None:
    return folds.run_end(found.segments("sums"))


def noted(tmp_path: Path) -> list[str]:
    """Everything that the evaluator measured since the last look."""
    path = tmp_path / "measured"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.write_text("", encoding="utf-8")
    return lines


def test_a_second_night_measures_nothing_again(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 9]}}", "a: 2\nb: 2\nc: 2\n")
    base = "2 2 2"
    first = loop(repository, experiments=60)
    measured_first = noted(tmp_path)
    second = loop(repository, experiments=60)
    measured_second = noted(tmp_path)
    assert end(first) == end(second) == "experiments"
    assert len(experiments(first)) == len(experiments(second)) == 60
    assert not {event["canon"] for event in experiments(first)} & {event["canon"] for event in experiments(second)}
    assert measured_first.count(base) == measured_second.count(base) == 2
    assert len(measured_first) == len(measured_second) == 62
    assert set(measured_first) & set(measured_second) == {base}


def test_a_small_space_is_exhausted_until_the_evaluator_changes(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/a: {int: [0, 2]}, /b: {int: [2, 4]}}", "a: 2\nb: 2\n")
    everything = {f"{a} {b}" for a in range(3) for b in range(2, 5)}
    first = loop(repository)
    assert end(first) == "exhausted"
    assert len(experiments(first)) == 8
    assert set(noted(tmp_path)) == everything

    again = loop(repository)
    assert end(again) == "exhausted"
    assert experiments(again) == []
    assert noted(tmp_path) == ["2 2", "2 2"]

    script = (repository.root / FOLDER / "evaluate.py").read_text(encoding="utf-8")
    write(repository, {f"{FOLDER}/evaluate.py": script + "# another evaluator\n"})
    git(repository, "commit", "--quiet", "--all", "--message", "Change the evaluator")
    reopened = loop(repository)
    assert end(reopened) == "exhausted"
    assert len(experiments(reopened)) == 8
    assert set(noted(tmp_path)) == everything


def test_another_base_does_not_reopen_what_was_tried(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/a: {int: [0, 3]}}", "a: 2\n")
    loop(repository)
    noted(tmp_path)
    write(repository, {f"{FOLDER}/spec.yaml": "a: 1  # a human's own choice\n", "README.md": "more\n"})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Choose 1")
    assert experiments(loop(repository)) == []
    assert set(noted(tmp_path)) == {"1"}


def test_what_was_kept_is_the_only_thing_measured_again(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 9]}}", "a: 9\nb: 9\n")
    first = night(repository, "-n", "12")
    kept = folds.loop_state(first.segments("sums")).blob
    assert folds.confirm_end(first.segments("sums")) == "confirmed"
    second = night(repository, "-n", "12")
    assert (experiments(second)[0]["id"], experiments(second)[0]["blob"]) == (1, kept)
    before = {event["canon"]: event["status"] for event in experiments(first)}
    assert {before[event["canon"]] for event in experiments(second) if event["canon"] in before} == {"keep"}


@pytest.mark.parametrize(
    ("asked", "more", "expected", "count"),
    [
        (3, "", "experiments", 3),
        (None, "budget: {experiments: 5}\n", "experiments", 5),
        (None, "budget: {plateau: 7}\n", "plateau", 7),
        (7, "budget: {plateau: 7}\n", "experiments", 7),
    ],
)
def test_a_budget_ends_the_night_exactly(
    tmp_path: Path, asked: int | None, more: str, expected: str, count: int
) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 99]}}", "a: 2\nb: 2\n", more=more)
    found = loop(repository, experiments=asked)
    assert end(found) == expected
    assert len(experiments(found)) == count


def test_a_keep_begins_the_plateau_anew(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 99]}}", "a: 90\nb: 90\n", more="budget: {plateau: 9}\n")
    events = experiments(loop(repository, seed=4))
    kept = [event["id"] for event in events if event["status"] == "keep"]
    assert kept
    assert len(events) == kept[-1] + 9
    assert all(later - sooner <= 9 for sooner, later in zip([0, *kept], kept, strict=False))


def test_the_wall_clock_ends_the_night(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 99]}}", "a: 9\nb: 9\n", pause=0.02)
    found = loop(repository, wall_clock=1.0)
    assert end(found) == "wall-clock"
    assert 16 <= len(experiments(found)) <= 80
    state = folds.loop_state(found.segments("sums"))
    assert 0.9 <= state.elapsed <= 2.5  # of the last experiment: it was noted before it was written


def test_ctrl_c_ends_the_loop_and_confirms_what_was_found(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 99]}}", "a: 90\nb: 90\n", pause=0.005)
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "night", "--quiet", "--seed", "1"],
        cwd=repository.root, env={**os.environ, **ENVIRONMENT}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for_a_keep(repository)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said.decode()
    found = nights(repository)[-1]
    segments = found.segments("sums")
    assert end(found) == "interrupt"
    assert folds.confirm_end(segments) == "confirmed"
    assert folds.of_kind(segments, "proposed")
    assert len(experiments(found)) < 2000
    assert {event["reason"] for event in experiments(found)} <= {"better", "simpler", "worse", "tie", "refused"}


def wait_for_a_keep(repository: Repository) -> None:
    for _ in range(6000):
        for found in nights(repository):
            if folds.loop_state(found.segments("sums")).kept:
                return
        time.sleep(0.05)
    raise AssertionError("nothing was kept within 300 s")


# --- measuring again ---


def reproduced(repository: Repository, which: str) -> Reproduction:
    found = reproduce(repository, which)
    assert found.same, found.as_text()
    assert found.lock_same
    assert found.name == which
    return found


def test_kept_discarded_crashed_and_rows_give_the_recorded_numbers_again(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/*: {int: [0, 9]}}", "a: 9  # one\nb: 0\nc: 7\n")
    found = night(repository, "-n", "40", "--seed", "2")
    segments = found.segments("sums")
    for status in ("keep", "discard", "crash"):
        event = next(event for event in experiments(found) if event["status"] == status)
        told = reproduced(repository, f"{found.name}/sums/{event['id']}")
        assert told.content == folds.restore(segments, event["id"])[1]
        if status == "crash":
            assert (told.measured.crash, told.measured.why) == ("refused", "sevens are unlucky")
        else:
            assert told.measured.metrics == told.recorded == event["metrics"]
    rows = folds.of_kind(segments, "confirm")[0]["rows"]
    assert rows
    for row in rows:
        told = reproduced(repository, f"{found.name}/sums#{row['number']}")
        assert told.measured.metrics == told.recorded == row["metrics"]
    for missing in ("999", f"{found.name}/sums#99", f"{found.name}/other/1", "2001-01-01/sums/1"):
        with pytest.raises(NotFound):
            reproduce(repository, missing)


def test_the_command_says_the_numbers_and_gives_the_content(tmp_path: Path) -> None:
    repository = repository_of(tmp_path, "{/a: {int: [0, 9]}}", "a: 2  # two\n")
    found = loop(repository, experiments=9)
    event = experiments(found)[0]
    done = autoresearch(repository, "reproduce", "1", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["same"], told["lock_same"], told["recorded"]) == (True, True, event["metrics"] or {"crash": "refused"})
    written = autoresearch(repository, "reproduce", f"{found.name}/sums/1", "--write").stdout
    assert written.encode() == folds.restore(found.segments("sums"), 1)[1]
    assert written.endswith("# two\n")


def test_a_row_that_is_larger_than_a_line_is_confirmed_proposed_and_restored(tmp_path: Path) -> None:
    """Two changes at both ends of a long file make one row, whose content lies in the pack."""
    spec = "a: 9\n" + "".join(f"# {'long ' * 15}{line}\n" for line in range(100)) + "b: 9\n"
    repository = repository_of(tmp_path, "{/*: {int: [0, 9]}}", spec, more="confirm: {groups: 1}\n")
    found = night(repository, "-n", "60", "--seed", "2")
    segments = found.segments("sums")
    assert folds.confirm_end(segments) == "confirmed"
    rows = folds.of_kind(segments, "confirm")[0]["rows"]
    assert [set(row["content"]) for row in rows] == [{"pack"}]
    assert folds.of_kind(segments, "proposed")
    assert autoresearch(repository, "log", "--verify").returncode == 0
    written = reproduced(repository, f"{found.name}/sums#1").content
    assert repository.blob_id(written) == rows[0]["blob"]
    assert git(repository, "show", f"autoresearch/{found.name}~1:{FOLDER}/spec.yaml").encode() == written.rstrip(b"\n")
