"""The sums of a night of gpt-training: its evidence can be paid for in twenty minutes, and the docs say the same."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot import config
from harness import reserve
from harness.error_budget import ErrorBudget
from harness.repository import Repository, WorkingSource
from harness.scorers.gpt import settings
from harness.target import Noise, Target
from tests.gpt.weak import ROOT, TRAIN

USUAL = 8.0  # seconds of a measurement on two cores: three of training, and three starts of PyTorch
DOC = (ROOT / "docs/gpt-training.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def target() -> Target:
    (found,) = config.load_targets(WorkingSource(Repository.find(ROOT)), ["gpt-training"])
    return found


def noise_of(target: Target) -> Noise:
    assert target.noise
    return target.noise


def test_a_clear_gain_can_be_kept_and_confirmed_within_twenty_minutes(target: Target) -> None:
    noise = noise_of(target)
    budget = ErrorBudget(noise.alpha, target.budget.experiments, noise.max_pairs)
    assert budget.affordable
    clear = 2 * USUAL * (noise.calibration + budget.least_pairs()) + USUAL
    assert target.budget.wall_clock
    assert 2 * clear < target.budget.wall_clock  # as much again for tries that come to nothing
    assert target.budget.wall_clock + target.confirm.budget <= 20 * 60
    assert not reserve.affordable(USUAL, target).underpowered
    assert reserve.affordable(USUAL, target).longer


def test_a_machine_that_is_too_slow_is_told_so(target: Target) -> None:
    found = reserve.affordable(target.confirm.budget / 39, target)
    assert found.underpowered
    assert "would do" in found.says


def test_more_tries_than_the_pairs_pay_for_would_be_told(target: Target) -> None:
    """The control: with the pairs that are allowed, some number of tries cannot be paid for."""
    noise = replace(noise_of(target), max_pairs=8)
    assert not ErrorBudget(noise.alpha, target.budget.experiments, noise.max_pairs).affordable


def test_the_page_says_what_the_target_says(target: Target) -> None:
    noise = noise_of(target)
    rows = dict(re.findall(r"^\| (.+?) \| ([\d,]+)\b.*\|$", DOC, re.MULTILINE))
    assert rows["the unchanged file"] == str(1 + 2 * noise.calibration)
    assert rows["confirm"] == str(reserve.worst_case(1, target))
    assert target.confirm.longer
    assert rows["a longer budget"] == str(2 * target.confirm.longer.pairs)
    tries = ErrorBudget(noise.alpha, target.budget.experiments, noise.max_pairs)
    assert rows["a duel that is kept"] == str(2 * tries.least_pairs())
    assert f"evidence of {tries.share().threshold:.0f} to 1, for {target.budget.experiments} tries" in DOC
    for seconds, name in ((target.budget.wall_clock, "budget.wall_clock"), (target.confirm.budget, "confirm.budget")):
        assert f"`{name}` ({int(seconds or 0) // 60} minutes)" in DOC


def test_both_kinds_of_machines_have_their_sizes() -> None:
    path = (ROOT / TRAIN).with_name("measure.yaml")
    cpu, cuda = settings.read(path, "cpu"), settings.read(path, "cuda")
    assert f"training run of {cpu.seconds:g} seconds of a processor" in DOC
    assert (cpu.unit, cuda.unit, cuda.seconds, cuda.compile) == ("cpu", "wall", 300, 180)
