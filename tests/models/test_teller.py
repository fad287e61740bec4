"""The teller: no dollar beyond what it may spend, no answer bought twice, no failure taken for a score."""

from __future__ import annotations

import json
import random
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.models.answers import Answers
from bot.models.messages import Answer, Outcome, Prompt, Usage
from bot.models.teller import OUTAGES, Teller
from harness.target import Model

SMALL = Model("house", "small", 50)
WORST = Decimal("0.01")


class Broker:
    """Says what came of a question. cost: of an answer; cap: what its caps leave."""

    def __init__(
        self, cost: Decimal = Decimal("0.002"), outcome: Outcome = "answer", cap: Decimal | None = None
    ) -> None:
        self.cost, self.outcome, self.cap = cost, outcome, cap
        self.asked: list[str] = []
        self.spent = self.most_at_once = Decimal(0)
        self._turn, self._open = threading.Lock(), Decimal(0)

    def ask(self, prompt: Prompt) -> Answer:
        with self._turn:
            self.asked.append(prompt.turns[0].parts[0].text)
            self._open += WORST
            self.most_at_once = max(self.most_at_once, self.spent + self._open)
        with self._turn:
            self._open -= WORST
            cost = Decimal(0) if self.outcome in {"rejected", "overloaded", "money"} else self.cost
            self.spent += cost
            usage = Usage(100, 10) if cost else Usage()
            value = {"text": "yes"} if self.outcome == "answer" else None
            return Answer(self.outcome, value, why="so it is", usage=usage, cost_usd=cost, attempts=1)

    def worst_case_usd(self, _prompt: Prompt) -> Decimal:
        return WORST

    def left(self) -> Decimal | None:
        return self.cap


def asked(*questions: str, system: str = "be kind") -> bytes:
    said = [{"system": system, "user": question} for question in questions]
    return json.dumps({"questions": said, "schema": {"type": "object"}}).encode()


