"""The proposer `repair`: asks every operator what it offers, and tries what closes most of the weighted gap.

An offer is worth the weight of a dimension times its gap, in the share of the dimension's issues that it mends. One
offer is one experiment, and one is proposed at a time, so that the next one stands upon it. An operator whose last two
offers gained nothing is passed over while others have something new. What gained nothing is tried a second time, upon
another incumbent, after everything else; then no more. So a night ends.

What is proposed follows from the incumbent and from what was told, in its order: no chance, so that a resumed night
that recalls its record goes on as it would have.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.repair.bench import Bench, Offer, Operator
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.facts import Facts
from bot.proposers.repair.operators import OPERATORS
from bot.proposers.repair.worth import Worth
from harness.documents import canonical_id_of
from harness.documents.jsonstyle import rewritten
from harness.scorers.gtm import read

STUCK = 2  # offers of an operator in a row that gained nothing
CHANCES = 2  # of one offer
_APART = ": "


@dataclass(frozen=True)
class Choice:
    """An offer of an operator. worth: how much of the total it may bring."""

    operator: Operator
    offer: Offer
    worth: float

    @property
    def words(self) -> str:
        return f"{self.operator.name}{_APART}{self.offer.words}"


class Repair:
    """A proposer for containers. file: the name of the one that it mends."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, file: str, facts: Facts, operators: Sequence[Operator] = OPERATORS) -> None:
        self._file, self._facts, self._operators = file, facts, operators
        self._failed: dict[str, set[bytes]] = defaultdict(set)  # of an offer, by its words: contents
        self._fruitless: Counter[str] = Counter()  # of an operator, in a row
        self._asked: list[Proposal] = []

    def ask(self, request: Request) -> list[Proposal]:
        """One proposal, or none: what comes after it depends on what becomes of it."""
        self._asked = []
        if request.count:
            found = itertools.islice(self._open(request.incumbent, request.tried), 1)
            self._asked = [Proposal(content, choice.words) for choice, content in found]
        return self._asked

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        for proposal, outcome in zip(self._asked, outcomes, strict=True):
            self._learn(proposal.description, proposal.content, outcome)

    def recall(self, told: Iterable[Told]) -> None:
        for one in told:
            if one.outcome.experiment:
                self._learn(one.description, one.content, one.outcome)

    def _learn(self, words: str, content: bytes, outcome: Outcome) -> None:
        operator = words.partition(_APART)[0]
        if outcome.status == "keep":
            self._fruitless[operator] = 0
        else:
            self._failed[words].add(hashlib.sha256(content).digest())
            self._fruitless[operator] += 1

    def _open(self, incumbent: bytes, tried: Collection[str]) -> Iterator[tuple[Choice, bytes]]:
        """What was not tried, with its content, in the order in which it is to be tried."""
        bench = Bench.of(read(incumbent, self._file), self._facts.declared, self._facts.policy)
        text = incumbent.decode("utf-8-sig")
        for choice in self._ranked(bench):
            data = applied(choice.offer, bench, self._facts.taken)
            if data is not None and canonical_id_of(data) not in tried:
                yield choice, rewritten(data, text).encode()

    def _ranked(self, bench: Bench) -> list[Choice]:
        found = [one for one in choices(bench, self._operators) if len(self._failed[one.words]) < CHANCES]
        return sorted(found, key=self._rank)

    def _rank(self, one: Choice) -> tuple[int, bool, float, str]:
        stuck = self._fruitless[one.operator.name] >= STUCK
        return len(self._failed[one.words]), stuck, -one.worth, one.words


def choices(bench: Bench, operators: Sequence[Operator] = OPERATORS) -> list[Choice]:
    """Everything that can be done about a container, with what it may be worth; in the operators' order."""
    worth = Worth(bench)
    return [Choice(op, offer, worth.of(offer)) for op in operators for offer in op.offers(bench)]


def applied(offer: Offer, bench: Bench, taken: Mapping[str, int]) -> Any:
    """The container's JSON with an offer applied; None where that changes nothing. taken: as a Draft has it."""
    before = bench.view.container.data
    draft = Draft(before, taken)
    offer.apply(draft)
    return None if draft.data == before else draft.data
