"""`search`: follows what was measured. CMA-ES (the library cmaes) says where to look, a quadratic which of it to try.

Of sixteen experiments three are the tops of quadratics through the best points, more of them or fewer; four change the
incumbent a little, nine are drawn from CMA-ES, each the most promising of many by the quadratic. Numbers and choices
alike have axes (`bot.proposers.coding`). Nothing is repeated: where an idea was tried, the next best takes its place,
and in the end `perturb`'s changes do, until a small space is exhausted.

Where the metric is noisy a night has few experiments, and a keep stands on many pairs: CMA-ES begins anew around each
keep instead of waiting for its generation, and quadratics speak early.

A proposal follows from the night's seed, the experiment's number, and what was told or recalled. So a resumed night
that recalls its record proposes what an uninterrupted one would have, on a machine that computes the same last digits.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.coding import Coding
from bot.proposers.memory import ENOUGH, FEW, Memory
from bot.proposers.moves import Changes, Moves, value_at
from bot.proposers.quadratic import Floats, Quadratic
from harness.documents import load_bytes
from harness.rule import Rule, combined
from harness.target import Target

ROUND = 16
NEAR = 4
NEIGHBOURS = 60  # of which one is proposed
DRAWS = 10  # likewise
NOTHING_MEASURED = frozenset({"invalid", "duplicate"})


class Search:
    """A proposer that learns from every outcome, and needs no key."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._seed, self._moves = target, seed, Moves(target)
        self._coding = Coding({})
        self._few = target.noise is not None
        self._memory: Memory | None = None
        self._now = 0.0  # the incumbent's headline
        self._asked: list[Floats] = []

    def ask(self, request: Request) -> list[Proposal]:
        self._moves.stand(request.incumbent)
        here = self._point(load_bytes(request.incumbent, self._target.file))
        memory = self._met(here, request.metrics)
        ideas = _Ideas(self._moves, self._coding, memory, here, self._chance(request.first, "draws"), request.count)
        batch: set[str] = set()
        proposals: list[Proposal] = []
        self._asked = []
        for number in range(request.first, request.first + request.count):
            chance = self._chance(number, "ideas")
            new = (idea for idea in ideas.of(number, chance) if self._moves.is_new(idea, request.tried, batch))
            changes = next(new, None) or self._moves.untried(chance, request.tried, batch)
            if changes is None:
                break
            proposals.append(self._moves.proposal(changes))
            self._asked.append(self._coding.encode(changes, here))
        return proposals

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        for point, outcome in zip(self._asked, outcomes, strict=True):
            if outcome.reason not in NOTHING_MEASURED:
                self._learn(point, outcome)

    def recall(self, told: Iterable[Told]) -> None:
        for one in told:
            if one.outcome.reason in NOTHING_MEASURED:
                continue
            point = self._point(load_bytes(one.content, self._target.file))
            if one.outcome.experiment == 0:
                self._met(point, one.outcome.metrics)
            else:
                self._learn(point, one.outcome)

    def _chance(self, number: int, what: str) -> random.Random:
        return random.Random(f"{self._seed}/{number}/{what}")  # noqa: S311  # replayable chance, no secret

    def _point(self, data: Any) -> Floats:
        free = self._target.space.free(data)
        if not self._coding.width:  # every content of a target has the same free values
            self._coding = Coding(free)
        return self._coding.encode({pointer: value_at(data, pointer) for pointer in free})

    def _met(self, here: Floats, metrics: Mapping[str, float]) -> Memory:
        """The memory, to which an incumbent that it has not seen is made known."""
        value, memory = headline(self._target.rule, metrics), self._begun(here)
        self._now = self._now if value is None else value
        if not memory.knows(here):
            memory.meet(here, value)
        return memory

    def _learn(self, point: Floats, outcome: Outcome) -> None:
        value = worth(self._target.rule, outcome, self._now)
        self._begun(point).learn(point, value)
        if outcome.status == "keep" and value is not None:
            self._now = value
            if self._few:
                self._begun(point).centre(point)

    def _begun(self, start: Floats) -> Memory:
        if self._memory is None:
            self._memory = Memory(start, self._coding.steps(), FEW if self._few else ENOUGH)
        return self._memory


class _Ideas:
    """What one request could be answered with, for each of its numbers the best first."""

    def __init__(
        self, moves: Moves, coding: Coding, memory: Memory, here: Floats, chance: random.Random, count: int
    ) -> None:
        self._moves, self._coding, self._here = moves, coding, here
        self._quadratics = memory.quadratics()
        self._memory, self._chance, self._count = memory, chance, count
        self._drawn: Iterator[Floats] | None = None

    def of(self, number: int, chance: random.Random) -> Iterator[Changes]:
        place = number % ROUND
        if place < len(self._quadratics):
            yield self._at(self._quadratics[place].top())
        if self._quadratics and place < len(self._quadratics) + NEAR:
            yield from self._near(chance)
        yield from map(self._at, self._draws())

    def _at(self, point: Floats) -> Changes:
        return self._moves.towards(self._coding.decode(point))

    def _draws(self) -> Iterator[Floats]:
        """What is left of the request's draws from CMA-ES, the best first."""
        if self._drawn is None:
            drawn = self._memory.draws(self._chance.getrandbits(32), DRAWS * self._count)
            self._drawn = iter(drawn[_ranked(self._quadratics, drawn)])
        return self._drawn

    def _near(self, chance: random.Random) -> Iterator[Changes]:
        found = [self._moves.draw(chance) for _ in range(NEIGHBOURS)]
        points = np.array([self._coding.encode(changes, self._here) for changes in found])
        return (found[index] for index in _ranked(self._quadratics, points))


def headline(rule: Rule, metrics: Mapping[str, float]) -> float | None:
    """What the rule wants more of, as one number; None where the metrics do not hold it."""
    needed = rule.weights if rule.name == "weighted" else (rule.primary.name,)
    if not all(name in metrics for name in needed):
        return None
    return combined(metrics, rule) if rule.name == "weighted" else rule.primary.alone(metrics[rule.primary.name])


def worth(rule: Rule, outcome: Outcome, now: float) -> float | None:
    """How good an outcome was, beside the incumbent's headline; None where nothing was learnt of it.

    What a guard or another metric rules out counts as much worse as its headline was better. What was screened counts
    as its bound; without one nobody knows how much worse it was, and -inf says so.
    """
    if outcome.reason == "suspect":
        return None
    found = headline(rule, outcome.metrics)
    if found is None and outcome.reason == "screened":
        return -math.inf if outcome.bound is None else min(now, rule.primary.alone(outcome.bound))
    if found is not None and outcome.reason in {"guard", "worse"}:
        return min(found, 2 * now - found)
    return found


def _ranked(quadratics: Sequence[Quadratic], points: Floats) -> Sequence[int]:
    """Rows from the most promising to the least; as they are while there is no telling."""
    if not quadratics:
        return range(len(points))
    order: list[int] = np.argsort(-quadratics[0].values(points), kind="stable").tolist()
    return order
