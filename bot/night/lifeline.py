"""Nothing of a night outlives it: an orphan would hold the mutex, or write and measure beside its successor.

A verb is killed when the night that started it is (`die_with_the_night`). What a verb starts leads sessions of its
own, which neither its death nor that of its group reaches: a second process waits for the verb's end, and then kills
whatever still works in its scratch folder (`killed_with_us`). That process is this file, run by itself; it may import
nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARENT_VARIABLE = "AUTORESEARCH_NIGHT"
_PR_SET_PDEATHSIG = 1
_POLL = 0.5  # seconds; only where the system does not tell of a parent's death
_ROUNDS = 200  # of looking for what is left, and of 10 ms each: what a process starts as it is killed is found next


def die_with_the_night() -> None:
    """Arranges that this process is killed when the night that started it is. Does nothing for a verb run by hand."""
    parent = os.environ.get(PARENT_VARIABLE, "")
    if not parent.isdigit():
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(int(parent),), daemon=True).start()
    if os.getppid() != int(parent):  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL)
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def killed_with_us(scratch: Path) -> Iterator[None]:
    """The end of this, or the death of this process in it, is that of all that works in a folder or was given it.

    Does nothing where there is no /proc.
    """
    if sys.platform != "linux":
        yield
        return
    waiting = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(scratch)], start_new_session=True, cwd="/", pass_fds=_mutex(),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        waiting.communicate()


def _mutex() -> tuple[int, ...]:
    """The mutex, where the night passed it on: held until all is dead, it makes the next night wait for that."""
    from bot.night.folder import MUTEX_VARIABLE

    number = os.environ.get(MUTEX_VARIABLE, "")
    with contextlib.suppress(OSError, ValueError):
        os.fstat(int(number))
        return (int(number),)
    return ()


def _outlive(scratch: str) -> None:
    """Waits for the end of the process that started this one, and kills what it left."""
    sys.stdin.buffer.read()
    for _ in range(_ROUNDS):
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        left = [pid for pid in pids if _works_in(pid, scratch)]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _works_in(pid: int, scratch: str) -> bool:
    """Whether a process stands in the folder, or was given it in its environment."""
    with contextlib.suppress(OSError):
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        if f"={scratch}/".encode() in environment:
            return True
        return f"{Path(f'/proc/{pid}/cwd').readlink()}/".startswith(f"{scratch}/")
    return False


if __name__ == "__main__":
    _outlive(sys.argv[1])
