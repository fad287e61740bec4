"""Evaluators that screen: the same night as without, at less cost, and whoever reads its record knows what is known.

One evaluator in four manners: it measures everything, or answers what falls short of the bar with the value itself,
with a loose bound, or with a bound that decides nothing.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import log
from bot.forge.local import LocalForge
from bot.night.confirm import confirm
from bot.night.handed import handover
from bot.night.loop.exact import SERVE_BATCH
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import propose
from bot.night.run import run
from bot.pages import table
from bot.pages.charts import chart
from bot.pages.summary import summarise
from bot.pages.target.tried import reverted
from bot.proposers import Outcome
from bot.proposers.perturb import Perturb
from bot.reproduce import Reproduction, reproduce
from harness import folds
from harness.events import Event
from harness.reports import Measurement
from harness.screening import holds
from harness.target import Target
from tests.support import make_repository
from tests.tried_slowly import tried_before

FOLDER = "targets/experiments/s"
SPEC = "a: 2  # far from 20\nb: 33\nc: 3  # changes nothing\n"
EVALUATOR = """
import json
from harness import evaluator
from harness.candidate import load

SIGN = 1 if GOAL == "maximize" else -1

def score(request):
    note(["asked", request.split, request.bar])
    return [one(load(item.path), item, request.bar) for item in request.items]

def one(data, item, bar):
    off = abs(data["a"] - 20) + abs(data["b"] - 11)
    value = 1 / (1 + off) if SIGN > 0 else 1.0 + off
    if MANNER != "plain" and bar is not None and SIGN * value < SIGN * bar:
        bound = {"value": value, "loose": (value + bar) / 2, "wrong": bar}[MANNER]
        return evaluator.Screened("near", bound)
    note(["whole", item.blob])
    return evaluator.Scores({"near": value, "even": float(data["a"] % 2)}, parts={"off": off})

def note(what):
    with open(LOG, "a") as log:
        log.write(json.dumps(what) + "\\n")

evaluator.serve(score)
"""
MAXIMIZE = """
metrics:
  - {name: near, goal: maximize}
  - {name: even, goal: minimize, guard: {tolerance: 0}}
"""
RATIO = """
metrics:
  - {name: near, goal: minimize, compare: ratio, min_effect: 0.02}
  - {name: even, goal: minimize, tolerance: 0}
