"""Forged answers: to a question that was not asked yet, under a made-up number, or by who never read the question."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import config
from harness import measure, view
from harness.measure import Ask
from harness.process import Conversation
from harness.reports import Measurement
from harness.repository import WorkingSource
from tests.attacks import layers
from tests.attacks.support import ROOT
from tests.support import make_repository

FOLDER = "targets/experiments/forge"
_TARGET = """
name: forge
file: solve.py
evaluate: {serve: [python, evaluate.py], timeout: 8s}
metrics: [{name: correct, goal: maximize}]
confirm: {unit: hunk}
"""
_SERVING = f"""
import sys, time
sys.path.append({str(ROOT)!r})
from tests.attacks.layers import switch_off
switch_off(OFF)
from harness import candidate, evaluator


def judge(item):
    try:
        return evaluator.Scores({{"correct": correct(item)}})
    except candidate.ConversationOver as over:
        return evaluator.Crash(over.detail)
"""
_ONE_RUN = """

def correct(item):
    RUN
    time.sleep(0.2)
    return 1.0


evaluator.serve(lambda request: [judge(item) for item in request.items])
"""
_SESSION = """

def correct(item):
    right = 0
    with candidate.serve(["python", item.path.name], sees=[item.path]) as session:
        for one, other in ((2, 3), (4, 4), (1, 6)):
            right += session.ask(f"{one} {other}") == b"%d" % (one + other)
            time.sleep(0.1)
    return 999.0 if right == 3 else 1.0


evaluator.serve(lambda request: [judge(item) for item in request.items])
"""
_SANDBOXED = 'candidate.run(["python", item.path.name], sees=[item.path])'
_IN_PROCESS = "exec(item.path.read_text(), {})"
HONEST = "import sys\nfor line in sys.stdin:\n    pass\n"


def _write(identity: int) -> str:
    line = json.dumps({"id": identity, "results": [{"metrics": {"correct": 999.0}}]})
    return (
        f"import os\nfor descriptor in range(3, 1024):\n    try: os.write(descriptor, b'{line}' + bytes([10]))\n"
        "    except OSError: pass\n"
    )


@dataclass(frozen=True)
class Attack:
    candidate: str
    evaluator: str
    layers: tuple[str, ...]


ATTACKS = {
    "answer under a made-up number": Attack(_write(77), _ONE_RUN, ("process", "number", "one answer")),
    "answer to the next question": Attack(_write(2), _ONE_RUN, ("process", "number", "one answer")),
    "answers before the questions": Attack("print('5\\n8\\n7', flush=True)\ninput()", _SESSION, ("one answer",)),
    "two answers to one question": Attack(
        "input()\nprint('5\\n8', flush=True)\ninput()\nprint(7, flush=True)\ninput()", _SESSION, ("one answer",)
    ),
}


def _any_number(answer: bytes, _asked: int, _count: int) -> list[Any]:
    found: list[Any] = json.loads(answer)["results"]
    return found


def _lenient(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Conversation, "_answer", Conversation._answer)  # so that what follows is undone
    patch.setattr(Conversation, "_said_more", Conversation._said_more)
    layers.one_answer()


HARNESS: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "number": lambda patch: patch.setattr(measure, "_from_answer", _any_number),
    "one answer": _lenient,
}


def measured(folder: Path, attack: Attack, off: Sequence[str]) -> list[Measurement]:
    """The attack, then an honest candidate in the same conversation."""
    evaluate = _SERVING.replace("OFF", repr([name for name in off if name == "one answer"])) + attack.evaluator
    files = {
        "target.yaml": _TARGET,
        "evaluate.py": evaluate.replace("RUN", _IN_PROCESS if "process" in off else _SANDBOXED),
        "solve.py": HONEST,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in off:
            HARNESS.get(name, lambda _patch: None)(patch)
        repository = make_repository(folder, {f"{FOLDER}/{name}": text for name, text in files.items()})
        source = WorkingSource(repository)
        target = config.load_targets(source)[0]
        checkout = view.build(source, target, folder / "checkout", hidden=True)
        measurer = measure.measurer(target, checkout, folder / "scratch", repository)
        try:
            return [measurer.measure([text.encode()], Ask())[0] for text in (attack.candidate, HONEST)]
        finally:
            measurer.close()


def forged(found: Sequence[Measurement]) -> bool:
    return any(one.metrics.get("correct") == 999 for one in found)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    assert not forged(measured(tmp_path / "all", attack, ()))
    if "process" in attack.layers:
        assert not forged(measured(tmp_path / "process", attack, ("number", "one answer"))), "it alone does not stop it"
        assert not forged(measured(tmp_path / "harness", attack, ("process",))), "the harness alone does not stop it"
    assert forged(measured(tmp_path / "none", attack, attack.layers)), "the control fails"
