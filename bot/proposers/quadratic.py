"""A quadratic fitted to what was measured: cheap to ask which of many points is likely best, and where its top is.

Ridge regression on the linear, squared and mixed terms about the best point, in its dual form, so that its cost grows
with the number of points and not with the square of the dimension. Mixed terms are shrunk most and linear ones least:
a few points tell the slope, more the curvature, many how the values act on each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LINEAR, SQUARED, MIXED = 10.0, 1.0, 0.1  # variances of the coefficients
DECLINE = 2.0  # e to this is what the best point weighs against the worst
CLIMB = 200


@dataclass(frozen=True)
class Quadratic:
    """value(x) = z @ gradient + z @ curvature @ z with z = (x - centre) / scale; up to a constant and a factor."""

    centre: Floats
    scale: float
    gradient: Floats
    curvature: Floats

    def values(self, points: Floats) -> Floats:
        """One value for each row of a (points, axes) matrix; only their order means anything."""
        z = (points - self.centre) / self.scale
        values: Floats = z @ self.gradient + ((z @ self.curvature) * z).sum(axis=1)
        return values

    def top(self) -> Floats:
        """Where in the unit box climbing from the centre comes to."""
        z = np.zeros_like(self.centre)
        low, high = (0.0 - self.centre) / self.scale, (1.0 - self.centre) / self.scale
        steepest = 2 * float(np.abs(np.linalg.eigvalsh(self.curvature)).max()) + 1e-9
        for _ in range(CLIMB):
            z = np.clip(z + (self.gradient + 2 * self.curvature @ z) / steepest, low, high)
        top: Floats = self.centre + z * self.scale
        return top


def fit(points: Floats, values: Floats, most: int, ridge: float) -> Quadratic:
    """Through the best `most` of (points, axes) with their values, of which higher is better.

    ridge: how much of the variance of values the quadratic may leave, about; more makes it plainer.
    """
    best = np.argsort(-values, kind="stable")[:most]
    points, values = points[best], values[best]
    centre = points[0]
    offsets = points - centre
    scale = float(np.sqrt((offsets**2).sum(axis=1).mean())) or 1.0
    offsets = offsets / scale
    heights = (values - values[0]) / (float(values.std()) or 1.0)
    weights = np.exp(-DECLINE * np.arange(len(best)) / len(best))
    products, squares = offsets @ offsets.T, offsets**2
    squared = SQUARED * len(centre)
    kernel = 1 + LINEAR * products + squared * (squares @ squares.T) + MIXED * products**2
    dual = np.linalg.solve(kernel + np.diag(ridge / weights), heights)
    curvature = MIXED * (offsets.T * dual) @ offsets + np.diag(squared * (squares.T @ dual))
    return Quadratic(centre, scale, LINEAR * (offsets.T @ dual), curvature)
