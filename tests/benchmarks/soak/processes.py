"""Processes of a night as the system lists them, and how they are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 300.0  # seconds for an instant to come, or for a process to follow its parent


def strike(process: subprocess.Popen[bytes], whom: str) -> str:
    """Kills the whole process group, or the verb or the night alone; whom it met: without a verb, the group."""
    verb = next(iter(_children(process.pid)), None) if whom == "verb" else None
    whom = "group" if whom == "verb" and verb is None else whom
    with contextlib.suppress(ProcessLookupError):
        if whom == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(verb or process.pid, signal.SIGKILL)
    return whom


def alive(root: Path) -> list[str]:
    """Processes that work below a folder, or were started for it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                inside = str((entry / "cwd").readlink()).startswith(str(root))
                said = (entry / "cmdline").read_bytes()
                if inside or str(root).encode() in said + (entry / "environ").read_bytes():
                    found.append(said.replace(b"\0", b" ").decode(errors="replace"))
    return found


def _children(pid: int) -> Iterator[int]:
    """The verbs that a night has started."""
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, listing.read_text(encoding="ascii").split()):
                if b"bot.cli" in Path(f"/proc/{child}/cmdline").read_bytes():
                    yield child


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
