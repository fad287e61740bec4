"""Whether a proposed content may be measured: readable, inside space and policy, and not what is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.complexity import filled_leaves, lines
from harness.documents import canonical_id, canonical_id_of, load_bytes, pattern_of
from harness.errors import InvalidCandidate
from harness.target import Target

MOST_BYTES = 4 * 1024 * 1024
_REORDERING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # the controls of bidirectional text
_HIDING = {chr(code).encode(): f"U+{code:04X}" for code in _REORDERING} | {b"\0": "a NUL byte"}
_FIRSTS = {mark[:1] for mark in _HIDING}


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
        self._likes = pattern_of(base, target.file) if target.is_data and not target.policy else None

    def judge(self, content: bytes) -> Admitted | Refused:
        blob = self._blob_id(content)
        if len(content) > MOST_BYTES:
            return Refused(blob, blob, f"larger than {MOST_BYTES:,} bytes")
        rare = any(first in content for first in _FIRSTS)  # bytes that most contents have none of
        marks = [mark for mark in _HIDING if rare and mark in content and mark not in self._hiding]
        if marks:
            return Refused(blob, blob, f"holds {_HIDING[marks[0]]}, which hides from a reviewer what changed")
        if not self._target.is_data:
            return Admitted(blob, canonical_id(content, self._target.file), lines(content))
        return self._by_numbers(blob, content) or self._in_full(blob, content)

    def _by_numbers(self, blob: str, content: bytes) -> Admitted | Refused | None:
        """As `_in_full`, several times faster, where the content differs from the base in numbers alone."""
        likes, space = self._likes, self._target.space
        words = likes.words(content.decode(errors="surrogateescape")) if likes else None
        if likes is None or words is None:
            return None
        if problems := list(space.problems_of(likes.changes(words))) if space else []:
            return _outside(blob, problems)
        return Admitted(blob, *likes.described(words))

    def _in_full(self, blob: str, content: bytes) -> Admitted | Refused:
        try:
            data = load_bytes(content, self._target.file)
        except InvalidCandidate as invalid:
            return Refused(blob, blob, invalid.what)
        if problems := list(self._target.space.problems(self._base, data)) if self._target.space else []:
            return _outside(blob, problems)
        if self._target.policy and (broken := self._target.policy.problems_of(self._base, data)):
            return _outside(blob, broken)
        canon = canonical_id_of(data) if not isinstance(data, str) else canonical_id(content, self._target.file)
        return Admitted(blob, canon, filled_leaves(data))


def _outside(blob: str, problems: Sequence[str]) -> Refused:
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return Refused(blob, blob, "; ".join(problems[:3]) + more)
