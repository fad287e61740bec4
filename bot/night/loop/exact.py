"""The judge of metrics without noise: one measurement each, compared to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.night.loop.attempt import Attempt, Court, Finding, crash, refusal
from bot.pages.wording import figures
from harness import screening
from harness.admission import Admitted
from harness.decide import Keep, Measured, Pair, State, decide, step
from harness.duel import sound
from harness.errors import EvaluatorError, IntegrityError
from harness.measure import Ask
from harness.reports import Measurement
from harness.rule import declared, headline_gain
from harness.schedule import Schedule

SERVE_BATCH = 16  # fixed, not tuned to the machine: the same seed must give the same night everywhere


class Exact:
    def __init__(self, court: Court) -> None:
        self.court = court
        alone = court.target.evaluate.form == "process" or court.target.evaluate.model  # its answers are one's own cost
        self.batch = 1 if alone else SERVE_BATCH
        self.seconds = 0.0

    def baseline(self) -> dict[str, Any]:
        """Measures the unchanged file twice; on a resume once, against what was recorded."""
        first, state, target = unchanged(self.court, self.court.plan.seed), self.court.state, self.court.target
        self.seconds = first.seconds
        if state.started:
            if dict(first.metrics) != dict(state.base_metrics) and not target.evaluate.model:
                raise IntegrityError(
                    "the unchanged file scores differently than when the night began",
                    why=figures.difference(target, state.base_metrics, first.metrics),
                    next_step="autoresearch night --new; the evaluator depends on something outside its lock",
                )
            return {}
        second = unchanged(self.court, another_seed(self.court.plan.seed))
        self.seconds = second.seconds  # the first may have paid for the evaluator's start
        one, other = (declared(measured.metrics, target.rule) for measured in (first, second))
        if one != other:
            raise EvaluatorError(
                f"{target.name}: the same file got two scores: {figures.difference(target, one, other)}",
                why="its metrics vary from run to run, or with the seed, and target.yaml does not say so",
                next_step="noise: {} judges it by pairs; or fix its seeds, threads and clocks",
            )
        return {"metrics": first.metrics, "parts": first.parts, "repeat": "identical", "seconds": first.seconds}

    def underpowered(self) -> str:
        return ""

    def findings(self, attempts: Sequence[Attempt]) -> Iterator[Finding]:
        wanted = [attempt.proposal.content for attempt in attempts if not refusal(attempt)]
        bar = screening.bar_of(self.court.target, self.court.state.metrics)
        until = self.court.until(self.seconds * len(wanted))
        ask = Ask(seed=self.court.plan.seed, until=until, bar=bar, meanwhile=self.court.meanwhile)
        measured = iter(self.court.measurer.measure(wanted, ask) if wanted else [])
        for attempt in attempts:
            yield refusal(attempt) or self._compared(attempt, next(measured))

    def _compared(self, attempt: Attempt, found: Measurement) -> Finding:
        if found.bound is not None:
            return self._screened(found, found.bound)
        found = sound(found, self.court.target.rule)
        if found.crash or not isinstance(attempt.judged, Admitted):
            return crash(found)
        state, rule = self.court.state, self.court.target.rule
        pair = Pair(Measured(state.metrics, state.complexity), Measured(found.metrics, attempt.judged.complexity))
        decision = decide(step(State(state.base_metrics), pair), rule)
        gain = headline_gain(rule, state.metrics, found.metrics)
        status = "keep" if isinstance(decision, Keep) else "discard"
        reason, why = getattr(decision, "reason", "tie"), getattr(decision, "why", "")
        return Finding(status, reason, why, found.metrics, found.parts, found.seconds, gain)

    def _screened(self, found: Measurement, bound: float) -> Finding:
        """The bound was held against the incumbent of the batch's start; one that came since is no worse."""
        primary = self.court.target.rule.primary
        now = self.court.state.metrics[primary.name]
        why = f"{primary.name} {screening.in_words(primary, bound)}, the incumbent has {now:.6g}"
        gain, more = primary.gain(now, bound), {"bound": bound}
        return Finding("discard", "screened", why, seconds=found.seconds, gain=gain, more=more)


def another_seed(seed: int) -> int:
    """What a metric without noise scores must not depend on the seed: luck under one seed is luck."""
    return Schedule(seed, "").number("calibration", 1)


def unchanged(court: Court, seed: int) -> Measurement:
    """The unchanged file's measurement. Raises EvaluatorError where it has none."""
    measured = sound(court.measurer.measure([court.checkout.base], Ask(seed=seed))[0], court.target.rule)
    if measured.crash:
        raise EvaluatorError(
            f"{court.target.name}: the evaluator fails on the unchanged file ({measured.crash})",
            why=measured.why,
            next_step=f"autoresearch check {court.target.name} shows it; nothing was spent",
        )
    return measured
