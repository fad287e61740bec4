"""Kills a process with all that descends from it, whatever group or session they have moved to."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path


def kill_tree(pid: int) -> None:
    """Kills a child of this process and all its descendants. Where the system is not Linux: nothing.

    Each is stopped before its children are looked up and killed after, so that it starts no other in between, and
    none of their numbers is given away. What had lost its parent before is nobody's descendant, and not found.
    """
    if sys.platform != "linux":
        return
    waiting = [(pid, _handle(pid))]
    while waiting:
        number, handle = waiting.pop()
        if handle < 0:
            continue
        _send(handle, signal.SIGSTOP)
        waiting += [(child, _handle(child)) for child in _children(number)]
        _send(handle, signal.SIGKILL)
        os.close(handle)


def _handle(pid: int) -> int:
    """A descriptor that goes on meaning this very process; -1 when it is over, or there is none to be had."""
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid)
    return -1


def _send(handle: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        signal.pidfd_send_signal(handle, number)


def _children(pid: int) -> Iterator[int]:
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, listing.read_text(encoding="ascii").split())
