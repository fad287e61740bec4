"""Answers the evaluator of a target that needs a model: through the broker, within the target's money, and counted.

The evaluator says what it asks and what an answer looks like; which provider and model are asked, and how long an
answer may be, is target.yaml's. Nothing else of the broker can be reached through it.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from bot.models import wire
from bot.models.answers import Answers
from bot.models.messages import FAILED, Answer, Part, Prompt, Turn, Usage
from bot.models.messages import Model as Asking
from harness.target import Model
from harness.window import refusal

AT_ONCE = 8  # questions in flight
OUTAGES = 3  # measurements in a row without an answer, after which nobody is there
TWICE = 2  # what a measurement is reckoned to cost, as a multiple of the dearest so far
_TOOL, _ABOUT = "reply", "Say your answer. Every answer goes through this tool."
_GONE = "the evaluator was gone before the model had answered everything"


@dataclass(frozen=True)
class Spent:
    """What answers came to: calls that were paid for, answers that were not asked again, tokens, dollars, seconds."""

    calls: int = 0
    cached: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: Decimal = Decimal(0)
    seconds: float = 0.0

    def plus(self, answer: Answer) -> Spent:
        usage, usd = self.usage + answer.usage, self.usd + answer.cost_usd
        return replace(self, calls=self.calls + 1, usage=usage, usd=usd, seconds=self.seconds + answer.seconds)

    def less(self, recorded: Sequence[Mapping[str, Any]]) -> Spent:
        """Without what events hold already, each as `fields` made it."""
        left = {name: max(0, value - sum(one[name] for one in recorded)) for name, value in vars(self.usage).items()}
        usd = self.usd - sum((Decimal(str(one["cost_usd"])) for one in recorded), Decimal(0))
        calls, seconds = self.calls - sum(one["calls"] for one in recorded), sum(one["seconds"] for one in recorded)
        return Spent(max(0, calls), 0, Usage(**left), max(usd, Decimal(0)), max(0.0, self.seconds - seconds))

    def fields(self, model: str) -> dict[str, Any]:
        """As an event holds it under "evaluation"; nothing where nothing was asked."""
        if not self.calls and not self.cached:
            return {}
        return {
            "model": model, "calls": self.calls, "cached": self.cached, **vars(self.usage), "cost_usd": float(self.usd),
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """Why no further measurement can be made. end: money or exhausted."""

    end: str
    why: str


class Asked(Asking, Protocol):
    """The client of the broker."""

    def left(self) -> Decimal | None:
        """US dollars that its caps leave; None without a cap."""
        ...


class Teller:
    """usd: what it may spend; None is no limit but the broker's. recorded: what events hold of these answers already,
    under "evaluation"; the rest, which a kill kept out of them, is told with the next. dearest: dollars of one
    measurement, as far as is known.

    Thread-safe. Raises nothing for what a provider does: `trouble` says it once, `ended` for good.
    """

    def __init__(
        self, asked: Asked, model: Model, answers: Answers, *, usd: float | None = None,
        recorded: Sequence[Mapping[str, Any]] = (), dearest: float = 0.0,
    ) -> None:  # fmt: skip
        self._asked, self._model, self._answers = asked, model, answers
        self._changed = threading.Condition()
        self._in_flight, self._reserved = 0, Decimal(0)
        self._spent = functools.reduce(Spent.plus, answers.earlier, Spent()).less(recorded)
        self._left = None if usd is None else Decimal(str(usd)) - self._spent.usd
        self._worst = Decimal(0)  # of one answer
        self._outages, self._trouble = 0, ""
        self._measuring, self.dearest = Decimal(0), Decimal(str(dearest))  # of one measurement, by what it cost
        self.ended: Ended | None = None

    def allow(self, usd: float) -> None:
        """From now on it may spend so much, and no more; what was spent and not told yet is part of it."""
        with self._changed:
            self._left = Decimal(str(usd)) - self._spent.usd

    def spend(self, usd: float) -> None:
        """Another has spent so much of it."""
        with self._changed:
            self._left = None if self._left is None else self._left - Decimal(str(usd))

    def taken(self) -> dict[str, Any]:
        """What was spent and not told yet, as an event holds it."""
        with self._changed:
            spent, self._spent = self._spent, Spent()
            return spent.fields(self._model.model)

    def reckoned(self, measurements: int) -> Decimal:
        """What so many measurements will cost, by the dearest so far: an estimate on the safe side, not a bound.

        The last answer has to find its worst case free, though it costs a fraction of that.
        """
        return TWICE * self.dearest * measurements + self._worst

    def pays(self, measurements: int) -> bool:
        """Whether so many measurements can be expected to be paid for."""
        return self.fits(self.reckoned(measurements))

    def fits(self, usd: Decimal) -> bool:
        """Whether so much is left, of the target's budget and of every cap."""
        if not usd:
            return True
        try:
            caps = self._asked.left()
        except OSError:
            return False
        return all(left is None or usd <= left for left in (self._left, caps))

    def trouble(self) -> str:
        with self._changed:
            told, self._trouble = self._trouble, ""
            self.dearest, self._measuring = max(self.dearest, self._measuring), Decimal(0)
            self._outages = self._outages if told else 0
            return told

    def answers(self, message: bytes, over: Callable[[], bool]) -> bytes:
        try:
            data = json.loads(message)
            prompts = [self._prompt(entry, data["schema"]) for entry in data["questions"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return refusal(f"not understood: {error or type(error).__name__}")
        digests = [wire.digest(wire.prompt_data(prompt)) for prompt in prompts]
        distinct = dict(zip(digests, prompts, strict=True))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = dict(
                zip(distinct, pool.map(lambda asked: self._answer(asked, distinct[asked], over), distinct), strict=True)
            )
        if over():
            self._fail(_GONE, None)
        if self._trouble:
            return refusal(self._trouble)
        return json.dumps({"replies": [_told(answer) for digest in digests if (answer := found[digest])]}).encode()

    def _prompt(self, entry: Mapping[str, Any], schema: Any) -> Prompt:
        system = (Part(str(entry["system"]), cached=True),) if entry["system"] else ()
        turns = (Turn("user", (Part(str(entry["user"])),)),)
        asked = self._model
        return Prompt(asked.provider, asked.model, system, turns, _TOOL, _ABOUT, dict(schema), asked.max_tokens)

    def _answer(self, asked: str, prompt: Prompt, over: Callable[[], bool]) -> Answer | None:
        """None where there is none: then there is trouble."""
        with self._changed:
            if self._trouble:
                return None
            if known := self._answers.find(asked):
                self._spent = replace(self._spent, cached=self._spent.cached + 1)
                return known
        try:
            return self._bought(asked, prompt, over)
        except OSError as error:  # the broker is gone, or the disk is full
            self._fail(f"the model cannot be asked: {error}", Ended("exhausted", str(error)))
            return None

    def _bought(self, asked: str, prompt: Prompt, over: Callable[[], bool]) -> Answer | None:
        worst = self._asked.worst_case_usd(prompt)
        while self._reserve(worst, over):
            answer = self._asked.ask(prompt)
            alone = self._settle(worst, answer)
            if answer.outcome == "money" and not alone:  # what others have reserved will come free
                with self._changed:
                    self._changed.wait(1)
                continue
            if answer.outcome in FAILED:
                self._unanswered(answer)
                return None
            self._answers_kept(asked, answer)
            return answer
        return None

    def _reserve(self, worst: Decimal, over: Callable[[], bool]) -> bool:
        """Waits while others hold what would be needed; False where there is trouble."""
        with self._changed:
            self._worst = max(self._worst, worst)
            while not self._trouble:
                if over():
                    self._trouble = _GONE
                elif self._left is None or worst + self._reserved <= self._left:
                    self._in_flight, self._reserved = self._in_flight + 1, self._reserved + worst
                    return True
                elif self._in_flight:
                    self._changed.wait(1)
                else:
                    left = max(self._left, Decimal(0))
                    why = f"an answer could cost ${worst:.6f}, and ${left:.6f} of the target's budget are left"
                    self._trouble, self.ended = f"no money: {why}", Ended("money", why)
            return False

    def _settle(self, worst: Decimal, answer: Answer) -> bool:
        """Whether nothing else was in flight."""
        with self._changed:
            self._in_flight, self._reserved = self._in_flight - 1, self._reserved - worst
            if answer.attempts or answer.cost_usd:
                self._spent = self._spent.plus(answer)
                self._measuring += answer.cost_usd
                self._left = None if self._left is None else self._left - answer.cost_usd
            self._changed.notify_all()
            return not self._in_flight

    def _answers_kept(self, asked: str, answer: Answer) -> None:
        with self._changed:
            self._answers.keep(asked, answer)

    def _unanswered(self, answer: Answer) -> None:
        why = f"{answer.outcome}: {answer.why}"
        with self._changed:
            self._outages += not self._trouble
            gone = answer.outcome == "rejected" or self._outages >= OUTAGES
        ended = Ended("money", answer.why) if answer.outcome == "money" else Ended("exhausted", why) if gone else None
        self._fail(f"the model gave no answer: {why}", ended)

    def _fail(self, why: str, ended: Ended | None) -> None:
        with self._changed:
            self._trouble = self._trouble or why
            self.ended = self.ended or ended
            self._changed.notify_all()


def _told(answer: Answer) -> dict[str, Any]:
    return {"outcome": answer.outcome, "value": answer.value, "text": answer.text}
