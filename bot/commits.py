"""Commits made from blobs with git plumbing: no checkout, no hook, no link, no mode but 100644."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import RepositoryError
from harness.repository import Repository

AUTHOR = "autoresearch"
EMAIL = "autoresearch@localhost"


def write_blob(repository: Repository, content: bytes) -> str:
    """Stores a content; its id. Filters and line-ending rules of the repository do not touch it."""
    return repository.git("hash-object", "-w", "-t", "blob", "--no-filters", "--stdin", stdin=content).decode().strip()


def commit_tree(repository: Repository, parent: str | None, blobs: Mapping[str, str], message: str, date: int) -> str:
    """The parent's tree with these files (path -> blob id) set, committed. The same arguments give the same commit.

    date: seconds since 1970, of author and committer alike.
    """
    with tempfile.TemporaryDirectory(prefix="autoresearch-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if parent:
            repository.git("read-tree", parent, env=index)
        entries = "".join(f"100644 {blob}\t{path}\0" for path, blob in sorted(blobs.items()))
        repository.git("update-index", "-z", "--index-info", stdin=os.fsencode(entries), env=index)
        tree = repository.git("write-tree", env=index).decode().strip()
    who = {
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_AUTHOR_DATE": f"{date} +0000",
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": EMAIL,
        "GIT_COMMITTER_DATE": f"{date} +0000",
    }
    parents = ["-p", parent] if parent else []
    # An explicit "no": a signing key belongs to a person, and this commit is not theirs.
    arguments = ["commit-tree", "--no-gpg-sign", tree, *parents]
    return repository.git(*arguments, stdin=message.encode(), env=who).decode().strip()


def annotated_tag(repository: Repository, name: str, commit: str, message: str, date: int) -> str:
    """Stores an annotated tag of a commit, its id. The same arguments give the same tag; nothing points at it yet."""
    head = f"object {commit}\ntype commit\ntag {name}\ntagger {AUTHOR} <{EMAIL}> {date} +0000\n\n"
    return repository.git("mktag", stdin=f"{head}{message}".encode()).decode().strip()


def move(repository: Repository, reference: str, to: str, expected: str | None) -> None:
    """Points a reference at a commit, if it still stands where it was expected (None: does not exist yet)."""
    before = expected or "0" * len(to)
    try:
        repository.git("update-ref", "-m", "autoresearch", reference, to, before)
    except RepositoryError as error:
        raise RepositoryError(
            f"{reference} moved while it was being written", why=error.why, next_step="run the command again"
        ) from None


def push(repository: Repository, url: str, what: str, options: Sequence[str], env: Mapping[str, str]) -> None:
    """Pushes one branch (<commit or reference>:<reference>), running no hook. Raises RepositoryError."""
    repository.git("push", "--quiet", "--no-verify", *options, url, what, env=env)
