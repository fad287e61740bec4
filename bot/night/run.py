"""`run`: the loop of one target. Ask, admit, measure, decide, record; then look whether the lock still holds.

Every experiment is recorded with its content, kept or not, before the next batch is measured: a kill takes what is in
flight, and no more.
"""

from __future__ import annotations

import time
from dataclasses import replace

from bot import proposers
from bot.models.messages import Model
from bot.models.teller import Teller
from bot.night import paying
from bot.night.folder import Night, TargetPlan
from bot.night.header import header_fields, machine
from bot.night.lifeline import killed_with_us
from bot.night.loop import stops
from bot.night.loop.asking import Asking
from bot.night.loop.attempt import Attempt, Court, Finding, Judge
from bot.night.loop.mending import Mending, again, recorded
from bot.night.loop.progress import Progress
from bot.night.loop.recollection import begun_on, outcome_of, told_before, tried_before
from bot.night.loop.screen import judge_of
from bot.proposers import Outcome, Over, Proposal, Proposer
from harness import folds, measure, reserve, view
from harness.admission import Admission, Admitted, Refused
from harness.contents import content_of
from harness.errors import EvaluatorError, IntegrityError
from harness.events import Event, Segment, SegmentWriter
from harness.measure import Measurer
from harness.repository import CommitSource
from harness.target import Budget, Target
from harness.tripwires import below_ceilings, suspect_change, suspect_values
from harness.view import View

SYNC_EVERY = 0.1  # seconds of work that a loss of power may take; a kill takes none


def run(
    night: Night, target: Target, *, quiet: bool = False, proposer: Proposer | None = None, regardless: bool = False,
    model: Model | None = None, teller: Teller | None = None,
) -> str:  # fmt: skip
    """Runs or resumes the loop of one target to its end. Returns the end reason; raises what makes it impossible.

    proposer: another one than target.yaml names; regardless: go on where nothing worth keeping could be kept; model:
    who answers the prompts of a proposer that asks one; teller: who answers an evaluator that does.
    """
    segments = night.healed(target.name)
    ended = folds.run_end(segments)
    if ended in {"integrity", "infra"}:
        raise IntegrityError(
            f"{target.name}: the loop of {night.name} ended for {ended}, so nothing of it can be confirmed",
            next_step=f"autoresearch report {night.name} says why; autoresearch night --new starts afresh",
        )
    if ended:
        return ended
    plan = night.target_plan(target.name)
    scratch = night.scratch(target.name, "run")
    checkout = view.build(CommitSource(night.repository, night.plan.base), target, scratch / "checkout", hidden=False)
    if checkout.lock.id != plan.lock:
        raise IntegrityError(
            f"{target.name}: what computes the score is not what the night was planned with",
            why=f"the bot, Python or a library changed: lock {checkout.lock.id[:12]}, planned {plan.lock[:12]}",
            next_step=f"autoresearch night --new starts a new night; {night.name} stays as it is",
        )
    measurer = measure.measurer(target, checkout, scratch, night.repository, teller)
    with killed_with_us(scratch):
        try:
            source = CommitSource(night.repository, night.plan.base)
            proposer = proposer or proposers.make(_as_planned(target, plan), plan.seed, source, model, plan.declined)
            proposer = paying.proposer(proposer, target, teller)
            loop = _Loop(night, target, plan, segments, checkout, measurer, proposer, teller, quiet=quiet)
            return loop.run(regardless=regardless)
        finally:
            measurer.close()
            view.remove(scratch)


def _as_planned(target: Target, plan: TargetPlan) -> Target:
    """With the budget that it has in this night, which may be less than its own."""
    return replace(target, budget=Budget(plan.experiments, plan.wall_clock, plan.usd, plan.plateau))


