"""Which night confirmed a content: its own record says so, or nothing does."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot import config, records
from bot.night import archive, handover
from bot.night.folder import segment_number
from bot.promote import chain
from harness import events, folds, standing
from harness.errors import IntegrityError
from harness.events import Event, Segment
from harness.repository import CommitSource, Repository
from harness.rule import headline_gain
from harness.standing import CONFIRMING


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
    """The newest confirmation of a content of a target's file; None if no record that holds confirms it.

    Of a night only the confirmation that stands counts: a later check or a row that was taken out replaces the first.
    """
    replaced: set[str] = set()
    for segment in _confirms(repository, target, blob):
        night = str(segment.header.get("night")) if segment.events else ""
        for found in standing.confirmations([] if night in replaced else [segment]):
            event, number = found.event, _row(found.event, blob)
            replaced |= {night} if standing.counts(found) else set()
            if number and (vouched := _vouched(repository, target, segment, event, number)):
                return vouched
    return None


def check_whole(repository: Repository, target: str, found: Vouched, blob: str) -> None:
    """Holds the whole record of the night against its base commit, decisions and contents. Raises IntegrityError."""
    with archive.opened(repository, found.night) as night:
        loaded = config.load_targets(CommitSource(repository, night.plan.base), [target])[0]
        received = handover.read(night, loaded).received
    if blob not in {repository.blob_id(row) for row in received.rows}:
        raise IntegrityError(f"{target}: the night {found.night} did not confirm {blob[:12]}")


def _confirms(repository: Repository, target: str, blob: str) -> Iterator[Segment]:
    """Segments that confirm, of the nights that proposed a content, the newest first; no other is read."""
    proposed = _proposed(repository, records.tip(repository)).get((target, blob), set())
    tree = {
        path: held
        for verb in CONFIRMING
        for path, held in chain.recorded(repository, target, verb).items()
        if path.partition("/")[2].partition(".")[0] in proposed
    }
    contents = repository.blobs(tree.values())
    paths = [path for path in tree if path.endswith(".jsonl")]
    for path in sorted(paths, key=_age, reverse=True):
        pack = path.removesuffix("jsonl") + "pack"
        name = path.removesuffix(".jsonl").partition("/")[2]
        yield events.parse(name, contents[tree[path]], contents[tree[pack]] if pack in tree else b"")


@functools.lru_cache(maxsize=2)
def _proposed(repository: Repository, _tip: str | None) -> dict[tuple[str, str], set[str]]:
    """(target, content) -> the nights that proposed it."""
    found: dict[tuple[str, str], set[str]] = {}
    for segment in records.proposals(repository):
        for event in folds.of_kind([segment], "proposed"):
            for row in event["rows"]:
                found.setdefault((segment.header["target"], row), set()).add(segment.header["night"])
    return found


def _age(path: str) -> tuple[str, int, int]:
    night = path.partition("/")[2].partition(".")[0]
    return *records.night_order(night), segment_number(path.removesuffix(".jsonl"))


def _row(event: Event, blob: str) -> int:
    """The number of the row that ends at this content; 0 if none does."""
    if event.get("verdict") != "confirmed":
        return 0
    return next((row["number"] for row in event.get("rows", []) if row["blob"] == blob), 0)


def _vouched(repository: Repository, target: str, segment: Segment, event: Event, number: int) -> Vouched | None:
    """None where the record of the night does not verify."""
    night = segment.header["night"]
    files = {
        path.partition("/")[2]: content
        for path, content in records.fetch_night(repository, night).items()
        if path.startswith(f"{target}/")
    }
    whole = sorted(
        (
            events.parse(name.removesuffix(".jsonl"), data, files.get(name.removesuffix("jsonl") + "pack", b""))
            for name, data in files.items()
            if name.endswith(".jsonl")
        ),
        key=lambda found: segment_number(found.name),
    )
    if events.verify_order(whole) or segment.header.get("target") != target:
        return None
    packs = {
        key: content
        for one in whole
        if (pack := files.get(f"{one.name}.pack"))
        for key, content in events.packed_contents(one, pack).items()
    }
    rule = folds.rule_of(segment.header)
    seconds = [float(found["seconds"]) for found in folds.of_kind(whole, "baseline")]
    rows = event["rows"]
    return Vouched(
        night=night,
        row=number,
        whole=number == rows[-1]["number"],
        base=folds.restore(whole, 0, packs)[1],
        predicted=_predicted(event, rows, number, headline_gain(rule, **_sides(event))),
        lock=segment.header["lock"],
        seal=segment.chain,
        pairs=len(event.get("pairs", [])),
        seconds=seconds[-1] if seconds else 0.0,
    )


def _sides(event: Event) -> dict[str, Mapping[str, float]]:
    return {"before": event["search"]["base"], "after": event["search"]["head"]}


def _predicted(event: Event, rows: list[dict[str, Any]], number: int, exact: float) -> Predicted:
    """What confirm measured of the whole; of a part of it the sum of its rows."""
    if number != rows[-1]["number"]:
        adds = sum(float(row["adds"]) for row in rows if row["number"] <= number)
        return Predicted("pairs" if "confirmed" in event else "search", adds, adds, adds)
    for key, how in (("holdout", "held-out"), ("confirmed", "pairs")):
        if key in event:
            return Predicted(how, event[key]["gain"], event[key]["low"], event[key]["high"])
    return Predicted("search", exact, exact, exact)
