"""What the evaluator makes of a run: its curve, who stops it early, what it charges, in either unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.scorers.gpt import bits, training
from harness.scorers.gpt.answers import Logits
from harness.scorers.gpt.corpus import Corpus, Ids
from harness.scorers.gpt.training import Failed, Point, Stopped
from tests.gpt import cheating
from tests.gpt.cheating import MARGIN, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield cheating.built(tmp_path_factory.mktemp("training"), patch)


def test_an_honest_run_has_a_score_a_curve_and_its_parts(world: World) -> None:
    scores = world.evaluator.measure(world.candidate(), 1)
    assert set(scores.metrics) == {"val_bpb", "memory_mb", "weights_mb"}
    assert {"train_seconds", "steps", "tokens_per_second", "curve_100"} <= set(scores.parts)
    drawn = [value for name, value in scores.parts.items() if name.startswith("curve_")]
    assert len(drawn) > 3
    assert drawn == sorted(drawn, reverse=True)
    assert 0.3 < scores.parts["train_seconds"] < 0.8


def test_a_share_of_the_budget_is_a_share_of_the_time(world: World) -> None:
    part, more = (world.evaluator.measure(world.candidate(), 1, share) for share in (0.5, 2.0))
    assert part.parts["train_seconds"] < 0.5
    assert more.parts["train_seconds"] > 0.7
    assert more.metrics["val_bpb"] < part.metrics["val_bpb"] - MARGIN


def test_a_run_is_stopped_by_who_watches_its_curve(world: World) -> None:
    seen: list[int] = []

    def stop(points: Sequence[Point]) -> str:
        seen.append(len(points))
        return "far behind" if points[-1].share >= 0.3 else ""

    with pytest.raises(Stopped) as stopped:
        world.evaluator.measure(world.candidate(), 1, 1.0, stop)
    assert stopped.value.reason == "far behind"
    assert stopped.value.curve[-1].share < 0.9
    assert seen == list(range(1, len(seen) + 1))


def test_on_the_wall_clock_it_is_the_wall_clock(world: World) -> None:
    sleepy = "def learn(counts, text, at):\n    time.sleep(0.05)\n    return at\n"
    wall = world.again(cheating.MEASURE.replace("0.5", "1, unit: wall"))
    patient = "\ndef goes_on(given, spent, stopped):\n    return not stopped\n"
    scores = wall.evaluator.measure(wall.candidate(sleepy + patient), 1)
    assert 0.9 < scores.parts["train_seconds"] < 2.6
    assert scores.parts["steps"] < 60


def test_weights_of_a_run_are_the_last_that_were_whole(world: World) -> None:
    """It is killed while it writes another: the one before counts."""
    torn = """
def goes_on(given, spent, stopped):
    return spent < 0.3

def after(given, counts):
    save(given, counts)
    with open(f"{given.save}.part", "wb") as file:
        while True:
            file.write(b"x")
            file.flush()
            file.seek(0)
"""
    trained = training.train(world.candidate(torn), world.evaluator._corpus, world.evaluator._settings, 1, 1.0)
    assert trained.weights.startswith(b"\x93NUMPY")


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_who_looks_ahead_here_and_there_is_found_soon(share: float) -> None:
    """In a duel of eight pairs, not in every single measurement: few of all places are looked at each time."""
    chance = np.random.default_rng(1)
    windows = chance.integers(1, 30, size=(32, 65)).astype(np.uint16)
    known = Corpus(Path(), windows.ravel(), np.full(30, 2), np.ones(30, dtype=bool))
    found = [sum(caught(windows, known, share, seed + 8 * trial) for seed in range(8)) for trial in range(10)]
    assert min(found) >= 1


def caught(windows: Ids, known: Corpus, share: float, seed: int) -> bool:
    glancing: Any = Glancing(share)
    try:
        bits.measured(glancing, glancing, windows, known, 8, seed)
    except Failed:
        return True
    return False


class Glancing:
    """Knows the next token at a share of all places, chosen by what stands there."""

    def __init__(self, share: float) -> None:
        self._share = share

    def logits(self, ids: Ids) -> Logits:
        found = np.zeros((*ids.shape, 30), dtype=np.float32)
        window, place = np.nonzero((ids[:, :-1] * 613 + np.arange(ids.shape[1] - 1) * 271) % 1000 < 1000 * self._share)
        found[window, place, ids[window, place + 1]] = 6
        return found