def told(teller: Teller, *questions: str, over: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(teller.answers(asked(*questions), lambda: over))
    return found


def made(folder: Path, broker: Broker, *, again: bool = True, **more: Any) -> Teller:
    return Teller(broker, SMALL, Answers(folder / "answers.jsonl", again=again), **more)


def test_the_same_question_is_bought_once(tmp_path: Path) -> None:
    broker = Broker()
    teller = made(tmp_path, broker)
    assert len(told(teller, "a", "b", "a")["replies"]) == 3
    assert len(told(teller, "b")["replies"]) == 1
    assert sorted(broker.asked) == ["a", "b"]
    spent = teller.taken()
    assert (spent["calls"], spent["cached"], spent["input"]) == (2, 1, 200)
    assert spent["cost_usd"] == pytest.approx(0.004)
    assert teller.taken() == {}, "it was told"


def test_asking_anew_buys_it_again(tmp_path: Path) -> None:
    broker = Broker()
    teller = made(tmp_path, broker, again=False)
    told(teller, "a", "a")
    told(teller, "a")
    assert broker.asked == ["a", "a"]


def test_other_instructions_are_another_question(tmp_path: Path) -> None:
    broker = Broker()
    teller = made(tmp_path, broker)
    teller.answers(asked("a"), lambda: False)
    teller.answers(asked("a", system="be strict"), lambda: False)
    assert broker.asked == ["a", "a"]


@pytest.mark.parametrize("seed", range(20))
def test_no_dollar_is_spent_beyond_what_is_allowed(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    broker = Broker(cost=Decimal(dice.choice(["0.001", "0.005", "0.01"])))
    usd = dice.choice([0.0, 0.009, 0.01, 0.033])
    teller = made(tmp_path, broker, usd=usd)
    answer = told(teller, *(str(number) for number in range(40)))
    assert broker.spent <= Decimal(str(usd))
    assert broker.most_at_once <= Decimal(str(usd)), "what is in flight counts at its worst"
    assert Decimal(str(usd)) - broker.spent < WORST, "control: it spends what it can"
    assert "no money" in answer["error"]
    assert teller.ended
    assert teller.ended.end == "money"
    assert "no money" in teller.trouble()
    assert teller.taken().get("cost_usd", 0.0) == pytest.approx(float(broker.spent))


def test_a_failure_is_no_answer_and_a_few_in_a_row_are_the_end(tmp_path: Path) -> None:
    broker = Broker(outcome="overloaded")
    teller = made(tmp_path, broker)
    for number in range(OUTAGES):
        assert teller.ended is None
        assert "the model gave no answer: overloaded" in told(teller, f"q{number}", f"r{number}")["error"]
        assert "overloaded" in teller.trouble()
    assert teller.ended
    assert teller.ended.end == "exhausted"


def test_an_outage_that_passes_is_forgotten(tmp_path: Path) -> None:
    broker = Broker()
    teller = made(tmp_path, broker)
    for number in range(3 * OUTAGES):
        broker.outcome = "answer" if number % 2 else "overloaded"
        told(teller, f"q{number}")
        assert bool(teller.trouble()) == (number % 2 == 0)
    assert teller.ended is None


def test_what_a_model_says_wrong_is_an_answer_that_counts(tmp_path: Path) -> None:
    broker = Broker(outcome="refused")
    teller = made(tmp_path, broker)
    assert told(teller, "a")["replies"] == [{"outcome": "refused", "value": None, "text": ""}]
    assert teller.trouble() == ""
    assert teller.taken()["calls"] == 1


def test_nobody_is_asked_for_an_evaluator_that_is_gone(tmp_path: Path) -> None:
    broker = Broker()
    teller = made(tmp_path, broker)
    assert "gone" in told(teller, "a", over=True)["error"]
    assert not broker.asked
    assert "gone" in teller.trouble()


@pytest.mark.parametrize(
    "line", [b"", b"[]", b'{"questions": 3, "schema": {}}', b'{"questions": [{"user": "x"}], "schema": {}}']
)
def test_a_line_that_is_no_question_costs_nothing(tmp_path: Path, line: bytes) -> None:
    broker = Broker()
    assert "not understood" in json.loads(made(tmp_path, broker).answers(line, lambda: False))["error"]
    assert not broker.asked


def test_what_a_kill_kept_out_of_the_events_is_told_later(tmp_path: Path) -> None:
    broker = Broker()
    first = made(tmp_path, broker)
    told(first, "a", "b")
    recorded = first.taken()
    told(first, "c")  # and a kill
    second = made(tmp_path, broker, recorded=[recorded])
    told(second, "a", "b", "c")
    assert len(broker.asked) == 3
    spent = second.taken()
    assert (spent["calls"], spent["cached"], spent["input"]) == (1, 3, 100)
    assert spent["cost_usd"] == pytest.approx(0.002)


def test_what_was_spent_and_not_told_is_part_of_what_may_be_spent(tmp_path: Path) -> None:
    told(made(tmp_path, Broker()), "a", "b", "c")  # 0.006, and a kill
    broker = Broker()
    second = made(tmp_path, broker, usd=0.015)
    assert "no money" in told(second, "d")["error"]
    second.allow(0.015)
    assert second.trouble()
    assert "no money" in told(second, "d")["error"]
    assert not broker.asked
    third = made(tmp_path, broker, usd=0.016)
    assert "replies" in told(third, "d")


def test_asking_anew_after_a_kill_uses_up_what_was_paid_for(tmp_path: Path) -> None:
    broker = Broker()
    told(made(tmp_path, broker, again=False), "a", "b")
    second = made(tmp_path, broker, again=False)
    told(second, "a")
    told(second, "a")
    assert broker.asked.count("a") == 2, "once before the kill, once for the second time now"


def test_an_answer_that_a_kill_cut_is_bought_again(tmp_path: Path) -> None:
    broker = Broker()
    told(made(tmp_path, broker), "a", "b")
    path = tmp_path / "answers.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    told(made(tmp_path, broker), "a", "b", "c")
    told(made(tmp_path, broker), "a", "b", "c")
    assert len(broker.asked) == 4


def test_what_judging_will_cost_is_reckoned_by_the_dearest(tmp_path: Path) -> None:
    teller = made(tmp_path, Broker(), usd=0.05)
    assert teller.pays(100), "nothing is known yet"
    told(teller, "a", "b", "c")
    assert teller.trouble() == ""
    assert teller.dearest == Decimal("0.006")
    assert teller.reckoned(2) == 2 * 2 * Decimal("0.006") + WORST
    assert [teller.pays(number) for number in (1, 2, 3)] == [True, True, False]


def test_the_caps_of_the_broker_count_too(tmp_path: Path) -> None:
    broker = Broker(cap=Decimal("0.02"))
    teller = made(tmp_path, broker, usd=5.0)
    told(teller, "a")
    teller.trouble()
    assert teller.pays(2)
    broker.cap = Decimal("0.01")
    assert not teller.pays(2)
