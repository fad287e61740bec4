"""What confirm stacks up: each step adds most of all that may stand, and what base rules refuse may not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.night.examination.exact import Examination
from harness.admission import Admitted, Refused
from harness.reports import Measurement
from harness.rows import Group
from harness.rule import Metric, Rule

ONE, TWO, THREE = (Group((index,), name, (index,)) for index, name in enumerate(("one", "two", "three")))
SCORES = {b"one": 3.0, b"two": 2.0, b"three": 1.0}


def examination(refused: set[bytes], crashing: set[bytes]) -> Examination:
    def judge(content: bytes) -> Admitted | Refused:
        return Refused("x", "x", "not without the other") if content in refused else Admitted("x", "x", 1)

    def score(content: bytes, *, crash_allowed: bool) -> Measurement:
        assert crash_allowed
        return Measurement(crash="crash") if content in crashing else Measurement({"score": SCORES[content]})

    def admits(content: bytes) -> bool:
        return isinstance(judge(content), Admitted)

    case: Any = SimpleNamespace(
        content=lambda stack: stack[-1].change.encode(), admits=admits, bench=SimpleNamespace(score=score),
        target=SimpleNamespace(rule=Rule("primary", (Metric("score", "maximize"),))),
    )  # fmt: skip
    return Examination(case)


@pytest.mark.parametrize(
    ("refused", "crashing", "best"),
    [
        (set(), set(), 0),
        ({b"one"}, set(), 1),
        (set(), {b"one", b"two"}, 2),
        ({b"two"}, {b"one"}, 2),
        ({b"one", b"three"}, {b"two"}, None),
    ],
)
def test_the_best_step_is_one_that_may_stand(refused: set[bytes], crashing: set[bytes], best: int | None) -> None:
    found = examination(refused, crashing)._best([], [ONE, TWO, THREE], Measurement({"score": 0.0}))
    assert (found[0] if found else None) == best
