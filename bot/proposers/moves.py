"""Changes around an incumbent: drawn at random, written by text splice so that comments and order stay.

One to three values change at once; most steps are local, at every scale alike (log-uniform), the rest anywhere within
bounds. Small spaces are walked to their end.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Collection
from typing import Any, TypeGuard

from bot.proposers import Proposal
from harness.documents import Document, Pattern, Scalar, canonical_id_of, parse, pattern_of, splice, unescape
from harness.space import Allowed
from harness.target import Target

LOCAL_SHARE = 0.8
ATTEMPTS = 40
WALKABLE = 500_000

Changes = dict[str, Scalar]  # pointer -> new value


class Moves:
    """What may change around the incumbent, and what was given out already.

    tried, everywhere: canonical ids that are not to be repeated; batch: those of this batch, which grows.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._incumbent = b""
        self._text = ""
        self._document = Document(None, {}, {})
        self._likes: Pattern | None = None
        self._here = ""
        self._walked = 0
        self._values: Changes = {}
        self._names: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self.free: dict[str, Allowed] = {}

    def stand(self, incumbent: bytes) -> None:
        """Changes start from this content from now on."""
        if incumbent == self._incumbent:
            return
        self._incumbent, self._text = incumbent, incumbent.decode()
        if self._likes and (moved := self._likes.moved(self._document, self._text)):
            self._likes, self._document = moved
        else:
            self._read()
        self._values = {pointer: value_at(self._document.data, pointer) for pointer in self.free}
        self._here = self._canon({})

    def _read(self) -> None:
        self._document = parse(self._incumbent, self._target.file)
        self._likes = pattern_of(self._incumbent, self._target.file, self._document)
        self.free = self._target.space.free(self._document.data)
        self._names = {pointer: name(pointer) for pointer in self.free}
        self._places = {pointer: place for place, pointer in enumerate(self.free)}

    @property
    def walks(self) -> bool:
        """Whether the space is small enough to be walked to its end."""
        # Each is cut off where it is too large already: a product beyond every float cannot be multiplied by infinity.
        return math.prod(min(allowed.size(), WALKABLE + 1) for allowed in self.free.values()) <= WALKABLE

    def values(self) -> Changes:
        """The incumbent's values that may change."""
        return dict(self._values)

    def draw(self, chance: random.Random) -> Changes:
        """One to three values, each another than the incumbent's."""
        most = min(3, len(self.free))
        count = chance.choices(range(1, most + 1), cum_weights=(5, 8, 10)[:most])[0]
        pointers = sorted(chance.sample([*self._places], count), key=self._places.__getitem__)
        return {p: draw(chance, self.free[p], self._values[p]) for p in pointers}

    def untried(self, chance: random.Random, tried: Collection[str], batch: set[str]) -> Changes | None:
        """Changes that nobody has tried; None where the space is exhausted, or too large to know."""
        for _ in range(ATTEMPTS):
            changes = self.draw(chance)
            if self.is_new(changes, tried, batch):
                return changes
        return self._walk(tried, batch)

    def is_new(self, changes: Changes, tried: Collection[str], batch: set[str]) -> bool:
        """Whether nobody has tried it; from now on this batch has."""
        canon = self._canon(changes)
        new = canon != self._here and canon not in tried and canon not in batch
        batch.add(canon)
        return new

    def proposal(self, changes: Changes) -> Proposal:
        content = splice(self._text, self._document, changes, self._target.file).encode()
        words = [f"{self._names[p]} {self._values[p]} -> {value}" for p, value in changes.items()]
        return Proposal(content, ", ".join(words))

    def towards(self, point: Changes) -> Changes:
        """What changes where the incumbent takes on the values of a point."""
        return {p: v for p, v in point.items() if not same(v, self._values[p])}

    def _canon(self, changes: Changes) -> str:
        likes = self._likes
        numbers = {p: v for p, v in changes.items() if likes and likes.holds(p) and _is_number(v)}
        if likes and len(numbers) == len(changes):
            return likes.canonical_id(numbers)
        data = copy.deepcopy(self._document.data)
        for pointer, value in changes.items():
            set_at(data, pointer, value)
        return canonical_id_of(data)

    def _walk(self, tried: Collection[str], batch: set[str]) -> Changes | None:
        """The next untried point of a small space, in an order that visits each once; None at its end.

        A point that was visited is not visited again, whatever became of it: so every walk has an end.
        """
        if not self.walks:
            return None
        size = math.prod(allowed.size() for allowed in self.free.values())
        while self._walked < size:
            point = self._point(self._walked)
            self._walked += 1
            if self.is_new(point, tried, batch):
                return self.towards(point)
        return None

    def _point(self, index: int) -> Changes:
        found: Changes = {}
        for pointer, allowed in self.free.items():
            index, digit = divmod(index, int(allowed.size()))
            found[pointer] = allowed.choices[digit] if allowed.kind == "choice" else int(allowed.low) + digit
        return found


