"""What planning needs of everything that is recorded, read in one pass: of a million experiments, a few bytes each.

Chains are verified as `harness.events` does it, and a segment counts up to its first bad line. Only headers, seals and
baselines are parsed; what is looked for in an experiment stands in it exactly as this program spells it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot import records
from harness import events
from harness.events import Event
from harness.handover.shapes import INTERRUPTED
from harness.repository import Repository

_CANON = b'"canon":"'
_EXPERIMENT, _BASELINE, _SEAL = b'{"event":"experiment",', b'{"event":"baseline",', b'{"event":"seal",'
_ID = re.compile(rb'"id":(\d+)')
_KEPT, _UNFINISHED = b'"status":"keep"', b'"reason":"unfinished"'


@dataclass
class Recorded:
    """One night of a target. ends: verb -> how it came to its end; run: of the workflow that recorded it, or ""."""

    night: str
    lock: str
    base: str
    run: str
    ends: dict[str, str] = field(default_factory=dict)


@dataclass
class Past:
    """Of one target. nights: oldest first; tried: canonical ids of what is not worth another try under its lock; took:
    seconds of the last baseline."""

    nights: dict[str, Recorded] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    took: float | None = None


def read(
    repository: Repository, locks: Mapping[str, str], declined: Mapping[str, Mapping[str, int]]
) -> dict[str, Past]:
    """The past of each target. locks: target -> the lock that it has now; declined: target -> nights that a human
    refused -> the first experiment from which on what they kept is not tried again."""
    found = {target: Past() for target in locks}
    wanted = [
        place for place in records.places(repository) if place.target in locks and place.verb in {"run", "confirm"}
    ]
    contents = repository.stream([place.blob for place in wanted])
    for place, (_blob, data) in zip(wanted, contents, strict=True):
        past = found[place.target]
        _take(past, place, data, locks[place.target], declined.get(place.target, {}))
    for past in found.values():
        past.nights = dict(sorted(past.nights.items(), key=lambda entry: records.night_order(entry[0])))
    return found


def _take(past: Past, place: records.Place, data: bytes, lock: str, declined: Mapping[str, int]) -> None:
    lines = lines_of(data)
    header = parsed(next(lines, b""))
    if not header:
        return
    night = past.nights.get(place.night)
    if night is None:
        run = str(header.get("machine", {}).get("run", ""))
        night = past.nights[place.night] = Recorded(place.night, header.get("lock", ""), header.get("base", ""), run)
    counts = header.get("lock") == lock
    refused_from = declined.get(str(header.get("night")), math.inf)
    line = b""
    for line in lines:
        if line.startswith(_EXPERIMENT):
            if counts and (not (_KEPT in line or _UNFINISHED in line) or _id(line) >= refused_from):
                past.tried.add(_canon(line))
        elif line.startswith(_BASELINE):
            past.took = float(parsed(line)["seconds"])
            if counts:
                past.tried.add(_canon(line))
    if line.startswith(_SEAL) and (end := str(parsed(line).get("end"))) != INTERRUPTED:
        night.ends[place.verb] = end


def lines_of(data: bytes) -> Iterator[bytes]:
    """As `events.intact_lines`, of any bytes."""
    try:
        yield from events.intact_lines(data)
    except ValueError:
        return


def last_event(data: bytes) -> Event:
    """Of a segment, up to its first bad line; an empty one where there is none."""
    line = b""
    for line in lines_of(data):  # noqa: B007  # only the last counts
        pass
    return parsed(line)


def parsed(line: bytes) -> Event:
    """The event of an intact line; an empty one for what is none."""
    try:
        found: Any = json.loads(line + b"}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _id(line: bytes) -> int:
    found = _ID.search(line)
    return int(found[1]) if found else 0


def _canon(line: bytes) -> str:
    start = line.find(_CANON) + len(_CANON)
    return line[start : line.index(b'"', start)].decode()
