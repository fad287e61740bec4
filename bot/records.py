"""The records branch, autoresearch/results: every segment of every night, merged or not. It only ever grows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot import commits
from harness import events
from harness.errors import IntegrityError
from harness.events import Segment
from harness.repository import Repository

BRANCH = "refs/heads/autoresearch/results"


def append(repository: Repository, files: Mapping[str, bytes], message: str, date: int) -> None:
    """Adds files (path -> content) that are not there yet, in one commit; none is ever replaced.

    Raises IntegrityError if one is there with other content.
    """
    tip = repository.reference(BRANCH)
    there = repository.tree(tip) if tip else {}
    new = {}
    for path, content in files.items():
        if path not in there:
            new[path] = content
        elif there[path][1] != repository.blob_id(content):
            raise IntegrityError(
                f"{path} on the records branch differs from what this night wrote",
                why="nothing recorded is ever rewritten, so one of the two was changed by hand",
                next_step="git log autoresearch/results shows who; autoresearch log --verify names the first bad line",
            )
    if new:
        blobs = {path: commits.write_blob(repository, content) for path, content in new.items()}
        commit = commits.commit_tree(repository, tip, blobs, message, date)
        commits.move(repository, BRANCH, commit, tip)


def night_files(folder: Path, target: str) -> dict[str, bytes]:
    """The sealed segments of a target's folder and their packs, as they stand on the branch."""
    found = {}
    for path in sorted(folder.glob("*.jsonl")):
        for part in (path, path.with_suffix(".pack")):
            if part.exists():
                found[f"{target}/{part.name}"] = part.read_bytes()
    return found


def segments(repository: Repository, target: str) -> Iterator[Segment]:
    """Every recorded segment of a target, verified, in path order."""
    tip = repository.reference(BRANCH)
    tree = repository.tree(tip, target) if tip else {}
    contents = repository.blobs(blob for _mode, blob in tree.values())
    for path, (_mode, blob) in tree.items():
        if path.endswith(".jsonl"):
            pack = tree.get(f"{path.removesuffix('.jsonl')}.pack")
            name = os.path.basename(path).removesuffix(".jsonl")  # noqa: PTH119  # a path inside git, not on this disk
            yield events.parse(name, contents[blob], contents[pack[1]] if pack else b"")


def fetch_night(repository: Repository, night: str, into: Path) -> list[str]:
    """Writes a night's segments from the branch below `into`; the targets that it found."""
    tip = repository.reference(BRANCH)
    tree = repository.tree(tip) if tip else {}
    wanted = {path: blob for path, (_mode, blob) in tree.items() if Path(path).name.startswith(f"{night}.")}
    contents = repository.blobs(wanted.values())
    for path, blob in wanted.items():
        place = into / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contents[blob])
    return sorted({path.split("/")[0] for path in wanted})
