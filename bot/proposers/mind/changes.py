"""What one content of the file changes in another, in as few words as say it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from harness.documents import Scalar, leaves, load_bytes
from harness.errors import InvalidCandidate

Values = dict[str, tuple[Scalar, Scalar]]  # JSON pointer -> before and after


def values(before: bytes, after: bytes, file: str) -> Values | None:
    """The values that differ; None where the file is no document of values, or something was added or removed."""
    old, new = _leaves(before, file), _leaves(after, file)
    if old is None or new is None or old.keys() != new.keys():
        return None
    return {p: (old[p], new[p]) for p in old if type(old[p]) is not type(new[p]) or old[p] != new[p]}


def described(before: bytes, after: bytes, file: str, *, around: int = 1) -> str:
    """Value by value where that says it all, else as a diff with so many lines around each change."""
    found = values(before, after, file)
    if found:
        return "\n".join(f"{p}: {json.dumps(old)} -> {json.dumps(new)}" for p, (old, new) in found.items())
    return "\n".join(_diff(before, after, around))


def _leaves(content: bytes, file: str) -> dict[str, Scalar] | None:
    try:
        data: Any = load_bytes(content, file)
    except InvalidCandidate:
        return None
    return dict(leaves(data)) if isinstance(data, (dict, list)) else None


def _diff(before: bytes, after: bytes, around: int) -> Iterator[str]:
    old, new = (content.decode("utf-8", errors="surrogateescape").splitlines() for content in (before, after))
    for number, line in enumerate(difflib.unified_diff(old, new, n=around, lineterm="")):
        if number > 1:  # the first two name files
            yield line
