"""How an event holds a content: as a patch against its parent's, as text, or as a place in the segment's pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

INLINE_LIMIT = 4096  # characters


def apply_patch(parent: bytes, patch: Sequence[Any]) -> bytes:
    """The content that a patch [start, cut, put] makes of its parent's: characters, not bytes."""
    text = parent.decode()
    start, cut, put = patch
    return f"{text[:start]}{put}{text[start + cut :]}".encode()


def content_of(event: Mapping[str, Any], parent: bytes | None, pack: Mapping[str, bytes] | None = None) -> bytes:
    """The content that an event holds. pack: SHA-256 -> content, from `packed_contents`."""
    held = event["content"]
    if "text" in held:
        return str(held["text"]).encode()
    if "patch" in held and parent is not None:
        return apply_patch(parent, held["patch"])
    if "pack" in held and pack is not None:
        return pack[held["pack"]["sha256"]]
    raise KeyError("content")


def inline(content: bytes, parent: bytes | None) -> dict[str, Any] | None:
    """The patch or the text; None for what is too long for an event, or no text."""
    try:
        text = content.decode()
        before = parent.decode() if parent is not None else None
    except UnicodeDecodeError:
        return None
    if before is not None:
        patch = _patch(before, text)
        return {"patch": patch} if len(patch[2]) <= INLINE_LIMIT else None
    return {"text": text} if len(text) <= INLINE_LIMIT else None


def _patch(before: str, after: str) -> list[Any]:
    """[start, cut, put]: the one stretch between what both begin with and what both end with."""
    start = _alike(before, after)
    most = min(len(before), len(after)) - start
    end = _alike(before[len(before) - most :][::-1], after[len(after) - most :][::-1])
    return [start, len(before) - start - end, after[start : len(after) - end]]


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common, found by halving: it is on the hot path."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
