"""The records branch, autoresearch/results: every segment of every night, merged or not. It only ever grows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot import commits
from harness import events
from harness.errors import IntegrityError
from harness.events import Segment
from harness.handover.expected import MOST_PACK_BYTES, MOST_SEGMENT_BYTES
from harness.handover.plans import TARGET_NAME
from harness.repository import Repository

BRANCH = "refs/heads/autoresearch/results"
_ELSEWHERE = "refs/remotes/*/autoresearch/results"
_PATH = re.compile(
    rf"(?P<target>{TARGET_NAME.pattern})/(?P<name>(?P<night>[^/]+)\.(?P<number>[0-9]+)-(?P<verb>[a-z]+))\.(?:jsonl|pack)"
)

PROMOTIONS = "promoted"  # what stands for the night in the names of a target's promotions, which belong to no night

Tree = Mapping[str, str]  # path -> blob id


def tip(repository: Repository) -> str | None:
    """The branch's last commit: of this repository, else as a remote had it when it was last fetched."""
    here = repository.reference(BRANCH)
    if here:
        return here
    listed = repository.git("for-each-ref", "--format=%(refname)", _ELSEWHERE).decode().split()
    listed.sort(key=lambda name: name != "refs/remotes/origin/autoresearch/results")
    return repository.reference(listed[0]) if listed else None


def tree(repository: Repository) -> Tree:
    """What is on the branch."""
    last = tip(repository)
    return {path: blob for path, (_mode, blob) in repository.tree(last).items()} if last else {}


def check_same(repository: Repository, there: Tree, files: Mapping[str, bytes]) -> None:
    """Raises IntegrityError if one of these files (path -> content) is on the branch with other content."""
    for path, content in files.items():
        if path in there and there[path] != repository.blob_id(content):
            raise _differs(path)


def _differs(path: str) -> IntegrityError:
    return IntegrityError(
        f"{path} on the records branch differs from what this night wrote",
        why="nothing recorded is ever rewritten, so one of the two was changed by hand",
        next_step="git log autoresearch/results shows who; autoresearch log --verify names the first bad line",
    )


def append(repository: Repository, files: Mapping[str, bytes], message: str, date: int) -> None:
    """Adds files (path -> content) that are not there yet, in one commit; none is ever replaced.

    Raises IntegrityError if one is there with other content.
    """
    there = tree(repository)
    check_same(repository, there, files)
    new = {path: content for path, content in files.items() if path not in there}
    if new:
        blobs = {path: commits.write_blob(repository, content) for path, content in new.items()}
        commit = commits.commit_tree(repository, tip(repository), blobs, message, date)
        commits.move(repository, BRANCH, commit, repository.reference(BRANCH))


def join(repository: Repository, theirs: str | None) -> str | None:
    """Puts what only this repository recorded on top of theirs (a commit); the branch's new last commit.

    Raises IntegrityError if both recorded the same file with different content.
    """
    mine = repository.reference(BRANCH)
    if theirs is None or mine is None or _contains(repository, mine, theirs):
        return mine or theirs
    new = {path: blob for path, (_mode, blob) in repository.tree(mine).items()}
    for path, (_mode, blob) in repository.tree(theirs).items():
        if new.pop(path, blob) != blob:
            raise _differs(path)
    commit = theirs
    if new:
        date, _, message = repository.git("log", "-1", "--format=%ct%n%B", mine).decode().partition("\n")
        commit = commits.commit_tree(repository, theirs, new, f"{message.rstrip()}\n", int(date))
    commits.move(repository, BRANCH, commit, mine)
    return commit


def _contains(repository: Repository, commit: str, older: str) -> bool:
    return repository.git("rev-list", "--count", older, f"^{commit}").strip() == b"0"


def segments(repository: Repository, target: str) -> Iterator[Segment]:
    """Every recorded segment of a target, verified, in path order."""
    mine = {path: blob for path, blob in tree(repository).items() if path.startswith(f"{target}/")}
    contents = repository.blobs(mine.values())
    for path, blob in mine.items():
        found = _PATH.fullmatch(path)
        if found and path.endswith(".jsonl"):
            pack = mine.get(f"{path.removesuffix('.jsonl')}.pack")
            yield events.parse(found["name"], contents[blob], contents[pack] if pack else b"")


@dataclass(frozen=True)
class Place:
    """Where a segment is recorded."""

    target: str
    night: str
    verb: str
    blob: str


def places(repository: Repository) -> list[Place]:
    """Every recorded segment of all targets, in path order, unread."""
    return [
        Place(found["target"], found["night"], found["verb"], blob)
        for path, blob in tree(repository).items()
        if path.endswith(".jsonl") and (found := _PATH.fullmatch(path))
    ]


def proposals(repository: Repository) -> list[Segment]:
    """The segment of every `propose` that is recorded, verified, of all targets; nothing else is read for it."""
    wanted = {
        path: blob
        for path, blob in tree(repository).items()
        if path.endswith("-propose.jsonl") and _PATH.fullmatch(path)
    }
    contents = repository.blobs(wanted.values())
    found = []
    for path, blob in wanted.items():
        segment = events.parse(path.rpartition("/")[2].removesuffix(".jsonl"), contents[blob], b"")
        if segment.events:
            found.append(segment)
    return found


def night_order(night: str) -> tuple[str, int]:
    """Nights in time: the date, then the number of the night on that date."""
    date, number = night[:10], night[10:].rpartition("-")[2]
    return date, int(number) if number.isdigit() else 1


def nights(repository: Repository) -> list[str]:
    """The names of all recorded nights."""
    found = {part["night"] for path in tree(repository) if (part := _PATH.fullmatch(path))}
    return sorted(found - {PROMOTIONS})


def fetch_night(repository: Repository, night: str) -> dict[str, bytes]:
    """A night's files (<target>/<name> -> content), as they stand on the branch. Raises IntegrityError for one that is
    larger than any night makes it."""
    wanted = {
        path: blob
        for path, blob in tree(repository).items()
        if (found := _PATH.fullmatch(path)) and found["night"] == night
    }
    for path, size in _sizes(repository, wanted).items():
        if size > (MOST_PACK_BYTES if path.endswith(".pack") else MOST_SEGMENT_BYTES):
            raise IntegrityError(f"autoresearch/results: {path}: larger than a night can make it")
    contents = repository.blobs(wanted.values())
    return {path: contents[blob] for path, blob in wanted.items()}


def _sizes(repository: Repository, wanted: Tree) -> dict[str, int]:
    asked = "".join(f"{blob}\n" for blob in wanted.values()).encode()
    answer = repository.git("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked).decode()
    found = {}
    for path, line in zip(wanted, answer.splitlines(), strict=True):
        kind, _, size = line.partition(" ")
        if kind != "blob":
            raise IntegrityError(f"autoresearch/results: {path} is no file")
        found[path] = int(size)
    return found
