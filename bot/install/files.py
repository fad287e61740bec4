"""Whose is a file? What `install` writes begins with a line that says so and holds a hash of the rest."""

from __future__ import annotations

import difflib
import enum
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import ConfigError, Place

_HEADER = """\
# Written by `autoresearch install` (content {digest}): what is changed here is lost when it is written again.
# Change .github/autoresearch.yml or a target.yaml instead, then run `autoresearch install`; `--check` compares.
"""
_STAMP = re.compile(r"# Written by `autoresearch install` \(content ([0-9a-f]{16})\)[^\n]*\n#[^\n]*\n")
MOST_BYTES = 500_000  # what GitHub takes of a workflow


class State(enum.Enum):
    """Whose a file is: nobody's, ours as we wrote it, ours and changed since, or somebody else's."""

    ABSENT = "there is none"
    OURS = "written by `autoresearch install`"
    EDITED = "changed by hand since `autoresearch install` wrote it"
    FOREIGN = "not written by `autoresearch install`"

    @property
    def why(self) -> str:
        return self.value


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamped(body: str) -> str:
    """The body under a header that names it ours."""
    return _HEADER.format(digest=digest(body)) + body


def state(text: str | None) -> State:
    if text is None:
        return State.ABSENT
    found = _STAMP.match(text)
    if not found:
        return State.FOREIGN
    return State.OURS if found[1] == digest(text[found.end() :]) else State.EDITED


def body(text: str) -> str:
    """What stands under the header."""
    found = _STAMP.match(text)
    return text[found.end() :] if found else text


def read(path: Path) -> str | None:
    """A file's text with plain line ends, however git checked it out; None where there is none."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ConfigError(Place(str(path)), "is no plain file", next_step="move it away; install writes a file there")
    if not path.exists():
        return None
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        raise ConfigError(Place(str(path)), f"is larger than {MOST_BYTES:,} bytes, which no workflow may be")
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n")


def difference(path: str, before: str | None, after: str | None) -> Iterator[str]:
    """From what is there to what should be, as `diff -u` says it."""
    old, new = (before or "").splitlines(), (after or "").splitlines()
    yield from difflib.unified_diff(old, new, path if before is not None else "(absent)", path, lineterm="")
