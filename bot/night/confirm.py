"""`confirm`: measures the night's result again from scratch, in a process and a checkout that never saw the loop.

Only what confirm says is a headline number. It takes the lock from the base commit, scores base and head anew, takes
the final change apart, and makes its one test on what nothing has seen before: the holdout, or seeds of its own.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.models.teller import Teller
from bot.night import paying, preflight
from bot.night.earlier import looks
from bot.night.examination import exact, noisy
from bot.night.examination.bench import NOTE, Bench, Unconfirmed
from bot.night.examination.case import Case
from bot.night.folder import Night
from bot.night.handed import handover
from bot.night.header import header_fields, machine
from bot.night.lifeline import killed_with_us
from harness import folds, measure, prepared, standing, view
from harness.admission import Admission
from harness.errors import IntegrityError
from harness.events import Event, Segment, SegmentWriter
from harness.folds import LoopState
from harness.handover.shapes import GATED
from harness.holdout import LOOKS
from harness.measure import Measurer
from harness.repository import CommitSource
from harness.schedule import Schedule
from harness.target import Target
from harness.view import View


@dataclass(frozen=True)
class Task:
    """What is to be confirmed: by `confirm` the loop's result, by a command what was proposed of it.

    verb: whose segment it becomes; coin: of the seeds; examine: what is measured; command: what a human asked for.
    """

    verb: str
    coin: str
    examine: Callable[[Case], str]
    command: Event | None = None

    def mine(self, segments: Sequence[Segment]) -> list[Segment]:
        """What a kill interrupted of this very task."""
        same = [segment for segment in segments if segment.header["verb"] == self.verb]
        return [segment for segment in same if standing.command_of(segment) == self.command]


def confirm(night: Night, target: Target) -> str:
    """Confirms one target's result. Returns confirmed, not-confirmed, underpowered, integrity or infra, or the end of a
    loop that never began."""
    segments = list(handover.accept(night, target).received.segments)
    if (begun := folds.run_end(segments)) in GATED:
        return str(begun)  # it never began
    ended = folds.confirm_end(segments)
    examine = noisy.examine if target.noise else exact.examine
    return ended or carry_out(night, target, segments, Task("confirm", night.target_plan(target.name).coin, examine))


def carry_out(night: Night, target: Target, segments: list[Segment], task: Task) -> str:
    """Measures what the task asks for, into a segment of its own; what it came to. segments: as accepted."""
    scratch = night.scratch(target.name, task.verb)
    checkout = view.build(CommitSource(night.repository, night.plan.base), target, scratch / "checkout", hidden=True)
    teller = paying.teller(night, target, task.verb)
    measurer = measure.measurer(target, checkout, scratch, night.repository, teller)
    plan = night.target_plan(target.name)
    writer = night.begin(target.name, task.verb, segments, header_fields(night, target, plan, checkout.lock.harness))
    if task.command:
        writer.append([task.command])
    with killed_with_us(scratch):
        try:
            end, why = _Confirmation(night, target, segments, checkout, measurer, writer, task, teller).run()
        finally:
            measurer.close()
            view.remove(scratch)
    writer.seal(end, why=why)
    return end


class _Confirmation:
    def __init__(
        self, night: Night, target: Target, segments: Sequence[Segment],
        checkout: View, measurer: Measurer, writer: SegmentWriter, task: Task, teller: Teller | None = None,
    ) -> None:  # fmt: skip
        self.task, self.earlier, self.teller = task, task.mine(segments), teller
        self.night, self.target, self.segments = night, target, segments
        self.checkout, self.measurer, self.writer = checkout, measurer, writer
        self.plan = night.target_plan(target.name)
        self.state = folds.loop_state(segments, night.packs(target.name))
        self.event: Event = {"event": "confirm"}

    def run(self) -> tuple[str, str]:
        """The end reason and why; the event is written either way, with whatever was measured by then."""
        for recorded in folds.of_kind(self.earlier, "confirm"):  # a kill came before its seal: it is not made again
            return str(recorded["verdict"]), str(recorded["why"])
        started = time.monotonic()
        try:
            end, why = "confirmed", self._examined()
        except Unconfirmed as failed:
            end, why = failed.end, str(failed)
        except IntegrityError as error:
            end, why = "integrity", str(error)
        if moved := preflight.elsewhere(self.target, self.segments):
            why = f"{moved}: a gain of another kind of card; {why}"
        self.event |= {"verdict": end, "why": why, "seconds": time.monotonic() - started}
        self.writer.append([paying.paid(self.event, self.teller)])
        return end, why

    def _examined(self) -> str:
        self._trusted()
        state = self.state
        self.event |= {"base": state.base_blob, "incumbent": state.blob, "claimed": state.metrics}
        why = self.task.examine(self._case())
        self.checkout.watch.check_in_full()
        return why

    def _trusted(self) -> None:
        """Whether the loop left anything that could be confirmed."""
        recorded = self.segments[0].header["lock"]
        if recorded != self.checkout.lock.id:
            raise IntegrityError(
                f"the night ran under lock {recorded[:12]}, the base commit has {self.checkout.lock.id[:12]}"
            )
        ended = folds.run_end(self.segments)
        if ended in {None, "integrity", "infra"}:
            raise IntegrityError(f"the loop ended for {ended or 'no reason at all'}; its keeps cannot be trusted")
        if ended == "underpowered":
            why = next(s.events[-1]["why"] for s in reversed(self.segments) if s.header["verb"] == "run")
            raise Unconfirmed(f"nothing was tried: {why}", "underpowered")
        if self.state.kept == 0:
            raise Unconfirmed("nothing was kept, so there is nothing to confirm")

    def _case(self) -> Case:
        repository, base = self.night.repository, self.checkout.base
        blob_id = functools.lru_cache(repository.blob_id)
        if any(segment.header["machine"] != machine(self.target) and _tested(segment) for segment in self.earlier):
            raise Unconfirmed("its one test began on another machine: it can be neither finished nor repeated", "infra")
        here = [segment for segment in self.earlier if segment.header["machine"] == machine(self.target)]
        before = [event for segment in here for event in segment.events]
        schedule = Schedule(self.plan.seed, self.task.coin)
        bench = Bench(
            self.target, self.measurer, schedule, schedule.number("confirm", 0, 0), blob_id, self.checkout.watch.check,
            self._record, before, self._usual_seconds(), self.teller.pays if self.teller else None,
        )  # fmt: skip
        return Case(
            self.target, self.state, base, self._history(), bench, Admission(self.target, base, blob_id), self.event,
            before, self._record, self.writer.content, self._look,
            len(standing.repeats(self.segments)) + 1 if self.task.command else 0,
        )  # fmt: skip

    def _record(self, event: Event) -> None:
        self.writer.append([event])

    def _usual_seconds(self) -> float:
        """Of one measurement in the loop."""
        pairs = [float(event["seconds"]) / 2 for event in folds.of_kind(self.segments, "pair") if not event["void"]]
        baseline = [float(event["seconds"]) for event in folds.of_kind(self.segments, "baseline")]
        return float(statistics.median(pairs or baseline))

    def _history(self) -> list[tuple[int, bytes]]:
        packs = self.night.packs(self.target.name)
        replay, found = LoopState(), []
        for event in folds.all_events(self.segments):
            replay.apply(event, packs)
            if event["event"] == "experiment" and event["status"] == "keep":
                found.append((event["id"], replay.content))
        return found

    def _look(self, head: str) -> Mapping[str, Any]:
        """Notes the look before anything is seen; one that a kill interrupted is the same look."""
        made = prepared.digests(CommitSource(self.night.repository, self.night.plan.base), self.target)
        holdout = looks.identity({**self.checkout.lock.files, **made}, self.target)
        known = looks.of_night(self.night, holdout)
        mine = (self.night.name, self.target.name, head)
        others = looks.count(self.night.repository, holdout) - len(known)
        number = max(self.plan.looks, others) + (known.index(mine) if mine in known else len(known)) + 1
        number = self._number_before(head) or number
        if number > LOOKS:
            raise Unconfirmed(
                f"this holdout is spent: it has been looked at {number - 1} times, and bears {LOOKS}; "
                "next: new held-out rows, which change the lock and start a new count"
            )
        if mine not in known or self.task.command:  # the same figure once more is no further look
            self._record({"event": "look", "holdout": holdout, "split": "holdout", "head": head})
        return {"id": holdout, "look": number}

    def _number_before(self, head: str) -> int:
        """Of the look that showed this very head, where it came to a figure; else 0."""
        figures = [each.event for each in standing.confirmations(self.segments) if "holdout" in each.event]
        return next((int(event["holdout"]["look"]) for event in figures if event["head"] == head), 0)


def _tested(segment: Segment) -> bool:
    """Whether pairs of the test itself were measured."""
    notes = (event for event in segment.events if event["event"] == "note")
    return any(event.get("about") == NOTE and event["block"] == "confirm" for event in notes)


def outcome(segments: Sequence[Segment]) -> dict[str, Any] | None:
    """The confirm event of a night that counts, if there is one."""
    found = standing.confirmation(segments)
    return found.event if found else None
