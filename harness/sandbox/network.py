"""Takes the network away from this process and all that it will start."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41


def leave_network() -> bool:
    """Moves this process into a network namespace that has nothing but its own loopback. Whether that worked.

    Call it before any thread starts: the kernel refuses a user namespace to a process with threads. Where it does not
    work (no Linux, or user namespaces are restricted) the locked evaluator keeps the machine's network; a candidate,
    which runs in a sandbox of its own, never has one.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    flags = _CLONE_NEWNET if uid == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    if library.unshare(flags) != 0:
        return False
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    _loopback_up()
    return True


def _loopback_up() -> None:
    """An evaluator may start a server of its own on 127.0.0.1."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _IFF_UP_RUNNING, b""))
