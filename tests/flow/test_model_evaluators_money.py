"""Nights whose evaluator asks a model that runs out: of money, of answers, of the process that asked it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness import folds
from tests.judging import (
    JUDGED_USD,
    NAME,
    RIGHT,
    SEARCH,
    Judge,
    World,
    answers,
)  # fmt: skip
from tests.scripted import kill_run


def test_past_the_budget_everything_paid_for_was_judged_and_is_confirmed(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, experiments=40, usd=0.15, proposer="{kind: tune}").with_lines()
        world.night()
        assert folds.run_end(world.last.segments(NAME)) == "money"
        experiments = world.events("experiment")
        assert 3 <= len(experiments) < 40
        assert all(event["metrics"] and event["evaluation"]["calls"] == SEARCH for event in experiments)
        assert world.events("confirm")[-1]["verdict"] == "confirmed", "its part was kept aside"
        judged = world.paid()
        assert sum(event["cost_usd"] for event in judged) <= 0.15
        assert sum(event["evaluation"]["calls"] for event in judged) == len(provider.asked)


def test_a_cap_holds_where_judging_is_suddenly_dear(tmp_path: Path) -> None:
    with Judge(answers, RIGHT, dear=lambda system: 60 if "returns" in system else 1) as provider:
        world = World(tmp_path, provider, experiments=40, usd=0.2, proposer="{kind: tune}").with_lines()
        world.night()
        assert folds.run_end(world.last.segments(NAME)) == "money"
        *others, last = world.events("experiment")
        assert last["reason"] == "unfinished"
        assert "no money" in last["why"]
        assert 0 < last["evaluation"]["calls"] < SEARCH
        assert last["cost_usd"] > SEARCH * JUDGED_USD, "what the cut measurement cost is told"
        assert not [event for event in others if event["reason"] == "unfinished"]
        assert sum(event["cost_usd"] for event in world.paid()) <= 0.2
        assert sum(event["evaluation"]["calls"] for event in world.paid()) == len(provider.asked)


def test_a_model_that_is_gone_ends_the_night_and_is_no_crash(tmp_path: Path) -> None:
    with Judge(answers, RIGHT, fault=lambda system: 401 if "as you like" in system else 200) as provider:
        world = World(tmp_path, provider)
        world.night()
        assert folds.run_end(world.last.segments(NAME)) == "exhausted"
        assert [event["reason"] for event in world.events("experiment")] == ["better", "unfinished"]
        assert "the model gave no answer: rejected" in world.events("experiment")[1]["why"]
        assert world.events("confirm")[-1]["verdict"] == "confirmed", "what was kept before is"


def test_a_kill_in_the_middle_of_a_measurement_buys_no_answer_twice(tmp_path: Path) -> None:
    def slowly(system: str) -> int:
        if "as the shop means it" in system:
            time.sleep(0.15)
        return 200

    with Judge(answers, RIGHT, fault=slowly) as provider:
        world = World(tmp_path, provider, experiments=3, proposer="{kind: tune}").with_lines()
        process = world.begin("night", "--quiet", "--seed", "1")
        deadline = time.monotonic() + 300
        while len(provider.asked) < SEARCH + 12:  # the first experiment is being measured
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        kill_run(process.pid)
        process.communicate(timeout=600)
        assert not world.events("experiment")
        world.night()
        events = [*world.events("baseline"), *world.events("experiment")]
        assert len(events) == 4
        kept = next(world.last.path.parent.glob(f"models/evaluations/{world.last.name}/{NAME}-run.jsonl"))
        bought = [json.loads(line)["asked"] for line in kept.read_text().split()]
        assert len(bought) == len(set(bought)) == 4 * SEARCH
        assert sum(event["evaluation"]["calls"] for event in events) == len(bought), "what the kill hid is told later"
        assert sum(event["cost_usd"] for event in events) == pytest.approx(len(bought) * JUDGED_USD)
