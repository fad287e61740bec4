"""What earlier nights leave to a new one: what was tried and what a human declined."""

from __future__ import annotations

from collections.abc import Sequence

from bot import records
from harness import folds
from harness.events import Segment
from harness.repository import Repository


def tried(repository: Repository, target: str, lock: str, base: str) -> set[str]:
    """Canonical ids of what is not worth another try under this lock. base: the commit that the new night works on."""
    segments = list(records.segments(repository, target))
    return folds.tried_before(segments, lock, declined(repository, segments, base))


def declined(repository: Repository, segments: Sequence[Segment], base: str) -> set[str]:
    """Nights whose branch a human deleted without a merge: what they kept was looked at, and is not proposed again."""
    return {
        segment.header["night"]
        for segment in segments
        for event in segment.events
        if event["event"] == "proposed"
        and repository.reference(f"refs/heads/{event['branch']}") is None
        and not merged(repository, event["head"], base)
        and not _there(repository, segment.header["file"], event["rows"], base)
    }


def merged(repository: Repository, tip: str, base: str) -> bool:
    """Whether everything of a branch is in the base, reverted later or not: a human has seen it."""
    if repository.reference(f"{tip}^{{commit}}") is None:
        return False
    return repository.git("rev-list", "--count", tip, f"^{base}").strip() == b"0"


def _there(repository: Repository, file: str, rows: Sequence[str], base: str) -> bool:
    """Whether the base holds a row's content: a squashed merge leaves no other trace."""
    blobs = repository.git("log", "--format=", "--raw", "--no-abbrev", base, "--", file).decode().split()
    return not set(rows).isdisjoint(blobs)