def draw(chance: random.Random, allowed: Allowed, old: Any) -> Scalar:
    """A value that is allowed and, where there is one, not the old one."""
    if allowed.kind == "choice":
        others = [choice for choice in allowed.choices if not same(choice, old)]
        return chance.choice(others or allowed.choices)
    for _ in range(ATTEMPTS):
        new = _local(chance, allowed, old) if chance.random() < LOCAL_SHARE else _anywhere(chance, allowed)
        if new != old:
            return new
    return next(value for value in (allowed.low, allowed.high) if value != old)


def name(pointer: str) -> str:
    """The last segment of a pointer, with the one before it where that is only a place in a list."""
    segments = [unescape(segment) for segment in pointer.split("/")[1:]]
    return "/".join(segments[-2:] if segments[-1].isdigit() else segments[-1:])


def value_at(data: Any, pointer: str) -> Any:
    for segment in pointer.split("/")[1:]:
        data = data[int(segment)] if isinstance(data, list) else data[unescape(segment)]
    return data


def set_at(data: Any, pointer: str, value: Scalar) -> None:
    parent, _, last = pointer.rpartition("/")
    container = value_at(data, parent)
    if isinstance(container, list):
        container[int(last)] = value
    else:
        container[unescape(last)] = value


def same(one: Any, other: Any) -> bool:
    """True is not 1, though Python says they are equal."""
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Scalar) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def tidy(value: float, allowed: Allowed) -> float:
    """As many digits as a human needs to tell a million values of the range apart. Bounds hold after rounding."""
    widest = max(abs(allowed.low), abs(allowed.high))
    digits = 6 + max(0, math.ceil(math.log10(widest) - math.log10(allowed.high - allowed.low)))
    return float(min(max(float(f"{value:.{min(digits, 17)}g}"), allowed.low), allowed.high))


def _local(chance: random.Random, allowed: Allowed, old: float) -> int | float:
    sign = chance.choice((-1, 1))
    if allowed.kind == "int":
        reach = max(2.0, (allowed.high - allowed.low) / 2)
        step = round(math.exp(chance.uniform(0, math.log(reach))))
        return int(min(max(old + sign * step, allowed.low), allowed.high))
    share = 10 ** chance.uniform(-4, -0.3)
    if allowed.log:
        width = math.log(allowed.high) - math.log(allowed.low)
        return tidy(old * math.exp(sign * share * width), allowed)
    return tidy(old + sign * share * (allowed.high - allowed.low), allowed)


def _anywhere(chance: random.Random, allowed: Allowed) -> int | float:
    if allowed.kind == "int":
        return chance.randint(int(allowed.low), int(allowed.high))
    if allowed.log:
        return tidy(math.exp(chance.uniform(math.log(allowed.low), math.log(allowed.high))), allowed)
    return tidy(chance.uniform(allowed.low, allowed.high), allowed)
