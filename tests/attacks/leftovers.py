"""Finds what a candidate left running, by an argument that no other process has, and ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_PATIENCE = 5.0  # seconds that the kernel may take to end a process namespace


def processes(word: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def alive(word: str) -> bool:
    """Whether it goes on: what is being ended is waited for."""
    deadline = time.monotonic() + _PATIENCE
    while processes(word) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(processes(word))


def end(word: str) -> None:
    for pid in processes(word):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
