"""What a command tells GitHub Actions: outputs of a step, the page of a job, and logs in which nothing is a command."""

from __future__ import annotations

import atexit
import io
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COMMAND = re.compile(r"((?:^|(?<=\r))\s*):(?=:)|(?<=#)#(?=\[)", re.MULTILINE)


def running() -> bool:
    """Whether this is a step of a workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def attempt() -> int | None:
    """Which attempt of its run this step belongs to; None outside a workflow."""
    number = os.environ.get("GITHUB_RUN_ATTEMPT", "")
    return int(number) if running() and number.isdecimal() else None


def ahead(number: int) -> str:
    """Why nothing can be of this attempt yet; nothing where it can. A job names what it hands over, so that who broke
    into one could otherwise be the newest for good."""
    now = attempt()
    return f"of attempt {number}, and this is attempt {now}" if now is not None and number > now else ""


def output(values: Mapping[str, str]) -> None:
    """Sets outputs of this step, each of one line. Does nothing elsewhere. Raises ValueError for more than a line."""
    for name, value in values.items():
        if not _NAME.fullmatch(name) or len(value.splitlines()) > 1 or "\n" in value:
            raise ValueError(f"{name} would be more than one output")
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in values.items()))


def summary(markdown: str) -> None:
    """Adds to the job's page. Does nothing elsewhere."""
    _append("GITHUB_STEP_SUMMARY", f"{markdown.rstrip()}\n\n")


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable, "")
    if running() and path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def inert(text: str) -> str:
    """Text in which a runner finds no command: `::error::` at the start of a line, `##[error]` anywhere."""
    return _COMMAND.sub(lambda found: f"{found[1] or ''}\\{found[0][-1]}", text)


class Inert(io.BufferedIOBase):
    """A stream in whose lines a runner finds no command, however they are cut into pieces.

    The beginning of a line waits for the rest of it.
    """

    def __init__(self, below: BinaryIO) -> None:
        self._below, self._line = below, b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._below.fileno()

    def isatty(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        whole, newline, self._line = (self._line + bytes(data)).rpartition(b"\n")
        self._below.write(_inert(whole) + newline)
        return len(data)

    def flush(self) -> None:
        self._below.flush()

    def end(self) -> None:
        self._below.write(_inert(self._line))
        self._line = b""
        self._below.flush()


def _inert(data: bytes) -> bytes:
    return inert(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def quiet_logs() -> None:
    """Makes what this process prints from here on inert, where a runner reads it."""
    if running():
        for name in ("stdout", "stderr"):
            stream = Inert(getattr(sys, name).buffer)
            setattr(sys, name, io.TextIOWrapper(stream, encoding="utf-8", errors="replace", write_through=True))
            atexit.register(stream.end)
