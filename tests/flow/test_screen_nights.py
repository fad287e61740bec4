"""Nights with a screen: what is behind at a share of the cost gets no duel, a gain is kept, a kill costs one look."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import log
from bot.night import night as nightly
from bot.night import run as running
from bot.night.confirm import confirm
from bot.night.folder import Night
from bot.night.handed import handover
from bot.night.loop.noisy import Noisy
from bot.pages.summary import summarise
from bot.reproduce import reproduce
from harness import folds
from harness.errors import EvaluatorError
from harness.events import Event
from harness.repository import Repository
from harness.schedule import block_of
from harness.target import Screen
from tests.flow.test_mending import Mender
from tests.support import git, make_repository
from tests.surviving import FOLDER, planned

SHARE = 0.25
EVALUATOR = """
import json
import os
from random import Random
from harness import evaluator
from harness.candidate import load

def score(request):
    return [one(load(item.path), item, request) for item in request.items]

def one(spec, item, request):
    with open(LOG, "a") as log:
        log.write(json.dumps([os.getpid(), request.fidelity, request.seed, request.bar, spec["a"], spec["b"]]) + "\\n")
    chance = Random(f"{request.seed}/{item.blob}")
    if spec["a"] == 13 and request.fidelity < 1:
        return evaluator.Crash("a slip in line 3")
    level = abs(spec["a"] - 7) / 2 + (3 if request.fidelity < 1 else 0) + chance.gauss(0, 0.2)
    if request.bar is not None and STOPS and level > request.bar + 1:
        return evaluator.Screened("loss", level - 0.5)
    return evaluator.Scores({"loss": level, "size": 1 + spec["b"]})

evaluator.serve(score)
"""
TARGET = """
name: t
file: spec.yaml
space: {/a: {int: [0, 30]}, /b: {int: [0, 3]}}
evaluate: {serve: [python, evaluate.py]}
metrics:
  - {name: loss, goal: minimize}
  - {name: size, goal: minimize, guard: {tolerance: 10}}
noise: {calibration: 6, max_pairs: 30, screen: {share: 0.25, behind: 0.1}}
"""


def spec(a: int, b: int = 0) -> bytes:
    return f"a: {a}\nb: {b}\n".encode()


class Ground:
    """A repository whose evaluator notes what it is asked."""

    def __init__(self, folder: Path, *, target: str = TARGET, stops: bool = False) -> None:
        self.log = folder / "log"
        script = EVALUATOR.replace("LOG", repr(str(self.log))).replace("STOPS", str(stops))
        self.repository: Repository = make_repository(folder, {
            f"{FOLDER}/target.yaml": target, f"{FOLDER}/evaluate.py": script, f"{FOLDER}/spec.yaml": spec(10).decode(),
        })  # fmt: skip

    def night(self, experiments: int = 8) -> Night:
        return planned(self.repository, experiments)

    def asked(self) -> list[list[Any]]:
        """Process, fidelity, seed, bar, a, b of every measurement so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def of(night: Night, kind: str) -> list[Event]:
    return folds.of_kind(night.segments("t"), kind)


def played(night: Night, proposer: Mender) -> str:
    target = nightly.targets_of(night)[0]
    end = running.run(night, target, quiet=True, proposer=proposer, regardless=True)
    handover.read(night, target)  # raises where the record does not hold
    return end


@pytest.fixture(params=[False, True], ids=["measured", "stopped early"])
def ground(tmp_path: Path, request: pytest.FixtureRequest) -> Ground:
    return Ground(tmp_path, stops=request.param)


def test_a_real_gain_is_kept_and_what_is_behind_gets_no_pair(ground: Ground) -> None:
    night, tries = ground.night(), [spec(20), spec(8), spec(9), spec(25), spec(7), spec(8)]
    proposer = Mender(tries)
    assert played(night, proposer) == "exhausted"
    found = of(night, "experiment")
    assert [(event["status"], event["reason"]) for event in found[:4]] == [
        ("discard", "screened"), ("keep", "better"), ("discard", "screened"), ("discard", "screened"),
    ]  # fmt: skip
    paired = {event["id"] for event in of(night, "pair")} - {0}
    assert not paired & {event["id"] for event in found if event["reason"] == "screened"}
    assert [event["id"] for event in of(night, "screen")] == [1, 2, 3, 4, 5]  # the last one is known already


def test_a_screen_is_cheap_and_on_seeds_of_its_own(ground: Ground) -> None:
    night = ground.night()
    played(night, Mender([spec(20), spec(8), spec(9)]))
    looks = [entry for entry in ground.asked() if entry[1] == SHARE]
    assert [entry[4] for entry in looks] == [10, 20, 8, 8, 9], "each incumbent once, then its candidates"
    assert {block_of(entry[2]) for entry in looks} == {"screen"}
    assert len({entry[2] for entry in looks}) == 2, "a seed for each incumbent"
    assert [entry[3] is None for entry in looks] == [True, False, False, True, False]
    others = [entry for entry in ground.asked() if entry[1] != SHARE]
    assert all(entry[1] == 1 and entry[3] is None and block_of(entry[2]) != "screen" for entry in others)


