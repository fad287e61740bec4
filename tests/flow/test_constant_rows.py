"""Constants of a Python file that stand on neighbouring lines: each is left out by itself, and is a row by its name."""

from __future__ import annotations

import re
from pathlib import Path

from bot.pages.summary import summarise
from harness import folds
from tests.support import git, make_repository
from tests.switches import FOLDER, ran

TARGET = """
name: t
file: dials.py
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: speed, goal: maximize}]
proposer: {kind: tune}
budget: {experiments: 12}
"""
DIALS = "A = 1  # tune: 1, 2, 3\nB = 1  # tune: 1, 2, 3\nC = 1  # tune: 1, 2, 3\n"
EVALUATE = """
import re
from harness import evaluator

def score(request):
    found = []
    for item in request.items:
        numbers = [int(number) for number in re.findall(r"= ([0-9])", item.path.read_text())]
        found.append(evaluator.Scores({"speed": float(sum(numbers))}))
    return found

evaluator.serve(score)
"""


def test_each_is_measured_and_put_on_the_branch_alone(tmp_path: Path) -> None:
    files = {"target.yaml": TARGET, "dials.py": DIALS, "evaluate.py": EVALUATE}
    night = ran(make_repository(tmp_path, {f"{FOLDER}/{name}": text for name, text in files.items()}))
    report = summarise(night.segments("t"))
    assert report.confirmed, report.why
    assert len(report.rows) > 1, "one row alone proves nothing of how they are told apart"
    for row in report.rows:
        assert re.fullmatch(r"[ABC]: 1 -> [23]", row.change)
        assert (row.added, row.removed) == (1, 1)
    (confirm,) = folds.of_kind(night.segments("t"), "confirm")
    assert confirm["ablation"]["measured"] == len(report.rows)
    titles = git(night.repository, "log", "--format=%s", f"{night.plan.base}..autoresearch/{night.name}")
    assert all(row.change in titles for row in report.rows)
