"""What the loop and its two judges share: a proposal on its way, what was found about it, and where the loop stands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.night.folder import TargetPlan
from bot.proposers import Proposal
from harness.admission import Admitted, Refused
from harness.events import SegmentWriter
from harness.folds import LoopState
from harness.measure import Measurer
from harness.reports import CUT, Measurement
from harness.target import Target
from harness.view import View

GRACE = 5.0  # seconds after the wall clock's end in which a measurement may come to its own
USUAL = 3.0  # or so many times as long as it takes usually


@dataclass(frozen=True)
class Attempt:
    """One proposal, admitted or not. duplicate: measured before under this lock; repairs: how often it was mended."""

    proposal: Proposal
    judged: Admitted | Refused
    duplicate: bool = False
    repairs: int = 0


@dataclass(frozen=True)
class Finding:
    """What came of an attempt. gain: of the headline over the incumbent, of what was screened at most; more: what only
    its kind of judge records."""

    status: str
    reason: str
    why: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    gain: float = 0.0
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Court:
    """Where a judge works. halted: whether the night has to end now; elapsed: seconds of this target's loop; meanwhile:
    what is to be done while a batch is measured."""

    target: Target
    plan: TargetPlan
    state: LoopState
    checkout: View
    measurer: Measurer
    writer: SegmentWriter
    elapsed: Callable[[], float]
    halted: Callable[[], bool]
    meanwhile: Callable[[], None]

    def until(self, usual: float) -> float:
        """When, by time.monotonic(), what usually takes so many seconds is cut short: the wall clock bounds a night
        whose candidates hang, and lets one that does not hang come to its end."""
        limit = math.inf if self.plan.wall_clock is None else self.plan.wall_clock
        return time.monotonic() + max(limit - self.elapsed(), 0) + max(GRACE, USUAL * usual)


class Judge(Protocol):
    """Says what the unchanged file scores, and what becomes of attempts."""

    batch: int  # how many attempts it takes at once
    seconds: float  # of one measurement, known after the baseline

    def baseline(self) -> dict[str, Any]:
        """Fields of the baseline event. Raises EvaluatorError, on a resume IntegrityError."""
        ...

    def underpowered(self) -> str:
        """Why no night of this size could keep anything worth keeping; nothing where it can."""
        ...

    def findings(self, attempts: Sequence[Attempt]) -> Iterator[Finding]:
        """One finding per attempt, in order; the state moves on between two of them."""
        ...


def refusal(attempt: Attempt) -> Finding | None:
    """The finding about what is not worth a measurement."""
    if attempt.proposal.failed:
        return Finding("discard", "invalid", attempt.proposal.failed)
    if isinstance(attempt.judged, Refused):
        return Finding("discard", "invalid", attempt.judged.why)
    if attempt.duplicate:
        return Finding("discard", "duplicate", "measured before under this lock")
    return None


def crash(found: Measurement) -> Finding:
    """What a measurement without numbers means."""
    if found.crash == CUT:
        return Finding("discard", "unfinished", found.why, seconds=found.seconds)
    return Finding("crash", found.crash, found.why, seconds=found.seconds)