def test_what_was_seen_is_in_the_record_and_told(ground: Ground) -> None:
    night = ground.night()
    proposer = Mender([spec(20)])
    played(night, proposer)
    (seen,), (event,), (base,) = of(night, "screen"), of(night, "experiment"), of(night, "baseline")
    value = seen["candidate"]["loss"] if seen["candidate"] else seen["bound"]
    assert (seen["share"], seen["void"], seen["crash"]) == (SHARE, "", "")
    assert event["gain"] == seen["incumbent"]["loss"] - value < -3
    assert event["bound"] == pytest.approx(base["metrics"]["loss"] - event["gain"]), "at the full cost, not the share"
    assert event["metrics"] == {}
    assert event["seconds"] == seen["seconds"] > 0
    (told,) = proposer.told
    assert (told.reason, told.gain, told.bound) == ("screened", event["gain"], event["bound"])
    assert "at 0.25 of the cost loss is" in event["why"]
    assert ("stopped early" in event["why"]) == (not seen["candidate"])


def test_what_crashes_at_the_share_is_a_crash_and_is_mended(ground: Ground) -> None:
    night = ground.night()
    played(night, Mender([spec(13), spec(13, 1)], [spec(8)]))
    first, second = of(night, "experiment")
    assert (first["status"], first["repairs"]) == ("keep", 1)
    assert (second["status"], second["reason"], "pairs" in second) == ("crash", "refused", False)
    assert [event["id"] for event in of(night, "screen")] == [1, 1, 2]


def test_confirm_and_the_readers_of_a_record_know_screens(ground: Ground) -> None:
    night = ground.night()
    played(night, Mender([spec(20), spec(7), spec(13)]))
    target = nightly.targets_of(night)[0]
    assert confirm(night, target) == "confirmed"
    report = summarise(night.segments("t"))
    assert report.reasons == {"screened": 1, "crash": 1}
    lines = "\n".join(log.log_lines(night.repository, night.name, None, as_json=False))
    assert "screened\tabout " in lines
    again = reproduce(night.repository, f"{night.name}/t/1")
    assert again.recorded is None, "no pair was spent on it"


class Killed(Exception):
    """A kill, at a place that the test chooses."""


@pytest.mark.parametrize(
    ("candidate", "when"),
    [*itertools.product([20, 8, 13], ["in the look", "after it"]), (8, "in the duel")],
)
def test_a_killed_night_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidate: int, when: str
) -> None:
    ground = Ground(tmp_path)
    night = ground.night()
    with monkeypatch.context() as patched:
        _killing(patched, when)
        with pytest.raises(Killed):
            played(night, Mender([spec(candidate)]))
    before = len(ground.asked())
    assert played(night, Mender([])) == "exhausted"
    (event,) = of(night, "experiment")
    assert (event["status"], event["reason"]) == {
        20: ("discard", "screened"), 8: ("keep", "better"), 13: ("crash", "refused"),
    }[candidate]  # fmt: skip
    looks = [entry for entry in ground.asked()[before:] if entry[1] == SHARE]
    assert [entry[4] for entry in looks] == ([10, candidate] if when == "in the look" else [])
    assert len(of(night, "screen")) == 1
    numbers = [pair["n"] for pair in of(night, "pair") if pair["id"]]
    assert numbers == list(range(1, len(numbers) + 1)), "no pair twice"


def _killing(patched: pytest.MonkeyPatch, when: str) -> None:
    """Raises once a screen is measured and not recorded, once it is recorded, or once a pair is."""
    real: Callable[..., None] = Noisy.record

    def record(self: Noisy, event: Event, *, wait: bool) -> None:
        if event["event"] == "screen" and when == "in the look":
            raise Killed
        real(self, event, wait=wait)
        if event["event"] == "screen" and when == "after it":
            raise Killed
        if event["event"] == "pair" and event["id"] and event["n"] == 3 and when == "in the duel":
            raise Killed

    patched.setattr(Noisy, "record", record)


def test_an_evaluator_that_fails_at_the_share_is_told_before_anything_is_tried(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    (ground.repository.root / FOLDER / "spec.yaml").write_bytes(spec(13))
    git(ground.repository, "commit", "--quiet", "--all", "--message", "A base that needs the whole cost")
    night = ground.night()
    with pytest.raises(EvaluatorError, match=r"fails on the unchanged file at 0\.25 of the cost"):
        played(night, Mender([spec(8)]))
    assert folds.run_end(night.segments("t")) == "infra"


def test_an_empty_screen_takes_every_default(tmp_path: Path) -> None:
    ground = Ground(tmp_path, target=TARGET.replace("screen: {share: 0.25, behind: 0.1}", "screen: {}"))
    noise = nightly.targets_of(ground.night())[0].noise
    assert noise is not None
    assert noise.screen == Screen(0.25, 0.0)


def test_without_the_key_there_is_no_screen(tmp_path: Path) -> None:
    """The control: the same candidates, each with its duel."""
    ground = Ground(tmp_path, target=TARGET.replace(", screen: {share: 0.25, behind: 0.1}", ""))
    night = ground.night()
    played(night, Mender([spec(20), spec(8)]))
    assert not of(night, "screen")
    assert {event["id"] for event in of(night, "pair")} == {0, 1, 2}
    assert {entry[1] for entry in ground.asked()} == {1}
    assert "screen" not in night.segments("t")[0].header["noise"]
