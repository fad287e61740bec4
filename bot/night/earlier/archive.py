"""Nights by name, wherever they are: this machine's own, else those on the records branch, laid out in a folder that
is thrown away. Both are read the same way, and believed as little."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot import records
from bot.night.folder import Night, night_named, nights, segment_number
from harness import events
from harness.errors import IntegrityError, NotFound
from harness.repository import Repository


@contextmanager
def opened(repository: Repository, name: str) -> Iterator[Night]:
    """The night of this name, or the last one for "". Raises NotFound."""
    here = [night.name for night in nights(repository)]
    elsewhere = records.nights(repository) if name not in here and (name or not here) else []
    wanted = name or (elsewhere[-1] if elsewhere else "")
    if not elsewhere or wanted not in elsewhere:
        yield night_named(repository, name)
        return
    with tempfile.TemporaryDirectory(prefix="autoresearch-archive-") as folder:
        yield _laid_out(repository, wanted, Path(folder))


def _laid_out(repository: Repository, name: str, folder: Path) -> Night:
    files = records.fetch_night(repository, name)
    night = Night(repository, folder / name)
    for path, content in files.items():
        place = night.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    headers = _headers(files)
    bases = {str(header.get("base")) for header in headers.values()}
    if len(bases) != 1:
        raise IntegrityError(f"autoresearch/results: the night {name} names {len(bases)} base commits")
    plan = {
        "night": name, "base": bases.pop(), "created": min(_number(header, "at") for header in headers.values()),
        "targets": [_share(target, header) for target, header in sorted(headers.items())],
        "wall_clock": None, "usd": None,
    }  # fmt: skip
    (night.path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    if repository.reference(f"{night.plan.base}^{{commit}}") is None:
        raise NotFound(
            f"the night {name} is recorded, but its base commit {night.plan.base[:12]} is not here",
            next_step="git fetch --unshallow, or git fetch from where the night ran",
        )
    return night


def _headers(files: Mapping[str, bytes]) -> dict[str, Mapping[str, Any]]:
    """The first header of each target. Raises IntegrityError where there is none."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted((p for p in files if p.endswith(".jsonl")), key=lambda p: segment_number(p[: -len(".jsonl")])):
        target, _, name = path.removesuffix(".jsonl").partition("/")
        if target not in found:
            segment = events.parse(name, files[path], files.get(f"{target}/{name}.pack", b""))
            if not segment.events:
                raise IntegrityError(f"autoresearch/results: {segment.bad}")
            found[target] = segment.header
    return found


def _share(target: str, header: Mapping[str, Any]) -> dict[str, Any]:
    """What the header of a night keeps of its plan; what it does not keep was no limit to reading it."""
    return {
        "name": target, "folder": "", "seed": header.get("seed"), "lock": header.get("lock"),
        "experiments": header.get("planned"), "wall_clock": None, "usd": header.get("usd"), "plateau": None,
    }  # fmt: skip


def _number(header: Mapping[str, Any], key: str) -> int:
    value = header.get(key)
    return value if isinstance(value, int) else -1
