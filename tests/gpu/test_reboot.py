"""A job that a reboot cuts off hands nothing over. Started again on a machine that kept its disk, it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.night import run as running
from bot.night.folder import Night
from bot.night.handed.handing import NOTHING, Taken, hand_over, take_over
from harness.events import Event
from harness.repository import Repository
from tests.gpu.test_kinds import interrupted
from tests.support import git, make_repository
from tests.surviving import NOISY, VARYING, events, files, loop, planned

PAIRS = 9
QUICK = NOISY.replace("noise: {}", "noise: {calibration: 6, max_pairs: 20}")


@dataclass(frozen=True)
class Box:
    """A machine of one's own whose job was cut off. carried: what the workflow has of the night, its plan alone."""

    origin: Repository
    here: Repository
    carried: Path
    before: list[Event]

    def again(self, on: Repository | None = None) -> Taken:
        """What `run` has when the job is started again."""
        return take_over(on or self.here, self.carried, "run")

    def elsewhere(self, folder: Path) -> Repository:
        git(folder, "clone", "--quiet", str(self.origin.root), "another")
        return Repository.find(folder / "another")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    origin = make_repository(tmp_path, files(VARYING, QUICK))
    hand_over(planned(origin, 3), tmp_path / "carried/plan-1", ["t"], plan=True)
    git(tmp_path, "clone", "--quiet", str(origin.root), "box")
    here = Repository.find(tmp_path / "box")
    night = take_over(here, tmp_path / "carried", "run").night
    interrupted(night, monkeypatch, PAIRS)
    return Box(origin, here, tmp_path / "carried", events(night, "pair"))


def test_the_loop_goes_on_in_the_middle_of_a_duel(box: Box) -> None:
    taken = box.again()
    assert (taken.refused, taken.silent) == ({}, {})
    assert loop(taken.night) == "experiments"
    pairs = events(taken.night, "pair")
    assert len(box.before) > PAIRS
    assert [without_chain(pair) for pair in pairs[: len(box.before)]] == [without_chain(pair) for pair in box.before]
    numbers = [(pair["id"], pair["n"]) for pair in pairs]
    assert len(numbers) == len(set(numbers)), "a pair was measured twice"
    assert "unfinished" not in [event["reason"] for event in events(taken.night, "experiment")]
    assert len(taken.night.segments("t")) == 2


def test_a_machine_without_the_disk_begins_anew(box: Box, tmp_path: Path) -> None:
    taken = box.again(box.elsewhere(tmp_path))
    assert taken.silent == {"t": NOTHING}
    assert loop(taken.night) == "experiments"
    assert len(taken.night.segments("t")) == 1


def test_what_another_job_handed_over_comes_first(box: Box, tmp_path: Path) -> None:
    other = box.again(box.elsewhere(tmp_path)).night
    loop(other)
    hand_over(other, box.carried / "run-t-2", ["t"])
    taken = box.again()
    assert events(taken.night, "pair") == events(other, "pair")


def test_a_loop_of_another_plan_is_not_taken(box: Box) -> None:
    plan = box.carried / "plan-1/plan.json"
    told = json.loads(plan.read_text())
    told["targets"][0]["seed"] += 1
    plan.write_text(json.dumps(told))
    assert box.again().silent == {"t": NOTHING}


def test_what_was_changed_meanwhile_is_refused(box: Box) -> None:
    (segment,) = _night(box).folder("t").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"order":"ic"', b'"order":"ci"', 1))
    taken = box.again()
    assert taken.night.segments("t") == []
    assert "chain breaks" in taken.silent["t"]


def test_twice_cut_off_is_twice_gone_on(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(box.again().night, monkeypatch, 3)
    taken = box.again()
    assert len(events(taken.night, "pair")) > len(box.before) + 3
    assert loop(taken.night) == "experiments"
    assert running.folds.run_end(taken.night.segments("t")) == "experiments"


def _night(box: Box) -> Night:
    return Night(box.here, next(box.here.state.glob("2*")))


def without_chain(event: Event) -> Event:
    return {key: value for key, value in event.items() if key != "chain"}
