"""A document's free values as a point of the unit box, and back: what an optimiser of numbers sees of a space."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bot.proposers.moves import Changes, same, tidy
from harness.documents import Scalar
from harness.space import Allowed

Floats = NDArray[np.float64]

FIRST_STEP = 0.13  # of the range of a number
LEAST_STEP = 0.4  # of the distance between two whole numbers, so that a first step can leave either
CHOICE_STEP = 0.4


class Coding:
    """Numbers lie on one axis each, by their logarithm where the space says so; a choice of two on one axis, of more
    on one axis per choice, the highest of which holds."""

    def __init__(self, free: Mapping[str, Allowed]) -> None:
        self._places: dict[str, tuple[slice, Allowed]] = {}
        self.width = 0
        for pointer, allowed in free.items():
            end = self.width + _axes(allowed)
            self._places[pointer] = slice(self.width, end), allowed
            self.width = end

    def steps(self) -> Floats:
        """A first standard deviation for each axis."""
        return np.concatenate([np.full(_axes(allowed), _step(allowed)) for _, allowed in self._places.values()])

    def encode(self, values: Mapping[str, Scalar], around: Floats | None = None) -> Floats:
        """The point of these values; where one is missing, it lies where `around` does."""
        point = np.zeros(self.width) if around is None else around.copy()
        for pointer, value in values.items():
            place, allowed = self._places[pointer]
            point[place] = _encoded(value, allowed)
        return point

    def decode(self, point: Floats) -> Changes:
        """The values nearest to a point; outside the box, to its edge."""
        inside = np.clip(point, 0.0, 1.0)
        return {pointer: _decoded(inside[place], allowed) for pointer, (place, allowed) in self._places.items()}


def _axes(allowed: Allowed) -> int:
    return len(allowed.choices) if allowed.kind == "choice" and len(allowed.choices) > 2 else 1


def _step(allowed: Allowed) -> float:
    if allowed.kind == "choice":
        return CHOICE_STEP
    if allowed.kind == "int":
        return max(FIRST_STEP, LEAST_STEP / (allowed.high - allowed.low))
    return FIRST_STEP


def _encoded(value: Scalar, allowed: Allowed) -> Floats | float:
    if allowed.kind == "choice":
        at = next(index for index, choice in enumerate(allowed.choices) if same(choice, value))
        return np.eye(len(allowed.choices))[at] if len(allowed.choices) > 2 else float(at)
    assert isinstance(value, (int, float))  # noqa: S101  # the space has checked it
    low, high = _ends(allowed)
    number = math.log(value) if allowed.log else value
    return (number - low) / (high - low)


def _decoded(point: Floats, allowed: Allowed) -> Scalar:
    if allowed.kind == "choice":
        return allowed.choices[int(point.argmax()) if len(allowed.choices) > 2 else round(float(point[0]))]
    low, high = _ends(allowed)
    number = low + float(point[0]) * (high - low)
    if allowed.log:
        number = math.exp(number)
    if allowed.kind == "int":
        return int(min(max(round(number), allowed.low), allowed.high))
    return tidy(number, allowed)


def _ends(allowed: Allowed) -> tuple[float, float]:
    return (math.log(allowed.low), math.log(allowed.high)) if allowed.log else (allowed.low, allowed.high)
