"""A duel: candidate against incumbent, in pairs, until the evidence decides.

Both sides of a pair are measured right after each other, under one seed, in the order that a coin drew. What happens
in a pair decides only what it must: a candidate that crashes is a crash; an incumbent that crashes makes the pair void,
whatever the candidate scored, and the seed is tried once more. Nothing is trimmed, no pair is ever left out for its
values.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.decide import Keep, Measure, Measured, Pair, Share, State, decide, step
from harness.reports import Measurement
from harness.rule import Rule
from harness.schedule import Draw, Schedule

MOST_VOID = 0.05  # of all pairs of a night; above, the machine or the evaluator is at fault
SMALLEST_RATIO = 1e-150
FEW_VOID = 2  # so many are forgiven however few pairs there were
_NOT_MEASURED = Measurement()


@dataclass(frozen=True)
class Fought:
    """One pair as it was measured. void: why it does not count; crash, why: of the candidate. seconds: both sides."""

    number: int
    draw: Draw
    incumbent: Mapping[str, float]
    candidate: Mapping[str, float]
    void: str = ""
    crash: str = ""
    why: str = ""
    seconds: float = 0.0
    parts: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """status keep, discard or crash, with its reason; state: the evidence that it rests on."""

    status: str
    reason: str
    why: str
    state: State


@dataclass(frozen=True)
class Ring:
    """What all duels of a night share.

    measure: content, seed -> measurement; record: takes each pair as soon as it is measured; halted: whether to stop
    between two pairs.
    """

    measure: Callable[[bytes, int], Measurement]
    rule: Rule
    share: Share
    schedule: Schedule
    base: Mapping[str, float]
    record: Callable[[Fought], None]
    halted: Callable[[], bool] = lambda: False


def duel(
    ring: Ring, experiment: int, incumbent: bytes, candidate: bytes, before: Sequence[Fought] = (), block: str = "loop"
) -> Verdict:
    """Fights until it is decided. before: the pairs of this experiment that an interrupted night has recorded."""
    state, crashed = after(ring, before)
    while crashed is None:
        decision = decide(state, ring.rule, ring.share)
        if not isinstance(decision, Measure):
            status = "keep" if isinstance(decision, Keep) else "discard"
            return Verdict(status, decision.reason, decision.why, state)
        if ring.halted():
            return Verdict("discard", "unfinished", f"the night ended after {len(before)} pairs of it", state)
        fought = fight(ring, block, experiment, next_number(before), incumbent, candidate)
        ring.record(fought)
        before = (*before, fought)
        state, crashed = _counted(ring, state, fought)
    return Verdict("crash", crashed.crash, crashed.why, state)


def after(ring: Ring, pairs: Sequence[Fought]) -> tuple[State, Fought | None]:
    """The state after these pairs, and the one in which the candidate crashed, if it did."""
    state, crashed = State(ring.base), None
    for fought in pairs:
        state, crashed = _counted(ring, state, fought)
    return state, crashed


def fight(ring: Ring, block: str, experiment: int, number: int, incumbent: bytes, candidate: bytes) -> Fought:
    """Measures one pair. The second side is not measured where the first has settled it."""
    draw, started = ring.schedule.pair(block, experiment, number), time.monotonic()
    found: dict[str, Measurement] = {}
    for side in ("incumbent", "candidate") if draw.incumbent_first else ("candidate", "incumbent"):
        found[side] = sound(ring.measure(incumbent if side == "incumbent" else candidate, draw.seed), ring.rule)
        if found[side].crash:
            break
    one, other = found.get("incumbent", _NOT_MEASURED), found.get("candidate", _NOT_MEASURED)
    void = f"the incumbent: {one.crash}: {one.why}"[:300] if one.crash else ""
    return Fought(
        number, draw, one.metrics, other.metrics, void, other.crash, other.why, time.monotonic() - started, other.parts
    )


def next_number(pairs: Sequence[Fought]) -> int:
    """A void pair is fought once more under its number, and then left out."""
    if not pairs:
        return 1
    last = pairs[-1]
    again = last.void and sum(fought.number == last.number for fought in pairs) < 2
    return last.number if again else last.number + 1


def too_many_void(void: int, pairs: int) -> bool:
    """Whether a night cannot go on: not a matter of this or that candidate any more."""
    return void > max(FEW_VOID, MOST_VOID * pairs)


def _counted(ring: Ring, state: State, fought: Fought) -> tuple[State, Fought | None]:
    if fought.void:
        return state, None
    if fought.crash:
        return state, fought
    pair = Pair(Measured(fought.incumbent, 0), Measured(fought.candidate, 0))
    return step(state, pair, ring.rule), None


def sound(found: Measurement, rule: Rule) -> Measurement:
    """A ratio needs values above 0; anything else is no measurement of this metric."""
    for metric in rule.metrics:
        if metric.compare == "ratio" and not found.crash and found.metrics[metric.name] < SMALLEST_RATIO:
            why = f"{metric.name} is {found.metrics[metric.name]:g}, and a ratio needs a value above 0"
            return Measurement(crash="nan", why=why, seconds=found.seconds)
    return found