class _Loop:
    def __init__(
        self, night: Night, target: Target, plan: TargetPlan, segments: list[Segment],
        checkout: View, measurer: Measurer, proposer: Proposer, teller: Teller | None, *, quiet: bool,
    ) -> None:  # fmt: skip
        self.night, self.target, self.plan, self.checkout, self.teller = night, target, plan, checkout, teller
        self.state = folds.loop_state(segments, night.packs(target.name))
        self.state.tried |= tried_before(night, target)
        self.begun_on = begun_on(segments)
        self.proposer = proposer
        self.admission = Admission(target, checkout.base, night.repository.blob_id)
        self.writer: SegmentWriter = night.begin(
            target.name, "run", segments, header_fields(night, target, plan, checkout.lock.harness)
        )
        self.before = self.state.elapsed
        self.started = self.synced = time.monotonic()
        self.limits = stops.Limits(plan.experiments, plan.wall_clock, plan.usd, plan.plateau)
        self.ends: list[stops.Stop] = stops.stops(self.limits, lambda: proposer.worst_case_usd, self.elapsed)
        self.progress = Progress(
            target.name, target.rule.primary, plan.experiments, rule=target.rule, private=target.private, quiet=quiet,
            until=lambda: None if plan.wall_clock is None else plan.wall_clock - self.elapsed(),
        )  # fmt: skip
        court = Court(
            target, plan, self.state, checkout, measurer, self.writer, self.elapsed, self._halted, self._ahead
        )
        self.judge: Judge = judge_of(court)
        self.asking = Asking(self.state, self.admission, self.proposer, self.limits, self.judge.batch)
        self.mending = Mending(self.proposer, self.admission, self.judge, court, self.limits)

    def elapsed(self) -> float:
        """Seconds that this target has run in this night, interruptions not counted."""
        return self.before + time.monotonic() - self.started

    def _halted(self) -> bool:
        self.progress.update(self.state)
        return stops.first(self.ends, self.state) is not None

    def _ahead(self) -> None:
        """What is done while a batch is measured."""
        self.asking.ahead()

    def run(self, *, regardless: bool) -> str:
        try:
            end, why = self._to_the_end(regardless=regardless)
            self.checkout.watch.check_in_full()
        except IntegrityError as error:
            self._end("integrity", str(error))
            raise
        except EvaluatorError as error:
            self._end("infra", str(error))
            raise
        self._end(end, why)
        return end

    def _to_the_end(self, *, regardless: bool) -> tuple[str, str]:
        self._baseline()
        if not regardless and (why := self.judge.underpowered() or self._unpayable()):
            return "underpowered", why
        with stops.interrupt() as interrupted:
            self.ends.insert(0, interrupted)
            self._finish_begun()
            self._carry()
            self.proposer.recall(told_before(self.night, self.target.name))
            return self._experiments()

    def _end(self, end: str, why: str) -> None:
        self.progress.done(self.state, end)
        self.writer.seal(end, why=why)

    def _baseline(self) -> None:
        judged = self.admission.judge(self.checkout.base)
        if isinstance(judged, Refused):
            raise EvaluatorError(f"{self.target.file}: {judged.why}")
        found = self.judge.baseline()
        if not found:
            return
        below_ceilings(self.target.name, self.target.rule, found["metrics"])
        event = {
            "event": "baseline", "blob": judged.blob, "canon": judged.canon, "complexity": judged.complexity,
            "content": self.writer.content(self.checkout.base, None), **found, "elapsed": self.elapsed(),
        }  # fmt: skip
        event = paying.paid(event, self.teller)
        self._apply(self.checkout.base, event)
        self.writer.append([event])

    def _unpayable(self) -> str:
        """Why confirm could not be paid for whatever the loop finds, now that one measurement's time is known."""
        if self.state.experiments:
            return ""
        found = reserve.affordable(self.judge.seconds, self.target)
        return found.says if found.underpowered else ""

    def _finish_begun(self) -> None:
        """The try that an interruption cut off goes on where it was; on another machine it cannot."""
        if (begun := self.state.begun) is None:
            return
        content = content_of(begun, self.state.content, self.night.packs(self.target.name))
        attempt = again(begun, content, self.admission.judge(content))
        if self.begun_on != machine(self.target):
            moved = Finding("discard", "unfinished", "the night was resumed on another machine")
            self._record([self._event(attempt, moved)])
        else:
            self._judge([attempt])

    def _carry(self) -> None:
        """Starts from the rows of an unreviewed night: its confirmed content is the first experiment of this one."""
        if not self.plan.carried_blob or self.state.experiments:
            return
        content = self.night.repository.blobs([self.plan.carried_blob])[self.plan.carried_blob]
        proposal = Proposal(content, f"the rows of {self.plan.carried_from}, not reviewed yet")
        self._judge([Attempt(proposal, self.admission.judge(content))])

    def _experiments(self) -> tuple[str, str]:
        while True:
            if end := stops.first(self.ends, self.state):
                return end, ""
            try:
                attempts = self.asking.next()
            except Over as over:
                return over.end, over.why
            if not attempts:
                return "exhausted", ""
            self.proposer.tell(self._judge(attempts))
            self.progress.update(self.state)

    def _judge(self, attempts: list[Attempt]) -> list[Outcome]:
        """Judges attempts and records them in one write; then the lock is looked at."""
        findings = self.mending.findings(attempts)
        outcomes = self._record([self._event(attempt, finding) for attempt, finding in findings])
        self.checkout.watch.check()
        return outcomes

    def _event(self, attempt: Attempt, finding: Finding) -> Event:
        """The experiment as it is recorded. The state moves on with it: what follows is compared with what it kept."""
        finding = self._suspected(attempt, finding)
        event = {
            "event": "experiment", "id": self.state.experiments + 1, "blob": attempt.judged.blob,
            "canon": attempt.judged.canon, "parent": self.state.blob,
            "complexity": attempt.judged.complexity if isinstance(attempt.judged, Admitted) else 0,
            "content": self.writer.content(attempt.proposal.content, self.state.content),
            "description": attempt.proposal.description[:500], "status": finding.status, "reason": finding.reason,
            "why": finding.why[:2000], "metrics": finding.metrics, "parts": finding.parts, "gain": finding.gain,
            "cost_usd": attempt.proposal.cost_usd, "seconds": finding.seconds, "elapsed": self.elapsed(),
            **finding.more, **recorded(attempt),
        }  # fmt: skip
        event = paying.paid(event, self.teller)
        self._apply(attempt.proposal.content, event)
        return event

    def _suspected(self, attempt: Attempt, finding: Finding) -> Finding:
        """A keep that trips a wire is none."""
        if finding.status != "keep" or attempt.proposal.null:
            return finding
        state, rule = self.state, self.target.rule
        why = suspect_values(
            rule, state.base_metrics, finding.metrics, finding.gain, largest=state.largest, measured=state.measured
        ) or suspect_change(state.content, attempt.proposal.content, self.target.file)
        return replace(finding, status="discard", reason="suspect", why=f"{why}; {finding.why}") if why else finding

    def _apply(self, content: bytes, event: Event) -> None:
        held = event["content"]
        self.state.apply(event, {held["pack"]["sha256"]: content} if "pack" in held else None)

    def _record(self, events: list[Event]) -> list[Outcome]:
        wait = time.monotonic() - self.synced >= SYNC_EVERY
        if len(events) > 1:  # a kill may cut the write: a batch counts whole or not at all
            events[0]["batch"] = len(events)
        self.writer.append(events, wait=wait)
        self.synced = time.monotonic() if wait else self.synced
        return [outcome_of(event) for event in events]
