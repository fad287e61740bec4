"""Forged hand-overs of a target whose metrics vary: decisions must follow from pairs, pairs from seed and coin.

Each forgery has its control: with the one layer that it aims at switched off, it is accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import log, records
from bot.night.earlier import archive
from bot.night.folder import Night
from bot.night.handed import handover
from bot.night.night import targets_of
from harness.errors import IntegrityError
from harness.repository import Repository
from tests.attacks.forgery import TARGET, Event, Forged, confirmed, copied, proposed, ran
from tests.support import git

NOISY = TARGET.replace("sample: rows\n", "noise: {max_pairs: 40, calibration: 10}\nconfirm: {longer: {}}\n")
EVALUATOR = """
import random
from harness import evaluator
from harness.candidate import load

chance = random.Random()

def score(request):
    found = [load(item.path) for item in request.items]
    return [evaluator.Scores({"acc": data["a"] + data["b"] + chance.gauss(0, 2)}) for data in found]

evaluator.serve(score)
"""
FIGHTS, OUTCOME = "harness.handover.fights", "harness.handover.outcome"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return confirmed(ran(tmp_path_factory.mktemp("noisy"), target=NOISY, evaluator=EVALUATOR, experiments=8))


def pair(forged: Forged) -> Event:
    """The second pair of the first try that was kept."""
    kept = next(event["id"] for event in forged.experiments if event["status"] == "keep")
    return next(e for e in forged.of("run") if e["event"] == "pair" and e["id"] == kept and e["n"] == 2)


def measured(forged: Forged) -> Event:
    return [event for event in forged.experiments if "log_e" in event][-1]


def lost(forged: Forged) -> Event:
    return next(event for event in forged.experiments if "log_e" in event and event["status"] == "discard")


def baseline(forged: Forged) -> Event:
    return next(event for event in forged.of("run") if event["event"] == "baseline")


def other_order(forged: Forged) -> None:
    pair(forged)["order"] = {"ic": "ci", "ci": "ic"}[pair(forged)["order"]]


def other_value(forged: Forged) -> None:
    pair(forged)["candidate"]["acc"] += 1e-6


FORGERIES: dict[str, tuple[Callable[[Forged], object], str, str]] = {
    "a value of a pair": (
        other_value, "does not follow from its", "harness.handover.recompute_duel"),
    "more evidence": (
        lambda f: measured(f).update(log_e=50.0), '"log_e" does not follow', "harness.handover.recompute_duel"),
    "an easier threshold": (
        lambda f: measured(f).update(threshold=2.0), '"threshold" does not', "harness.handover.recompute_duel"),
    "parts of what lost": (
        lambda f: lost(f).update(parts={"steps": 1.0}), '"parts" does not follow', "harness.handover.recompute_duel"),
    "another order": (other_order, "seed or order", f"{FIGHTS}.check_scheduled"),
    "another seed": (lambda f: pair(f).update(seed=5), "seed or order", f"{FIGHTS}.check_scheduled"),
    "another calibration": (
        lambda f: baseline(f)["metrics"].update(acc=1.0), "of the calibration", "harness.handover.check_calibration"),
    "a pair of confirm": (
        lambda f: f.confirm["pairs"][0]["head"].update(acc=1e4), "its means", f"{OUTCOME}.recompute_interval"),
    "the seed of a pair of confirm": (
        lambda f: f.confirm["pairs"][0].update(seed=5), "the schedule", f"{OUTCOME}.recompute_interval"),
    "a narrower interval": (
        lambda f: f.confirm["confirmed"].update(low=50.0), "its interval", f"{OUTCOME}.recompute_interval"),
    "a gain that lasts better": (
        lambda f: f.confirm["longer"].update(gain=1e4), "does not follow from its pairs", f"{OUTCOME}.check_longer"),
    "a friendlier reading": (
        lambda f: f.confirm["longer"].update(reading="turns"), "does not follow", f"{OUTCOME}.check_longer"),
    "a shorter budget": (
        lambda f: f.confirm["longer"].update(times=1.5), "another budget", f"{OUTCOME}.check_longer"),
    "no word of a longer budget": (
        lambda f: f.confirm.pop("longer"), "the other way round", f"{OUTCOME}.check_longer"),
    "a seed of confirm at a longer budget": (
        lambda f: f.confirm["longer"]["pairs"][0].update(seed=f.confirm["pairs"][0]["seed"]), "the schedule",
        f"{OUTCOME}.check_longer"),
    "a row that adds more": (
        lambda f: f.confirm["rows"][0].update(adds=1e4), "does not add", f"{OUTCOME}.recompute_interval"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_it_is_refused_and_accepted_without_the_layer(
    name: str, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge, says, layer = FORGERIES[name]
    mine = copied(night, tmp_path)
    tool = Forged(mine)
    forge(tool)
    tool.write()
    with pytest.raises(IntegrityError) as refused:
        handover.read(mine, targets_of(mine)[0])
    assert says in refused.value.what

    def off(*_arguments: Any) -> None:
        return None

    monkeypatch.setattr(layer, off)
    assert handover.read(mine, targets_of(mine)[0]).received.segments


def test_a_dropped_and_a_voided_pair_are_missed(night: Night, tmp_path: Path) -> None:
    assert handover.read(night, targets_of(night)[0]).received.rows
    for number, (forge, says) in enumerate(
        ((lambda f: f.of("run").remove(pair(f)), "was due"), (lambda f: pair(f).update(void="x"), "it is void"))
    ):
        mine = copied(night, tmp_path / str(number))
        tool = Forged(mine)
        forge(tool)
        tool.write()
        with pytest.raises(IntegrityError) as refused:
            handover.read(mine, targets_of(mine)[0])
        assert says in refused.value.what


def elsewhere(night: Night, folder: Path) -> Repository:
    """Another machine, which has the night from the records branch alone, without its coin."""
    mine = copied(night, folder / "origin")
    assert proposed(mine).opened is not None
    git(folder, "clone", "--quiet", str(mine.repository.root), "clone")
    return Repository.find(folder / "clone")


def test_a_night_of_another_machine_is_read_without_its_coin(night: Night, tmp_path: Path) -> None:
    with archive.opened(elsewhere(night, tmp_path), night.name) as fetched:
        assert fetched.plan.targets[0].coin == ""
        assert handover.read(fetched, targets_of(fetched)[0]).received.rows
        told = "\n".join(log.log_lines(fetched.repository, night.name, None, as_json=False))
    assert "refused" not in told


@pytest.mark.parametrize("seed", [5, -1, 2**40, True, "5"])
def test_without_a_coin_a_seed_that_is_not_of_confirm_is_refused(
    seed: object, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied(night, tmp_path)
    tool = Forged(mine)
    tool.confirm["pairs"][0]["seed"] = seed
    tool.write()
    there = elsewhere(night, tmp_path)
    monkeypatch.setattr(records, "fetch_night", lambda *_: {f"t/{k}": v for k, v in mine.files("t").contents.items()})
    with archive.opened(there, night.name) as fetched:
        with pytest.raises(IntegrityError, match="seed or order"):
            handover.read(fetched, targets_of(fetched)[0])
        monkeypatch.setattr("harness.handover.intervals.check_draw", lambda *_: None)
        assert handover.read(fetched, targets_of(fetched)[0]).received.rows
