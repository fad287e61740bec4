"""Numbers along the course of one measurement, which an evaluator gives as parts: curve_05, curve_10 ... curve_100, by
percent of it. The others of a measurement that takes long have names of their own: how fast it went, on what."""

from __future__ import annotations

import re
from collections.abc import Mapping

Course = tuple[tuple[int, float], ...]
_POINT = re.compile(r"curve_(\d{2}|100)")


def course(parts: Mapping[str, float]) -> Course:
    """Percent of the measurement and the number there, in its order; nothing where an evaluator gives none."""
    found = ((_POINT.fullmatch(name), value) for name, value in parts.items())
    return tuple(sorted((int(point[1]), value) for point, value in found if point))


def beside(parts: Mapping[str, float]) -> dict[str, float]:
    """The parts that are no points of a course."""
    return {name: value for name, value in parts.items() if not _POINT.fullmatch(name)}
