"""As whom a candidate runs. Where the bot is root: a user of its own, who has no other process and no file."""

from __future__ import annotations

import functools
import os
import secrets
from pathlib import Path

_FIRST, _COUNT = 0x70000000, 1 << 27  # a range that systemd's list of user numbers leaves unused
_CAPABILITIES = {6: "CAP_SETGID", 7: "CAP_SETUID", 8: "CAP_SETPCAP", 21: "CAP_SYS_ADMIN"}


def own_uid() -> int | None:
    """A user for one launch; None where this process may not take one, and a user namespace has to do."""
    return None if refused() else _FIRST + secrets.randbelow(_COUNT)


@functools.cache
def refused() -> str:
    """Why a launch cannot have a user of its own; nothing if it can."""
    if os.geteuid() != 0:
        return "the bot is not root; a user namespace and its count of processes take the place"
    held = _effective()
    if lacking := [name for bit, name in _CAPABILITIES.items() if not held >> bit & 1]:
        return f"root lacks {', '.join(lacking)} here"
    if not _all_users_exist():
        return "the bot runs in a user namespace, which has few users"
    return ""


def _effective() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("CapEff:")[2].split()[0], 16)


def _all_users_exist() -> bool:
    ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text("ascii").splitlines()]
    return any(first <= _FIRST and first + count >= _FIRST + _COUNT for first, _outside, count in ranges)
