"""`run`: the loop of one target. Ask, admit, measure, decide, record; then look whether the lock still holds.

Every experiment is recorded with its content, kept or not, before the next batch is asked for.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import harness
from bot import proposers
from bot.night import stops
from bot.night.folder import Night, TargetPlan
from bot.night.progress import Progress
from bot.proposers import Outcome, Proposal, Proposer, Request
from harness import folds, measure, view
from harness.admission import Admission, Admitted, Refused
from harness.decide import Keep, Measured, Pair, State, decide, step
from harness.errors import EvaluatorError, IntegrityError
from harness.events import Event, Segment, SegmentWriter
from harness.measure import Ask, Measurer
from harness.reports import Measurement
from harness.repository import CommitSource
from harness.target import Target
from harness.view import View

SERVE_BATCH = 16  # fixed, not tuned to the machine: the same seed must give the same night everywhere


def run(night: Night, target: Target, *, quiet: bool = False) -> str:
    """Runs or resumes the loop of one target to its end. Returns the end reason; raises what makes it impossible."""
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
    measurer = measure.measurer(target, checkout, scratch, night.repository)
    try:
        return _Loop(night, target, plan, segments, checkout, measurer, quiet=quiet).run()
    finally:
        measurer.close()
        view.remove(scratch)


def header_fields(night: Night, target: Target, plan: TargetPlan, harness_hash: str) -> dict[str, Any]:
    """What every segment of a target says first."""
    return {
        "target": target.name,
        "night": night.name,
        "base": night.plan.base,
        "file": target.file,
        "lock": plan.lock,
        "harness": harness_hash,
        "signal": target.signal,
        "sample": target.sample,
        "unit": target.confirm.unit,
        "owner": target.owner,
        "proposer": target.proposer,
        "seed": plan.seed,
        "usd": plan.usd,
        "planned": plan.experiments,
        "version": harness.__version__,
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cpu": platform.machine()},
        "at": int(time.time()),
        **folds.rule_fields(target.rule),
    }


@dataclass
class _Try:
    """One proposal on its way through the loop."""

    proposal: Proposal
    judged: Admitted | Refused
    measurement: Measurement | None = None
    duplicate: bool = False


class _Loop:
    def __init__(
        self, night: Night, target: Target, plan: TargetPlan, segments: list[Segment],
        checkout: View, measurer: Measurer, *, quiet: bool,
    ) -> None:  # fmt: skip
        self.night, self.target, self.plan = night, target, plan
        self.checkout, self.measurer = checkout, measurer
        self.state = folds.loop_state(segments, night.packs(target.name))
        self.state.tried |= _tried_before(night, target)
        self.proposer: Proposer = proposers.make(target, plan.seed)
        self.admission = Admission(target, checkout.base, night.repository.blob_id)
        self.writer: SegmentWriter = night.begin(
            target.name, "run", segments, header_fields(night, target, plan, checkout.lock.harness)
        )
        self.before = self.state.elapsed
        self.started = time.monotonic()
        self.limits = stops.Limits(plan.experiments, plan.wall_clock, plan.usd, plan.plateau)
        self.batch = SERVE_BATCH if target.evaluate.form == "serve" else 1
        self.progress = Progress(target.name, target.rule.primary, plan.experiments, quiet=quiet)

    def elapsed(self) -> float:
        """Seconds that this target has run in this night, interruptions not counted."""
        return self.before + time.monotonic() - self.started

    def run(self) -> str:
        try:
            self._baseline()
            with stops.interrupt() as interrupted:
                self._carry()
                end = self._experiments(
                    [interrupted, *stops.stops(self.limits, self.proposer.worst_case_usd, self.elapsed)]
                )
            self.checkout.watch.check_in_full()
        except IntegrityError as error:
            self._end("integrity", str(error))
            raise
        except EvaluatorError as error:
            self._end("infra", str(error))
            raise
        self._end(end, "")
        return end

    def _end(self, end: str, why: str) -> None:
        self.progress.done(self.state, end)
        self.writer.seal(end, why=why)

    def _baseline(self) -> None:
        """Measures the unchanged file twice; on a resume once, against what was recorded."""
        first = self._unchanged()
        if self.state.started:
            if dict(first.metrics) != dict(self.state.base_metrics):
                raise IntegrityError(
                    "the unchanged file scores differently than when the night began",
                    why=_difference(self.state.base_metrics, first.metrics),
                    next_step="autoresearch night --new; the evaluator depends on something outside its lock",
                )
            return
        second = self._unchanged()
        if dict(first.metrics) != dict(second.metrics):
            raise EvaluatorError(
                f"{self.target.name}: the same file got two scores: {_difference(first.metrics, second.metrics)}",
                why="the evaluator is not deterministic, and this version needs it to be",
                next_step="fix its seeds (AUTORESEARCH_SEED is the same in both), threads, clocks; autoresearch check",
            )
        self._record([self._base_event(first)])

    def _base_event(self, measured: Measurement) -> Event:
        judged = self.admission.judge(self.checkout.base)
        if isinstance(judged, Refused):
            raise EvaluatorError(f"{self.target.file}: {judged.why}")
        return self._applied(self.checkout.base, {
            "event": "baseline", "blob": judged.blob, "canon": judged.canon, "complexity": judged.complexity,
            "content": self.writer.content(self.checkout.base, None), "metrics": measured.metrics,
            "parts": measured.parts, "repeat": "identical", "seconds": measured.seconds, "elapsed": self.elapsed(),
        })  # fmt: skip

    def _unchanged(self) -> Measurement:
        measured = self.measurer.measure([self.checkout.base], Ask(seed=self.plan.seed))[0]
        if measured.crash:
            raise EvaluatorError(
                f"{self.target.name}: the evaluator fails on the unchanged file ({measured.crash})",
                why=measured.why,
                next_step=f"autoresearch check {self.target.name} shows it; nothing was spent",
            )
        return measured

    def _carry(self) -> None:
        """Starts from the rows of an unreviewed night: its confirmed content is the first experiment of this one."""
        if not self.plan.carried_blob or self.state.experiments:
            return
        content = self.night.repository.blobs([self.plan.carried_blob])[self.plan.carried_blob]
        proposal = Proposal(content, f"the rows of {self.plan.carried_from}, not reviewed yet")
        attempt = _Try(proposal, self.admission.judge(content))
        self._measure([attempt])
        self._record([self._event(attempt)])

    def _experiments(self, ends: list[stops.Stop]) -> str:
        while True:
            end = stops.first(ends, self.state)
            if end:
                return end
            tries = self._ask()
            if not tries:
                return "exhausted"
            self._measure(tries)
            outcomes = self._record([self._event(attempt) for attempt in tries])
            self.checkout.watch.check()
            self.proposer.tell(outcomes)
            self.progress.update(self.state)

    def _ask(self) -> list[_Try]:
        count = stops.affordable(self.limits, self.state, self.proposer.worst_case_usd, self.batch)
        request = Request(self.state.content, self.state.metrics, self.state.experiments + 1, count, self.state.tried)
        tries, batch = [], set()
        for proposal in self.proposer.ask(request)[:count]:
            judged = self.admission.judge(proposal.content)
            seen = judged.canon in self.state.tried or judged.canon in batch
            batch.add(judged.canon)
            tries.append(_Try(proposal, judged, duplicate=seen))
        return tries

    def _measure(self, tries: Sequence[_Try]) -> None:
        wanted = [attempt for attempt in tries if isinstance(attempt.judged, Admitted) and not attempt.duplicate]
        contents = [attempt.proposal.content for attempt in wanted]
        found = self.measurer.measure(contents, Ask(seed=self.plan.seed)) if contents else []
        for attempt, measurement in zip(wanted, found, strict=True):
            attempt.measurement = measurement

    def _event(self, attempt: _Try) -> Event:
        """The experiment as it is recorded."""
        status, reason, why = self._verdict(attempt)
        measurement = attempt.measurement or Measurement()
        complexity = attempt.judged.complexity if isinstance(attempt.judged, Admitted) else 0
        return self._applied(attempt.proposal.content, {
            "event": "experiment", "id": self.state.experiments + 1, "blob": attempt.judged.blob,
            "canon": attempt.judged.canon, "parent": self.state.blob, "complexity": complexity,
            "content": self.writer.content(attempt.proposal.content, self.state.content),
            "description": attempt.proposal.description[:500], "status": status, "reason": reason, "why": why[:2000],
            "metrics": measurement.metrics, "parts": measurement.parts,
            "cost_usd": attempt.proposal.cost_usd, "seconds": measurement.seconds, "elapsed": self.elapsed(),
        })  # fmt: skip

    def _applied(self, content: bytes, event: Event) -> Event:
        """Moves the state on with an event: what follows it is compared with it, if it is kept."""
        held = event["content"]
        self.state.apply(event, {held["pack"]["sha256"]: content} if "pack" in held else None)
        return event

    def _verdict(self, attempt: _Try) -> tuple[str, str, str]:
        """status, reason, why."""
        if isinstance(attempt.judged, Refused):
            return "discard", "invalid", attempt.judged.why
        if attempt.duplicate:
            return "discard", "duplicate", "measured before under this lock"
        if attempt.measurement is None or attempt.measurement.crash:
            found = attempt.measurement or Measurement(crash="missing")
            return "crash", found.crash, found.why
        pair = Pair(
            Measured(self.state.metrics, self.state.complexity),
            Measured(attempt.measurement.metrics, attempt.judged.complexity),
        )
        decision = decide(step(State(self.state.base_metrics), pair), self.target.rule)
        if isinstance(decision, Keep):
            return "keep", decision.reason, decision.why
        return "discard", getattr(decision, "reason", "tie"), getattr(decision, "why", "")

    def _record(self, events: list[Event]) -> list[Outcome]:
        self.writer.append(events)
        return [
            Outcome(event["id"], event["status"], event["reason"], event["metrics"], event["parts"])
            for event in events
            if event["event"] == "experiment"
        ]


def _tried_before(night: Night, target: Target) -> set[str]:
    path = night.folder(target.name) / "tried.txt"
    return set(path.read_text(encoding="ascii").split()) if path.exists() else set()


def _difference(one: Any, other: Any) -> str:
    names = [name for name in {*one, *other} if one.get(name) != other.get(name)]
    return ", ".join(f"{name} {one.get(name)!r} then {other.get(name)!r}" for name in sorted(names)[:3])
