"""A model that answers from a script, and minds that ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.models.messages import Answer, Prompt, Usage
from bot.models.messages import Outcome as Came
from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.mind import Briefing, Mind, Options
from harness.documents import canonical_id
from harness.rule import Metric, Rule, Tolerance
from harness.target import Target
from tests import proposing

CENT = Decimal("0.01")
HANDLER = "".join(f"def step_{n}(rows):\n    return [row + {n} for row in rows]\n\n\n" for n in range(40))
RULE = Rule("primary", (Metric("score", "maximize", 0.001), Metric("size", "minimize", guard=Tolerance(0.05, True))))


class Script:
    """A `Model`. Answers one after the other; every prompt is kept. A call's worst case is a dollar per million
    characters."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    def ask(self, prompt: Prompt) -> Answer:
        self.prompts.append(prompt)
        return self.answers.pop(0)

    def worst_case_usd(self, prompt: Prompt) -> Decimal:
        return Decimal(len(whole(prompt))) / 1_000_000


def whole(prompt: Prompt) -> str:
    """Everything that a model reads of a prompt, in its order."""
    turns = "".join(f"[{t.role}] {''.join(p.text for p in t.parts)}{t.value or ''}" for t in prompt.turns)
    return "".join(part.text for part in prompt.system) + turns


def answer(*edits: dict[str, Any], idea: str = "less work for the weakest part", cost: Decimal = CENT) -> Answer:
    value = {"hypothesis": idea, "expected_effect": "score +1 %", "edits": list(edits)}
    return Answer(
        "answer", value, usage=Usage(100, 20, 300, 40), cost_usd=cost, seconds=0.5, attempts=1, prompt="p", reply="r"
    )


def block(search: str, replacement: str) -> dict[str, Any]:
    return {"search": search, "replace": replacement}


def put(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def came(outcome: Came, why: str = "", text: str = "", cost: Decimal = Decimal(0)) -> Answer:
    return Answer(outcome, None, text, why, cost_usd=cost, attempts=1)


def code_target(file: str = "handler.py") -> Target:
    return replace(proposing.target({}, file), rule=RULE)


def data_target() -> Target:
    return replace(proposing.target(proposing.SPACE), rule=RULE)


class Night:
    """Asks a mind as the loop does, one experiment after the other, and remembers what a record would hold."""

    def __init__(
        self, target: Target, base: str, answers: Sequence[Answer] = (), options: Options | None = None,
        program: str = "Do well.",
    ) -> None:  # fmt: skip
        self.target, self.base, self.model = target, base.encode(), Script(answers)
        self.options, self.program = options or Options("anthropic", "small"), program
        self.incumbent = self.base
        self.metrics: Mapping[str, float] = {"score": 0.5, "size": 10.0}
        self.tried = {canonical_id(self.base, target.file)}
        self.told = [Told(self.base, Outcome(0, "keep", "baseline", self.metrics, {}))]
        self.number = 0
        self.mind = self.begun()

    def begun(self) -> Mind:
        """A mind that knows what was recorded."""
        mind = Mind(self.target, Briefing(self.base, self.program), self.model, self.options)
        mind.recall(self.told)
        return mind

    def request(self, parts: dict[str, float] | None = None) -> Request:
        left = 200 - self.number
        return Request(self.incumbent, self.metrics, self.number + 1, 16, self.tried, left, 3.0, parts or {})

    def ask(self, *answers: Answer, parts: dict[str, float] | None = None) -> Proposal:
        self.model.answers += answers
        (found,) = self.mind.ask(self.request(parts))
        if not found.failed:
            self.tried.add(canonical_id(found.content, self.target.file))
        return found

    def tell(
        self, proposal: Proposal, status: str = "discard", reason: str = "worse", why: str = "score -0.01"
    ) -> None:
        self.number += 1
        if proposal.failed:
            status, reason, why = "discard", "invalid", proposal.failed
        gain = {"keep": 0.01, "discard": -0.01}.get(status, 0.0)
        metrics = (
            {} if status == "crash" or proposal.failed else {**self.metrics, "score": self.metrics["score"] + gain}
        )
        outcome = Outcome(self.number, status, reason, metrics, {}, None, why, gain)
        self.told.append(Told(proposal.content, outcome, proposal.description))
        if status == "keep":
            self.incumbent, self.metrics = proposal.content, metrics
        self.mind.tell([outcome])

    def step(self, made: Answer, status: str = "discard", reason: str = "worse", why: str = "score -0.01") -> Proposal:
        found = self.ask(made)
        self.tell(found, status, reason, why)
        return found

    @property
    def last(self) -> str:
        return whole(self.model.prompts[-1])
