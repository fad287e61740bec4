"""What stays as it is, and why: for every issue that no operator offers to mend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.proposers.repair.bench import Bench, Offer, Operator
from bot.proposers.repair.operators import OPERATORS
from harness.scorers.gtm.checks import Issue

NOBODY = "no operator mends this: it needs somebody who knows the site"
LATER = "what would mend it is offered once something else is mended"


def unrepaired(bench: Bench, operators: Sequence[Operator] = OPERATORS) -> list[tuple[Issue, str]]:
    """Every issue of a container that nothing would be done about, with the reason, in the order of the score."""
    offered = mended_by(offer for operator in operators for offer in operator.offers(bench))
    return [(issue, _why(bench, issue, operators)) for issue in bench.scored.issues if issue not in offered]


def mended_by(offers: Iterable[Offer]) -> frozenset[Issue]:
    return frozenset(issue for offer in offers for issue in offer.mends)


def _why(bench: Bench, issue: Issue, operators: Sequence[Operator]) -> str:
    concerned = [operator for operator in operators if issue.code in operator.codes]
    reasons = dict.fromkeys(operator.why_not(bench, issue) for operator in concerned)
    return "; ".join(filter(None, reasons)) or (LATER if concerned else NOBODY)
