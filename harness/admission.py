"""Whether a proposed content may be measured at all: readable, inside its space, and not what is already there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.documents import canonical_id, canonical_id_of, leaves, load_bytes
from harness.errors import InvalidCandidate
from harness.target import Target

MOST_BYTES = 4 * 1024 * 1024
_REORDERING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # the controls of bidirectional text
_HIDING = {chr(code).encode(): f"U+{code:04X}" for code in _REORDERING} | {b"\0": "a NUL byte"}


@dataclass(frozen=True)
class Admitted:
    """canon: equal for contents that mean the same; complexity: non-zero leaves of data, lines of code."""

    blob: str
    canon: str
    complexity: int


@dataclass(frozen=True)
class Refused:
    """Not measured; why says what a proposer should do otherwise."""

    blob: str
    canon: str
    why: str


class Admission:
    """Judges every proposal of one target by the base file and target.yaml."""

    def __init__(self, target: Target, base: bytes, blob_id: Callable[[bytes], str]) -> None:
        self._target, self._blob_id = target, blob_id
        self._hiding = {mark for mark in _HIDING if mark in base}
        self._base = load_bytes(base, target.file) if target.is_data else None

    def judge(self, content: bytes) -> Admitted | Refused:
        blob = self._blob_id(content)
        if len(content) > MOST_BYTES:
            return Refused(blob, blob, f"larger than {MOST_BYTES:,} bytes")
        if hiding := [name for mark, name in _HIDING.items() if mark in content and mark not in self._hiding]:
            return Refused(blob, blob, f"holds {hiding[0]}, which hides from a reviewer what changed")
        if not self._target.is_data:
            return Admitted(blob, canonical_id(content, self._target.file), lines(content))
        try:
            data = load_bytes(content, self._target.file)
        except InvalidCandidate as invalid:
            return Refused(blob, blob, invalid.what)
        problems = list(self._target.space.problems(self._base, data)) if self._target.space else []
        if problems:
            more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
            return Refused(blob, blob, "; ".join(problems[:3]) + more)
        canon = canonical_id_of(data) if not isinstance(data, str) else canonical_id(content, self._target.file)
        return Admitted(blob, canon, filled_leaves(data))


def lines(content: bytes) -> int:
    """How many lines are not blank."""
    return sum(1 for line in content.splitlines() if line.strip())


def filled_leaves(data: Any) -> int:
    """How many values are neither 0 nor empty; for plain text its lines."""
    if isinstance(data, str):
        return lines(data.encode())
    return sum(1 for _pointer, value in leaves(data) if value)
