"""What planning needs of everything that is recorded, read in one pass: of a million experiments, a few bytes each.

Chains are verified as `harness.events` does it, and a segment counts up to its first bad line. Only headers, seals,
baselines and looks are parsed; what is looked for in an experiment stands in it exactly as this program spells it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot import records
from harness import events
from harness.events import Event
from harness.handover.shapes import INTERRUPTED
from harness.repository import Repository
from harness.standing import CONFIRMING

_NIGHTLY, _LOOKING = frozenset({"run", "confirm"}), frozenset({*CONFIRMING, "promote"})
_CANON = b'"canon":"'
_EXPERIMENT, _BASELINE, _SEAL = b'{"event":"experiment",', b'{"event":"baseline",', b'{"event":"seal",'
_ID = re.compile(rb'"id":(\d+)')
_LOOK = b'{"event":"look",'
_KEPT, _UNFINISHED = b'"status":"keep"', b'"reason":"unfinished"'

Look = tuple[str, str, str]  # night, target, head: a confirm that is repeated for these three looks once
Looks = dict[str, set[Look]]  # held-out data -> looks at it


@dataclass
class Recorded:
    """One night of a target. ends: verb -> how it came to its end; run: of the workflow that recorded it, or "";
    card: the kind that its figures come from, "" for none."""

    night: str
    lock: str
    base: str
    run: str
    card: str = ""
    ends: dict[str, str] = field(default_factory=dict)


@dataclass
class Past:
    """Of one target. nights: oldest first; tried_on: kind of card, "" for none -> canonical ids of
    what is not worth another try under its lock; took: seconds of the last baseline."""

    nights: dict[str, Recorded] = field(default_factory=dict)
    tried_on: dict[str, set[str]] = field(default_factory=dict)
    took: float | None = None

    @property
    def tried(self) -> set[str]:
        """What counts tonight: where nights ran on cards, those of the last one's kind, with its mark among them."""
        card = next((night.card for night in reversed(self.nights.values()) if night.card in self.tried_on), "")
        return self.tried_on.get(card, set()) | ({mark(card)} if card else set())


@dataclass(frozen=True)
class History:
    """pasts: of each target that was asked for; looks: of every target, by confirmations and promotions."""

    pasts: dict[str, Past]
    looks: Looks = field(default_factory=dict)


def read(repository: Repository, locks: Mapping[str, str], declined: Mapping[str, Mapping[str, int]]) -> History:
    """The past of these targets. locks: target -> the lock that it has now; declined: target -> nights that a human
    refused -> the first experiment from which on what they kept is not tried again. Packs stay unread: what counts here
    stands before all that they hold."""
    found = History({target: Past() for target in locks})
    wanted = [place for place in records.places(repository) if _is_nightly(place, locks) or place.verb in _LOOKING]
    contents = repository.stream([place.blob for place in wanted])
    for place, (_blob, data) in zip(wanted, contents, strict=True):
        nightly, looked = _is_nightly(place, locks), place.verb in _LOOKING and _LOOK in data
        if not (nightly or looked):
            continue
        first, *lines = [*lines_of(data)] or [b""]
        if not (header := parsed(first)):
            continue
        if nightly:
            _take(found.pasts[place.target], place, header, lines, locks[place.target], declined.get(place.target, {}))
        if looked:
            _take_looks(found.looks, header, lines)
    for past in found.pasts.values():
        past.nights = dict(sorted(past.nights.items(), key=lambda entry: records.night_order(entry[0])))
    return found


def mark(card: str) -> str:
    """Stands among the ids of what was tried for the kind of card that it was tried on; no content has it."""
    return hashlib.sha256(f"device {card}".encode()).hexdigest()


def _is_nightly(place: records.Place, locks: Mapping[str, str]) -> bool:
    return place.verb in _NIGHTLY and place.target in locks


def _take(
    past: Past, place: records.Place, header: Event, lines: Sequence[bytes], lock: str, declined: Mapping[str, int]
) -> None:
    night = past.nights.get(place.night)
    if night is None:
        run = str(header.get("machine", {}).get("run", ""))
        night = past.nights[place.night] = Recorded(place.night, header.get("lock", ""), header.get("base", ""), run)
    counts = header.get("lock") == lock
    refused_from = declined.get(str(header.get("night")), math.inf)
    tried = set[str]()
    for line in lines:
        if line.startswith(_EXPERIMENT):
            if counts:
                start, end = _canon(line)
                open_again = line.find(_KEPT, end) >= 0 or line.find(_UNFINISHED, end) >= 0
                if not open_again or _id(line) >= refused_from:
                    tried.add(line[start:end].decode())
        elif line.startswith(_BASELINE):
            past.took = float(parsed(line)["seconds"])
            if counts:
                tried.add(line[slice(*_canon(line))].decode())
    if tried:
        night.card = str(header.get("machine", {}).get("device", ""))
        past.tried_on.setdefault(night.card, set()).update(tried)
    last = lines[-1] if lines else b""
    if last.startswith(_SEAL) and (said := str(parsed(last).get("end"))) != INTERRUPTED:
        night.ends[place.verb] = said


def _take_looks(looks: Looks, header: Event, lines: Sequence[bytes]) -> None:
    for line in lines:
        if line.startswith(_LOOK):
            event = parsed(line)
            look = (str(header["night"]), str(header["target"]), str(event.get("head", "")))
            looks.setdefault(str(event["holdout"]), set()).add(look)


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


def _canon(line: bytes) -> tuple[int, int]:
    """Where it begins and ends; status and reason stand behind it."""
    start = line.find(_CANON) + len(_CANON)
    return start, line.index(b'"', start)
