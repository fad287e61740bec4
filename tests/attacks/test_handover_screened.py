"""Forged hand-overs with screened experiments: a bound must decide, and only where a bound can.

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
from tests.attacks.forgery import EVALUATOR, TARGET, Event, Forged, confirmed, copied, ran, refused_and_accepted

SCREENING = """
from harness import evaluator
from harness.candidate import load

def score(request):
    return [one(load(item.path), request) for item in request.items]

def one(data, request):
    value = float(data["a"] + data["b"])
    if request.bar is not None and value < request.bar and data["a"] % 2:
        return evaluator.Screened("acc", value)
    rows = [value + i * 0.01 - 0.1 for i in range(21)]
    return evaluator.Scores({"acc": value}, rows={"acc": [rows]})

evaluator.serve(score)
"""
PROCESS = """
from harness import evaluator
from harness.candidate import load

data = load(evaluator.settings().file)
evaluator.report({"acc": float(data["a"] + data["b"])})
"""
JUDGED = TARGET.replace("sample: rows\n", "")
WITHOUT_A_BAR = {
    "process form": (JUDGED.replace("serve:", "command:"), PROCESS),
    "weighted": (f"{JUDGED}keep: {{rule: weighted, weights: {{acc: 1}}}}\n", EVALUATOR),
    "pareto": (f"{JUDGED}keep: {{rule: pareto}}\n", EVALUATOR),
    "noise": (f"{JUDGED}noise: {{max_pairs: 8, calibration: 6}}\n", EVALUATOR.replace(
        'data["b"])', 'data["b"]) + chance.gauss(0, 2)').replace(
        "from harness import", "import random\nchance = random.Random()\nfrom harness import", 1)),
}  # fmt: skip
LOOP, HANDOVER = "harness.handover.loop", "harness.handover"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return confirmed(ran(tmp_path_factory.mktemp("screened"), evaluator=SCREENING))


def screened(forged: Forged) -> Event:
    """The last one."""
    return [event for event in forged.experiments if event["reason"] == "screened"][-1]


def incumbent(forged: Forged, event: Event) -> float:
    """What the incumbent of an experiment's moment scored."""
    found = [e for e in forged.of("run") if e["event"] == "baseline"]
    found += [e for e in forged.experiments if e["status"] == "keep" and e["id"] < event["id"]]
    return float(found[-1]["metrics"]["acc"])


def bounded_by(more: float) -> Callable[[Forged], None]:
    """A bound so much better than the incumbent, with the gain that belongs to it."""

    def forge(forged: Forged) -> None:
        event = screened(forged)
        event |= {"bound": incumbent(forged, event) + more, "gain": more}

    return forge


def as_measured(forged: Forged) -> None:
    """A measured discard also says a bound."""
    event = forged.discard()
    event["bound"] = event["metrics"]["acc"]


def kept(forged: Forged) -> None:
    """What was screened becomes the result of the loop."""
    event = screened(forged)
    event |= {"status": "keep", "metrics": {"acc": 99.0}}
    for later in [later for later in forged.experiments if later["id"] > event["id"]]:
        forged.of("run").remove(later)


def again(forged: Forged) -> None:
    """The first content that was tried, screened once more at the end."""
    event, first = screened(forged), forged.experiments[0]
    event |= {key: first[key] for key in ("blob", "canon", "complexity")}
    event["content"] = {"text": restored(forged, first["id"]).decode()}


def restored(forged: Forged, number: int) -> bytes:
    from harness import folds

    return folds.restore(forged.night.segments("t"), number)[1]


FORGERIES: dict[str, tuple[Callable[[Forged], object], str, tuple[str, ...]]] = {
    "a bound that ties": (bounded_by(0.0), "does not fall short", (f"{LOOP}.check_screened",)),
    "a bound that is better": (bounded_by(0.5), "does not fall short", (f"{LOOP}.check_screened",)),
    "a smaller loss": (
        lambda f: screened(f).update(gain=-1e-9), "its gain is not that of its bound", (f"{LOOP}.check_screened",)),
    "a score beside the bound": (
        lambda f: screened(f).update(metrics={"acc": 1.0}), "and has numbers", (f"{LOOP}.check_screened",)),
    "parts beside the bound": (
        lambda f: screened(f).update(parts={"acc": 1.0}), "and has numbers", (f"{LOOP}.check_screened",)),
    "no bound": (
        lambda f: screened(f).pop("bound"), "screened without a bound", (
            f"{HANDOVER}.problem", f"{LOOP}.check_screened")),
    "a bound that is no number": (
        lambda f: screened(f).update(bound="0.1"), "'bound' holds", (
            f"{HANDOVER}.problem", f"{LOOP}.check_screened")),
    "a bound on what was measured": (as_measured, "bounded without being screened", (f"{HANDOVER}.problem",)),
    "screened as a crash": (
        lambda f: screened(f).update(status="crash"), "a crash with the reason", (
            f"{HANDOVER}.problem", f"{HANDOVER}.check_decision")),
    "screened and kept": (
        kept, "a keep with the reason", (
            f"{HANDOVER}.problem", f"{LOOP}.check_screened", f"{HANDOVER}.claims.check_confirm")),
    "what was tried before": (again, "was measured before in this night", (f"{LOOP}.check_tried",)),
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
    assert found.rows
    assert found.state.reasons["screened"] > 3
    assert found.state.reasons["worse"] > 0


@pytest.mark.parametrize("kind", WITHOUT_A_BAR)
def test_where_no_bar_is_sent_nothing_is_screened(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, evaluator = WITHOUT_A_BAR[kind]
    mine = ran(tmp_path, target=target, evaluator=evaluator, experiments=4)
    assert handover.read(mine, targets_of(mine)[0]).received.segments
    tool = Forged(mine)
    event = tool.experiments[-1]
    event |= {"status": "discard", "reason": "screened", "metrics": {}, "parts": {}, "bound": -500.0, "gain": -502.0}
    tool.write()
    layers = (f"{LOOP}.check_screened", f"{HANDOVER}.recompute_duel")
    refused_and_accepted(mine, "the loop of this target measures everything", layers, monkeypatch)


def test_a_bound_is_held_against_the_incumbent_whichever_harness_wrote_it(night: Night, tmp_path: Path) -> None:
    """Decisions are made again only under the harness that made them; what follows from the numbers alone always."""
    mine = copied(night, tmp_path)
    tool = Forged(mine)
    tool.headers(harness="e" * 64)
    tool.write()
    assert handover.read(mine, targets_of(mine)[0]).received.segments
    bounded_by(0.5)(tool)
    tool.write()
    with pytest.raises(IntegrityError, match="does not fall short"):
        handover.read(mine, targets_of(mine)[0])
