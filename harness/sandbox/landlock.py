"""What a candidate may do with the files it is shown, told to the kernel a second time: landlock rules.

The mounts say it first. These rules hold where a mount would not: they go with the process and its children, whatever
they are shown. The launcher keeps of them what its kernel knows.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path

Rules = tuple[tuple[str, int], ...]  # a path in the sandbox, and what may be done beneath it

_CREATE_RULESET, _VERSION = 444, 1
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_SOCKET, _MAKE_PIPE, _MAKE_LINK = 1 << 9, 1 << 10, 1 << 12
_MOVE, _TRUNCATE, _CONTROL = 1 << 13, 1 << 14, 1 << 15
_SEE = _EXECUTE | _READ | _LIST
_USE = _SEE | _WRITE | _TRUNCATE | _MOVE | _REMOVE_DIR | _REMOVE_FILE
_MAKE = _MAKE_DIR | _MAKE_FILE | _MAKE_SOCKET | _MAKE_PIPE | _MAKE_LINK  # no devices
_DEVICES = ("null", "zero", "full", "tty", "ptmx", "pts")


def abi() -> int:
    """Which version of landlock this kernel has; 0 if none."""
    if sys.platform != "linux":
        return 0
    found: int = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return max(found, 0)


def unsupported() -> str:
    """Why this layer cannot be had here; nothing if it can."""
    return "" if abi() else "this kernel has no landlock (Linux 5.13, and landlock in its list of security modules)"


def rules(shown: Sequence[Path], scratch: Sequence[str], nodes: Sequence[Path] = (), *, threads: bool = False) -> Rules:
    """shown: the folders that are read only; scratch: those that may be changed; nodes: more devices; threads: whether
    their names may be written, which stand in /proc at places that nobody knows before."""
    names = [*(f"/dev/{name}" for name in _DEVICES), *map(str, nodes)]
    devices = [(name, _READ | _LIST | _WRITE | _TRUNCATE | _CONTROL) for name in names]
    seen = [(str(path), _SEE) for path in shown]
    processes = _READ | _LIST | (_WRITE | _TRUNCATE if threads else 0)
    return (*seen, ("/dev", _READ | _LIST), ("/proc", processes), *devices, *((p, _USE | _MAKE) for p in scratch))