keep: {rule: every}
"""
RULES = {"maximize": MAXIMIZE, "minimize": RATIO}


class Ran:
    """A night after its loop, and what the evaluator noted of it."""

    def __init__(
        self, folder: Path, manner: str, goal: str, *, seed: int = 3, rules: str = "", tries: int = 64
    ) -> None:
        self.log = folder / "log"
        script = EVALUATOR
        for name, value in {"MANNER": manner, "GOAL": goal, "LOG": str(self.log)}.items():
            script = script.replace(name, repr(value))
        yaml = (
            "name: s\nfile: spec.yaml\nspace: {/a: {int: [0, 50]}, /b: {int: [0, 50]}, /c: {int: [0, 3]}}\n"
            f"evaluate: {{serve: [python, evaluate.py]}}\n{rules or RULES[goal]}"
        )
        files = {f"{FOLDER}/target.yaml": yaml, f"{FOLDER}/spec.yaml": SPEC, f"{FOLDER}/evaluate.py": script}
        self.repository = make_repository(folder, files)
        self.night, _ = plan(self.repository, Wishes(experiments=tries, seed=seed))
        self.end = run(self.night, self.target, quiet=True)

    @property
    def target(self) -> Target:
        return targets_of(self.night)[0]

    @property
    def experiments(self) -> list[Event]:
        return folds.of_kind(self.night.segments("s"), "experiment")

    @property
    def screened(self) -> list[Event]:
        return [event for event in self.experiments if event["reason"] == "screened"]

    @property
    def state(self) -> folds.LoopState:
        return folds.loop_state(self.night.segments("s"), self.night.packs("s"))

    def noted(self, what: str) -> list[Any]:
        return [note for note in map(json.loads, self.log.read_text().splitlines()) if note[0] == what]

    def asked(self, work: Callable[[], object]) -> list[Any]:
        """What the evaluator was asked while this was done."""
        before = len(self.noted("asked"))
        work()
        return self.noted("asked")[before:]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    @functools.cache
    def made(manner: str, goal: str, seed: int) -> Ran:
        return Ran(tmp_path_factory.mktemp(f"{manner}-{goal}"), manner, goal, seed=seed)

    return made


def course(found: Ran) -> list[tuple[Any, ...]]:
    """What was tried, on what, and what was kept of it."""
    return [
        (e["id"], e["blob"], e["parent"], e["status"] == "keep" and (e["reason"], e["gain"], e["metrics"]))
        for e in found.experiments
    ]


@pytest.mark.parametrize(("goal", "seed"), [("maximize", 3), ("maximize", 8), ("minimize", 3)])
@pytest.mark.parametrize("manner", ["value", "loose"])
def test_screening_changes_neither_what_is_kept_nor_the_final_file(
    manner: str, goal: str, seed: int, ran: Callable[..., Ran]
) -> None:
    plain, found = ran("plain", goal, seed), ran(manner, goal, seed)
    assert course(found) == course(plain)
    assert found.state.content == plain.state.content != SPEC.encode()
    reasons = {event["reason"] for event in found.experiments}
    assert {"better", "screened"} <= reasons, "a night in which nothing happens proves nothing"
    assert len(found.screened) > len(found.experiments) / 3
    assert not plain.screened
    full = {event["id"]: event for event in plain.experiments}
    for event in found.screened:
        assert (event["status"], event["metrics"], event["parts"]) == ("discard", {}, {})
        assert full[event["id"]]["status"] == "discard"
        assert holds(found.target.rule.primary, event["bound"], full[event["id"]]["metrics"]["near"])
        assert 0 > event["gain"] >= full[event["id"]]["gain"]
    whole = {note[1] for note in found.noted("whole")}
    assert not whole & {event["blob"] for event in found.screened}, "the rest was spared"


def test_ties_are_measured_and_simpler_ones_kept(ran: Callable[..., Ran]) -> None:
    found = ran("value", "maximize", 8)
    reasons = [event["reason"] for event in found.experiments]
    assert "simpler" in reasons
    assert "guard" in reasons


def test_a_bound_outlives_a_keep_in_the_same_batch(ran: Callable[..., Ran]) -> None:
    """The bar of a batch is that of its start. What falls short of it falls short of what is kept on the way."""
    found = ran("value", "maximize", 3)
    batches = [found.experiments[at : at + SERVE_BATCH] for at in range(0, len(found.experiments), SERVE_BATCH)]
    after = [
        event
        for batch in batches
        for event in batch
        if event["reason"] == "screened" and any(e["status"] == "keep" and e["id"] < event["id"] for e in batch)
    ]
    assert after
    kept: dict[str, float] = {e["blob"]: e["metrics"]["near"] for e in found.experiments if e["status"] == "keep"}
    assert all(event["gain"] == event["bound"] - kept[event["parent"]] for event in after)
    assert handover.read(found.night, found.target).received.state.kept == found.state.kept


def test_the_tripwire_of_gains_out_of_family_counts_what_was_screened(ran: Callable[..., Ran]) -> None:
    """The value itself counts as a measurement does; a loose bound as a smaller loss, never as a larger."""
    plain, value, loose = (ran(manner, "maximize", 3).state for manner in ("plain", "value", "loose"))
    assert value.measured == loose.measured == plain.measured
    assert value.largest == plain.largest
    assert loose.largest <= plain.largest


def test_a_proposer_is_told_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Outcome] = []
    monkeypatch.setattr(Perturb, "tell", lambda _self, outcomes: told.extend(outcomes))
    found = Ran(tmp_path, "value", "maximize", tries=20)
    assert found.screened
    assert [outcome.bound for outcome in told] == [event.get("bound") for event in found.experiments]
    assert all(not outcome.metrics for outcome in told if outcome.bound is not None)


def test_what_was_screened_is_tried(ran: Callable[..., Ran]) -> None:
    found = ran("value", "maximize", 3)
    tried = tried_before(found.night.segments("s"), found.night.target_plan("s").lock)
    assert {event["canon"] for event in found.screened} <= tried


def test_a_wrong_bound_is_a_crash_of_that_candidate_alone(ran: Callable[..., Ran]) -> None:
    found, plain = ran("wrong", "maximize", 3), ran("plain", "maximize", 3)
    assert not found.screened
    crashes = [event for event in found.experiments if event["status"] == "crash"]
    assert {event["reason"] for event in crashes} == {"malformed"}
    assert all("does not rule out" in event["why"] for event in crashes)
    assert course(found) == course(plain)


def test_the_bar_is_the_incumbents_value_and_sent_in_the_loop_alone(tmp_path: Path) -> None:
    found = Ran(tmp_path, "value", "maximize", tries=40)
    baselines, loop = found.noted("asked")[:2], found.noted("asked")[2:]
    assert baselines == [["asked", "search", None]] * 2
    values = [e["metrics"]["near"] for e in folds.of_kind(found.night.segments("s"), "baseline")]
    values += [event["metrics"]["near"] for event in found.experiments if event["status"] == "keep"]
    assert loop
    assert all(split == "search" and bar in values for _, split, bar in loop)
    asked = found.asked(lambda: confirm(found.night, found.target))
    asked += found.asked(lambda: reproduce(found.repository, f"{found.night.name}/s/{found.screened[0]['id']}"))
    assert len(asked) > 2
    assert all(bar is None for _, _, bar in asked)


NO_BAR = {
    "pareto": f"{MAXIMIZE}keep: {{rule: pareto}}\n",
    "weighted": f"{MAXIMIZE}keep: {{rule: weighted, weights: {{near: 1}}}}\n",
    "noise": f"{MAXIMIZE}noise: {{max_pairs: 8, calibration: 6}}\n",
}


@pytest.mark.parametrize("kind", NO_BAR)
def test_where_the_primary_metric_does_not_decide_there_is_no_bar(kind: str, tmp_path: Path) -> None:
    found = Ran(tmp_path, "value", "maximize", rules=NO_BAR[kind], tries=6)
    assert not found.screened
    assert len(found.noted("asked")) > 2
    assert all(bar is None for _, _, bar in found.noted("asked"))


# --- what is told of it ---


def test_the_page_counts_it_as_reverted_and_draws_its_bound(ran: Callable[..., Ran]) -> None:
    found = ran("value", "maximize", 3)
    report = summarise(found.night.segments("s"))
    count = len(found.screened)
    assert report.reasons["screened"] == count
    assert report.kept + sum(report.reasons.values()) == report.tries == len(found.experiments)
    drawn = {point.experiment: point for point in report.points}
    assert {n for n, point in drawn.items() if point.screened} == {event["id"] for event in found.screened}
    assert all(drawn[event["id"]].value == event["bound"] for event in found.screened)
    assert not {event["id"] for event in report.near_misses} & {event["id"] for event in found.screened}
    text = reverted(report, "").text
    assert f"screened {count}" in text
    assert "a bound on near ruled it out" in text
    assert "Screened:" not in reverted(summarise(ran("plain", "maximize", 3).night.segments("s")), "").text


def test_the_chart_shows_bounds_hollow_and_measurements_filled(ran: Callable[..., Ran]) -> None:
    report = summarise(ran("value", "maximize", 3).night.segments("s"))
    (axes,) = chart._draw(report).axes
    drawn = {str(found.get_label()): found for found in axes.collections}
    hollow, filled = drawn["screened, at its bound"], drawn["reverted"]
    assert len(hollow.get_facecolor()) == 0
    assert len(filled.get_facecolor()) == 1
    places = [tuple(place) for place in hollow.get_offsets()]
    assert places == [(point.experiment, point.value) for point in report.points if point.screened]
    assert chart.chart_png(report).startswith(b"\x89PNG")


def test_the_table_leaves_its_cells_empty(ran: Callable[..., Ran]) -> None:
    found = ran("value", "maximize", 3)
    lines = [line.split("\t") for line in table.results_tsv(found.night.segments("s")).splitlines()]
    assert lines[0][:4] == ["experiment", "near", "even", "status"]
    for event in found.screened:
        line = lines[1 + event["id"]]
        assert line[:4] == [str(event["id"]), "", "", "discard"]
        assert line[-1].startswith("screened: ")


def test_the_log_says_the_bound(ran: Callable[..., Ran]) -> None:
    for goal, words in (("maximize", "at most"), ("minimize", "at least")):
        found = ran("value", goal, 3)
        event = found.screened[0]
        lines = list(log.log_lines(found.repository, found.night.name, "discard", as_json=False))
        (line,) = (line for line in lines if line.startswith(f"s/{event['id']}\t"))
        assert line.split("\t")[1:4] == ["discard", "screened", f"{words} {event['bound']:.6g}"]


def test_a_night_with_screened_experiments_is_confirmed_proposed_and_reproduced(tmp_path: Path) -> None:
    found = Ran(tmp_path, "loose", "maximize")
    assert confirm(found.night, found.target) == "confirmed"
    proposed = propose(found.night, targets_of(found.night), LocalForge(found.night.path))
    assert proposed.refused == {}
    assert proposed.opened
    event = found.screened[0]
    told = reproduce(found.repository, f"{found.night.name}/s/{event['id']}")
    assert isinstance(told, Reproduction)
    assert told.same
    assert set(told.measured.metrics) == {"near", "even"}
    assert told.measured.metrics["near"] < event["bound"]
    text = told.as_text()
    assert f"recorded: screened, near at most {event['bound']:.6g}" in text
    assert f"even: now {told.measured.metrics['even']!r}" in text
    assert told.as_json()["recorded"] == {"screened": {"metric": "near", "bound": event["bound"]}}
    better = replace(told, measured=Measurement({"near": event["bound"] + 1e-9, "even": 0.0}))
    assert not better.same
    assert better.as_text().endswith("NOT the same")
    assert not replace(told, measured=Measurement(crash="exit")).same
