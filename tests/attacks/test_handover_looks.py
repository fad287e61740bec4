"""Forged hand-overs of a night with screens before its duels: what a screen settled must follow from it.

Each forgery has its control: with the layers that it aims at switched off, it is accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.night.folder import Night
from bot.night.handed import handover
from bot.night.night import targets_of
from harness.errors import IntegrityError
from tests.attacks.forgery import TARGET, Event, Forged, copied, ran, refused_and_accepted

LOOKING = TARGET.replace("sample: rows\n", "noise: {max_pairs: 12, calibration: 6, screen: {share: 0.2, behind: 1}}\n")
EVALUATOR = """
from random import Random
from harness import evaluator
from harness.candidate import load

def score(request):
    return [one(load(item.path), request, Random(f"{item.blob}/{request.seed}")) for item in request.items]

def one(data, request, chance):
    if data["a"] > 40 and request.fidelity < 1:
        return evaluator.Crash("too far")
    value = data["a"] - data["b"] + chance.gauss(0, 2)
    if request.bar is not None and value < request.bar and data["b"] % 2:
        return evaluator.Screened("acc", value)
    return evaluator.Scores({"acc": value})

evaluator.serve(score)
"""
HANDOVER = "harness.handover"
SEEN = "harness.handover.screens.check_seen"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return ran(
        tmp_path_factory.mktemp("looks"), target=LOOKING, evaluator=EVALUATOR, spec="a: 20\nb: 20\nfixed: 7\n",
        experiments=24,
    )  # fmt: skip


def looks(forged: Forged) -> list[Event]:
    return [event for event in forged.of("run") if event["event"] == "screen"]


def screened(forged: Forged) -> Event:
    """The last one whose screen was measured to its end."""
    whole = {event["id"] for event in looks(forged) if event["candidate"]}
    return [event for event in forged.experiments if event["reason"] == "screened" and event["id"] in whole][-1]


def look_of(forged: Forged, event: Event) -> Event:
    return next(look for look in looks(forged) if look["id"] == event["id"])


def stopped(forged: Forged) -> Event:
    return next(look for look in looks(forged) if "bound" in look)


def passed(forged: Forged) -> Event:
    return next(event for event in forged.experiments if event["reason"] == "within-noise")


def kept(forged: Forged) -> None:
    """What was screened becomes the result of the loop."""
    event = screened(forged)
    event |= {"status": "keep", "reason": "better", "metrics": {"acc": 99.0}}
    event.pop("bound")
    run = forged.of("run")
    del run[run.index(event) + 1 : -1]


def twice(forged: Forged) -> None:
    look = looks(forged)[0]
    forged.of("run").insert(forged.of("run").index(look) + 1, {**look})


def fought(forged: Forged) -> None:
    """A candidate that was screened gets a pair all the same."""
    run, look = forged.of("run"), look_of(forged, screened(forged))
    pair = next(event for event in run if event["event"] == "pair" and event["id"])
    run.insert(run.index(look) + 1, {**pair, "id": look["id"]})


def unseen(forged: Forged) -> None:
    forged.of("run").remove(look_of(forged, screened(forged)))


DECIDED = (f"{HANDOVER}.recompute_duel",)
FORGERIES: dict[str, tuple[Callable[[Forged], object], str, tuple[str, ...]]] = {
    "screened and kept": (kept, "it is recorded as keep, better; its numbers say discard, screened", DECIDED),
    "screened without a screen": (unseen, "no screen of it says so", DECIDED),
    "screened though it was ahead": (
        lambda f: look_of(f, screened(f))["candidate"].update(acc=1e3), "no screen of it says so", DECIDED),
    "a duel though it was behind": (
        lambda f: look_of(f, passed(f))["candidate"].update(acc=-1e3), "a pair after the one that decided", (
            f"{HANDOVER}.fights.check_open", *DECIDED)),
    "a smaller loss": (lambda f: screened(f).update(gain=-1e-9), "its gain is not that of its screen", DECIDED),
    "another forecast": (lambda f: screened(f).update(bound=-1.5), "its bound is not that of its screen", DECIDED),
    "a score beside the forecast": (
        lambda f: screened(f).update(metrics={"acc": 1.0}), "and it has numbers", DECIDED),
    "pairs beside the forecast": (lambda f: screened(f).update(pairs=3), "and it has numbers", DECIDED),
    "another seed": (
        lambda f: looks(f)[0].update(seed=5), "seed or share is not the one", (f"{HANDOVER}.take_screen",)),
    "another share": (
        lambda f: looks(f)[0].update(share=0.9), "seed or share is not the one", (f"{HANDOVER}.take_screen",)),
    "a second screen": (twice, "a second screen of one try", (f"{HANDOVER}.take_screen",)),
    "a screen of another try": (
        lambda f: looks(f)[0].update(id=9), "which is not being tried", (f"{HANDOVER}.take_screen", *DECIDED)),
    "stopped ahead of the bar": (
        lambda f: stopped(f).update(bound=1e3), "does not fall short", (SEEN, *DECIDED)),
    "stopped and measured": (
        lambda f: stopped(f).update(candidate={"acc": -50.0}), "no answer, or more than one", (SEEN, *DECIDED)),
    "void and measured": (lambda f: looks(f)[0].update(void="x"), "it is void, and has numbers", (SEEN,)),
    "without the metric": (
        lambda f: look_of(f, screened(f)).update(incumbent={}), "the metric acc is missing", (
            f"{HANDOVER}.take_screen", *DECIDED, f"{HANDOVER}.fights.check_open")),
    "a share that is none": (
        lambda f: looks(f)[0].update(share=2), '"share" holds', (f"{HANDOVER}.problem", f"{HANDOVER}.take_screen")),
    "a pair of what was screened": (
        fought, "seed or order", (f"{HANDOVER}.take_pair", *DECIDED)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_it_is_refused_and_accepted_without_the_layer(
    name: str, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge, says, layers = FORGERIES[name]
    mine = copied(night, tmp_path)
    tool = Forged(mine)
    forge(tool)
    tool.write()
    refused_and_accepted(mine, says, layers, monkeypatch)


def test_the_night_itself_holds_and_has_what_is_forged(night: Night) -> None:
    found = handover.read(night, targets_of(night)[0]).received
    assert found.state.reasons["screened"] > 3
    assert found.state.reasons["within-noise"] > 0
    assert found.state.reasons["refused"] > 0, "a crash in a screen"


def test_a_night_without_screens_takes_none(night: Night, tmp_path: Path) -> None:
    plain = LOOKING.replace(", screen: {share: 0.2, behind: 1}", "")
    mine = ran(tmp_path, target=plain, evaluator=EVALUATOR, experiments=2)
    tool, look = Forged(mine), looks(Forged(night))[0]
    run = tool.of("run")
    begun = next(event for event in run if event["event"] == "try")
    run.insert(run.index(begun) + 1, {**look, "id": begun["id"]})
    tool.write()
    with pytest.raises(IntegrityError, match="a screen, and the target has none"):
        handover.read(mine, targets_of(mine)[0])
