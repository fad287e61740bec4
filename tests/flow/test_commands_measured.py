"""What a command measures where a metric varies or a holdout decides: fresh seeds, counted looks, every row again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.night.folder import Night
from harness import folds, standing
from harness.events import Event, Segment
from harness.repository import Repository
from harness.schedule import block_of
from tests.support import autoresearch
from tests.switches import NOISY, held_out, ran, repository

VARYING = """
import random
from harness import evaluator
from harness.candidate import load

def score(request):
    found = []
    for item in request.items:
        text, values = item.path.read_text(), load(item.path)
        noise = random.Random(f"{request.seed}/{text}").gauss(0, 1)
        found.append(evaluator.Scores({"speed": 4.0 * sum(values.values()) + noise}))
    return found

evaluator.serve(score)
"""


def asked(found: Repository, comment: str) -> None:
    done = autoresearch(found, "command", "local", comment)
    assert done.returncode == 0, done.stdout + done.stderr


def answers(night: Night) -> list[tuple[Segment, Event]]:
    return [(each.segment, each.event) for each in standing.confirmations(night.segments("t"))]


def test_a_noisy_result_is_measured_on_seeds_that_nothing_was_measured_on(tmp_path: Path) -> None:
    found = repository(tmp_path, f"{NOISY}confirm: {{longer: {{}}}}\n", VARYING, "a: 0\nb: 0\nc: 0\n")
    night = ran(found)
    (_, confirm) = answers(night)[0]
    numbers = [row["number"] for row in confirm["rows"]]
    assert len(numbers) > 1, "one row: nothing can be dropped, and the test proves nothing"
    asked(found, "/recheck")
    asked(found, f"/drop {numbers[0]}")
    (_, first), (_, again), (_, dropped) = answers(night)
    seeds = [{pair["seed"] for pair in event["pairs"]} for event in (first, again, dropped)]
    assert all(block_of(seed) == "confirm" for used in seeds for seed in used)
    assert not seeds[0] & seeds[1]
    assert not (seeds[0] | seeds[1]) & seeds[2]
    lasting = [{pair["seed"] for pair in event["longer"]["pairs"]} for event in (first, again, dropped)]
    assert all(block_of(seed) == "longer" for used in lasting for seed in used)
    assert len(set.union(*lasting)) == 15, "a seed was used twice"
    assert [row["number"] for row in again["rows"]] == numbers
    assert [row["number"] for row in dropped["rows"]] == numbers[1:]
    assert dropped["confirmed"]["gain"] == pytest.approx(4.0 * len(numbers[1:]), abs=2.0)
    due = [0.95, 1 - 0.05 / 2, 1 - 0.05 / 6]
    assert [event["confirmed"]["confidence"] for event in (first, again, dropped)] == pytest.approx(due)
    assert "97.5% interval" in again["why"]
    page = autoresearch(found, "report").stdout
    assert "confirmed again, 2 times of 2" in page.lower()
    assert "97.5 % confirmed, 99.17 % confirmed" in page.replace("\u00a0", " ")
    assert autoresearch(found, "log", "--verify").returncode == 0
    assert autoresearch(found, "reproduce", f"t#{numbers[-1]}").returncode == 0


def test_a_look_at_another_head_is_counted_and_the_same_head_shows_the_same(tmp_path: Path) -> None:
    found = held_out(tmp_path)
    night = ran(found)
    asked(found, "/recheck")
    asked(found, "/drop 2")
    (_, first), (_, again), (segment, dropped) = answers(night)
    assert first["holdout"]["look"] == again["holdout"]["look"] == 1
    assert first["holdout"]["head"] == again["holdout"]["head"]
    assert dropped["holdout"]["look"] == 2
    assert dropped["holdout"]["gain"] < first["holdout"]["gain"]
    kinds = [event["event"] for event in segment.events]
    assert kinds.index("command") == 1
    assert kinds.index("look") < kinds.index("confirm")
    assert folds.confirm_end(night.segments("t")) == "confirmed"
    assert autoresearch(found, "log", "--verify").returncode == 0
