"""The judge of metrics with noise: each attempt is a duel with the incumbent, under its share of the error budget.

Every pair is recorded as soon as it is measured, so that a killed night goes on in the middle of a duel.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.night.loop.attempt import Attempt, Court, Finding, refusal
from bot.night.loop.exact import unchanged
from bot.night.loop.mending import recorded
from harness import duel, error_budget
from harness.calibration import Scatter, calibrate, means, scatter, underpowered
from harness.duel import Fought, Ring, Verdict
from harness.errors import EvaluatorError
from harness.events import Event
from harness.measure import Ask
from harness.reports import CUT, Measurement
from harness.rule import Rule, headline_gain
from harness.schedule import Draw, Schedule

WORTH_THE_DISK = 1.0  # seconds of a pair from which it is not left to the end of its experiment to reach the disk


class _Cut(Exception):
    """The night was over in the middle of a pair, of which nothing is recorded."""


class Noisy:
    batch = 1

    def __init__(self, court: Court) -> None:
        noise = court.target.noise
        if noise is None:
            raise ValueError(f"{court.target.name} declares no noise")
        self.court, self.noise = court, noise
        self.rule = court.target.rule
        self.budget = error_budget.ErrorBudget(noise.alpha, court.plan.experiments, noise.max_pairs)
        self.schedule = Schedule(court.plan.seed, court.plan.coin)
        self.seconds = 0.0
        self.parts: Mapping[str, float] = {}  # of the candidate at hand, as its last pair has them

    def baseline(self) -> dict[str, Any]:
        """Pairs of the unchanged file with itself: what the metrics are, and how far they scatter."""
        fields = {} if self.court.state.started else self._calibrated()
        self.seconds = statistics.fmean(pair["seconds"] for pair in self.court.state.calibration) / 2
        return fields

    def _calibrated(self) -> dict[str, Any]:
        first = unchanged(self.court, self.schedule.number("calibration", 0, 0))
        before = [fought_of(event) for event in self.court.state.calibration]
        ring = self._ring(0, dict(first.metrics))
        calibrate(ring, self.court.checkout.base, self.noise.calibration, before)
        found = self.scatter
        return {
            "parts": first.parts, "seconds": first.seconds, "metrics": found.metrics, "repeat": "varies",
            "pairs": found.pairs, "spread": found.spread, "detectable": found.detectable,
        }  # fmt: skip

    @functools.cached_property
    def scatter(self) -> Scatter:
        """What the calibration says; to be asked after it."""
        pairs = [fought_of(event) for event in self.court.state.calibration if not event["void"]]
        return scatter(self.rule, pairs, self.budget)

    def underpowered(self) -> str:
        return underpowered(self.rule, self.budget, self.scatter)

    def findings(self, attempts: Sequence[Attempt]) -> Iterator[Finding]:
        for attempt in attempts:
            yield refusal(attempt) or self._fought(attempt)

    def _fought(self, attempt: Attempt) -> Finding:
        court, number, self.parts = self.court, self.court.state.experiments + 1, {}
        self.begin(attempt)
        before = [fought_of(event) for event in court.state.fought]
        ring = self._ring(number, court.state.base_metrics)
        try:
            verdict = duel.duel(ring, number, court.state.content, attempt.proposal.content, before)
        except _Cut as cut:
            evidence_so_far, _ = duel.after(ring, [fought_of(event) for event in court.state.fought])
            verdict = Verdict("discard", "unfinished", str(cut), evidence_so_far)
        pairs = [event for event in court.state.fought if not event["void"] and not event["crash"]]
        evidence = max(verdict.state.evidence.values(), key=lambda found: found.log_e, default=None)
        return Finding(
            verdict.status, verdict.reason, verdict.why, means([pair["candidate"] for pair in pairs]),
            self.parts if attempt.proposal.spent or verdict.status == "keep" else {},
            sum(event["seconds"] for event in court.state.fought),
            statistics.fmean(gains_of(self.rule, pairs) or [0.0]),
            {
                "pairs": len(pairs), "incumbent": means([pair["incumbent"] for pair in pairs]),
                "log_e": evidence.log_e if evidence else 0.0, "peak": evidence.peak if evidence else 0.0,
                "threshold": self.budget.share().threshold,
            },
        )  # fmt: skip

    def begin(self, attempt: Attempt) -> None:
        """From here on the attempt is a try: it counts whatever becomes of it."""
        content, state = attempt.proposal.content, self.court.state
        if state.begun is not None and state.begun["blob"] == attempt.judged.blob:
            return
        event = {
            "event": "try", "id": state.experiments + 1, "blob": attempt.judged.blob, "canon": attempt.judged.canon,
            "parent": state.blob, "content": self.court.writer.content(content, state.content),
            "description": attempt.proposal.description[:500], "cost_usd": attempt.proposal.cost_usd,
            **recorded(attempt),
        }  # fmt: skip
        self.record(event, wait=bool(attempt.proposal.cost_usd))

    def _ring(self, experiment: int, base: Mapping[str, float]) -> Ring:
        record = functools.partial(self._pair, experiment)
        return Ring(self._measure, self.rule, self.budget.share(), self.schedule, base, record, self.court.halted)

    def _measure(self, content: bytes, seed: int) -> Measurement:
        # The calibration has no usual time yet, and without it there is no night: only its own timeout bounds it.
        until = self.court.until(self.seconds) if self.seconds else math.inf
        found = self.court.measurer.measure([content], Ask(seed=seed, until=until))[0]
        if found.crash == CUT:
            raise _Cut(found.why)
        return found

    def _pair(self, experiment: int, fought: Fought) -> None:
        self.court.checkout.watch.check()
        event = {
            "event": "pair", "id": experiment, "n": fought.number, "seed": fought.draw.seed, "order": fought.draw.order,
            "incumbent": fought.incumbent, "candidate": fought.candidate, "void": fought.void,
            "crash": fought.crash, "why": fought.why[:2000], "seconds": fought.seconds, "elapsed": self.court.elapsed(),
        }  # fmt: skip
        self.record(event, wait=fought.seconds > WORTH_THE_DISK)
        self.parts = fought.parts or self.parts
        state = self.court.state
        if not experiment and (fought.crash or fought.void):
            raise EvaluatorError(
                f"{self.court.target.name}: the evaluator fails on the unchanged file", why=fought.why or fought.void
            )
        if duel.too_many_void(state.void, state.pairs):
            raise EvaluatorError(
                f"{self.court.target.name}: {state.void} of {state.pairs} pairs are void, since the incumbent failed",
                why=fought.void,
                next_step="the machine or the evaluator is at fault, not the candidates: autoresearch check",
            )

    def record(self, event: Event, *, wait: bool) -> None:
        self.court.writer.append([event], wait=wait)
        self.court.state.apply(event)


def fought_of(event: Event) -> Fought:
    """A recorded pair as the duel knows it."""
    draw = Draw(event["seed"], event["order"] == "ic")
    return Fought(
        event["n"], draw, event["incumbent"], event["candidate"], event["void"], event["crash"], event["why"],
        event["seconds"],
    )  # fmt: skip


def gains_of(rule: Rule, pairs: Sequence[Event]) -> list[float]:
    """The gain of each pair's candidate, by the headline."""
    return [headline_gain(rule, pair["incumbent"], pair["candidate"]) for pair in pairs]
