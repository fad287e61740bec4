"""A candidate that crashed for a dull reason may be mended by who proposed it, at most twice: one experiment in the
record, with the costs of all its proposals.

What crashed at its first measurement has shown no number, so what is mended is judged like a first attempt. A noisy
candidate that crashed in a later pair is not mended: its pairs have been looked at. Code that times itself could crash
on purpose and so choose among at most three first pairs; what that gains it in the loop, confirm takes away again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.night.loop.attempt import Attempt, Court, Finding, Judge
from bot.night.loop.stops import Limits
from bot.proposers import Proposal, Proposer
from harness.admission import Admission, Admitted, Refused
from harness.events import Event
from harness.handover.shapes import MOST_REPAIRS

DULL = frozenset({"exit", "nan", "missing", "malformed", "twice", "refused"})
_ADDED = ("calls", "input", "output", "cache_read", "cache_write", "seconds")


class Mending:
    """Stands between the loop and its judge."""

    def __init__(
        self, proposer: Proposer, admission: Admission, judge: Judge, court: Court, limits: Limits
    ) -> None:  # fmt: skip
        self._proposer, self._admission, self._judge, self._court = proposer, admission, judge, court
        self._limits = limits
        self._repair = getattr(proposer, "repair", None)

    def findings(self, attempts: Sequence[Attempt]) -> Iterator[tuple[Attempt, Finding]]:
        """What was judged in the end, and what was found about it; in order, the state moves on between two of them."""
        spent = self._court.state.cost
        for attempt, finding in zip(attempts, self._judge.findings(attempts), strict=True):
            found = attempt, finding
            while self._mendable(*found, spent + sum(other.proposal.cost_usd for other in attempts)):
                mended = self._mended(found[0], found[1].why)
                if mended is None:
                    break
                spent += mended.proposal.cost_usd - found[0].proposal.cost_usd
                if mended.repairs == found[0].repairs:  # paid for, and nothing came of it
                    found = mended, found[1]
                    break
                found = mended, next(iter(self._judge.findings([mended])))
            yield found

    def _mendable(self, attempt: Attempt, finding: Finding, spent: float) -> bool:
        """spent: with what was paid for attempts that are not recorded yet; a repair must fit into the rest."""
        if self._repair is None or finding.status != "crash" or finding.reason not in DULL:
            return False
        if attempt.repairs >= MOST_REPAIRS or finding.more.get("pairs") or self._court.halted():
            return False
        worst = self._proposer.worst_case_usd
        return not worst or spent + worst <= self._limits.usd

    def _mended(self, attempt: Attempt, why: str) -> Attempt | None:
        """The next attempt; with as many repairs as before where it cost something and there is no candidate."""
        assert self._repair is not None  # noqa: S101  # _mendable has asked
        made: Proposal | None = self._repair(attempt.proposal, why)
        if made is None:
            return None
        before, tried = attempt.proposal, self._court.state.tried
        cost, spent = before.cost_usd + made.cost_usd, added(before.spent, made.spent)
        judged = self._admission.judge(made.content)
        if made.failed or isinstance(judged, Refused) or judged.canon in tried:
            return replace(attempt, proposal=replace(before, cost_usd=cost, spent=spent))
        tried.add(judged.canon)
        return Attempt(replace(made, cost_usd=cost, spent=spent), judged, repairs=attempt.repairs + 1)


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two questions to models came to; of what cannot be added up, the later one's."""
    sums = {key: one.get(key, 0) + other.get(key, 0) for key in _ADDED if key in one or key in other}
    return {**one, **other, **sums}


def recorded(attempt: Attempt) -> dict[str, Any]:
    """What an event says of models and repairs: nothing where there were none."""
    model, repairs = dict(attempt.proposal.spent), attempt.repairs
    return {**({"model": model} if model else {}), **({"repairs": repairs} if repairs else {})}


def again(begun: Event, content: bytes, judged: Admitted | Refused) -> Attempt:
    """The attempt of a try that was recorded and not decided."""
    proposal = Proposal(content, begun["description"], begun["cost_usd"], spent=begun.get("model", {}))
    return Attempt(proposal, judged, repairs=begun.get("repairs", 0))
