"""What may change in a data file, enforced on every candidate whoever proposed it.

A space maps JSON pointers, with `*` for any one level, to what a value may be. The most exact pointer wins, among
equals the later. A leaf that no pointer names may not change, and nothing may be added or removed.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.documents import Scalar, escape, leaves, unescape


@dataclass(frozen=True)
class Allowed:
    """What one value may be. kind: int, float, choice or locked; bounds are included."""

    kind: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Scalar, ...] = ()

    def problem(self, value: Scalar) -> str:
        """Why a value is not allowed, or nothing."""
        if self.kind == "locked":
            return "is locked"
        if self.kind == "choice":
            valid = any(value == choice and type(value) is type(choice) for choice in self.choices)
            return "" if valid else f"must be one of {', '.join(map(_spelled, self.choices))}"
        wanted = (int,) if self.kind == "int" else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            return f"must be {'a whole number' if self.kind == 'int' else 'a number'}"
        if not self.low <= value <= self.high:
            return f"must be within [{self.low:.15g}, {self.high:.15g}]"
        return ""

    def surely(self, value: Scalar) -> bool:
        """Whether a value is one of the most frequent kind that is allowed; where not, `problem` decides."""
        return self.kind == "int" and type(value) is int and self.low <= value <= self.high

    def size(self) -> float:
        """How many values it may take; infinity for float."""
        if self.kind == "int":
            return int(self.high) - int(self.low) + 1
        if self.kind == "choice":
            return len(self.choices)
        return 1 if self.kind == "locked" or self.low == self.high else float("inf")


@dataclass(frozen=True)
class Space:
    """The pointers of a target.yaml with what each allows, in the file's order."""

    rules: tuple[tuple[tuple[str, ...], Allowed], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def allowed(self, pointer: str) -> Allowed | None:
        """What the most exact pointer that matches says; None if none matches."""
        if pointer not in self._known:
            self._known[pointer] = self._most_exact(pointer)
        return self._known[pointer]

    @functools.cached_property
    def _known(self) -> dict[str, Allowed | None]:
        """Pointers that were asked for; they are those of the base file, so their number has an end."""
        return {}

    def _most_exact(self, pointer: str) -> Allowed | None:
        segments = tuple(unescape(segment) for segment in pointer.split("/")[1:])
        best: tuple[int, Allowed] | None = None
        for pattern, allowed in self.rules:
            if _matches(pattern, segments):
                exactness = sum(part != "*" for part in pattern)
                if best is None or exactness >= best[0]:
                    best = (exactness, allowed)
        return best[1] if best else None

    def free(self, data: Any) -> dict[str, Allowed]:
        """The leaves of a document that may change, in its order."""
        found = {}
        for pointer, _value in leaves(data):
            allowed = self.allowed(pointer)
            if allowed and allowed.size() > 1:
                found[pointer] = allowed
        return found

    def problems(self, base: Any, candidate: Any) -> Iterator[str]:
        """Every way in which a candidate leaves the space, in words."""
        yield from self._compare(base, candidate, "")

    def problems_of(self, changes: Mapping[str, Scalar]) -> Iterator[str]:
        """The same of a candidate that differs from the base in these values alone."""
        known = self._known
        for pointer, value in changes.items():
            allowed = known[pointer] if pointer in known else self.allowed(pointer)
            if allowed is None or not allowed.surely(value):
                yield from self._change(value, pointer)

    def _compare(self, base: Any, candidate: Any, pointer: str) -> Iterator[str]:
        if isinstance(base, dict) and isinstance(candidate, dict):
            for key in [*base, *(key for key in candidate if key not in base)]:
                if key in base and key in candidate and _same_scalar(base[key], candidate[key]):
                    continue
                inner = f"{pointer}/{escape(key)}"
                if key not in candidate:
                    yield f"{inner} was removed"
                elif key not in base:
                    yield f"{inner} was added"
                else:
                    yield from self._compare(base[key], candidate[key], inner)
        elif isinstance(base, list) and isinstance(candidate, list) and len(base) == len(candidate):
            for index, (before, after) in enumerate(zip(base, candidate, strict=True)):
                yield from self._compare(before, after, f"{pointer}/{index}")
        elif isinstance(base, (dict, list)) or isinstance(candidate, (dict, list)):
            yield f"{pointer or 'the whole file'} was {_kind(base)} and became {_kind(candidate)}"
        elif not _same_scalar(base, candidate):
            yield from self._change(candidate, pointer)

    def _change(self, value: Scalar, pointer: str) -> Iterator[str]:
        allowed = self.allowed(pointer)
        if allowed is None:
            yield f"{pointer or 'the whole file'} is not in the space"
        elif problem := allowed.problem(value):
            yield f"{pointer}: {value!r} {problem}"


def _same_scalar(one: Any, other: Any) -> bool:
    """True is not 1, nor is 1.0."""
    return type(one) is type(other) and not isinstance(one, (dict, list)) and bool(one == other)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return f"a list of {len(value)}" if isinstance(value, list) else "a single value"


def _spelled(choice: Scalar) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def from_config(config: Mapping[str, Mapping[str, Any]]) -> Space:
    """A space as target.yaml writes it; the schema and SpaceCheck have checked its shape."""
    return Space(
        tuple(
            (tuple(unescape(segment) for segment in pointer.split("/")[1:]), _allowed(entry))
            for pointer, entry in config.items()
        )
    )


def _allowed(entry: Mapping[str, Any]) -> Allowed:
    if entry.get("locked"):
        return Allowed("locked")
    if "choice" in entry:
        return Allowed("choice", choices=tuple(entry["choice"]))
    kind = "int" if "int" in entry else "float"
    low, high = entry[kind]
    if entry.get("sign") == "+":
        low = max(low, 0)
    if entry.get("sign") == "-":
        high = min(high, 0)
    return Allowed(kind, low, high, log=entry.get("scale") == "log")


def _matches(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(pattern) == len(segments) and all(p in ("*", s) for p, s in zip(pattern, segments, strict=True))
