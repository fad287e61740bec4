"""What keeps a key inside its process: no core, no look from outside, no life beyond the night's."""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import signal
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path

OTHER_UID = 64_253  # of nobody who logs in, and not what candidates run as
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


def hardened(*, owns: Iterable[Path], reads: Iterable[Path]) -> str:
    """Takes what this process can do without. owns: folders and files it goes on writing; reads: files it may still
    load. Says what was not to be had, "" where all was."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said = _as_another(owns, reads)
    if sys.platform != "linux":
        return said or "only Linux hides a process from others of its user"
    # after the change of user, which resets both
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) or libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    return said


def _as_another(owns: Iterable[Path], reads: Iterable[Path]) -> str:
    if os.geteuid() != 0:
        return "same user as the night: only root can change it"
    hidden = next((path for path in reads if not open_to_all(path)), None)
    closed = next((path for path in owns if not open_to_all(path.parent)), None)
    if hidden or closed:
        return f"same user as the night: another one could not reach {hidden or closed}"
    for path in owns:
        for one in (path, *path.rglob("*")):
            os.chown(one, OTHER_UID, OTHER_UID, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(OTHER_UID, OTHER_UID, OTHER_UID)
    os.setresuid(OTHER_UID, OTHER_UID, OTHER_UID)
    return ""


def open_to_all(path: Path) -> bool:
    """Whether any user may pass through all folders above, and read what is there."""
    path = path.resolve()
    wanted = 0o005 if path.is_dir() else 0o004
    return path.stat().st_mode & wanted == wanted and all(folder.stat().st_mode & 0o001 for folder in path.parents)


def take(names: Iterable[str], environment: MutableMapping[str, str] = os.environ) -> dict[str, str]:
    """The values of these variables without space around them, which no header could carry, taken out of this
    process's environment: where Linux shows it to others, too.

    Call it before anything else is started. What the process that started this one holds is out of reach.
    """
    found = {name: environment[name].strip() for name in names if environment.get(name, "").strip()}
    if sys.platform == "linux" and environment is os.environ:
        for name in found:
            _blank(name)
    for name in found:
        del environment[name]
    return found


def _blank(name: str) -> None:
    """Overwrites a value where it stands in memory, which is what /proc/<pid>/environ shows. A name can stand twice."""
    entries = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    for address in itertools.takewhile(bool, map(entries.__getitem__, itertools.count())):
        entry = ctypes.string_at(address)
        if entry.startswith(start := os.fsencode(f"{name}=")):
            ctypes.memset(address + len(start), ord("-"), len(entry) - len(start))


def unreadable() -> None:
    """From now on no other process of this user can look into this one, and no core of it is written. Not for a process
    that leaves the network afterwards: to do that it has to be its own."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
