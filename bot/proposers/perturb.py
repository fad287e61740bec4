"""`perturb`: random changes within the space, written by text splice so that comments and order stay.

Each proposal draws from a generator seeded by the night's seed and the experiment's number, so a resumed night
proposes what an uninterrupted one would have. One to three values change at once; most steps are local, at every
scale alike (log-uniform), the rest anywhere within bounds. Small spaces are walked to their end, then exhausted.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Collection, Sequence
from typing import Any

from bot.proposers import Outcome, Proposal, Request
from harness.documents import Document, Scalar, canonical_id_of, parse, splice, unescape
from harness.space import Allowed
from harness.target import Target

LOCAL_SHARE = 0.8
ATTEMPTS = 40
WALKABLE = 500_000


class Perturb:
    """A proposer that needs no key and no mind."""

    worst_case_usd = 0.0

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._seed = target, seed
        self._incumbent = b""
        self._text = ""
        self._document = Document(None, {}, {})
        self._free: dict[str, Allowed] = {}
        self._here = ""
        self._walked = 0

    def ask(self, request: Request) -> list[Proposal]:
        if request.incumbent != self._incumbent:
            self._read(request.incumbent)
        proposals: list[Proposal] = []
        batch: set[str] = set()
        for number in range(request.first, request.first + request.count):
            chance = random.Random(f"{self._seed}/{number}")  # noqa: S311  # replayable chance, no secret
            changes = self._untried(chance, request.tried, batch)
            if changes is None:
                break
            proposals.append(self._proposal(changes))
        return proposals

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""

    def _read(self, content: bytes) -> None:
        self._incumbent, self._text = content, content.decode()
        self._document = parse(content, self._target.file)
        self._free = self._target.space.free(self._document.data)
        self._here = self._canon({})

    def _proposal(self, changes: dict[str, Scalar]) -> Proposal:
        content = splice(self._text, self._document, changes, self._target.file).encode()
        words = [f"{name(p)} {value_at(self._document.data, p)} -> {value}" for p, value in changes.items()]
        return Proposal(content, ", ".join(words))

    def _untried(self, chance: random.Random, tried: Collection[str], batch: set[str]) -> dict[str, Scalar] | None:
        for _ in range(ATTEMPTS):
            changes = self._draw(chance)
            canon = self._canon(changes)
            if self._is_new(canon, tried, batch):
                return changes
        return self._walk(tried, batch)

    def _is_new(self, canon: str, tried: Collection[str], batch: set[str]) -> bool:
        """Whether nobody has tried it; from now on this batch has."""
        new = canon != self._here and canon not in tried and canon not in batch
        batch.add(canon)
        return new

    def _draw(self, chance: random.Random) -> dict[str, Scalar]:
        most = min(3, len(self._free))
        count = chance.choices(range(1, most + 1), weights=(5, 3, 2)[:most])[0]
        pointers = sorted(chance.sample(list(self._free), count), key=list(self._free).index)
        return {p: draw(chance, self._free[p], value_at(self._document.data, p)) for p in pointers}

    def _canon(self, changes: dict[str, Scalar]) -> str:
        data = copy.deepcopy(self._document.data)
        for pointer, value in changes.items():
            set_at(data, pointer, value)
        return canonical_id_of(data)

    def _walk(self, tried: Collection[str], batch: set[str]) -> dict[str, Scalar] | None:
        """The next untried point of a small space, in an order that visits each once; None at its end.

        A point that was visited is not visited again, whatever became of it: so every walk has an end.
        """
        size = math.prod(allowed.size() for allowed in self._free.values())
        if size > WALKABLE:
            return None
        while self._walked < size:
            point = self._point(self._walked)
            self._walked += 1
            if self._is_new(self._canon(point), tried, batch):
                return {p: v for p, v in point.items() if not _same(v, value_at(self._document.data, p))}
        return None

    def _point(self, index: int) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        for pointer, allowed in self._free.items():
            index, digit = divmod(index, int(allowed.size()))
            found[pointer] = allowed.choices[digit] if allowed.kind == "choice" else int(allowed.low) + digit
        return found


def draw(chance: random.Random, allowed: Allowed, old: Any) -> Scalar:
    """A value that is allowed and, where there is one, not the old one."""
    if allowed.kind == "choice":
        others = [choice for choice in allowed.choices if not _same(choice, old)]
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


def _same(one: Any, other: Any) -> bool:
    """True is not 1, though Python says they are equal."""
    return type(one) is type(other) and bool(one == other)


def _local(chance: random.Random, allowed: Allowed, old: float) -> int | float:
    sign = chance.choice((-1, 1))
    if allowed.kind == "int":
        reach = max(2.0, (allowed.high - allowed.low) / 2)
        step = round(math.exp(chance.uniform(0, math.log(reach))))
        return int(min(max(old + sign * step, allowed.low), allowed.high))
    share = 10 ** chance.uniform(-4, -0.3)
    if allowed.log:
        width = math.log(allowed.high) - math.log(allowed.low)
        return _tidy(old * math.exp(sign * share * width), allowed)
    return _tidy(old + sign * share * (allowed.high - allowed.low), allowed)


def _anywhere(chance: random.Random, allowed: Allowed) -> int | float:
    if allowed.kind == "int":
        return chance.randint(int(allowed.low), int(allowed.high))
    if allowed.log:
        return _tidy(math.exp(chance.uniform(math.log(allowed.low), math.log(allowed.high))), allowed)
    return _tidy(chance.uniform(allowed.low, allowed.high), allowed)


def _tidy(value: float, allowed: Allowed) -> float:
    """As many digits as a human needs to tell a million values of the range apart. Bounds hold after rounding."""
    widest = max(abs(allowed.low), abs(allowed.high))
    digits = 6 + max(0, math.ceil(math.log10(widest) - math.log10(allowed.high - allowed.low)))
    return float(min(max(float(f"{value:.{min(digits, 17)}g}"), allowed.low), allowed.high))
