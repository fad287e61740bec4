"""`kill -9` at random instants: the next start goes on, the record verifies, nothing is counted twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from bot.night.folder import Night, nights
from harness import folds
from harness.repository import Repository
from tests.support import ENVIRONMENT, autoresearch, git, make_repository

KILLS = 20
EXPERIMENTS = 640

EVALUATOR = """
import time
from harness import evaluator
from harness.candidate import load

def score(request):
    time.sleep(0.003 * len(request.items))
    weights = [load(item.path)["weights"] for item in request.items]
    return [evaluator.Scores({"closeness": -sum((w - 7) ** 2 for w in found.values())}) for found in weights]

evaluator.serve(score)
"""
TARGET = """
name: slow
file: spec.yaml
space: {/weights/*: {int: [-50, 50]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: closeness, goal: maximize}]
proposer: {kind: perturb}
"""
FILES = {
    "targets/experiments/slow/target.yaml": TARGET,
    "targets/experiments/slow/evaluate.py": EVALUATOR,
    "targets/experiments/slow/spec.yaml": "weights: {a: -40, b: 40, c: 0, d: 12, e: -3}\n",
}


def start(repository: Repository) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bot.cli", "night", "--quiet", "--seed", "5", "-n", str(EXPERIMENTS)]
    return subprocess.Popen(
        command,
        cwd=repository.root,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def canons(night: Night) -> list[str]:
    return [event["canon"] for event in folds.of_kind(night.segments("slow"), "experiment")]


def test_twenty_kills_at_random_instants(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, FILES)
    chance = random.Random(20)
    kills = finished = 0
    while kills < KILLS:
        process = start(repository)
        try:
            process.wait(timeout=chance.uniform(0.05, 3.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        else:
            assert process.stderr is not None
            assert process.returncode == 0, process.stderr.read().decode()
            finished += 1

    last = autoresearch(repository, "night", "--quiet")
    assert last.returncode == 0, last.stderr
    verified = autoresearch(repository, "log", "--verify")
    assert verified.returncode == 0, verified.stderr
    resumed = 0
    for night in nights(repository):
        found = canons(night)
        assert len(found) == len(set(found)) == EXPERIMENTS, "an experiment was lost or counted twice"
        segments = night.segments("slow")
        resumed += sum(segment.events[-1]["end"] == "interrupted" for segment in segments)
        assert folds.confirm_end(segments) == "confirmed"
        assert git(repository, "rev-parse", "--verify", f"autoresearch/{night.name}")
    everything = [canon for night in nights(repository) for canon in canons(night)]
    assert len(everything) == len(set(everything)) + len(nights(repository)) - 1, "paid for twice across nights"
    assert resumed > 0, "no kill fell into a running loop: the test proves nothing"


def test_a_killed_night_leaves_no_process_behind(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, FILES)
    process = start(repository)
    marker = str(repository.root)
    _wait_for(lambda: len(_processes_in(marker)) >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait_for(lambda: not _processes_in(marker))


def test_a_second_night_beside_the_first_is_refused(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, FILES)
    process = start(repository)
    try:
        _wait_for(lambda: bool(nights(repository)))
        second = autoresearch(repository, "night")
        assert second.returncode == 6, second.stdout
        assert f"a night is already running in this repository (process {process.pid})" in second.stderr
    finally:
        process.wait()


def _wait_for(condition: object, seconds: float = 10.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _processes_in(folder: str) -> list[int]:
    """Processes that work somewhere below a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str((entry / "cwd").readlink()).startswith(folder):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
