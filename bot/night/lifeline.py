"""A verb that a night started must not outlive it: an orphan would hold the mutex and write beside its successor."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PARENT_VARIABLE = "AUTORESEARCH_NIGHT"
_PR_SET_PDEATHSIG = 1
_POLL = 0.5  # seconds; only where the system does not tell of a parent's death


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
