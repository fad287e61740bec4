"""What target.yaml may say of an evaluator that needs a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import targetfile
from harness.errors import ConfigError
from harness.handover import shapes
from harness.repository import WorkingSource
from harness.target import Model, Target
from tests.support import make_repository

WHOLE = """name: words
file: prompt.txt
evaluate:
  command: [python, evaluate.py]
  needs: [model]
  model: {provider: house, model: small}
sample: rows
metrics: [{name: accuracy, goal: maximize}]
"""


EVALUATION = {
    "model": "small", "calls": 30, "cached": 0, "input": 3000, "output": 300, "cache_read": 0, "cache_write": 0,
    "cost_usd": 0.0045, "seconds": 2.5,
}  # fmt: skip


def loaded(folder: Path, text: str) -> Target:
    repository = make_repository(folder, {"t/target.yaml": text, "t/prompt.txt": "Sort.\n", "t/evaluate.py": ""})
    return targetfile.load(WorkingSource(repository), "t")


def test_whom_the_evaluator_asks_is_the_targets(tmp_path: Path) -> None:
    assert loaded(tmp_path, WHOLE).evaluate.model == Model("house", "small", 500)


def test_no_need_no_model(tmp_path: Path) -> None:
    text = WHOLE.replace("  needs: [model]\n  model: {provider: house, model: small}\n", "")
    assert loaded(tmp_path, text).evaluate.model is None


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("  model: {provider: house, model: small}\n", "", "nothing says which"),
        ("  needs: [model]\n", "", "the evaluator is given none"),
        ("sample: rows\n", "", "decided by held-out cases"),
        ("sample: rows\n", "noise: {}\n", "under noise are not available yet"),
        (
            "sample: rows\n",
            "  setup: [python, evaluate.py]\nsample: rows\ndata: {private: true}\n",
            "leaves this machine",
        ),
        ("needs: [model]", "needs: [browser]", "is not available yet"),
        (", model: small}", "}", 'the key "model" is missing'),
        ("model: small}", "model: small, max_tokens: 1}", "max_tokens"),
    ],
)
def test_what_could_not_be_honoured_is_refused(tmp_path: Path, before: str, after: str, what: str) -> None:
    assert before in WHOLE
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, WHOLE.replace(before, after))
    assert what in str(refused.value)


def told(**evaluation: object) -> str:
    event = {"event": "confirm", "verdict": "confirmed", "why": "", "seconds": 1.0, "cost_usd": 0.0045}
    return shapes.problem({**event, "evaluation": {**EVALUATION, **evaluation}}, "confirm")


def test_what_judging_cost_may_be_handed_over() -> None:
    assert told() == ""


@pytest.mark.parametrize(
    "wrong", [{"calls": -1}, {"cost_usd": float("nan")}, {"model": "x" * 300}, {"reply": "anything"}, {"input": "many"}]
)
def test_anything_else_under_its_name_is_refused(wrong: dict[str, object]) -> None:
    assert "evaluation" in told(**wrong)
