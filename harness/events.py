"""Segments: append-only files of chained events, the only state there is.

A segment is lines of JSON. Line 1 is its header, which names the chain value that the segment before it ended in; the
last line is its seal. Every line ends in `,"chain":"<64 hex>"}`: the SHA-256 of the chain value before it and of the
line's own bytes up to there. A byte that is not what was written therefore breaks the chain at its own line.

Contents that do not fit in a line stand in a pack beside the segment, named there by place and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contents import inline

GENESIS = "0" * 64
_TAIL = len(b',"chain":""}\n') + 64
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode

Event = dict[str, Any]


@dataclass(frozen=True)
class BadLine:
    """The first thing in a segment that is not as it was written. line counts from 1."""

    segment: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.segment}, line {self.line}: {self.why}"


@dataclass(frozen=True)
class Segment:
    """A segment read back: its intact events, header first; chain: the value after the last of them."""

    name: str
    events: tuple[Event, ...]
    chain: str
    size: int  # bytes of the intact lines
    bad: BadLine | None

    @property
    def header(self) -> Event:
        return self.events[0]

    @property
    def sealed(self) -> bool:
        return bool(self.events) and self.events[-1]["event"] == "seal"


class SegmentWriter:
    """Appends to one segment; each `append` is on disk when it returns."""

    def __init__(self, folder: Path, name: str, previous: str, header: Event) -> None:
        """Creates `<folder>/<name>.jsonl`, which must not exist, and writes its header."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.chain, self.count = name, previous, 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(folder / f"{name}.jsonl", flags, 0o644)
        self._pack_path = folder / f"{name}.pack"
        self._pack: int | None = None
        self._packed = self._synced = 0
        self.append([{"event": "header", "format": 1, "segment": name, "previous": previous, **header}])
        _sync_folder(folder)

    def append(self, events: Sequence[Event], *, wait: bool = True) -> None:
        """Writes events in one piece. wait: for the disk; without, a loss of power can take them, a kill cannot.

        Contents in the pack are waited for in any case: an event on disk whose content is not would be a damage.
        """
        lines = []
        for event in events:
            body = _ENCODE(event)[:-1].encode()
            self.chain = next_chain(self.chain, body)
            lines.append(body + f',"chain":"{self.chain}"}}\n'.encode())
            self.count += 1
        if self._pack is not None and self._packed > self._synced:
            os.fsync(self._pack)
            self._synced = self._packed
        _write_all(self._file, b"".join(lines))
        if wait:
            os.fsync(self._file)

    def content(self, content: bytes, parent: bytes | None) -> dict[str, Any]:
        """How an event holds a content: a patch against its parent's, the text itself, or a place in the pack."""
        held = inline(content, parent)
        return held if held is not None else {"pack": self._store(content)}

    def seal(self, end: str, **more: Any) -> str:
        """Ends the segment. end: a typed end reason, or why there is none. Returns the seal."""
        self.append([{"event": "seal", "events": self.count, "end": end, **more}])
        self.close()
        return self.chain

    def close(self) -> None:
        os.close(self._file)
        if self._pack is not None:
            os.close(self._pack)

    def _store(self, content: bytes) -> dict[str, Any]:
        if self._pack is None:
            self._pack = os.open(self._pack_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        place = {"at": self._packed, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        _write_all(self._pack, content)
        self._packed += len(content)
        return place


def read(path: Path) -> Segment:
    """Reads and verifies a segment of the night's folder, its pack included."""
    pack = path.with_suffix(".pack")
    return parse(path.stem, path.read_bytes(), pack.read_bytes() if pack.exists() else b"")


def parse(name: str, data: bytes, pack: bytes = b"") -> Segment:
    """Reads and verifies a segment from its bytes. Never raises for what the bytes are."""
    events: list[Event] = []
    chain, size, packed = "", 0, 0
    bad: BadLine | None = None
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            event, chain = _read_line(line, chain, number)
            packed = _check_pack(event, pack, packed)
        except ValueError as error:
            bad = BadLine(name, number, str(error))
            break
        events.append(event)
        size += len(line)
        if event["event"] == "seal" and len(data) > size:
            bad = BadLine(name, number + 1, "something follows the seal")
            break
    if bad is None:
        bad = _check_whole(name, events, pack, packed)
    return Segment(name, tuple(events), chain, size, bad)


def intact_lines(data: bytes) -> Iterator[bytes]:
    """The lines of a segment up to the first that is not as it was written: unparsed, without the chain value and the
    closing brace. What a pack holds is not looked at."""
    chain = b""
    for line in data.splitlines(keepends=True):
        body = line[:-_TAIL]
        chain = hashlib.sha256((chain or _header_previous(body).encode()) + body).hexdigest().encode()
        if line[-_TAIL:] != b',"chain":"' + chain + b'"}\n':
            return
        yield body


def verify_order(segments: Sequence[Segment]) -> BadLine | None:
    """The first fault in a night's segments of one target: inside one, or in how they follow each other."""
    previous = GENESIS
    for number, segment in enumerate(segments, start=1):
        bad = segment.bad or _check_place(segment, previous)
        if bad:
            return bad
        if not segment.sealed and number < len(segments):
            return BadLine(segment.name, len(segment.events) + 1, "the seal is missing")
        previous = segment.chain
    return None


def packed_contents(segment: Segment, pack: bytes) -> dict[str, bytes]:
    """SHA-256 -> content of everything in a segment's pack."""
    return {place["sha256"]: pack[place["at"] : place["at"] + place["size"]] for place in places(segment.events)}


def _read_line(line: bytes, chain: str, number: int) -> tuple[Event, str]:
    """The event of a line and the chain after it. Raises ValueError."""
    body = line[:-_TAIL]
    if not line.endswith(b'"}\n') or line[-_TAIL:-67] != b',"chain":"':
        raise ValueError("not a whole line: torn, or not written by this program")
    claimed = line[-67:-3].decode("ascii", "replace")
    if number == 1:
        chain = _header_previous(body)
    expected = next_chain(chain, body)
    if claimed != expected:
        raise ValueError("the chain breaks here: this line is not what was written")
    event = _loads(body)
    if (
        not isinstance(event, dict)
        or not isinstance(event.get("event"), str)
        or (number == 1) != (event["event"] == "header")
    ):
        raise ValueError("not an event")
    return event, expected


def _header_previous(body: bytes) -> str:
    try:
        return str(_loads(body)["previous"])
    except (ValueError, KeyError, TypeError):
        raise ValueError("the chain breaks here: the header cannot be read") from None


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body + b"}")
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _check_pack(event: Event, pack: bytes, packed: int) -> int:
    for place in places([event]):
        if not isinstance(place, dict) or any(
            type(place.get(key)) is not int or place[key] < 0 for key in ("at", "size")
        ):
            raise ValueError("names no place in the pack")
        content = pack[place["at"] : place["at"] + place["size"]]
        if place["at"] != packed or hashlib.sha256(content).hexdigest() != place.get("sha256"):
            raise ValueError(f"its content in the pack (byte {place['at']}) is not what was written")
        packed += place["size"]
    return packed


def _check_place(segment: Segment, previous: str) -> BadLine | None:
    """Whether a segment stands under its own name, behind the segment that it was written behind."""
    if not segment.events:
        return BadLine(segment.name, 1, "the segment is empty")
    if segment.header.get("segment") != segment.name:
        return BadLine(segment.name, 1, f"was written as {str(segment.header.get('segment'))[:80]}")
    if segment.header["previous"] != previous:
        return BadLine(segment.name, 1, "does not follow the segment before it: one is missing or was replaced")
    return None


def _check_whole(name: str, events: list[Event], pack: bytes, packed: int) -> BadLine | None:
    if not events or events[-1]["event"] != "seal":
        return None
    if events[-1].get("events") != len(events) - 1:
        return BadLine(name, len(events), "the seal counts other events")
    if len(pack) != packed:
        return BadLine(name, len(events), "the pack holds more than the events name")
    return None


def places(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    """Where the contents of events, and of the rows of a confirm, stand in the pack: in the order of writing."""
    for event in events:
        rows = event.get("rows")
        for holder in [event, *(rows if event["event"] == "confirm" and isinstance(rows, list) else [])]:
            held = holder.get("content") if isinstance(holder, dict) else None
            if isinstance(held, dict) and "pack" in held:
                yield held["pack"]


def next_chain(chain: str, body: bytes) -> str:
    """The chain value after a line, of which the body is all that stands before its own."""
    return hashlib.sha256(chain.encode() + body).hexdigest()


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
