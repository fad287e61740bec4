"""What an operation puts to use is named, sorted, filled in and made to wait for consent with it, and what it leaves
without a use goes, as far as the policy lets it: else order would speak against every new tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.proposers.repair.bench import Bench, Offer
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.consents import CONSENTS
from bot.proposers.repair.operators.events import EVENTS, ORDERS
from bot.proposers.repair.operators.fixes import Family
from bot.proposers.repair.operators.folders import FOLDERS
from bot.proposers.repair.operators.names import NAMES
from bot.proposers.repair.operators.parameters import PARAMETERS
from bot.proposers.repair.operators.unused import UNUSED_TRIGGERS, UNUSED_VARIABLES
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.container import model

_FAMILIES = (PARAMETERS, EVENTS, ORDERS, CONSENTS, NAMES, FOLDERS, UNUSED_TRIGGERS, UNUSED_VARIABLES)
_CODES = frozenset(code for family in _FAMILIES for code in family.codes)
_ROUNDS = 4  # a new parameter may need a new variable, that one a folder


@dataclass(frozen=True)
class Settled:
    """An operator whose operations leave nothing unsettled behind them."""

    operator: Family

    @property
    def name(self) -> str:
        return self.operator.name

    @property
    def codes(self) -> frozenset[str]:
        return self.operator.codes

    def offers(self, bench: Bench) -> Iterator[Offer]:
        for offer in self.operator.offers(bench):
            yield Offer(offer.words, offer.mends, _Then(offer.apply, bench))

    def why_not(self, bench: Bench, issue: Issue) -> str:
        return self.operator.why_not(bench, issue)


@dataclass(frozen=True)
class _Then:
    apply: Callable[[Draft], None]
    bench: Bench

    def __call__(self, draft: Draft) -> None:
        self.apply(draft)
        before = _faults(self.bench)
        for _round in range(_ROUNDS):
            bench = Bench.of(model(draft.data), self.bench.view.declared, self.bench.policy)
            caused = _faults(bench) - before
            fixes = [
                fix for family in _FAMILIES for fix in family.fixes(bench)
                if any(_fault(issue) in caused for issue in fix.mends)
            ]  # fmt: skip
            if not fixes:
                return
            for fix in fixes:
                fix.apply(draft)


def _faults(bench: Bench) -> set[tuple[str, str, str]]:
    return {_fault(issue) for issue in bench.issues(*_CODES)}


def _fault(issue: Issue) -> tuple[str, str, str]:
    return issue.code, issue.entity, issue.id
