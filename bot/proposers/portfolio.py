"""`portfolio`: several proposers, its arms, share a night; `bot.proposers.bandit` says which is asked next.

Each request goes to one arm, which gets no larger a part of the night at once than TURN: the first batch of a small
night would else be all of it. An arm is told what became of its own proposals; what others kept it meets as the
incumbent of its next request. An arm that has nothing more is left until the incumbent is another one, one that
cannot be asked any more (`Over`) for good, and so is one whose next proposal could cost more than is left. The first
arm that needs no key is the control.

What an experiment uses up is counted in experiments that cost nothing: itself, and the shares of the target's dollars
and of its wall clock that it spent, times the target's experiments. Of the wall clock a model's seconds count, as they
are recorded. Measuring takes all arms alike, and a clock of our own would make every night of a seed another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.proposers import Outcome, Over, Proposal, Proposer, Request, Told
from bot.proposers.bandit import Bandit, Effort
from harness.target import Budget, Target
from harness.targetfile.proposing import KEYLESS

TURN = 0.05  # of the night's experiments, and at least one of them


@dataclass
class Arm:
    """A proposer under the name that records give it. idle: the incumbent for which it had nothing more."""

    name: str
    proposer: Proposer
    idle: bytes | None = None
    over: Over | None = None


class Portfolio:
    """arms: in target.yaml's order; control: the name of the one that is never starved."""

    steady = False

    def __init__(self, target: Target, seed: int, arms: Sequence[Arm], control: str) -> None:
        self._budget, self._arms = target.budget, {arm.name: arm for arm in arms}
        self._bandit = Bandit(list(self._arms), control, seed, target.budget.experiments)
        self._turn = max(1, int(TURN * target.budget.experiments))
        self._usd_left = target.budget.usd
        self._asked = next(iter(arms))

    @property
    def worst_case_usd(self) -> float:
        """Of the dearest arm that may be asked next."""
        return max((arm.proposer.worst_case_usd for arm in self._arms.values() if self._payable(arm)), default=0.0)

    def ask(self, request: Request) -> list[Proposal]:
        """Of one arm. Raises Over where no arm has more, and money or a model would have helped."""
        self._usd_left = request.usd_left
        request = replace(request, count=min(request.count, self._turn))
        while among := [name for name, arm in self._arms.items() if self._open(arm, request.incumbent)]:
            self._asked = self._arms[self._bandit.pick(request.first, request.count, among)]
            try:
                found = self._asked.proposer.ask(request)
            except Over as over:
                self._asked.over = over
                continue
            if found:
                return [_signed(proposal, self._asked) for proposal in found]
            self._asked.idle = request.incumbent
        return self._ended()

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._asked.proposer.tell(outcomes)
        for outcome in outcomes:
            self._count(self._asked, outcome)

    def repair(self, proposal: Proposal, why: str) -> Proposal | None:
        """By the arm whose proposal it is, where it can."""
        mend = getattr(self._asked.proposer, "repair", None)
        found = mend(proposal, why) if mend else None
        return _signed(found, self._asked) if found else None

    def recall(self, told: Iterable[Told]) -> None:
        """Each arm recalls what it would have been told, and the incumbents that it would have met."""
        found = list(told)
        for one in found:
            if arm := self._arms.get(one.outcome.spent.get("arm", "")):
                self._count(arm, one.outcome)
        for arm in self._arms.values():
            arm.proposer.recall(_of(arm.name, found))

    def _count(self, arm: Arm, outcome: Outcome) -> None:
        self._usd_left -= outcome.cost_usd
        used = used_up(self._budget, outcome.cost_usd, outcome.spent.get("seconds", 0.0))
        self._bandit.learn(arm.name, Effort(outcome.status == "keep", outcome.gain, used))

    def _payable(self, arm: Arm) -> bool:
        worst = arm.proposer.worst_case_usd
        return arm.over is None and (not worst or worst <= self._usd_left)

    def _open(self, arm: Arm, incumbent: bytes) -> bool:
        return self._payable(arm) and arm.idle != incumbent

    def _ended(self) -> list[Proposal]:
        """Nothing, where every arm has proposed all that it could."""
        overs = {name: arm.over for name, arm in self._arms.items() if arm.over}
        dear = [name for name, arm in self._arms.items() if not arm.over and not self._payable(arm)]
        short = Over("money", f"{self._usd_left:.4f} US dollars do not pay for another proposal")
        overs |= dict.fromkeys(dear, short)
        if not overs:
            return []
        end = "money" if any(over.end == "money" for over in overs.values()) else next(iter(overs.values())).end
        raise Over(end, "; ".join(f"{name}: {over.why}" for name, over in overs.items()))


def assembled(target: Target, seed: int, make: Callable[[Target, int], Proposer]) -> Portfolio:
    """The portfolio that a target describes. make: the proposer of an arm, which gets a seed of its own."""
    parts = arms_of(target)
    arms = [Arm(name, make(part, seed + place)) for place, (name, part) in enumerate(parts.items())]
    return Portfolio(target, seed, arms, next(name for name, part in parts.items() if part.proposer in KEYLESS))


def arms_of(target: Target) -> dict[str, Target]:
    """Name -> the target as that arm's proposer sees it. A name is its kind; the second of a kind is kind-2."""
    found: dict[str, Target] = {}
    kinds: Counter[str] = Counter()
    for entry in target.options["arms"]:
        options = dict(entry)
        kind, catalogue = options.pop("kind"), options.pop("catalogue", None)
        kinds[kind] += 1
        name = kind if kinds[kind] == 1 else f"{kind}-{kinds[kind]}"
        found[name] = replace(target, proposer=kind, catalogue=catalogue, options=options)
    return found


def used_up(budget: Budget, usd: float, seconds: float) -> float:
    """What an experiment took, in experiments that take neither money nor a model's time."""
    share = usd / budget.usd if budget.usd else 0.0
    share += seconds / budget.wall_clock if budget.wall_clock else 0.0
    return 1 + share * budget.experiments


def _signed(proposal: Proposal, arm: Arm) -> Proposal:
    return replace(proposal, spent={**proposal.spent, "arm": arm.name})


def _of(name: str, told: Sequence[Told]) -> Iterator[Told]:
    """What an arm recalls: the baseline, what no arm proposed, its own; and before its own, as a baseline of its own,
    what others had made of the incumbent by then."""
    incumbent: Told | None = None  # where another arm made it
    for one in told:
        mine = one.outcome.spent.get("arm", name) == name
        if mine:
            if incumbent:
                yield replace(incumbent, outcome=replace(incumbent.outcome, experiment=0, reason="baseline"))
            incumbent = None
            yield one
        elif one.outcome.status == "keep":
            incumbent = one
