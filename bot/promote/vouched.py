"""Which night confirmed a content: its own record says so, or nothing does."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot import config, records
from bot.night.earlier import archive
from bot.night.folder import segment_number
from bot.night.handed import handover
from bot.promote import chain
from harness import events, folds, standing
from harness.errors import IntegrityError
from harness.events import Event, Segment
from harness.repository import CommitSource, Repository
from harness.rule import headline_gain
from harness.standing import Confirmation


@dataclass(frozen=True)
class Predicted:
    """The gain that a night confirmed. how: search (exact), held-out or pairs, as a promotion measures it too."""

    how: str
    gain: float
    low: float
    high: float

    def as_event(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Vouched:
    """A confirmed content. row: which of its night's rows; whole: whether it is the whole result; base: what the gain
    was confirmed against; pairs: of the confirmation, 0 without noise; seconds: of one measurement then; seal: of
    confirm."""

    night: str
    row: int
    whole: bool
    base: bytes
    predicted: Predicted
    lock: str
    seal: str
    pairs: int
    seconds: float


def find(repository: Repository, target: str, blob: str) -> Vouched | None:
    """The newest confirmation of a content of a target's file; None if no record that holds confirms it. Of a night
    that humans asked for more, the confirmation that counts: what it took back, no older night vouches for either."""
    nights = set(_proposed(repository, records.tip(repository)).get((target, blob), ()))
    nights |= {_night(path) for path in chain.recorded(repository, target, standing.DROP)}
    for night in sorted(nights, key=records.night_order, reverse=True):
        whole, packs = _recorded(repository, target, night)
        counts = standing.confirmation(whole)
        if counts and (place := _place(counts.event, blob)):
            return _vouched(counts, whole, packs, place)
        if any(_place(each.event, blob) for each in standing.confirmations(whole)):
            return None
    return None


def check_whole(repository: Repository, target: str, found: Vouched, blob: str) -> None:
    """Holds the whole record of the night against its base commit, decisions and contents. Raises IntegrityError."""
    with archive.opened(repository, found.night) as night:
        loaded = config.load_targets(CommitSource(repository, night.plan.base), [target])[0]
        received = handover.read(night, loaded).received
    if blob not in {repository.blob_id(row) for row in received.rows}:
        raise IntegrityError(f"{target}: the night {found.night} did not confirm {blob[:12]}")


@functools.lru_cache(maxsize=2)
def _proposed(repository: Repository, _tip: str | None) -> dict[tuple[str, str], set[str]]:
    """(target, content) -> the nights that proposed it."""
    found: dict[tuple[str, str], set[str]] = {}
    for segment in records.proposals(repository):
        for event in folds.of_kind([segment], "proposed"):
            for row in event["rows"]:
                found.setdefault((segment.header["target"], row), set()).add(segment.header["night"])
    return found


def _night(path: str) -> str:
    return path.partition("/")[2].partition(".")[0]


def _place(event: Event, blob: str) -> int:
    """Which row, from 1, ends at this content; 0 if none does, or nothing was confirmed."""
    if event.get("verdict") != "confirmed":
        return 0
    return next((place for place, row in enumerate(event.get("rows", []), start=1) if row["blob"] == blob), 0)


def _recorded(repository: Repository, target: str, night: str) -> tuple[list[Segment], dict[str, bytes]]:
    """A night's segments of a target with what is in their packs; none where they do not verify."""
    files = {
        path.partition("/")[2]: content
        for path, content in records.fetch_night(repository, night).items()
        if path.startswith(f"{target}/")
    }
    names = sorted((name[: -len(".jsonl")] for name in files if name.endswith(".jsonl")), key=segment_number)
    whole = [events.parse(name, files[f"{name}.jsonl"], files.get(f"{name}.pack", b"")) for name in names]
    if events.verify_order(whole) or any(segment.header.get("target") != target for segment in whole):
        return [], {}
    packs = {
        key: content
        for one in whole
        if (pack := files.get(f"{one.name}.pack"))
        for key, content in events.packed_contents(one, pack).items()
    }
    return whole, packs


def _vouched(counts: Confirmation, whole: list[Segment], packs: dict[str, bytes], place: int) -> Vouched:
    event, header = counts.event, counts.segment.header
    rows = event["rows"]
    seconds = [float(found["seconds"]) for found in folds.of_kind(whole, "baseline")]
    return Vouched(
        night=header["night"],
        row=rows[place - 1]["number"],
        whole=place == len(rows),
        base=folds.restore(whole, 0, packs)[1],
        predicted=_predicted(event, rows, place, headline_gain(folds.rule_of(header), **_sides(event))),
        lock=header["lock"],
        seal=counts.segment.chain,
        pairs=len(event.get("pairs", [])),
        seconds=seconds[-1] if seconds else 0.0,
    )


def _sides(event: Event) -> dict[str, Mapping[str, float]]:
    return {"before": event["search"]["base"], "after": event["search"]["head"]}


def _predicted(event: Event, rows: list[dict[str, Any]], place: int, exact: float) -> Predicted:
    """What confirm measured of the whole; of a part of it the sum of its rows."""
    if place < len(rows):
        adds = sum(float(row["adds"]) for row in rows[:place])
        return Predicted("pairs" if "confirmed" in event else "search", adds, adds, adds)
    for key, how in (("holdout", "held-out"), ("confirmed", "pairs")):
        if key in event:
            return Predicted(how, event[key]["gain"], event[key]["low"], event[key]["high"])
    return Predicted("search", exact, exact, exact)
