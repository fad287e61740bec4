"""What a person sees while the loop runs: one living line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from harness.decide import Metric
from harness.folds import LoopState

PLAIN_EVERY = 10.0  # seconds between plain lines
LIVE_EVERY = 0.1


class Progress:
    """Says experiments, speed, best value, keeps and the time left. quiet: says nothing."""

    def __init__(
        self, target: str, metric: Metric, total: int, *, quiet: bool = False, out: TextIO | None = None
    ) -> None:
        self._target, self._metric, self._total = target, metric, total
        self._out = out or sys.stderr
        self._live = self._out.isatty() and not quiet
        self._quiet = quiet
        self._started = self._said = time.monotonic()
        self._first: int | None = None

    def update(self, state: LoopState) -> None:
        """Called after every batch."""
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
        best = state.metrics.get(self._metric.name, float("nan"))
        base = state.base_metrics.get(self._metric.name, float("nan"))
        text = (
            f"{self._target}: {state.experiments:,}/{self._total:,} experiments, {speed:,.1f}/s, "
            f"{self._metric.name} {base:.6g} -> {best:.6g}, {state.kept} kept"
        )
        if left and speed > 0:
            text += f", {_duration((self._total - state.experiments) / speed)} left"
        return text

    def _say(self, text: str, end: str) -> None:
        if self._live:
            text = f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}"  # a line that wraps cannot be cleared
        self._out.write(text + end)
        self._out.flush()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
