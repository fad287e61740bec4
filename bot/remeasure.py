"""A noisy result measured again: base and result in turn, on fresh seeds, held against what was recorded."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.night import preflight
from bot.night.confirm import outcome
from bot.night.folder import Night
from bot.pages.wording import gains
from bot.promote import words as promotions
from bot.promote.folds import Realised
from harness import duel, folds, intervals, measure, view
from harness.decide import Share
from harness.duel import Fought, Ring
from harness.errors import EvaluatorError
from harness.events import Event
from harness.handover import Received
from harness.intervals import Mean
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import CommitSource
from harness.rule import Rule, headline_gain, headline_name
from harness.schedule import Schedule
from harness.target import Target

LEAST, MOST = 20, 80  # pairs


@dataclass(frozen=True)
class Remeasured:
    """again: what was found now; recorded: the interval it is held against, none for a row that was never measured
    alone; kind: whose interval that is; merges: what main gained by it since it was merged; moved: onto
    which other kind of card."""

    name: str
    content: bytes
    rule: Rule
    recorded: Mapping[str, Any] | None
    kind: str
    again: Mean
    lock_same: bool
    merges: tuple[Realised, ...] = ()
    moved: str = ""

    @property
    def same(self) -> bool:
        """Whether nothing contradicts the record: the two intervals meet."""
        found = self.recorded
        return found is None or (self.again.low <= found["high"] and found["low"] <= self.again.high)

    def as_json(self) -> dict[str, Any]:
        return {
            "experiment": self.name, "same": self.same, "lock_same": self.lock_same,
            "recorded": self.recorded, "measured": asdict(self.again),
            "realised": [promotions.as_json(merge) for merge in self.merges],
            **({"moved": self.moved} if self.moved else {}),
        }  # fmt: skip

    def as_text(self) -> str:
        lines = [self.name]
        if not self.lock_same:
            lines.append("note: the lock differs from the night's (harness, Python or a library changed since)")
        lines += preflight.note(self.moved)
        held = self.recorded or {**asdict(self.again), "metric": headline_name(self.rule)}
        said = gains.remeasured(self.rule, held, self.again, self.kind)
        lines.append(f"  {said}" if self.recorded else f"  {gains.fresh(self.rule, held)}")
        return "\n".join([*lines, *(f"  realised: {promotions.merged(merge)}" for merge in self.merges)])


def remeasure(night: Night, target: Target, received: Received, name: str, number: int | None, mark: str) -> Remeasured:
    """number: of an experiment (mark /) or a row (mark #); None: the head. Raises KeyError for what is not there."""
    confirmed = outcome(received.segments) or {}
    base = folds.restore(received.segments, 0, received.packs)[1]
    if mark == "#":
        numbers = [row["number"] for row in confirmed.get("rows", [])]
        if not numbers or (number is not None and number not in numbers):
            raise KeyError(number)
        place = len(numbers) - 1 if number is None else numbers.index(number)
        before, after = base, received.rows[place]
        recorded, kind = (confirmed.get("confirmed"), "confirmed") if after == received.rows[-1] else (None, "")
    else:
        event, after = folds.restore(received.segments, number or 0, received.packs)
        before, kind = _incumbent(received, number or 0), "stopped duel's"
        recorded = _own_interval(target.rule, received, event)
    pairs = min(max(recorded["pairs"] if recorded else LEAST, LEAST), MOST)
    again, digest = _measured(night, target, before, after, pairs)
    moved = preflight.elsewhere(target, received.segments)
    same_lock = digest == received.segments[0].header["lock"]
    return Remeasured(name, after, target.rule, recorded, kind, again, same_lock, moved=moved)


def _incumbent(received: Received, number: int) -> bytes:
    """What an experiment was measured against."""
    kept = [event["id"] for event in folds.of_kind(received.segments, "experiment") if event["status"] == "keep"]
    last = max((found for found in kept if found < number), default=0)
    return folds.restore(received.segments, last, received.packs)[1]


def _own_interval(rule: Rule, received: Received, event: Event) -> dict[str, Any] | None:
    found = [
        headline_gain(rule, pair["incumbent"], pair["candidate"])
        for pair in folds.of_kind(received.segments, "pair")
        if pair["id"] == event.get("id", 0) and not pair["void"] and not pair["crash"]
    ]
    if len(found) < 2:
        return None
    return {**asdict(intervals.paired(found)), "metric": headline_name(rule)}


def _measured(night: Night, target: Target, before: bytes, after: bytes, pairs: int) -> tuple[Mean, str]:
    source = CommitSource(night.repository, night.plan.base)
    schedule = Schedule(secrets.randbits(31), secrets.token_hex(16))
    with tempfile.TemporaryDirectory(prefix="autoresearch-reproduce-") as folder:
        checkout = view.build(source, target, Path(folder) / "checkout", hidden=False)
        measurer = measure.measurer(target, checkout, Path(folder) / "scratch", night.repository)

        def one(content: bytes, seed: int) -> Measurement:
            return measurer.measure([content], Ask(seed=seed))[0]

        ring = Ring(one, target.rule, Share(1.0, pairs), schedule, {}, lambda _fought: None)
        try:
            found = [duel.fight(ring, "confirm", 0, n, before, after) for n in range(1, pairs + 1)]
        finally:
            measurer.close()
    return intervals.paired([_gain(target.rule, fought) for fought in found]), checkout.lock.id


def _gain(rule: Rule, fought: Fought) -> float:
    if fought.void or fought.crash:
        raise EvaluatorError(f"a measurement failed: {fought.void or fought.why}")
    return headline_gain(rule, fought.incumbent, fought.candidate)
