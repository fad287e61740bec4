"""How much a content says: of two that score the same, the one that says less is kept."""

from __future__ import annotations

from typing import Any

from harness.documents import leaves


def lines(content: bytes) -> int:
    """How many lines are not blank."""
    return sum(1 for line in content.splitlines() if line.strip())


def filled_leaves(data: Any) -> int:
    """How many values are neither 0 nor empty; for plain text its lines."""
    if isinstance(data, str):
        return lines(data.encode())
    return sum(1 for _pointer, value in leaves(data) if value)
