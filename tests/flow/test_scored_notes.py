"""What scores say nothing of, over real nights: from the evaluator of either form into the confirm event."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import folds
from harness.events import Event
from tests.switches import NOISY, TARGET, ran, repository

SERVE = """
import random
from harness import evaluator
from harness.candidate import load

def scores(item, seed):
    values = load(item.path)
    noise = random.Random(f"{seed}/{sorted(values.items())}").gauss(0, NOISE)
    notes = ["off: \\x1b[31m" + name for name, on in sorted(values.items()) if not on]
    return evaluator.Scores({"speed": 5 * sum(values.values()) + noise}, notes=notes)

evaluator.serve(lambda request: [scores(item, request.seed) for item in request.items])
"""
PROCESS = """
from harness import evaluator
from harness.candidate import load

run = evaluator.settings()
values = load(run.file)
off = ["off: " + name for name, on in sorted(values.items()) if not on]
evaluator.report({"speed": float(sum(values.values()))}, notes=off)
"""


def confirmed(tmp_path: Path, target: str, evaluator: str) -> Event:
    night = ran(repository(tmp_path, target, evaluator, "a: 0\nb: 0\n"))
    (event,) = folds.of_kind(night.segments("t"), "confirm")
    assert event["verdict"] == "confirmed"
    return event


@pytest.mark.parametrize(("target", "noise"), [(TARGET, "0"), (NOISY, "0.5")], ids=["exact", "noisy"])
def test_they_stand_beside_the_numbers_of_both_sides(tmp_path: Path, target: str, noise: str) -> None:
    event = confirmed(tmp_path, target + "budget: {experiments: 6}\n" * (noise == "0"), SERVE.replace("NOISE", noise))
    assert event["notes"] == {"base": ["off: \\x1b[31ma", "off: \\x1b[31mb"], "head": []}


def test_the_process_form_says_them_too(tmp_path: Path) -> None:
    event = confirmed(tmp_path, TARGET.replace("serve:", "command:") + "budget: {experiments: 6}\n", PROCESS)
    assert event["notes"] == {"base": ["off: a", "off: b"], "head": []}


def test_who_says_none_has_none(tmp_path: Path) -> None:
    silent = SERVE.replace("NOISE", "0").replace(", notes=notes", "")
    assert "notes" not in confirmed(tmp_path, TARGET + "budget: {experiments: 6}\n", silent)
