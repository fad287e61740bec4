"""What a person sees while the loop runs: one living line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from bot.pages.wording import figures
from bot.pages.wording.figures import Known
from bot.pages.wording.gains import headline
from harness.evidence import Evidence
from harness.folds import LoopState
from harness.rule import Metric, Rule, headline_gain, headline_name

PLAIN_EVERY = 10.0  # seconds between plain lines
LIVE_EVERY = 0.1


class Progress:
    """Says experiments, speed, best value, keeps and the time left. quiet: says nothing.

    rule: None where the metric alone decides. With noise it says pairs, the claimed gain and the evidence of the try
    that is being measured, instead of values that belong to different moments. private: whether the rows are, so that
    amounts are not shown: a job's log is read by others.
    """

    def __init__(
        self,
        target: str,
        metric: Metric,
        total: int,
        *,
        rule: Rule | None = None,
        private: bool = False,
        quiet: bool = False,
        until: Callable[[], float | None] = lambda: None,
        out: TextIO | None = None,
    ) -> None:
        self._target, self._metric, self._total = target, metric, total
        self._rule, self._private = rule or Rule("primary", (metric,)), private
        self._until = until
        self._out = out or sys.stderr
        self._live = self._out.isatty() and not quiet
        self._quiet = quiet
        self._started = self._said = time.monotonic()
        self._first: int | None = None

    def update(self, state: LoopState) -> None:
        """Called after every batch, and after every pair."""
        if self._first is None:
            self._first = state.experiments
        now = time.monotonic()
        if self._quiet or now - self._said < (LIVE_EVERY if self._live else PLAIN_EVERY):
            return
        self._said = now
        self._say(self.line(state, now), end="" if self._live else "\n")

    def done(self, state: LoopState, end: str) -> None:
        if not self._quiet:
            self._say(f"{self.line(state, time.monotonic(), left=False)}; ended: {end}", end="\n")

    def line(self, state: LoopState, now: float, *, left: bool = True) -> str:
        done = state.experiments - (self._first or 0)
        speed = done / max(now - self._started, 1e-9)
        noisy = bool(state.calibration)
        text = f"{self._target}: {state.experiments:,}/{self._total:,} experiments, "
        text += self._pairs(state) if noisy else f"{speed:,.1f}/s, {self._values(state)}"
        text += f", {state.kept} kept"
        if left and noisy and state.begun:
            text += f", try {state.begun['id']}: {self._evidence(state)}"
        if left and speed > 0:
            text += f", {_duration(self._left((self._total - state.experiments) / speed))} left"
        return text

    def _left(self, foreseen: float) -> float:
        most = self._until()
        return foreseen if most is None else max(0.0, min(foreseen, most))

    def _values(self, state: LoopState) -> str:
        best = state.metrics.get(self._metric.name, float("nan"))
        base = state.base_metrics.get(self._metric.name, float("nan"))
        known = self._known(state)
        moved = figures.pair(known, base, best) if figures.withheld(known, base, best) else f"{base:.6g} -> {best:.6g}"
        return f"{self._metric.name} {moved}"

    def _known(self, state: LoopState) -> Known:
        return Known(self._private, self._rule, state.base_metrics)

    def _pairs(self, state: LoopState) -> str:
        claimed = figures.shown(self._known(state), headline(self._rule), state.claimed)
        return f"{state.pairs:,} pairs, {headline_name(self._rule)} {claimed} claimed"

    def _evidence(self, state: LoopState) -> str:
        """Of the headline alone, whatever else may decide."""
        least, evidence = self._rule.headline_min_effect, Evidence()
        for pair in state.fought:
            if not pair["void"] and not pair["crash"]:
                evidence = evidence.add(headline_gain(self._rule, pair["incumbent"], pair["candidate"]) - least)
        return f"{math.exp(min(evidence.log_e, 50)):.2g} to 1 in {evidence.pairs} pairs"

    def _say(self, text: str, end: str) -> None:
        if self._live:
            text = f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}"  # a line that wraps cannot be cleared
        self._out.write(text + end)
        self._out.flush()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
