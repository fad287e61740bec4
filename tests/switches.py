"""What tests of confirm and of commands share: a file of switches that are off, and what a night makes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bot.night.folder import Night, nights
from harness.repository import Repository
from tests.support import ENVIRONMENT, autoresearch, make_repository

FOLDER = "targets/experiments/t"
TARGET = """
name: t
file: spec.yaml
space: {/*: {int: [0, 1]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: speed, goal: maximize}]
proposer: {kind: perturb}
"""
NOISY = f"{TARGET}noise: {{}}\nbudget: {{experiments: 6}}\n"
ROWS = f"{TARGET}sample: rows\nbudget: {{experiments: 20}}\ndata: {{hidden: [holdout.json]}}\n"

HELD_OUT = """
import json
import time
from pathlib import Path
from harness import evaluator
from harness.candidate import load

def score(request):
    with open("LOG", "a") as log:
        log.write(f"{request.split}\\n")
    shift = json.loads(Path("holdout.json").read_text())[0] if request.split == "holdout" else 0.0
    found = []
    for item in request.items:
        values = load(item.path).values()
        rows = [sum(values) + shift + i * GAP * sum(values) for i in range(-20, 21)]
        found.append(evaluator.Scores({"speed": sum(rows) / len(rows)}, rows={"speed": [rows]}))
    return found

evaluator.serve(score)
"""


def repository(tmp_path: Path, target: str, evaluator: str, spec: str, **more: str) -> Repository:
    files = {f"{FOLDER}/target.yaml": target, f"{FOLDER}/evaluate.py": evaluator, f"{FOLDER}/spec.yaml": spec}
    return make_repository(tmp_path, files | {f"{FOLDER}/{name}.json": text for name, text in more.items()})


def held_out(tmp_path: Path, gap: str = "0.01") -> Repository:
    evaluator = HELD_OUT.replace("LOG", str(tmp_path / "log")).replace("GAP", gap)
    return repository(tmp_path, ROWS, evaluator, "a: 0\nb: 0\nc: 0\n", holdout="[0.123456]\n")


def killed_once(found: Repository, when: Callable[[], bool]) -> None:
    """A confirm that is killed as soon as this is so."""
    command = [sys.executable, "-m", "bot.cli", "confirm", "--quiet"]
    process = subprocess.Popen(command, cwd=found.root, env={**os.environ, **ENVIRONMENT})
    deadline = time.monotonic() + 300
    while not when() and process.poll() is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def ran(found: Repository, seed: int = 1) -> Night:
    done = autoresearch(found, "night", "--quiet", "--seed", str(seed))
    assert done.returncode == 0, done.stderr
    return nights(found)[-1]
