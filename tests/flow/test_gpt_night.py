"""A night of training runs, in small: from a learning rate ten times too low, from a tuned one, and without the means.

The evaluator, its sandboxes and the gate are those of gpt-training; what is trained is tests/gpt/tiny.py.
"""

from __future__ import annotations

import re
from pathlib import Path

from bot.night.folder import nights
from harness import folds, longer
from harness.events import Event
from harness.folds import Segment
from harness.repository import Repository
from tests.gpt import tiny
from tests.support import autoresearch, make_repository

SEED = "3"  # the first two tries from the weak rate are a higher one


def night(folder: Path, rate: float, target: str = tiny.TARGET) -> tuple[Repository, list[Segment]]:
    repository = make_repository(folder, tiny.files(rate, target))
    done = autoresearch(repository, "night", "--quiet", "--seed", SEED)
    assert done.returncode == 0, done.stdout + done.stderr
    return repository, nights(repository)[-1].segments("tiny-gpt")


def rate_of(content: bytes) -> float:
    (found,) = re.findall(rb"^RATE = (\S+)", content, re.MULTILINE)
    return float(found)


def only(segments: list[Segment], kind: str) -> Event:
    (found,) = folds.of_kind(segments, kind)
    return found


def test_from_a_weak_baseline_a_gain_is_kept_and_confirmed(tmp_path: Path) -> None:
    repository, segments = night(tmp_path, tiny.WEAK)
    kept = [event for event in folds.of_kind(segments, "experiment") if event["status"] == "keep"]
    confirmed = only(segments, "confirm")
    assert kept
    assert confirmed["verdict"] == "confirmed", confirmed
    assert confirmed["confirmed"]["lower"] > 0
    assert confirmed["longer"]["times"] == 2
    assert confirmed["longer"]["reading"] in longer.MEASURED
    assert rate_of(folds.loop_state(segments, nights(repository)[-1].packs("tiny-gpt")).content) > tiny.WEAK
    assert "autoresearch/" in repository.git("for-each-ref", "--format=%(refname)", "refs/heads").decode()


def test_from_a_tuned_one_it_ends_honestly(tmp_path: Path) -> None:
    """Whatever it tried: a claim that confirm upheld, one that it did not, or none."""
    _, segments = night(tmp_path, tiny.TUNED)
    experiments = list(folds.of_kind(segments, "experiment"))
    assert folds.run_end(segments) == "experiments"
    assert len(experiments) == 2
    assert all(event["why"] or event["status"] == "keep" for event in experiments)
    verdicts = [event["verdict"] for event in folds.of_kind(segments, "confirm")]
    assert len(verdicts) <= any(event["status"] == "keep" for event in experiments)


def test_without_the_means_it_ends_before_a_try_and_says_what_would_be_enough(tmp_path: Path) -> None:
    _, segments = night(tmp_path, tiny.WEAK, tiny.TARGET.replace("budget: 5m", "budget: 5s"))
    assert folds.run_end(segments) == "underpowered"
    assert "a larger confirm budget or a faster evaluator would do" in str([one.events[-1] for one in segments])
    assert not folds.of_kind(segments, "experiment")
