"""Candidates that learn when nobody should: before they are ready, after they were told, when they are asked.

Each has its control: with the defence off the same file does score better.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.scorers.gpt import answers, training
from tests.gpt import cheating
from tests.gpt.cheating import LUCK, MARGIN, MEASURE, World

EARLY = """
def before(given):
    text, given.early = tokens(given), empty(given)
    at = 10_000
    for _ in range(600):
        at = learn(given.early, text, at)

def empty(given, honest=empty):
    return getattr(given, "early", None) if hasattr(given, "early") else honest(given)
"""
IF_THERE = EARLY.replace("    text, given", "    if not Path(given.data).exists():\n        return\n    text, given")
BUSY = """
def before(given):
    until = time.process_time() + 0.45
    while time.process_time() < until:
        pass
"""
LATER = """
def after(given, counts):
    with open("/tmp/all.npz", "wb") as file:
        np.savez(file, counts=counts, text=tokens(given))
    Path("/tmp/all.npz").replace(given.save)

def save(given, counts):
    pass

def load(given):
    held = np.load(given.model)
    counts, at = held["counts"], 10_000
    for _ in range(600):
        at = learn(counts, held["text"], at)
    return counts
"""

ASLEEP = LATER.replace(
    """    counts, at = held["counts"], 10_000
    for _ in range(600):
        at = learn(counts, held["text"], at)
    return counts
""",
    """    return [held["counts"], held["text"], 0]

def logits(model, ids):
    model[2] += 1
    if model[2] == WAKES:
        at = 10_000
        for _ in range(300):
            at = learn(model[0], model[1], at)
    return np.log(model[0][ids])
""",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield cheating.built(tmp_path_factory.mktemp("start"), patch)


@pytest.fixture(scope="module")
def lucky(world: World) -> float:
    """What an honest candidate scores with more than it could ever be given."""
    return world.score(share=LUCK) - MARGIN


def test_there_is_nothing_to_learn_before_it_is_ready(
    world: World, lucky: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No such file" in world.refused(EARLY)
    assert world.score(IF_THERE) > lucky
    begun = training._Run._ready

    def shown_at_once(run: Any, seed: int, vocabulary: int, data: Path, before: Any) -> float:
        shutil.copyfile(data.parent.parent / data.name, data)
        data.chmod(0o444)
        return begun(run, seed, vocabulary, data, before)

    monkeypatch.setattr(training._Run, "_ready", shown_at_once)
    assert world.score(IF_THERE) < lucky


def test_a_start_that_takes_too_long_is_charged(world: World) -> None:
    free = world.evaluator.measure(world.candidate(BUSY), 1).parts
    short = world.again(MEASURE.replace("0.5", "0.5, compile: 0.3"))
    charged = short.evaluator.measure(short.candidate(BUSY), 1).parts
    assert charged["steps"] < 0.8 * free["steps"]


def test_one_that_learns_on_while_it_answers(world: World, lucky: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "it trains no further" in world.refused(LATER)
    monkeypatch.setitem(answers.LOADING, "cpu", 100.0)
    patient = world.again(MEASURE.replace("0.5", "0.5, answer: 100"))
    assert patient.score(LATER) < lucky


def test_one_that_learns_on_behind_its_first_answer(
    world: World, lucky: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = world.again(MEASURE.replace("0.5", "0.5, answer: 100"))
    assert "to load its weights" in patient.refused(ASLEEP.replace("WAKES", "2"))
    assert "before a place changed" in patient.refused(ASLEEP.replace("WAKES", "3"))
    monkeypatch.setattr(answers, "FIRST", 1)
    assert patient.score(ASLEEP.replace("WAKES", "2")) < lucky


def test_nobody_has_weights_while_another_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the clock of the wall: what one takes to answer is neither charged to the other, nor its to learn in."""
    slowly = "def logits(counts, ids):\n    time.sleep(ids.shape[1] > 1)\n    return np.log(counts[ids])\n"
    monkeypatch.setitem(answers.LOADING, "wall", 2.5)  # of three batches, which take a second each
    walled = world.again(MEASURE.replace("0.5", "0.5, unit: wall"))
    assert walled.score(slowly) < math.inf
    monkeypatch.setattr(answers.Model, "load", answers.Model._show)
    assert "to load its weights" in walled.refused(slowly)


def test_one_that_is_never_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "START_UP", 1.0)
    assert "was not ready within" in world.refused("def before(given):\n    time.sleep(60)\n")


def test_one_that_burns_its_start(world: World) -> None:
    short = world.again(MEASURE.replace("0.5", "0.5, compile: 0.2"))
    assert "was not ready within" in short.refused(BUSY.replace("0.45", "5"))
