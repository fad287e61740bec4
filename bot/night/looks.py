"""The ledger of looks at held-out data. A look is one released figure or verdict; data can bear only so many.

Data is known by its contents: neither a new name, a new target nor a new night makes it new.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping

from bot import records
from bot.night import history
from bot.night.folder import Night, nights
from harness import folds
from harness.events import Segment
from harness.repository import Repository
from harness.standing import CONFIRMING
from harness.target import Target

_LOOK = b'{"event":"look",'
_LOOKING = frozenset({*CONFIRMING, "promote"})

Look = tuple[str, str, str]  # night, target, head: a confirm that is repeated for these three looks once


def identity(files: Mapping[str, str], target: Target) -> str:
    """Of the data that the holdout is measured on. files: what is locked and what setup made, path -> SHA-256.

    Where a target hides no files, whatever it locks may hold the rows.
    """
    chosen = target.hidden or target.locked
    return hashlib.sha256("\n".join(sorted(files[path] for path in chosen)).encode()).hexdigest()


def count(repository: Repository, holdout: str) -> int:
    """Looks at this data in all recorded nights and in those on this machine."""
    found = set(_recorded(repository, records.tip(repository)).get(holdout, ()))
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
def _recorded(repository: Repository, tip: str | None) -> Mapping[str, frozenset[Look]]:  # noqa: ARG001  # the tip is the key
    """Held-out data -> looks at it, of every confirm and every promotion on the records branch.

    Packs stay unread: a look holds no content, and stands before all that does.
    """
    found: dict[str, set[Look]] = {}
    wanted = [place.blob for place in records.places(repository) if place.verb in _LOOKING]
    for _blob, data in repository.stream(wanted):
        if _LOOK in data:
            lines = history.lines_of(data)
            header = history.parsed(next(lines, b""))
            for event in map(history.parsed, (line for line in lines if line.startswith(_LOOK))):
                look = (str(header["night"]), str(header["target"]), str(event.get("head", "")))
                found.setdefault(str(event["holdout"]), set()).add(look)
    return {holdout: frozenset(looks) for holdout, looks in found.items()}
