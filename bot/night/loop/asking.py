"""What is measured next: the proposer is asked, what it proposes is admitted or not.

While a batch is measured, the next one is prepared as if nothing of it will be kept, which is what happens most. If
something is, the prepared batch is thrown away and asked for anew: which experiments a night makes is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.night.loop import stops
from bot.night.loop.attempt import Attempt
from bot.proposers import Proposer, Request
from harness.admission import Admission
from harness.folds import LoopState


@dataclass(frozen=True)
class _Prepared:
    """blob: the incumbent that it was asked for; first: the number of its first experiment."""

    blob: str
    first: int
    attempts: list[Attempt]


class Asking:
    """batch: the most attempts at once."""

    def __init__(
        self, state: LoopState, admission: Admission, proposer: Proposer, limits: stops.Limits, batch: int
    ) -> None:
        self._state, self._admission, self._proposer = state, admission, proposer
        self._limits, self._batch = limits, batch
        self._asked = 0
        self._prepared: _Prepared | None = None
        self._new: set[str] = set()  # what nobody had tried before the last request

    def next(self) -> list[Attempt]:
        """None: the proposer has no more. Raises Over where it can be asked no more."""
        made, now = self._prepared, (self._state.blob, self._state.experiments + 1)
        if made and (made.blob, made.first) == now:  # nothing was kept since
            attempts = made.attempts
        else:
            if made:
                self._state.tried -= self._new
            count = stops.affordable(self._limits, self._state, self._proposer.worst_case_usd, self._batch)
            attempts = self._ask(self._state.experiments + 1, count)
        self._prepared, self._asked = None, len(attempts)
        return attempts

    def ahead(self) -> None:
        """Prepares the batch after the one that is being measured, where asking too early changes nothing.

        Not where the batch before kept something: keeps come in rows, and what is prepared would be thrown away.
        """
        if self._prepared or not self._proposer.steady or self._state.since_keep < self._asked or not self._asked:
            return
        both = self._asked + self._batch
        if stops.affordable(self._limits, self._state, self._proposer.worst_case_usd, both) == both:
            first = self._state.experiments + self._asked + 1
            self._prepared = _Prepared(self._state.blob, first, self._ask(first, self._batch))

    def _ask(self, first: int, count: int) -> list[Attempt]:
        state, tried, limits = self._state, self._state.tried, self._limits
        left, usd = limits.experiments + 1 - first, limits.usd - state.cost
        request = Request(state.content, state.metrics, first, count, tried, left, usd, state.parts)
        attempts, self._new = [], set()
        for proposal in self._proposer.ask(request)[:count]:
            judged = self._admission.judge(proposal.content)
            known = judged.canon in tried
            attempts.append(Attempt(proposal, judged, duplicate=known and not proposal.null))
            self._new |= set() if known else {judged.canon}
            tried.add(judged.canon)
        return attempts
