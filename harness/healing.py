"""How an interrupted segment is ended: what was not written whole is cut off, and a seal is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.errors import IntegrityError
from harness.events import Segment, next_chain, parse, places, read


def heal(folder: Path, segment: Segment) -> Segment:
    """Ends an interrupted segment: a torn last line, or a last batch of which a part is missing, was never recorded.

    A kill can end a write at any byte. What would be left of a batch is cut off too: the rest of it would have to be
    measured against another incumbent than the one it was proposed for. Raises IntegrityError if anything but the last
    line is damaged.
    """
    path = folder / f"{segment.name}.jsonl"
    data = path.read_bytes()
    if b"\n" in data[segment.size :]:
        raise IntegrityError(
            f"{path}: {segment.bad}",
            why="a line in the middle of the record changed after it was written",
            next_step="autoresearch log --verify; the night cannot go on from a damaged record",
        )
    pack = path.with_suffix(".pack")
    contents = pack.read_bytes() if pack.exists() else b""
    kept = parse(segment.name, b"".join(data.splitlines(keepends=True)[: _whole(segment)]), contents)
    os.truncate(path, kept.size)
    if pack.exists():
        os.truncate(pack, max((place["at"] + place["size"] for place in places(kept.events)), default=0))
    if not kept.events:
        path.unlink()
        return kept
    body = json.dumps({"event": "seal", "events": len(kept.events), "end": "interrupted"}, separators=(",", ":"))
    chain = next_chain(kept.chain, body[:-1].encode())
    with path.open("ab") as file:
        file.write(body[:-1].encode() + f',"chain":"{chain}"}}\n'.encode())
        os.fsync(file.fileno())
    return read(path)


def _whole(segment: Segment) -> int:
    """How many events stand in front of an unfinished batch: all of them where the last one is whole."""
    count = len(segment.events)
    for at in reversed(range(count)):
        batch = segment.events[at].get("batch")
        if type(batch) is int and batch > 1:
            return at if at + batch > count else count
    return count
