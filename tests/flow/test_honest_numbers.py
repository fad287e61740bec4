"""docs/honest-numbers.md: its few lines come to the same as the night did, for every experiment of a real one."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.night.folder import night_named
from harness import folds
from tests.support import autoresearch, make_repository

DOC = Path(__file__).parents[2] / "docs" / "honest-numbers.md"
EVALUATE = """
import random
from harness import candidate, evaluator

rng = random.Random(5)

def score(request):
    xs = [candidate.load(item.path)["x"] for item in request.items]
    return [evaluator.Scores({"seconds": (20 - x) * rng.lognormvariate(0, 0.02)}) for x in xs]

evaluator.serve(score)
"""
TARGET = """
name: dial
file: params.yaml
space: {/x: {int: [0, 12]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: seconds, goal: minimize, min_effect: %s, compare: %s}]
noise: {calibration: 6, max_pairs: 30}
"""


def snippet() -> str:
    (found,) = re.findall(r"^```python\n(.*?)^```$", DOC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def test_it_is_short_and_needs_nothing() -> None:
    assert len(snippet().splitlines()) <= 15
    (imports,) = re.findall(r"^import (.*)$", snippet(), re.MULTILINE)
    assert set(imports.split(", ")) <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(("compare", "min_effect"), [("difference", 0.6), ("ratio", 0.05)])
def test_every_decision_of_a_night_can_be_recomputed(tmp_path: Path, compare: str, min_effect: float) -> None:
    at = "targets/experiments/dial"
    repository = make_repository(
        tmp_path,
        {
            f"{at}/target.yaml": TARGET % (min_effect, compare),
            f"{at}/params.yaml": "x: 6\n",
            f"{at}/evaluate.py": EVALUATE,
        },
    )
    done = autoresearch(repository, "night", "--quiet", "-n", "8", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    night = night_named(repository, "")
    experiments = folds.of_kind(night.segments("dial"), "experiment")
    (segment,) = (night.path / "dial").glob("*-run.jsonl")
    judged = [event for event in experiments if event.get("pairs")]
    assert {event["status"] for event in judged} == {"keep", "discard"}
    for event in judged:
        said = recomputed(event["id"], segment)
        pairs, evidence, threshold = re.findall(r"^(\d+) pairs.*evidence (\S+) of (\S+):", said)[0]
        assert int(pairs) == event["pairs"]
        assert float(evidence) == pytest.approx(math.exp(event["log_e"]), rel=1e-4)
        assert float(threshold) == pytest.approx(event["threshold"], rel=1e-4)
        assert said.endswith(str(event["status"] == "keep"))


def test_a_changed_record_comes_to_something_else(tmp_path: Path) -> None:
    """The control: the few lines read the pairs, and not what the night says it made of them."""
    line = '{"event": "pair", "id": 1, "void": "", "crash": "", "incumbent": {"up": 0}, "candidate": {"up": %g}}\n'
    head = (
        '{"event": "header", "planned": 1, "noise": {"alpha": 0.05}, "metrics": '
        '[{"name": "up", "goal": "maximize", "compare": "difference", "min_effect": 0}]}\n'
    )
    for gain, kept in ((1, True), (-1, False)):
        record = tmp_path / "record.jsonl"
        record.write_text(head + line % gain * 12)
        assert recomputed(1, record).endswith(str(kept))


def recomputed(experiment: int, segment: Path) -> str:
    command = [sys.executable, "-c", snippet(), str(experiment), str(segment)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
