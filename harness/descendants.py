"""A process with all that descends from it, whatever group or session they have moved to: found, watched, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Literal, Protocol

Broken = Literal["", "memory", "cpu", "processes"]


class Watch(Protocol):
    """Looks at a tree of processes every `interval` seconds."""

    @property
    def interval(self) -> float: ...

    def broken(self, leader: int) -> Broken:
        """Which bound the process and its descendants have broken together, if any."""


class Guard:
    """Kills a child as soon as a watch says that its tree has broken a bound. `verdict` is that bound.

    For a child that takes its descendants with it, as a sandbox does; in a thread of its own, because a long-lived
    child works on while nobody reads from it.
    """

    def __init__(self, pid: int, handle: int, watch: Watch) -> None:
        """handle: a pidfd of the child, which stays open until `stop`."""
        self.verdict: Broken = ""
        self._pid, self._handle, self._watch = pid, handle, watch
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self._watch.interval):
            if broken := self._watch.broken(self._pid):
                self.verdict = broken
                _send(self._handle, signal.SIGKILL)
                return

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


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


def members(pid: int) -> list[int]:
    """A process and its descendants as they are now, each after its parent."""
    found = {pid: None}
    waiting = [pid]
    while waiting:
        children = [child for child in _children(waiting.pop()) if child not in found]
        found.update(dict.fromkeys(children))
        waiting += children
    return list(found)


def _handle(pid: int) -> int:
    """A descriptor that goes on meaning this very process; -1 when it is over, or there is none to be had."""
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid)
    return -1


def _send(handle: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        signal.pidfd_send_signal(handle, number)


def _children(pid: int) -> list[int]:
    """Of all threads of a process; none if it ends meanwhile."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  # many times a second
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())
    return found
