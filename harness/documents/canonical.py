"""The one text of all contents that mean the same data, whatever their comments, order or spelling of numbers."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_id_of(data: Any) -> str:
    return digest(json.dumps(normal(data), sort_keys=True, separators=(",", ":"), ensure_ascii=True))


def digest(canonical: str) -> str:
    """The id of a canonical text, which is ASCII."""
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:32]


def normal(data: Any) -> Any:
    """Data with every number in the one way that JSON spells it."""
    if isinstance(data, dict):
        return {key: normal(value) for key, value in data.items()}
    if isinstance(data, list):
        return [normal(value) for value in data]
    if isinstance(data, float) and data.is_integer() and abs(data) < 2**53:
        return int(data)
    return data
