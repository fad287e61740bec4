"""A noisy target whose evaluator tells how its measurements went: recorded of the base and of what is kept, then shown.

Whether anything is kept does not matter elsewhere; here an effect twenty times the noise makes sure of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.course import course
from bot.night.folder import Night
from bot.pages.summary import summarise
from harness import folds
from tests.support import autoresearch
from tests.switches import TARGET, ran, repository

NOISY = TARGET.replace("maximize}", "maximize, min_effect: 0.2}") + (
    "noise: {calibration: 6, max_pairs: 20}\nbudget: {experiments: 4}\n"
)
EVALUATE = """
import random
from harness import evaluator
from harness.candidate import load

rng = random.Random(5)

def score(request):
    found = []
    for item in request.items:
        on = sum(load(item.path).values())
        curve = {f"curve_{percent:02}": 9 - on - percent / 50 for percent in range(5, 101, 5)}
        parts = {**curve, "tokens_per_second": 1000.0 + on, "steps": 100.0}
        found.append(evaluator.Scores({"speed": on + rng.gauss(0, 0.05)}, parts=parts))
    return found

evaluator.serve(score)
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return ran(repository(tmp_path_factory.mktemp("course"), NOISY, EVALUATE, "a: 0\nb: 0\nc: 1\n"))


def test_what_is_kept_says_how_its_last_measurement_went_and_nothing_else_does(night: Night) -> None:
    segments = night.segments("t")
    (baseline,) = folds.of_kind(segments, "baseline")
    assert course(baseline["parts"])[-1] == (100, 6.0)
    experiments = folds.of_kind(segments, "experiment")
    assert {event["status"] for event in experiments} == {"keep", "discard"}
    on = 1
    for event in experiments:
        if event["status"] == "keep":
            on += 1
            assert course(event["parts"])[-1] == (100, 7.0 - on)
            assert event["parts"]["tokens_per_second"] == 1000 + on
        else:
            assert event["parts"] == {}, "of a discard nobody asks for its parts, and each is a hundred bytes"
    kept = [event["id"] for event in experiments if event["status"] == "keep"]
    assert [run.experiment for run in summarise(segments).runs] == [0, *kept]


def test_the_report_and_the_results_hold_the_picture(night: Night, tmp_path: Path) -> None:
    done = autoresearch(night.repository.root, "report", night.name, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "t-training.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "out" / "page.md").read_text()
    assert "](t-training.png)" in page
    assert "1,001 -> 1,003 tokens/s, 100 -> 100 steps" in page
    told = json.loads(autoresearch(night.repository.root, "report", night.name, "--json").stdout)[0]
    assert [run["course"][-1] for run in told["runs"]] == [[100, 6.0], [100, 5.0], [100, 4.0]]
    assert summarise(night.segments("t")).confirmed, "else there is no branch to look at"
    branch = f"autoresearch/{night.name}"
    listed = night.repository.git("ls-tree", "-r", "--name-only", branch, "results").decode().split()
    assert "results/t/training.png" in listed
    readme = night.repository.git("show", f"{branch}:results/t/README.md").decode()
    assert "](training.png)" in readme
