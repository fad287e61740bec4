"""Early stop: a screen's run is ended when its curve is clearly behind the incumbent's at the same seed and share.

What a candidate says of its training is never trusted. Here it can hurt the candidate alone: who says that it is behind
is stopped in a screen, and who says nothing is trained to the screen's end. Nothing else is ever stopped: a run without
a bar, which is what every pair of a duel is, goes to its end.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.evaluator import Request, Scores, Screened
from harness.scorers.gpt.curve import Point, Stop, parts
from harness.screening import LARGEST

LEAST = 0.3  # of a run, before which no curve says anything
SMOOTHED = 3  # points
CLEARLY = 4.0  # standard errors of the difference, as the curves scatter: at 2 tests/benchmarks/gpt_screen lost a gain
_WHOLE = 1.0


@dataclass(frozen=True)
class Known:
    """A run that was measured to its end at this seed and share: what it said, by the name of the part, and what it
    came to."""

    seed: int
    share: float
    curve: dict[str, float]
    value: float

    def fits(self, request: Request) -> bool:
        return (self.seed, self.share) == (request.seed, request.fidelity)


class Behind:
    """metric: the primary one, of which less is better. clearly: standard errors that a run must be behind."""

    def __init__(self, metric: str, clearly: float = CLEARLY) -> None:
        self._metric, self._clearly = metric, clearly
        self._known: Known | None = None

    def remember(self, request: Request, scores: Scores) -> None:
        """Of runs at a share the last one that had no bar: the incumbent's. Nothing of pairs is remembered."""
        if request.bar is not None or request.fidelity >= _WHOLE:
            return
        curve = {name: loss for name, loss in scores.parts.items() if name.startswith("curve_")}
        if curve:
            self._known = Known(request.seed, request.fidelity, curve, scores.metrics[self._metric])

    def stop(self, request: Request) -> Stop | None:
        """None where there is no bar, or no curve to hold a run against."""
        known, bar = self._known, request.bar
        if bar is None or known is None or not known.fits(request):
            return None

        def clearly(points: Sequence[Point]) -> str:
            return "clearly behind the incumbent" if _foreseen(known, points, bar, self._clearly) is not None else ""

        return clearly

    def screened(self, request: Request, points: Sequence[Point]) -> Screened:
        """The answer for a run that `stop` ended at these points."""
        found = None
        if self._known is not None and request.bar is not None:
            found = _foreseen(self._known, points, request.bar, self._clearly)
        if found is None:
            raise ValueError("a run was stopped that is not behind")
        return Screened(self._metric, found)


def _foreseen(known: Known, points: Sequence[Point], bar: float, clearly: float) -> float | None:
    """What a run will come to, where it is clearly behind the bar; None where it is not, or where nobody can tell.

    The mean distance of the last points, which is of bits per token, stands for a distance of the metric in the
    proportion of the incumbent's own last loss to its own value.
    """
    said = parts(points)
    apart = [loss - known.curve[name] for name, loss in said.items() if name in known.curve]
    if not points or points[-1].share < LEAST or len(apart) < 2 * SMOOTHED:
        return None
    ended = list(known.curve.values())[-1]
    if not known.value / LARGEST < ended:  # what an incumbent says is no more to be trusted: nothing, or less
        return None
    scale = known.value / ended
    behind = scale * statistics.fmean(apart[-SMOOTHED:])
    margin = scale * clearly * _scatter(apart) / math.sqrt(SMOOTHED)
    foreseen = known.value + behind
    return foreseen if bar + margin < foreseen <= LARGEST else None


def _scatter(apart: Sequence[float]) -> float:
    """The standard deviation of a point's distance: from steps between neighbours, so that a trend counts little."""
    steps = [other - one for one, other in itertools.pairwise(apart)]
    return math.sqrt(statistics.fmean(step * step for step in steps) / 2)
