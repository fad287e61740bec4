"""Early stop in a screen: who is clearly behind the incumbent's curve is not trained on; nobody else is touched."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.evaluator import Item, Request, Scores, Screened
from harness.sandbox.views import ROOT_VARIABLE
from harness.scorers.gpt import manifest
from harness.scorers.gpt.behind import LEAST, Behind
from harness.scorers.gpt.curve import EVERY, Point, parts
from harness.scorers.gpt.serving import PRIMARY, Serving

SEED, SHARE = 7, 0.25
VALUE, LAST = 2.0, 6.0  # of the incumbent: bits per byte, and bits per token at its end
BAR = 2.05


def curve(ahead: float = 0.0, noise: float = 0.05, seed: int = 0, points: int = 20) -> tuple[Point, ...]:
    """A curve that falls to LAST, better than the incumbent's by so many bits per token from a fifth of it on."""
    chance, found = random.Random(seed), []
    for index in range(1, points + 1):
        share = round(index * EVERY, 2)
        loss = LAST + 5 * (1 - share) ** 3 - ahead * min(1, 5 * share) + chance.gauss(0, noise)
        found.append(Point(share, loss, 1000 * index))
    return tuple(found)


def request(bar: float | None = BAR, seed: int = SEED, share: float = SHARE) -> Request:
    return Request(1, "search", seed, share, (), bar)


def told(bar: float | None = None, share: float = SHARE, metric: str = "loss") -> Behind:
    """One that has seen the incumbent."""
    behind = Behind(metric)
    behind.remember(request(bar, share=share), Scores({metric: VALUE}, {**parts(curve()), "steps": 9.0}))
    return behind


def stopped_at(behind: Behind, points: Sequence[Point], asked: Request | None = None) -> float | None:
    """The share at which a run with this curve is stopped."""
    stop = behind.stop(asked or request())
    assert stop is not None
    return next((p.share for i, p in enumerate(points, 1) if stop(points[:i])), None)


def test_a_run_far_behind_is_stopped_as_soon_as_a_curve_says_anything() -> None:
    assert stopped_at(told(), curve(-2.0, seed=1)) == LEAST


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_run_that_is_as_good_or_better_is_not_stopped(seed: int) -> None:
    assert stopped_at(told(), curve(0.0, seed=seed)) is None
    assert stopped_at(told(), curve(0.3, seed=seed)) is None


@pytest.mark.parametrize("seed", range(1, 6))
def test_what_the_bar_allows_is_not_stopped(seed: int) -> None:
    """A bar of 0.4 bits per byte is one of 1.2 bits per token, where the incumbent's 2 are 6."""
    points = curve(-1.0, seed=seed)
    assert stopped_at(told(), points, request(VALUE + 0.4)) is None
    assert stopped_at(told(), points, request(VALUE + 0.02)) is not None


def test_a_curve_that_scatters_more_takes_more_to_be_stopped() -> None:
    assert stopped_at(told(), curve(-0.4, noise=0.02, seed=3)) is not None
    assert stopped_at(told(), curve(-0.4, noise=1.5, seed=3)) is None


def test_the_answer_is_a_forecast_that_falls_short_of_the_bar() -> None:
    points = curve(-2.0, seed=1)[:6]
    answer = told().screened(request(), points)
    assert answer.metric == "loss"
    assert answer.bound == pytest.approx(VALUE + 2.0 * VALUE / LAST, abs=0.05)
    assert answer.bound > BAR
    with pytest.raises(ValueError, match="not behind"):
        told().screened(request(), curve(0.0, seed=1))


@pytest.mark.parametrize(
    ("behind", "asked"),
    [
        (told(), request(None)), (Behind("loss"), request()), (told(), request(seed=8)), (told(), request(share=0.5)),
        (told(bar=BAR), request()), (told(share=1.0), request(share=1.0)),
    ],
    ids=["no bar", "nothing known", "another seed", "another share", "a candidate's own curve", "of pairs"],
)  # fmt: skip
def test_without_the_incumbents_own_curve_at_the_same_place_nothing_is_stopped(behind: Behind, asked: Request) -> None:
    assert behind.stop(asked) is None


def test_a_candidate_that_says_nothing_is_trained_to_the_end() -> None:
    assert stopped_at(told(), ()) is None
    silent = Behind("loss")
    silent.remember(request(None), Scores({"loss": VALUE}, {"steps": 9.0}))
    assert silent.stop(request()) is None


# --- through the evaluator, with a candidate that counts ---

HONEST = Path(__file__).with_name("cheats") / "honest.py"
BADLY = ("loss {8 - steps / 1000:.3f}", "loss {11 - steps / 1000:.3f}")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the evaluator works; its scratch lies beside it."""
    folder, scratch = tmp_path / "checkout", tmp_path / "scratch"
    (folder / "prepared").mkdir(parents=True)
    scratch.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setenv(ROOT_VARIABLE, f"{folder}{os.pathsep}{scratch}")
    return folder


@pytest.fixture
def serving(checkout: Path) -> Serving:
    text = np.random.default_rng(1).integers(0, 64, 20_000).astype("<u2")
    for name in ("train.bin", "validation.bin"):
        text.tofile(checkout / "prepared" / name)
    (checkout / "prepared" / "tokens.json").write_text(json.dumps({"bytes": [2] * 64, "special": []}))
    manifest.sealed(checkout / "prepared")
    (checkout / "measure.yaml").write_text("context: 16\nwindows: 4\ncpu: {seconds: 3}\n")
    return Serving(checkout / "prepared", checkout / "measure.yaml")


def asked(serving: Serving, folder: Path, text: str, bar: float | None) -> object:
    file = folder / "train.py"
    file.write_text(text)
    (found,) = serving.score(Request(1, "search", SEED, 0.5, (Item("b", file),), bar))
    return found


def test_an_evaluator_stops_who_says_that_it_is_far_behind(serving: Serving, checkout: Path) -> None:
    honest = HONEST.read_text()
    incumbent = asked(serving, checkout, honest, None)
    assert isinstance(incumbent, Scores)
    bar = incumbent.metrics[PRIMARY] + 0.05
    found = asked(serving, checkout, honest.replace(*BADLY), bar)
    assert isinstance(found, Screened)
    assert found.bound > bar
    assert isinstance(asked(serving, checkout, honest.replace(*BADLY), None), Scores), "without a bar nobody is stopped"
    assert isinstance(asked(serving, checkout, honest, bar), Scores), "nor who is not behind"


@pytest.mark.parametrize("said", [0.0, -1.0, 1e-300])
def test_an_incumbent_that_said_it_loses_nothing_stops_nobody(said: float) -> None:
    """Its own word is no more to be trusted than that of who is tried against it."""
    behind = Behind("loss")
    behind.remember(request(None), Scores({"loss": VALUE}, dict.fromkeys(parts(curve()), said)))
    assert stopped_at(behind, curve(-2.0, seed=1)) is None
