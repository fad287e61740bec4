"""spec.yaml: the weights of a score, the scaling of its features and the tiers that it sorts accounts into."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from harness.errors import InvalidCandidate

HUNDREDTHS = 100  # a feature is a whole number of hundredths of its scale, so that sums are exact in any order
_MOST_POINTS = 2**24  # up to here a float32 product of whole numbers is exact
_TIER = re.compile(r"[A-Za-z0-9_-]{1,24}")
_KEYS = {"weights", "scaling", "tiers"}


@dataclass(frozen=True)
class Spec:
    """weights: whole numbers, one per feature, in the features' order. tiers: (name, lowest score), highest first.

    scaling: (feature, the value that becomes 0, the value that becomes 1).

    An account's points are the sum of weight x hundredths; its score is where they lie between the lowest and the
    highest points that the weights allow, from 0 to 100. So only the ratios of weights count, for tiers too.
    """

    weights: tuple[int, ...]
    scaling: tuple[tuple[str, float, float], ...]
    tiers: tuple[tuple[str, float], ...]

    @functools.cached_property
    def lowest(self) -> int:
        """The fewest points that an account could have."""
        return HUNDREDTHS * sum(min(weight, 0) for weight in self.weights)

    @functools.cached_property
    def highest(self) -> int:
        return HUNDREDTHS * sum(max(weight, 0) for weight in self.weights)

    @functools.cached_property
    def cuts(self) -> tuple[int, ...]:
        """The fewest points of each tier, highest tier first, exactly; the last tier's are the lowest."""
        width = self.highest - self.lowest
        if width == 0:  # nothing is scored: everybody has 0
            return (*[self.highest + 1] * (len(self.tiers) - 1), self.lowest)
        return tuple(self.lowest + math.ceil(Fraction(str(at)) * width / 100) for _name, at in self.tiers)


class Reader:
    """Reads many specs of the same features: tiers and scaling that were read before are not checked again."""

    def __init__(self, features: Sequence[str]) -> None:
        self._features = tuple(features)
        self._frame = ""
        self._read: tuple[tuple[tuple[str, float, float], ...], tuple[tuple[str, float], ...]] = ((), ())

    def spec(self, data: Any) -> Spec:
        """The spec that a parsed file holds. Raises InvalidCandidate, naming the key and what would do."""
        if not isinstance(data, dict) or not {"weights", "tiers"} <= data.keys() <= _KEYS:
            raise InvalidCandidate("the file holds weights, tiers and perhaps scaling, and nothing else")
        weights = _weights(data["weights"], self._features)
        frame = repr((data.get("scaling", {}), data["tiers"]))
        if frame != self._frame:
            self._read = _scaling(data.get("scaling", {}), self._features), _tiers(data["tiers"])
            self._frame = frame
        spec = Spec(weights, *self._read)
        if HUNDREDTHS * sum(map(abs, weights)) >= _MOST_POINTS:  # highest - lowest
            raise InvalidCandidate(
                "the weights are too large to be added exactly; only their ratios count: divide them"
            )
        return spec


def spec_of(data: Any, features: Sequence[str]) -> Spec:
    """As `Reader.spec`, once."""
    return Reader(features).spec(data)


def _weights(found: Any, features: Sequence[str]) -> tuple[int, ...]:
    named = _mapping(found, "weights", features)
    try:
        weights = tuple([named[name] for name in features])
    except KeyError as missing:
        raise InvalidCandidate(f"weights: {missing.args[0]} has none; 0 switches a feature off") from None
    if set(map(type, weights)) - {int}:
        wrong = next(name for name, value in named.items() if type(value) is not int)
        raise InvalidCandidate(f"weights: {wrong} is not a whole number")
    return weights


def _scaling(found: Any, features: Sequence[str]) -> tuple[tuple[str, float, float], ...]:
    scaled = []
    for name, pair in _mapping(found, "scaling", features).items():
        if not isinstance(pair, list) or len(pair) != 2 or not all(_number(value) for value in pair):
            raise InvalidCandidate(f"scaling: {name} is not a pair such as [0, 30]")
        low, high = float(pair[0]), float(pair[1])
        if not 0 < abs(high - low) < math.inf:
            raise InvalidCandidate(f"scaling: {name} runs from {pair[0]} to {pair[1]}, which is no range")
        scaled.append((name, low, high))
    return tuple(sorted(scaled))


def _tiers(found: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(found, dict) or not 2 <= len(found) <= 12:
        raise InvalidCandidate("tiers: 2 to 12 of them, such as {A: 60, B: 35, C: 0}")
    tiers = list(found.items())
    for name, at in tiers:
        if not _TIER.fullmatch(name):
            raise InvalidCandidate("tiers: a name is up to 24 letters, digits, - and _")
        if not _number(at) or not 0 <= at <= 100:
            raise InvalidCandidate(f"tiers: {name} does not begin at a score from 0 to 100")
    ordered = sorted(tiers, key=lambda tier: -tier[1])
    for (upper, one), (lower, other) in itertools.pairwise(ordered):
        if one == other:
            raise InvalidCandidate(f"tiers: {upper} and {lower} begin at the same score")
    if ordered != tiers:
        said = ", ".join(name for name, _at in tiers)
        raise InvalidCandidate(f"tiers: they stand from the highest to the lowest; {said} do not fall")
    if ordered[-1][1] != 0:
        name, at = ordered[-1]
        raise InvalidCandidate(f"tiers: the lowest, {name}, begins at {at}; it must begin at 0, to cover every score")
    return tuple(ordered)


def _mapping(found: Any, what: str, features: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InvalidCandidate(f"{what}: is no mapping of features")
    if not found.keys() <= set(features):
        unknown = next(name for name in found if name not in features)
        raise InvalidCandidate(f"{what}: {unknown} is no feature; they are {', '.join(features)}"[:2000])
    return found


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
