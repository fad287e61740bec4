"""`perturb`: random changes within the space, written by text splice so that comments and order stay.

Each proposal draws from a generator seeded by the night's seed and the experiment's number, so a resumed night
proposes what an uninterrupted one would have. Small spaces are walked to their end, then exhausted.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.moves import Moves
from harness.target import Target


class Perturb:
    """A proposer that needs no key and no mind."""

    worst_case_usd = 0.0

    def __init__(self, target: Target, seed: int) -> None:
        self._seed, self._moves = seed, Moves(target)
        self._chance = random.Random()  # noqa: S311  # replayable chance, no secret

    @property
    def steady(self) -> bool:
        """Only a walk through a small space goes on from where it was."""
        return not self._moves.walks

    def ask(self, request: Request) -> list[Proposal]:
        self._moves.stand(request.incumbent)
        proposals: list[Proposal] = []
        batch: set[str] = set()
        for number in range(request.first, request.first + request.count):
            self._chance.seed(f"{self._seed}/{number}")  # a new one would be seeded twice, first with nothing
            changes = self._moves.untried(self._chance, request.tried, batch)
            if changes is None:
                break
            proposals.append(self._moves.proposal(changes))
        return proposals

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""

    def recall(self, told: Iterable[Told]) -> None:
        """Nothing was learnt."""
