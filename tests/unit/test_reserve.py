"""What confirm can pay for: fewer groups first, then none, then nothing at all; and each is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot import config
from harness.repository import WorkingSource
from harness.reserve import affordable, worst_case
from harness.target import Target
from tests.support import make_repository

FOLDER = "targets/experiments/t"


@pytest.fixture(params=["noise: {}", "sample: rows", ""], ids=["noisy", "rows", "exact"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    return declared(tmp_path, request.param)


def declared(tmp_path: Path, kind: str, more: str = "") -> Target:
    text = (
        "name: t\nfile: spec.yaml\nspace: {/a: {int: [0, 10]}}\nevaluate: {command: [python, e.py]}\n"
        "metrics: [{name: m, goal: maximize}]\n"
        f"confirm: {{budget: 20m, groups: 12{more}}}\n{kind}\n"
    )
    files = {f"{FOLDER}/target.yaml": text, f"{FOLDER}/e.py": "", f"{FOLDER}/spec.yaml": "a: 1\n"}
    repository = make_repository(tmp_path, files)
    return config.load_targets(WorkingSource(repository), ("t",))[0]


def test_a_fast_evaluator_gets_everything(target: Target) -> None:
    found = affordable(0.01, target)
    assert (found.groups, found.underpowered) == (12, False)
    assert "up to 12 groups measured one by one" in found.says


def test_a_slower_one_loses_groups_then_ablation_then_all(target: Target) -> None:
    seen = [affordable(0.01 * 1.1**step, target) for step in range(150)]
    groups = [0 if found.underpowered else found.groups for found in seen]
    assert groups == sorted(groups, reverse=True)
    assert groups[0] == 12
    assert groups[-1] == 0
    assert {12, 1, 0} < set(groups), "there is no way between all and nothing"
    for found in seen:
        assert found.underpowered or found.seconds <= target.confirm.budget
    said = {found.groups: found.says for found in seen if not found.underpowered}
    assert "the change measured as a set" in said[1]
    assert "3 groups measured one by one instead of 12" in said[3]
    assert seen[-1].says.startswith("underpowered: confirm needs at least")


def test_a_longer_budget_comes_before_the_groups_and_after_the_test(tmp_path: Path) -> None:
    target = declared(tmp_path, "noise: {}", ", longer: {times: 3, pairs: 4}")
    plain = replace(target, confirm=replace(target.confirm, longer=None))
    asked = 2 * 4 * 3
    for step in range(150):
        seconds = 0.01 * 1.1**step
        found, without = affordable(seconds, target), affordable(seconds, plain)
        assert found.underpowered == without.underpowered, "what only is shown has cost a night its test"
        assert without.longer == 0
        fits = (worst_case(1, target) + asked) * seconds <= target.confirm.budget
        assert found.longer == (asked if fits else 0)
        if not found.underpowered:
            assert found.seconds <= target.confirm.budget
            assert found.seconds == pytest.approx((worst_case(found.groups, target) + found.longer) * seconds)
            says = "; then 4 pairs at 3 times the budget" if fits else "do not fit: likely not measured"
            assert found.says.endswith(says)
    slow = target.confirm.budget / worst_case(1, target)
    assert (affordable(slow, target).longer, affordable(slow, target).underpowered) == (0, False)


def test_the_worst_cases_in_measurements(tmp_path: Path) -> None:
    noisy, rows, exact = (
        declared(tmp_path / str(index), kind) for index, kind in enumerate(["noise: {}", "sample: rows", ""])
    )
    assert [worst_case(n, noisy) for n in (1, 2, 3)] == [40, 40 + 20 * 3, 40 + 20 * (3 + 4)]
    assert [worst_case(n, exact) for n in (1, 2, 3)] == [2, 2 + 2 + 1, 2 + 5 + 2]
    assert worst_case(3, rows) == worst_case(3, exact) + 4
