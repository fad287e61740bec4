"""Nights that ask whether a gain lasts at a longer budget: what they find, and what a kill leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.night.folder import Night, nights
from bot.pages.summary import summarise
from bot.pages.target import lasting
from harness import folds
from harness.events import Event
from harness.repository import Repository
from harness.schedule import block_of
from tests.support import autoresearch
from tests.switches import TARGET, killed_once, ran, repository

ASKING = f"{TARGET}noise: {{}}\nbudget: {{experiments: 4}}\nconfirm: {{longer: {{times: 2, pairs: 6}}}}\n"
EVALUATOR = """
import random
import time
from harness import evaluator
from harness.candidate import load

def speed(text, on, seed, fidelity):
    time.sleep(PAUSE if fidelity > 1 else 0)
    return (EFFECT) + random.Random(f"{seed}/{text}/{fidelity}").gauss(0, 1)

def score(request):
    found = [(item.path.read_text(), sum(load(item.path).values())) for item in request.items]
    speeds = [speed(text, on, request.seed, request.fidelity) for text, on in found]
    return [evaluator.Scores({"speed": value}) for value in speeds]

evaluator.serve(score)
"""


def asking(tmp_path: Path, effect: str, pause: float = 0.0) -> Repository:
    return repository(tmp_path, ASKING, EVALUATOR.replace("EFFECT", effect).replace("PAUSE", str(pause)), "a: 0\n")


def events(night: Night, kind: str) -> list[Event]:
    return folds.of_kind(night.segments("t"), kind)


@pytest.mark.parametrize(
    ("effect", "reading", "words"),
    [
        ("4.0 * on", "holds", "the gain is there too"),
        ("4.0 * on / fidelity ** 3", "fades", "the gain is clearly smaller"),
        ("4.0 * on if fidelity == 1 else -4.0 * on", "turns", "the gain turns into a loss"),
    ],
)
def test_a_confirmed_gain_and_what_becomes_of_it(effect: str, reading: str, words: str, tmp_path: Path) -> None:
    found = asking(tmp_path, effect)
    night = ran(found)
    (event,) = events(night, "confirm")
    assert (event["verdict"], event["longer"]["reading"]) == ("confirmed", reading), event["longer"]
    notes = [note for note in events(night, "note") if note["block"] == "longer"]
    assert {note["fidelity"] for note in notes} == {2.0}
    assert {note["fidelity"] for note in events(night, "note") if note["block"] == "confirm"} == {1.0}
    seeds = {pair["seed"] for pair in event["longer"]["pairs"]}
    assert len(seeds) == 6
    assert {block_of(seed) for seed in seeds} == {"longer"}, "seeds that something else has used"
    assert words in lasting.said(summarise(night.segments("t")))
    page = (night.path / "pull-request.md").read_text(encoding="utf-8")
    assert words in page, "what is confirmed is proposed, whatever becomes of it"
    assert ("Look at t: at twice the budget" in page) == (reading == "turns")
    assert autoresearch(found, "log", "--verify").returncode == 0


def test_an_evaluator_that_knows_no_budget_gives_more_pairs_of_the_same(tmp_path: Path) -> None:
    evaluator = EVALUATOR.replace("EFFECT", "4.0 * on").replace("/{fidelity}", "").replace("PAUSE", "0")
    night = ran(repository(tmp_path, ASKING, evaluator, "a: 0\n"))
    assert events(night, "confirm")[-1]["longer"]["reading"] == "holds"


def test_a_result_that_fails_there_stays_confirmed_and_is_flagged(tmp_path: Path) -> None:
    night = ran(asking(tmp_path, "4.0 * on if fidelity == 1 or not on else 1 / 0"))
    (event,) = events(night, "confirm")
    assert (event["verdict"], event["longer"]["reading"]) == ("confirmed", "fails")
    page = (night.path / "pull-request.md").read_text(encoding="utf-8")
    assert "Look at t: at twice the budget the result fails." in page


def test_a_kill_between_pairs_measures_nothing_twice(tmp_path: Path) -> None:
    found = asking(tmp_path, "4.0 * on", pause=0.1)
    assert autoresearch(found, "plan", "--seed", "1").returncode == 0
    assert autoresearch(found, "run", "--quiet").returncode == 0
    night = nights(found)[-1]

    def there() -> list[Event]:
        return [note for note in events(night, "note") if note["block"] == "longer"]

    killed_once(found, lambda: len(there()) >= 2)
    before = there()
    assert 2 <= len(before) < 6, "it was killed before or after: the test proves nothing"
    assert not events(night, "confirm")
    assert autoresearch(found, "confirm", "--quiet").returncode == 0
    (event,) = events(night, "confirm")
    after = there()
    assert after[: len(before)] == before
    assert [note["n"] for note in after] == [1, 2, 3, 4, 5, 6]
    assert [pair["seed"] for pair in event["longer"]["pairs"]] == [note["seed"] for note in after]
    assert (event["verdict"], event["longer"]["reading"]) == ("confirmed", "holds")
    assert autoresearch(found, "log", "--verify").returncode == 0
