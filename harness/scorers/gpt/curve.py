"""What a candidate says of its training, at the moments that the evaluator's clock gives: drawn, never trusted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EVERY = 0.05  # of the budget
_STEP = re.compile(r"step (\d{1,12}) tokens (\d{1,15}) loss (\S{1,24})\s*")
_FLOPS = re.compile(r"flops ([0-9.eE+]{1,24})\s*")
_LONGEST = 200  # characters of a line that is looked at


@dataclass(frozen=True)
class Point:
    """share: of the budget, by the evaluator's clock, a multiple of EVERY; loss: bits per token, the mean of what the
    candidate said since the point before; tokens: seen in training by then, as it said."""

    share: float
    loss: float
    tokens: int


Stop = Callable[[Sequence[Point]], str]  # why a run is not worth going on with; "" where it is


class Stopped(Exception):
    """A run that was ended before its budget, by who watched its curve."""

    def __init__(self, reason: str, curve: tuple[Point, ...]) -> None:
        super().__init__(reason)
        self.reason, self.curve = reason, curve


class Curve:
    """Hears lines, and keeps a point for each EVERY of the budget. flops: per token, as the candidate says, or 0."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.steps = self.tokens = 0
        self.flops = 0.0
        self.endless = False  # whether a loss was no finite number
        self._rest = ""
        self._losses: list[float] = []

    def hear(self, said: str) -> None:
        """said: the next of its output, which may begin and end within a line."""
        *lines, rest = (self._rest + said).split("\n")
        self._rest = rest[:_LONGEST]
        for line in lines:
            if found := _STEP.fullmatch(line[:_LONGEST]):
                self._step(*found.groups())
            elif found := _FLOPS.fullmatch(line[:_LONGEST]):
                self.flops = _number(found[1])

    def _step(self, steps: str, tokens: str, loss: str) -> None:
        self.steps, self.tokens = int(steps), int(tokens)
        try:
            value = float(loss)
        except ValueError:
            return
        if math.isfinite(value):
            self._losses.append(value)
        else:
            self.endless = True

    def at(self, share: float) -> bool:
        """Keeps a point if one is due at this share of the budget, and if there was something to hear by then."""
        due = math.floor(min(share, 1.0) / EVERY + 1e-9)
        last = round(self.points[-1].share / EVERY) if self.points else 0
        if due <= last or not self._losses:
            return False
        self.points.append(Point(round(due * EVERY, 2), sum(self._losses) / len(self._losses), self.tokens))
        self._losses = self._losses[-1:]
        return True


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def parts(points: Sequence[Point]) -> dict[str, float]:
    """Of each point its loss, by the percentage of the budget: curve_05 to curve_100."""
    return {f"curve_{round(100 * point.share):02d}": point.loss for point in points}
