"""Does a confirmed gain last? What pairs at a longer budget say, what is measured of them, and how a page says it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scipy import stats

from bot.night.examination import longer as looking
from bot.night.examination.bench import BudgetSpent, Drawn
from bot.pages.body import body
from bot.pages.facts import Facts
from bot.pages.summary import TargetReport, summarise
from bot.pages.target import evidence, lasting
from bot.pages.verdict import verdict
from harness import intervals, longer
from harness.handover.shapes import problem
from harness.measure import Ask
from harness.reports import Measurement
from harness.rule import Metric, Rule
from harness.target import Longer
from tests.invented import noisy_night
from tests.pages import links

CONFIRMED = {"gain": 0.10, "sd": 0.05, "pairs": 40}
RULE = Rule("primary", (Metric("bpb", "minimize"),))


@pytest.mark.parametrize(
    ("gains", "reading"),
    [
        ([0.09, 0.11, 0.10, 0.12, 0.08], longer.HOLDS),
        ([0.05, 0.06, 0.04, 0.05, 0.05], longer.SHRINKS),
        ([0.01, -0.01, 0.02, -0.02, 0.0], longer.FADES),
        ([0.3, -0.2, 0.1, 0.25, -0.1], longer.UNCLEAR),
        ([-0.05, -0.06, -0.04, -0.05, -0.05], longer.TURNS),
        ([0.1, 0.1, 0.1], longer.HOLDS),
        ([-0.1, -0.1, -0.1], longer.TURNS),
    ],
)
def test_what_pairs_at_a_longer_budget_say(gains: Sequence[float], reading: str) -> None:
    found = longer.comes_to(CONFIRMED, gains)
    assert found["reading"] == reading
    mean = intervals.paired(gains)
    assert (found["gain"], found["low"], found["high"]) == (mean.gain, mean.low, mean.high)


def test_no_spread_at_all_is_compared_as_it_is() -> None:
    exact = {"gain": 1.0, "sd": 0.0, "pairs": 20}
    assert longer.comes_to(exact, [1.0, 1.0, 1.0])["reading"] == longer.HOLDS
    assert longer.comes_to(exact, [0.5, 0.5, 0.5])["reading"] == longer.SHRINKS
    assert longer.comes_to(exact, [0.0, 0.0, 0.0])["reading"] == longer.FADES


def test_clearly_smaller_is_what_welch_calls_so() -> None:
    chance, seen = random.Random(5), set()
    for _ in range(60):
        usual = [chance.gauss(1.0, 0.5) for _ in range(20)]
        there = [chance.gauss(0.5, 0.3) for _ in range(5)]
        mean = intervals.paired(usual)
        found = longer.clearly_smaller({"gain": mean.gain, "sd": mean.sd, "pairs": 20}, intervals.paired(there))
        seen.add(found)
        assert found == (stats.ttest_ind(usual, there, equal_var=False, alternative="greater").pvalue < 0.025)
    assert seen == {True, False}


def test_an_evaluator_may_take_longer_where_more_is_asked_of_it() -> None:
    assert [Ask(fidelity=share).timeout(60) for share in (0.25, 1, 2)] == [60, 60, 120]
    assert Ask(fidelity=2, until=0).timeout(60) == 0


class Bench:
    """seconds: of one measurement; left: of the budget; drawn: what each pair gives, or what it raises."""

    def __init__(self, drawn: Sequence[Any], left: float = 1e9, known: Sequence[Any] = ()) -> None:
        self.seconds, self.left, self._drawn, self._known = 1.0, left, list(drawn), known
        self.asked: list[tuple[int, int, int, float]] = []

    def known(self, block: str) -> Sequence[Any]:
        assert block == "longer"
        return self._known

    def draw(
        self, _block: str, _round: int, number: int, contents: Sequence[bytes], attempt: int, *, of: int,
        fidelity: float,
    ) -> Drawn:  # fmt: skip
        self.asked.append((number, attempt, of, fidelity))
        found = self._drawn.pop(0)
        if isinstance(found, Exception):
            raise found
        order = (0, 1) if len(contents) == 2 else (0,)
        return Drawn(7, order, found)


def pair(base: float = 1.0, head: float = 0.9) -> tuple[Measurement, Measurement]:
    return Measurement({"bpb": base}), Measurement({"bpb": head})


CRASH = Measurement(crash="nan", why="the loss is none")
FINE = Measurement({"bpb": 1.0})


def looked(bench: Bench, asked: Longer | None) -> Mapping[str, Any]:
    target = SimpleNamespace(confirm=SimpleNamespace(longer=asked), rule=RULE)
    case: Any = SimpleNamespace(target=target, bench=bench, base=b"base", event={"confirmed": CONFIRMED})
    looking.look(case, b"head")
    found: Mapping[str, Any] = case.event
    return found.get("longer", {})


def test_all_pairs_that_are_asked_for() -> None:
    bench = Bench([pair()] * 4)
    found = looked(bench, Longer(2.0, 4))
    assert (found["reading"], found["times"], len(found["pairs"])) == (longer.HOLDS, 2.0, 4)
    assert found["gain"] == pytest.approx(0.1)
    assert bench.asked == [(number, 1, 4, 2.0) for number in (1, 2, 3, 4)]


def test_nobody_who_does_not_ask_pays() -> None:
    bench = Bench([])
    assert looked(bench, None) == {}
    assert bench.asked == []


@pytest.mark.parametrize(("left", "measured"), [(100.0, 5), (20.0, 5), (17.0, 4), (12.0, 3), (11.9, 0), (-3.0, 0)])
def test_as_many_as_the_rest_of_the_budget_pays_for(left: float, measured: int) -> None:
    bench = Bench([pair()] * 5, left)
    found = looked(bench, Longer(2.0, 5))
    assert len(bench.asked) == measured
    if not measured:
        assert found["reading"] == longer.UNMEASURED
        assert "3 are the least" in found["why"]


@pytest.mark.parametrize(("done", "reading"), [(2, longer.UNMEASURED), (3, longer.HOLDS)])
def test_a_budget_that_ends_between_two_pairs(done: int, reading: str) -> None:
    found = looked(Bench([pair()] * done + [BudgetSpent(60)]), Longer(2.0, 5))
    assert found["reading"] == reading
    assert (f"{done} of 5" in found.get("why", "")) == (reading == longer.UNMEASURED)


def test_a_plan_that_a_killed_confirm_made_stands() -> None:
    bench = Bench([pair()] * 3, left=-1.0, known=[{"of": 3}])
    assert len(looked(bench, Longer(2.0, 5))["pairs"]) == 3


@pytest.mark.parametrize(
    ("drawn", "reading", "why"),
    [
        ([(FINE, CRASH), (FINE,)], longer.FAILS, "nan: the loss is none"),
        ([(FINE, CRASH), (CRASH,)], longer.UNMEASURED, "the unchanged file fails there too"),
        ([(CRASH, Measurement()), (CRASH, Measurement())], longer.UNMEASURED, "twice under one seed"),
    ],
)
def test_what_a_crash_there_means(drawn: list[Any], reading: str, why: str) -> None:
    found = looked(Bench(drawn), Longer(2.0, 3))
    assert found["reading"] == reading
    assert why in found["why"]


def test_a_base_that_crashes_once_is_tried_again() -> None:
    found = looked(Bench([(CRASH, Measurement()), pair(), pair(), pair()]), Longer(2.0, 3))
    assert found["reading"] == longer.HOLDS


def report(tmp_path: Path, **found: Any) -> TargetReport:
    made = summarise(noisy_night(tmp_path))
    assert made.confirm
    return replace(made, confirm={**made.confirm, "longer": {"times": 2.0, **found}})


def shown(made: TargetReport) -> str:
    return body("2026-11-21", [made], links([made])).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("gains", "number", "words", "flagged"),
    [
        ([0.13, 0.14, 0.12, 0.13], "-12.2 %", "the gain is there too, and not clearly smaller", False),
        ([0.05, 0.06, 0.04, 0.05], "-4.9 %", "only a part of it lasts", False),
        ([0.01, -0.01, 0.02, -0.02], "0 %", "perhaps none of it is left", False),
        ([-0.05, -0.06, -0.04, -0.05], "+5.1 %", "turns into a loss", True),
    ],
)
def test_a_page_says_what_becomes_of_the_gain(
    gains: list[float], number: str, words: str, flagged: bool, tmp_path: Path
) -> None:
    confirmed = summarise(noisy_night(tmp_path)).interval or {}
    made = report(tmp_path / "longer", **longer.comes_to(confirmed, gains), pairs=[{}] * 4)
    text = shown(made)
    assert f"\n| at twice the budget | 0 | not used | {number} |\n" in text
    assert f"At twice the budget: {number}, 95 % interval " in text
    assert "from 4 more pairs: " in text
    assert words in text
    assert "more by confirm, and 4 at a longer budget." in text
    assert ("Look at parser: at twice the budget the gain turns into a loss." in text.split("\n## ")[0]) == flagged
    said = verdict([made], Facts())
    assert (said.advice, said.strong, bool(said.because)) == ("merge", True, flagged), "it decides nothing"


def test_a_page_says_what_failed_and_what_was_not_measured(tmp_path: Path) -> None:
    failed = report(tmp_path, reading=longer.FAILS, why="nan: a | loss", times=3.0)
    assert "At 3 times the budget: the result fails, and the base does not: `nan: a | loss`." in shown(failed)
    assert "Look at parser: at 3 times the budget the result fails." in shown(failed)
    missed = report(tmp_path / "missed", reading=longer.UNMEASURED, why="too little time")
    assert "At twice the budget: not measured" in shown(missed)
    assert "Look at" not in shown(missed)
    assert not any("| at twice" in line for line in evidence.numbers(missed))


def test_a_page_without_it_says_nothing_of_it(tmp_path: Path) -> None:
    plain = summarise(noisy_night(tmp_path))
    assert (lasting.said(plain), lasting.row(plain), lasting.alarm(plain)) == ("", [], "")
    assert "longer" not in shown(plain)


MEASURED = {**longer.comes_to(CONFIRMED, [0.1, 0.1, 0.12]), "times": 2.0, "pairs": [{}] * 3}


@pytest.mark.parametrize(
    ("entry", "fits"),
    [
        (MEASURED, True),
        ({"times": 2, "reading": "not-measured", "why": "no time"}, True),
        ({**MEASURED, "reading": "great"}, False),
        ({**MEASURED, "times": 0.5}, False),
        ({**MEASURED, "pairs": [{}] * 101}, False),
        ({key: value for key, value in MEASURED.items() if key != "gain"}, False),
        ({"times": 2, "reading": "holds", "why": "believe me"}, False),
        ({"times": 2, "reading": "not-measured", "why": "w" * 2001}, False),
        ("holds", False),
    ],
)
def test_what_an_event_may_hold_of_it(entry: Any, fits: bool) -> None:
    event = {"event": "confirm", "verdict": "confirmed", "why": "", "seconds": 1.0, "longer": entry}
    assert (problem(event, "confirm") == "") == fits
