"""The ledger of looks at held-out data. A look is one released figure or verdict; data can bear only so many.

Data is known by its contents: neither a new name, a new target nor a new night makes it new.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping

from bot import records
from bot.night.earlier import history
from bot.night.earlier.history import Look, Looks
from bot.night.folder import Night, nights
from harness import folds
from harness.events import Segment
from harness.repository import Repository
from harness.target import Target


def identity(files: Mapping[str, str], target: Target) -> str:
    """Of the data that the holdout is measured on. files: what is locked and what setup made, path -> SHA-256.

    Where a target hides no files, whatever it locks may hold the rows.
    """
    chosen = target.hidden or target.locked
    return hashlib.sha256("\n".join(sorted(files[path] for path in chosen)).encode()).hexdigest()


def count(repository: Repository, holdout: str, recorded: Looks | None = None) -> int:
    """Looks at this data in all recorded nights and in those on this machine. recorded: of all nights, if known."""
    if recorded is None:
        recorded = _recorded(repository, records.tip(repository))
    found = set(recorded.get(holdout, ()))
    for night in nights(repository):
        found |= set(of_night(night, holdout))
    return len(found)


def of_night(night: Night, holdout: str) -> list[Look]:
    """Looks at this data in one night, by any of its targets, each once. A night whose plan is damaged counts too."""
    folders = sorted(path.name for path in night.path.iterdir() if path.is_dir() and not path.is_symlink())
    segments = [segment for target in folders for segment in night.segments(target)]
    return list(dict.fromkeys(_looks(segments, holdout)))


def _looks(segments: Iterable[Segment], holdout: str) -> Iterator[Look]:
    for segment in segments:
        if segment.events:
            for event in folds.of_kind([segment], "look"):
                if event["holdout"] == holdout:
                    yield str(segment.header["night"]), str(segment.header["target"]), str(event.get("head", ""))


@functools.lru_cache(maxsize=2)
def _recorded(repository: Repository, tip: str | None) -> Looks:  # noqa: ARG001  # the tip is the key
    return history.read(repository, {}, {}).looks
