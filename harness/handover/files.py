"""What lies in a folder that somebody else filled: plain files of expected names, read within bounds; the rest named.

A link, a device, a FIFO or a folder is never followed or opened for its content. A file with a second name (a hard
link) is left out too: mending it would change the other one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import IntegrityError

MOST_ENTRIES = 4096
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Files:
    """contents: name -> bytes; left_out: name -> why it was not read."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


def read_folder(folder: Path, wanted: re.Pattern[str], ignored: re.Pattern[str], most: Mapping[str, int]) -> Files:
    """The wanted files of a folder. most: suffix -> bytes of all files of that suffix together; ignored: what may lie
    there unread. Raises IntegrityError where the folder is no folder, or a bound is passed."""
    try:
        handle = os.open(folder, _OPEN | os.O_DIRECTORY)
    except FileNotFoundError:
        return Files()
    except OSError:
        raise IntegrityError(
            f"{folder.name}: the target's folder is a link, or no folder at all",
            why="nothing that this program writes makes it one",
            next_step=f"look at {folder} before you remove it",
        ) from None
    try:
        return _read(handle, folder.name, wanted, ignored, most)
    finally:
        os.close(handle)


def _read(handle: int, where: str, wanted: re.Pattern[str], ignored: re.Pattern[str], most: Mapping[str, int]) -> Files:
    contents, left_out, room = {}, {}, dict(most)
    for name in _names(handle, where):
        suffix = os.path.splitext(name)[1]  # noqa: PTH122  # a name, which need not be a path's
        why = "" if wanted.fullmatch(name) else "not a name that a night writes"
        if why and ignored.fullmatch(name):
            continue
        why = why or _problem(handle, name)
        if why:
            left_out[name] = why
            continue
        found = read_bounded(handle, name, room[suffix])
        if found is None:
            raise IntegrityError(f"{where}/{name}: larger than a night can make it ({most[suffix]:,} bytes)")
        contents[name] = found
        room[suffix] -= len(found)
    return Files(contents, left_out)


def _names(handle: int, where: str) -> list[str]:
    names = []
    with os.scandir(handle) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > MOST_ENTRIES:
                raise IntegrityError(f"{where}: the folder holds more than {MOST_ENTRIES:,} files")
    return sorted(names)


def _problem(handle: int, name: str) -> str:
    """Why a file is not read, from its kind alone."""
    status = os.lstat(name, dir_fd=handle)
    if stat.S_ISLNK(status.st_mode):
        return "a link"
    if not stat.S_ISREG(status.st_mode):
        return "not a plain file"
    return "a file with a second name" if status.st_nlink != 1 else ""


def read_bounded(handle: int, name: str, most: int) -> bytes | None:
    """A file's content, or None if it is larger than `most`, without reading more than that."""
    with os.fdopen(os.open(name, _OPEN, dir_fd=handle), "rb") as file:
        if os.fstat(file.fileno()).st_size > most:
            return None
        found = file.read(most + 1)
    return found if len(found) <= most else None
