"""Targets whose evaluator asks a model: what judging costs is kept aside before a proposal is paid for, and recorded.

What a measurement costs is known once it is made. It is reckoned at twice the dearest so far, and so is what confirm
needs at the least; no cap can be exceeded whatever it comes to, for the broker reserves each call at its worst case.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.models.answers import Answers
from bot.models.client import Client
from bot.models.teller import Teller
from bot.night.brokered import SOCKET_VARIABLE
from bot.night.folder import Night
from bot.proposers import Outcome, Over, Proposal, Proposer, Request, Told
from harness import folds
from harness.events import Event
from harness.reserve import least
from harness.target import Target


def teller(night: Night, target: Target, verb: str) -> Teller | None:
    """Who answers this target's evaluator in a verb of a night; None where it asks nobody or no broker is there.

    In the loop the same question gets the same answer, in a night that goes on too; every other verb asks anew.
    """
    asked, socket = target.evaluate.model, os.environ.get(SOCKET_VARIABLE, "")
    if not asked or not socket:
        return None
    segments = night.segments(target.name)
    spent = folds.loop_state(segments, night.packs(target.name)).cost
    mine = [event for segment in segments if segment.header["verb"] == verb for event in segment.events]
    known = [event["evaluation"]["cost_usd"] for event in folds.all_events(segments) if "evaluation" in event]
    path = night.repository.state / "models" / "evaluations" / night.name / f"{target.name}-{verb}.jsonl"
    return Teller(
        Client(Path(socket), keep=False, mark=verb), asked, Answers(path, again=verb == "run"),
        usd=night.target_plan(target.name).usd - spent,
        recorded=[event["evaluation"] for event in mine if "evaluation" in event], dearest=max(known, default=0.0),
    )  # fmt: skip


def paid(event: Event, teller: Teller | None) -> Event:
    """The event with what was paid to judge what it tells of."""
    if teller is None or not (spent := teller.taken()):
        return event
    return {**event, "cost_usd": event.get("cost_usd", 0.0) + spent["cost_usd"], "evaluation": spent}


def proposer(found: Proposer, target: Target, teller: Teller | None) -> Proposer:
    return found if teller is None else Paying(found, target, teller)


class Paying:
    """A proposer that is asked only while what it proposes can be judged, and confirmed."""

    def __init__(self, proposer: Proposer, target: Target, teller: Teller) -> None:
        self._proposer, self._teller, self._ahead = proposer, teller, 1 + least(target)
        if hasattr(proposer, "repair"):
            self.repair = self._repair

    @property
    def worst_case_usd(self) -> float:
        return self._proposer.worst_case_usd + self._aside

    @property
    def steady(self) -> bool:
        return self._proposer.steady

    @property
    def _aside(self) -> float:
        return float(self._teller.reckoned(self._ahead))

    def ask(self, request: Request) -> list[Proposal]:
        if ended := self._teller.ended:
            raise Over(ended.end, ended.why)
        if not self._teller.pays(self._ahead):
            raise Over("money", "what is left does not pay for judging another proposal and confirming the result")
        found = self._proposer.ask(replace(request, usd_left=request.usd_left - self._aside))
        self._teller.allow(request.usd_left - sum(proposal.cost_usd for proposal in found))
        return found

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._proposer.tell(outcomes)

    def recall(self, told: Iterable[Told]) -> None:
        self._proposer.recall(told)

    def _repair(self, proposal: Proposal, why: str) -> Proposal | None:
        repair: Any = getattr(self._proposer, "repair")  # noqa: B009  it has one
        found: Proposal | None = repair(proposal, why)
        if found:
            self._teller.spend(found.cost_usd)
        return found
