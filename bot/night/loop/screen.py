"""A cheap look before a duel: what falls behind the incumbent at a share of the cost gets no pairs.

The look is never evidence. Its seed is of a block that no duel uses, its measurement counts nowhere, and a duel that
follows begins at nothing: so a screen can lose a gain, and can make no false one. It is recorded as soon as it is
measured; one that a kill cut off is measured again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.night.loop.attempt import Attempt, Court, Finding, Judge, crash, refusal
from bot.night.loop.exact import Exact
from bot.night.loop.noisy import WORTH_THE_DISK, Noisy
from harness import screening
from harness.duel import sound
from harness.errors import EvaluatorError
from harness.events import Event
from harness.measure import Ask
from harness.reports import CUT, Measurement
from harness.target import Screen


def judge_of(court: Court) -> Judge:
    """The judge that a target needs."""
    if court.target.noise is None:
        return Exact(court)
    noisy = Noisy(court)
    return Screening(noisy, court, court.target.noise.screen) if court.target.noise.screen else noisy


class _Cut(Exception):
    """The night was over before there was anything to record."""


class Screening:
    """Stands between the loop and the judge of noisy metrics."""

    batch = 1

    def __init__(self, noisy: Noisy, court: Court, screen: Screen) -> None:
        self._noisy, self._court, self._screen = noisy, court, screen
        self._primary = court.target.rule.primary
        self._incumbent: tuple[int, Mapping[str, float]] | None = None  # after so many keeps, what it scores
        self.seconds = 0.0

    def baseline(self) -> dict[str, Any]:
        """As without a screen; the unchanged file must have a score at the share too."""
        fields = self._noisy.baseline()
        self.seconds = self._noisy.seconds
        if not self._court.state.started:
            found = self._measure(self._court.checkout.base)
            if found.crash:
                raise EvaluatorError(
                    f"{self._court.target.name}: the evaluator fails on the unchanged file at {self._screen.share:g} "
                    f"of the cost ({found.crash})",
                    why=found.why,
                    next_step="noise: {screen: {share: 0.5}}, or no screen",
                )
            self._incumbent = 0, found.metrics
        return fields

    def underpowered(self) -> str:
        return self._noisy.underpowered()

    def findings(self, attempts: Sequence[Attempt]) -> Iterator[Finding]:
        for attempt in attempts:
            yield refusal(attempt) or self._found(attempt)

    def _found(self, attempt: Attempt) -> Finding:
        if self._exempt(attempt):
            return self._fought(attempt)
        self._noisy.begin(attempt)
        try:
            seen = self._court.state.screen or self._seen(attempt.proposal.content)
        except _Cut as cut:
            return Finding("discard", "unfinished", str(cut))
        if seen["crash"]:
            return crash(Measurement(crash=seen["crash"], why=seen["why"], seconds=seen["seconds"]))
        lost = screening.lost(self._primary, self._screen, seen)
        if lost is None:
            found = self._fought(attempt)
            return replace(found, seconds=found.seconds + seen["seconds"])
        return self._behind(seen, lost)

    def _exempt(self, attempt: Attempt) -> bool:
        """Rows that were confirmed once are not lost to one cheap look; what is unchanged on purpose tests the duel."""
        carried = self._court.plan.carried_blob
        return attempt.proposal.null or (not self._court.state.experiments and attempt.judged.blob == carried)

    def _fought(self, attempt: Attempt) -> Finding:
        return next(iter(self._noisy.findings([attempt])))

    def _behind(self, seen: Event, lost: float) -> Finding:
        """bound: what the whole cost would show, foreseen from the share, so that a proposer can learn from it."""
        primary, name = self._primary, self._primary.name
        value, stopped = screening.value_of(primary, seen), ", stopped early" if "bound" in seen else ""
        why = f"at {seen['share']:g} of the cost {name} is {value:.6g}{stopped}, the incumbent has "
        bound = screening.moved(primary, self._court.state.metrics[name], lost)
        return Finding(
            "discard", "screened", f"{why}{seen['incumbent'][name]:.6g}", seconds=seen["seconds"], gain=lost,
            more={"bound": bound},
        )  # fmt: skip

    def _seen(self, content: bytes) -> Event:
        """Measures and records. Raises _Cut."""
        state, seconds, void = self._court.state, 0.0, ""
        if self._incumbent is None or self._incumbent[0] != state.kept:
            own = self._measure(state.content)
            seconds, void = own.seconds, f"the incumbent: {own.crash}: {own.why}"[:300] if own.crash else ""
            self._incumbent = None if void else (state.kept, own.metrics)
        incumbent, found = self._incumbent[1] if self._incumbent else {}, Measurement()
        if incumbent:
            bar = screening.screen_bar(self._primary, incumbent[self._primary.name], self._screen.behind)
            found = self._measure(content, bar)
        seconds += found.seconds
        event = {
            "event": "screen", "id": state.experiments + 1, "seed": self._seed(), "share": self._screen.share,
            "incumbent": incumbent, "candidate": found.metrics, "void": void, "crash": found.crash,
            "why": found.why[:2000], "seconds": seconds, "elapsed": self._court.elapsed(),
            **({} if found.bound is None else {"bound": found.bound}),
        }  # fmt: skip
        self._court.checkout.watch.check()
        self._noisy.record(event, wait=seconds > WORTH_THE_DISK)
        return event

    def _measure(self, content: bytes, bar: float | None = None) -> Measurement:
        until = self._court.until(self.seconds)  # what starts up before it measures takes no share of that
        ask = Ask(seed=self._seed(), fidelity=self._screen.share, until=until, bar=bar)
        found = self._court.measurer.measure([content], ask)[0]
        if found.crash == CUT:
            raise _Cut(found.why)
        return found if found.bound is not None else sound(found, self._court.target.rule)

    def _seed(self) -> int:
        return screening.screen_seed(self._noisy.schedule, self._court.state.kept)
