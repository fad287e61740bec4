"""What `search` has learnt of the unit box: every measured point, and the distribution of CMA-ES that follows them."""

from __future__ import annotations

import math

import numpy as np
from cmaes import CMA  # type: ignore[import-untyped]  # it ships no types

from bot.proposers.quadratic import Floats, Quadratic, fit

FITS = ((300, 1e-3), (120, 1e-2), (60, 1e-2))  # of each quadratic, the points at most and the ridge
ENOUGH = 16  # points before a quadratic says anything
FEW = 4  # the same where each took minutes: a night has ten of them, and a slope is better than none


class Memory:
    """steps: a first standard deviation for each axis; enough: points before a quadratic says anything."""

    def __init__(self, start: Floats, steps: Floats, enough: int = ENOUGH) -> None:
        self._steps, self._enough = steps, enough
        self._points: list[Floats] = []
        self._values: list[float] = []
        self._known: set[bytes] = set()
        self._generation: list[tuple[Floats, float]] = []
        self._cma = self._begun(start)

    def meet(self, point: Floats, value: float | None) -> None:
        """An incumbent that was not found here: CMA-ES looks around it from now on, and what was measured stays."""
        self._hold(point, value)
        self.centre(point)

    def centre(self, point: Floats) -> None:
        """CMA-ES begins anew around a point."""
        self._cma, self._generation = self._begun(point), []

    def learn(self, point: Floats, value: float | None) -> None:
        """value: higher is better; -inf counts as the lowest that is known, None leaves the point out of quadratics."""
        self._generation.append((point, -self._hold(point, value)))
        if len(self._generation) == self._cma.population_size:
            self._cma.tell(self._generation)
            self._generation = []
        if self._cma.should_stop() and self._values:
            self._cma = self._begun(self._points[int(np.argmax(self._values))])

    def knows(self, point: Floats) -> bool:
        return point.tobytes() in self._known

    def quadratics(self) -> list[Quadratic]:
        """One for each number of points to fit to, the widest first; none while too little is known."""
        known = len(self._values)
        if known < self._enough:
            return []
        points, values = np.array(self._points), np.array(self._values)
        return [fit(points, values, most, ridge) for most, ridge in FITS if most == FITS[0][0] or most < known]

    def draws(self, seed: int, count: int) -> Floats:
        """(count, axes), brought to the edge of the unit box from outside: where CMA-ES would look next."""
        self._cma.reseed_rng(seed)
        drawn: Floats = np.clip([self._cma.ask() for _ in range(count)], 0.0, 1.0)
        return drawn

    def _begun(self, start: Floats) -> CMA:
        widest = float(self._steps.max())
        shape = np.diag((self._steps / widest) ** 2)
        return CMA(mean=start, sigma=widest, cov=shape)

    def _hold(self, point: Floats, value: float | None) -> float:
        lowest = min(self._values, default=0.0)
        held = lowest if value is None or value == -math.inf else value
        self._known.add(point.tobytes())
        if value is not None:
            self._points.append(point)
            self._values.append(held)
        return held
