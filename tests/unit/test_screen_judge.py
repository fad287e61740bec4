"""The look before a duel, with a measurer that is made up: what it asks, when it speaks, and what it cannot do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.report import NULL_PAIRS, CheckReport
from bot.night.loop.attempt import Attempt, Court, Finding
from bot.night.loop.exact import Exact
from bot.night.loop.noisy import Noisy
from bot.night.loop.screen import Screening, judge_of
from bot.proposers import Proposal
from harness.admission import Admitted
from harness.errors import EvaluatorError
from harness.folds import LoopState
from harness.measure import Ask
from harness.reports import CUT, Measurement
from harness.rule import Metric
from harness.schedule import Schedule, block_of
from harness.screening import lost, moved, screen_bar, screen_seed
from harness.target import Noise, Screen
from tests.benchmarks.noise import FAMILIES, METRIC, Machine
from tests.benchmarks.nulls import most_nights
from tests.benchmarks.simulation import INCUMBENT, RULE, candidate

SHARE, SEED = 0.25, 20261122


@dataclass
class Made:
    """A measurer of made-up values. at: content -> value at the share; there is more noise in the whole."""

    machine: Machine
    at: dict[bytes, float | str] = field(default_factory=dict)
    asked: list[tuple[bytes, Ask]] = field(default_factory=list)

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        (content,) = contents
        self.asked.append((content, ask))
        found = self.at.get(content) if ask.fidelity < 1 else None
        if isinstance(found, str):
            return [Measurement(crash=found, why="why")]
        return [self.machine.measure(content, ask.seed) if found is None else Measurement({METRIC: found})]

    def close(self) -> None:
        """Nothing is open."""

    @property
    def looks(self) -> list[tuple[bytes, Ask]]:
        return [(content, ask) for content, ask in self.asked if ask.fidelity < 1]


class Room:
    """A loop of one target, reduced to its judge. screen: None where there is none."""

    def __init__(
        self, screen: Screen | None, *, family: str = "Gaussian", number: int = 0, tries: int = 25,
        effects: dict[bytes, float] | None = None, alone: bool = False,
    ) -> None:  # fmt: skip
        length = 400 * tries
        machine = Machine(FAMILIES[family], np.random.default_rng([SEED, number]), length, effects=effects or {})
        self.measurer, self.state, self.recorded = Made(machine), LoopState(), []
        target: Any = SimpleNamespace(name="t", rule=RULE, noise=Noise(0.05, 80, 4, screen))
        plan: Any = SimpleNamespace(
            experiments=1 if alone else tries, seed=SEED + number, coin=f"{number}", wall_clock=None, carried_blob="",
        )  # fmt: skip
        checkout: Any = SimpleNamespace(base=INCUMBENT, watch=SimpleNamespace(check=lambda: None))
        writer: Any = SimpleNamespace(append=self._append, content=lambda content, _parent: {"text": content.decode()})
        self.court = Court(
            target, plan, self.state, checkout, self.measurer, writer, lambda: 0.0, lambda: False, lambda: None
        )
        self.judge = judge_of(self.court)

    def _append(self, events: list[dict[str, Any]], *, wait: bool = False) -> None:  # noqa: ARG002  as it is called
        self.recorded += events

    def begin(self) -> None:
        event = {"event": "baseline", **self.judge.baseline(), "elapsed": 0.0, "blob": "base", "canon": "base"}
        self.state.apply({**event, "complexity": 1, "content": {"text": INCUMBENT.decode()}})

    def judged(self, content: bytes, *, null: bool = False) -> Finding:
        """As the loop does it: found, recorded, and the state moves on."""
        admitted = Admitted(f"blob of {content!r}", f"canon of {content!r}", 1)
        (found,) = self.judge.findings([Attempt(Proposal(content, "an idea", null=null), admitted)])
        event = {
            "event": "experiment", "id": self.state.experiments + 1, "blob": admitted.blob, "canon": admitted.canon,
            "content": {"text": content.decode()}, "complexity": 1, "status": found.status, "reason": found.reason,
            "metrics": found.metrics, "gain": found.gain, "cost_usd": 0.0, "elapsed": 0.0, **found.more,
        }  # fmt: skip
        self.state.apply(event)
        return found


def room(**at: float | str) -> Room:
    """One in which the incumbent scores 1 at the share, and candidates `one`, `two`, ... as given."""
    made = Room(Screen(SHARE, 0.5))
    made.measurer.at = {INCUMBENT: 1.0, **{name.encode(): value for name, value in at.items()}}
    made.begin()
    return made


def test_a_target_gets_the_judge_that_it_declares() -> None:
    assert isinstance(Room(Screen(SHARE, 0)).judge, Screening)
    assert isinstance(Room(None).judge, Noisy)
    exact = Room(None)
    exact.court.target.noise = None
    exact.court.target.evaluate = SimpleNamespace(form="serve", model=None)
    assert isinstance(judge_of(exact.court), Exact)


@pytest.mark.parametrize(
    ("value", "screened"), [(1.0, False), (0.5, False), (0.499, True), (-30.0, True), (9.0, False)]
)
def test_what_is_further_behind_than_allowed_gets_no_duel(value: float, screened: bool) -> None:
    made = room(one=value)
    found = made.judged(b"one")
    assert (found.reason == "screened") == screened
    assert (
        bool([content for content, ask in made.measurer.asked if content == b"one" and ask.fidelity == 1]) != screened
    )
    if screened:
        assert found.gain == value - 1.0
        assert found.more["bound"] == made.state.base_metrics[METRIC] + found.gain
        assert not found.metrics


def test_each_incumbent_is_measured_once_on_one_seed_of_no_duel() -> None:
    made = room(one=0.0, two=-1.0, three=-2.0)
    for content in (b"one", b"two", b"three"):
        made.judged(content)
    assert [content for content, _ in made.measurer.looks] == [INCUMBENT, b"one", b"two", b"three"]
    (seed,) = {ask.seed for _, ask in made.measurer.looks}
    assert block_of(seed) == "screen"
    assert seed == screen_seed(Schedule(SEED, "0"), 0)
    assert [ask.bar for _, ask in made.measurer.looks] == [None, 0.5, 0.5, 0.5]
    assert all(ask.bar is None for _, ask in made.measurer.asked if ask.fidelity == 1)


def test_after_a_keep_the_new_incumbent_is_measured_on_another_seed() -> None:
    made = Room(Screen(SHARE, 0.5), effects={b"better": 8.0})
    made.begin()
    assert made.judged(b"better").status == "keep"
    made.judged(b"worse")
    looks = [(content, ask.seed) for content, ask in made.measurer.looks]
    assert [content for content, _ in looks] == [INCUMBENT, b"better", b"better", b"worse"]
    assert looks[0][1] == looks[1][1] != looks[2][1] == looks[3][1]


def test_a_crash_at_the_share_is_a_crash() -> None:
    made = room(one="exit")
    found = made.judged(b"one")
    assert (found.status, found.reason, found.why) == ("crash", "exit", "why")
    assert "pairs" not in found.more


def test_what_the_end_of_the_night_cuts_off_is_unfinished_and_not_recorded() -> None:
    made = room(one=CUT)
    assert made.judged(b"one").reason == "unfinished"
    assert [event["event"] for event in made.recorded if event["event"] != "pair"] == ["try"]


def test_an_incumbent_without_a_score_screens_nobody() -> None:
    made = Room(Screen(SHARE, 0.5), effects={b"better": 8.0})
    made.begin()
    made.judged(b"better")
    made.measurer.at = {b"better": "exit", b"one": -50.0}
    assert made.judged(b"one").reason != "screened"
    (event,) = [event for event in made.recorded if event["event"] == "screen"][1:]
    assert (event["void"], event["incumbent"], event["candidate"]) == ("the incumbent: exit: why", {}, {})
    made.measurer.at = {b"two": -50.0}
    assert made.judged(b"two").reason == "screened", "it is asked again"


def test_a_base_without_a_score_at_the_share_is_told_at_once() -> None:
    made = Room(Screen(SHARE, 0.5))
    made.measurer.at = {INCUMBENT: "timeout"}
    with pytest.raises(EvaluatorError, match=r"at 0\.25 of the cost"):
        made.begin()


def test_what_is_unchanged_on_purpose_is_not_screened() -> None:
    made = room(one=-50.0)
    assert made.judged(b"one", null=True).reason != "screened"
    assert not [event for event in made.recorded if event["event"] == "screen"]


def test_rows_that_were_confirmed_once_are_not_screened() -> None:
    made = room(one=-50.0, two=-50.0)
    made.court.plan.carried_blob = f"blob of {b'one'!r}"
    assert made.judged(b"one").reason != "screened"
    assert made.judged(b"two").reason == "screened"


def test_an_estimate_of_a_night_knows_that_half_of_the_tries_are_cheap() -> None:
    def measurements(screen: Screen | None) -> float:
        found: Any = SimpleNamespace(baseline=SimpleNamespace(noise=True))
        found.target = SimpleNamespace(noise=Noise(0.05, 80, 4, screen))
        return CheckReport.measurements.fget(found)

    assert measurements(None) == 2 * NULL_PAIRS
    assert measurements(Screen(SHARE, 0.0)) == SHARE + NULL_PAIRS


# --- the arithmetic ---

METRICS = st.builds(
    Metric, st.just("near"), st.sampled_from(["maximize", "minimize"]), compare=st.sampled_from(["difference", "ratio"])
)


@given(METRICS, st.floats(1e-6, 1e6), st.floats(-20, 20))
def test_a_value_moved_by_a_gain_has_that_gain(metric: Metric, value: float, gain: float) -> None:
    assert metric.gain(value, moved(metric, value, gain)) == pytest.approx(gain, abs=1e-6) or value + gain <= 0


@given(METRICS, st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(0, 5))
def test_who_is_ruled_out_is_behind(metric: Metric, incumbent: float, value: float, behind: float) -> None:
    seen = {"incumbent": {"near": incumbent}, "candidate": {"near": value}}
    found = lost(metric, Screen(SHARE, behind), seen)
    if found is None:
        assert metric.gain(incumbent, value) >= -behind - 1e-9 * max(1, abs(incumbent))
    else:
        assert found == metric.gain(incumbent, value) < 0
        assert metric.gain(screen_bar(metric, incumbent, behind), value) < 0


def test_a_value_at_the_edge_of_floats_stays_one() -> None:
    ratio = Metric("near", "minimize", compare="ratio")
    assert math.isfinite(moved(ratio, 1e150, -690.0))


# --- what it can do to decisions: the machines of tests/benchmarks, through the judges themselves ---

NIGHTS, TRIES = 6, 25


def keeps(screen: Screen | None, family: str, number: int, *, effect: float = 0.0, alone: bool = False) -> list[str]:
    """Reasons of a night's candidates, all of them with the same effect."""
    effects = {candidate(i): effect for i in range(TRIES)} if effect else {}
    made = Room(screen, family=family, number=number, tries=TRIES, effects=effects, alone=alone)
    made.begin()
    found = []
    for i in range(TRIES):
        found.append(made.judged(candidate(i)).reason)
        if effect and found[-1] == "better":
            break  # the next ones are no better than the incumbent
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_screen_makes_no_false_keeps(family: str) -> None:
    nights = [keeps(Screen(SHARE, 0.0), family, number) for number in range(NIGHTS)]
    assert sum("better" in night for night in nights) <= most_nights(NIGHTS)
    screened = [reason == "screened" for night in nights for reason in night]
    assert 0.1 < np.mean(screened) < 0.9, "a night without one proves nothing"


def test_with_alpha_for_every_try_the_same_nights_keep_falsely() -> None:
    """The control: what is counted above can be more than chance allows."""
    nights = [keeps(Screen(SHARE, 9.0), "Gaussian", number, alone=True) for number in range(2 * NIGHTS)]
    assert sum("better" in night for night in nights) > most_nights(2 * NIGHTS)


def test_a_screen_costs_gains_and_the_slack_saves_them() -> None:
    """Of candidates 1.5 sd ahead: how many the first look lets pass, which is one noisy measurement of each side."""

    def passed(behind: float) -> float:
        nights = [Room(Screen(SHARE, behind), number=n, effects={candidate(0): 1.5}) for n in range(80)]
        for made in nights:
            made.begin()
        return float(np.mean([made.judged(candidate(0)).reason != "screened" for made in nights]))

    strict, slack = passed(0.0), passed(2.5)
    assert 0.65 < strict < 0.97
    assert slack > 0.97
