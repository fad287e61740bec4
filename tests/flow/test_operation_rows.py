"""Nights whose rows are operations: a kept experiment is a row and a commit; what is superfluous or dropped goes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.night.folder import Night, nights
from harness import folds, standing
from harness.events import Event
from harness.repository import Repository
from tests.support import autoresearch, git, make_repository

FOLDER = "targets/experiments/house"
FILE = f"{FOLDER}/house.json"
HOUSE: dict[str, Any] = {
    "houseId": "7",
    "lamp": [{"lampId": str(n), "name": f"lamp {n}", "watts": 60, "note": "a = b"} for n in range(1, 5)],
    "room": [{"roomId": "1", "name": "hall"}],
}
EVALUATOR = """
from harness import evaluator
from harness.candidate import load

def of(house):
    lamps = {lamp["lampId"]: lamp for lamp in house["lamp"]}
    if any(lamp.get("roomId", "1") != "1" for lamp in lamps.values()):
        return evaluator.Crash("a lamp in a room that does not exist")
    score = max(1.0 * ("shade" in lamps["1"]), 2.0 * ("9" in lamps))
    score += 1.5 * lamps.get("9", {}).get("dim", 0)
    score += 0.5 * sum(lamp["watts"] < 10 for lamp in lamps.values())
    score += 0.25 * sum("roomId" in lamp for lamp in lamps.values())
    return evaluator.Scores({"score": score})

evaluator.serve(lambda request: [of(load(item.path)) for item in request.items])
"""
# What it does next follows from how often it was tried; the second try makes it worse.
TOOL = r"""
import json
tried = open("history.md").read().count('"experiment"')
text = open("house.json").read()
house = json.loads(text)
lamps = {lamp["lampId"]: lamp for lamp in house["lamp"]}
if tried == 0:
    lamps["1"]["shade"] = "linen"
elif tried == 1:
    lamps["1"].pop("shade")
elif tried == 2:
    house["lamp"].insert(1, {"lampId": "9", "name": "new `lamp` | <b>@x</b>", "watts": 60})
elif tried == 3:
    for number in "123":
        lamps[number]["watts"] = 5
elif tried == 4:
    lamps["9"]["dim"] = 1
elif tried == 5:
    for number in "14":
        lamps[number]["roomId"] = "1"
written = json.dumps(house, indent=4).replace("=", "\\u003d") + "\n"
open("house.json", "w").write(written)
"""


def made(tmp_path: Path, **more: Any) -> Repository:
    target = {
        "name": "house", "file": "house.json", "evaluate": {"serve": ["python", "evaluate.py"]},
        "metrics": [{"name": "score", "goal": "maximize"}], "confirm": {"unit": "operation"},
        "proposer": {"kind": "command", "command": ["python", "-c", TOOL], "timeout": "60s"},
        "budget": {"experiments": 6}, **more,
    }  # fmt: skip
    base = json.dumps(HOUSE, indent=4).replace("=", "\\u003d") + "\n"
    files = {f"{FOLDER}/target.yaml": yaml.safe_dump(target), f"{FOLDER}/evaluate.py": EVALUATOR, FILE: base}
    return make_repository(tmp_path, files)


def ran(found: Repository) -> Night:
    done = autoresearch(found, "night", "--quiet", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    return nights(found)[-1]


def confirmed(night: Night) -> list[Event]:
    return [each.event for each in standing.confirmations(night.segments("house"))]


def house_at(found: Repository, commit: str) -> dict[str, Any]:
    house: dict[str, Any] = json.loads(git(found, "show", f"{commit}:{FILE}"))
    return house


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, Night]:
    found = made(tmp_path_factory.mktemp("house"))
    return found, ran(found)


def test_a_row_is_an_operation_and_what_is_superfluous_is_taken_out(proposed: tuple[Repository, Night]) -> None:
    _, night = proposed
    kept = [event["id"] for event in folds.of_kind(night.segments("house"), "experiment") if event["status"] == "keep"]
    assert kept == [1, 3, 4, 5, 6]
    (confirm,) = confirmed(night)
    assert confirm["verdict"] == "confirmed"
    assert [(row["change"], row["experiments"], row["adds"]) for row in confirm["rows"]] == [
        ('+ lamp "new `lamp` | <b>@x</b>"', [3, 5], 3.5),
        ('3 lamps ("lamp 1", "lamp 2" and 1 more): watts: 60 -> 5', [4], 1.5),
        ('2 lamps ("lamp 1", "lamp 4"): room "hall"', [6], 0.5),
    ]
    (gone,) = confirm["ablation"]["removed"]
    assert (gone["change"], gone["experiments"], gone["gain"]) == ('lamp "lamp 1": + shade linen', [1], 0.0)


def test_each_row_is_a_commit_in_the_file_s_own_style(proposed: tuple[Repository, Night]) -> None:
    found, night = proposed
    branch = f"autoresearch/{night.name}"
    commits = git(found, "log", "--reverse", "--format=%H", f"main..{branch}", "--", FILE).split()
    assert len(commits) == 3
    numbers = [git(found, "show", "--numstat", "--format=", commit, "--", FILE).split()[:2] for commit in commits]
    assert numbers == [["6", "0"], ["3", "3"], ["4", "2"]]
    house = house_at(found, branch)
    assert all("shade" not in lamp for lamp in house["lamp"])
    assert git(found, "show", f"{branch}:{FILE}").count("\\u003d") == 4
    subjects = git(found, "log", "--reverse", "--format=%s", f"main..{branch}", "--", FILE)
    assert "lamp 1" in subjects
    assert not re.search(r"(?<!\w)@x", subjects)


def test_the_page_names_what_changed(proposed: tuple[Repository, Night]) -> None:
    page = autoresearch(proposed[0], "report").stdout
    assert '`3 lamps ("lamp 1", "lamp 2" and 1 more): watts: 60 -> 5`' in page
    assert "<b>@x" not in re.sub(r"(`+).*?\1", "", page)


def test_the_records_hold_and_every_row_can_be_made_again(proposed: tuple[Repository, Night]) -> None:
    found, _ = proposed
    assert autoresearch(found, "log", "--verify").returncode == 0
    for number in (1, 2, 3):
        done = autoresearch(found, "reproduce", f"house#{number}")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_row_can_be_dropped(tmp_path: Path) -> None:
    found = made(tmp_path)
    night = ran(found)
    done = autoresearch(found, "command", "local", "/drop 1")
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = confirmed(night)
    assert [row["number"] for row in first["rows"]] == [1, 2, 3]
    assert [row["number"] for row in second["rows"]] == [2, 3]
    house = house_at(found, f"autoresearch/{night.name}")
    assert [lamp["lampId"] for lamp in house["lamp"]] == ["1", "2", "3", "4"]
    assert [lamp["watts"] for lamp in house["lamp"]] == [5, 5, 5, 60]
    assert autoresearch(found, "log", "--verify").returncode == 0
    again = autoresearch(found, "night", "--quiet", "--seed", "2")
    assert again.returncode == 0, again.stdout + again.stderr
