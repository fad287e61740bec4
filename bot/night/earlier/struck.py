"""Rows that a human took out by /drop: what held one of them is declined, like the rows of a closed pull request."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot import records
from bot.night.folder import segment_number
from harness import events, standing
from harness.events import Segment
from harness.repository import Repository


@dataclass(frozen=True)
class Struck:
    """What humans took out of one night's result. first: the first experiment of theirs, 0 where an earlier night found
    it; blobs: contents that were proposed with it; changes: the rows in words."""

    night: str
    lock: str
    first: int
    blobs: tuple[str, ...]
    changes: tuple[str, ...] = ()


def of(repository: Repository, target: str, lock: str) -> list[Struck]:
    """Of every night of a target under this lock."""
    return [one for one in _of(repository, records.tip(repository), target) if one.lock == lock]


def rows_of(repository: Repository, target: str, night: str) -> list[str]:
    """What the rows of a night changed that count today, in words."""
    found = standing.confirmation(_confirming(repository, target, night))
    return [str(row["change"]) for row in found.event.get("rows", [])] if found else []


@functools.lru_cache(maxsize=64)
def _of(repository: Repository, tip: str | None, target: str) -> tuple[Struck, ...]:
    dropped = sorted(_dropped(repository, tip).get(target, ()), key=records.night_order)
    found = [_struck(night, _confirming(repository, target, night)) for night in dropped]
    return tuple(one for one in found if one)


@functools.lru_cache(maxsize=1)
def _dropped(repository: Repository, _tip: str | None) -> dict[str, set[str]]:
    """Target -> nights that rows were taken out of; all targets at once, since the records are long."""
    found: dict[str, set[str]] = {}
    for place in records.places(repository):
        if place.verb == standing.DROP:
            found.setdefault(place.target, set()).add(place.night)
    return found


def _confirming(repository: Repository, target: str, night: str) -> list[Segment]:
    """The segments that measured again, in order; the loop's are not read."""
    mine = {
        path: blob
        for path, blob in records.tree(repository).items()
        if path.startswith(f"{target}/{night}.") and path.rpartition(".")[0].endswith(_CONFIRMING)
    }
    contents, found = repository.blobs(mine.values()), []
    for path, blob in mine.items():
        stem, _, kind = path.rpartition(".")
        if kind == "jsonl":
            pack = mine.get(f"{stem}.pack")
            found.append(events.parse(stem.rpartition("/")[2], contents[blob], contents[pack] if pack else b""))
    return sorted((one for one in found if one.events and not one.bad), key=lambda one: segment_number(one.name))


def _struck(night: str, segments: Sequence[Segment]) -> Struck | None:
    rows = standing.struck(segments)
    if not rows:
        return None
    first = min(min(row["experiments"], default=0) for row, _asked in rows.values())
    blobs = tuple(dict.fromkeys(_holding(segments, set(rows))))
    changes = tuple(str(row["change"]) for row, _asked in rows.values())
    return Struck(night, segments[0].header["lock"], first, blobs, changes)


def _holding(segments: Sequence[Segment], dropped: set[int]) -> Iterator[str]:
    """Rows add up: every content from a dropped row on holds it."""
    for each in standing.confirmations(segments):
        held = False
        for entry in each.event.get("rows", []):
            held = held or entry["number"] in dropped
            if held:
                yield entry["blob"]


_CONFIRMING = tuple(f"-{verb}" for verb in standing.CONFIRMING)
