"""The command that runs in the sandbox: the launcher with its plan, then the candidate."""

from __future__ import annotations

import functools
import importlib.util
import marshal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox import landlock, limits, seccomp
from harness.sandbox.limits import Limits

_START = "import marshal, sys; exec(marshal.loads(bytes.fromhex(sys.argv[1])))"
_STANDARD = 3  # descriptors
_BROWSER = 5  # and the two pipes by which a browser is driven


@dataclass(frozen=True)
class Second:
    """The layers behind the namespaces: seccomp's program and landlock's rules; either may be empty."""

    seccomp: bytes = b""
    landlock: landlock.Rules = ()
    tcp: bool = False  # whether landlock leaves it alone


def second(
    shown: Sequence[Path], scratch: Sequence[str], *, sockets: bool, loopback: bool = False,
    nodes: Sequence[Path] = (), threads: bool = False,
) -> Second:  # fmt: skip
    """nodes: devices that may be used; threads: whether a process may name its own."""
    program = seccomp.program(sockets=sockets or loopback, internet=loopback)
    return Second(program, landlock.rules(shown, scratch, nodes, threads=threads), tcp=loopback)


def first_closed(*, sockets: bool) -> int:
    """From which descriptor on all are closed before the candidate starts; 0: none are."""
    return _BROWSER if sockets else _STANDARD


def launched(
    argv: Sequence[str], bounds: Limits, behind: Second, *, python: str, uid: int | None, closed: int, kept: int = 0
) -> list[str]:
    """argv under its limits and second layers. python: the interpreter's path in the sandbox.

    kept: a descriptor that becomes the first after the standard ones; 0 for none.
    """
    plan = {
        "kept": (kept, _STANDARD) if kept else (),
        "closed": closed,
        "keyctl": seccomp.keyctl(),
        "uid": uid,
        "landlock": behind.landlock,
        "tcp": behind.tcp,
        "seccomp": behind.seccomp,
        "limits": limits.settings(bounds),
    }
    return [python, "-I", "-S", "-c", _START, _code(), marshal.dumps(plan).hex(), *argv]


@functools.cache
def _code() -> str:
    """The launcher, compiled by the interpreter that is the sandbox's too: reading its text would cost each start."""
    name = "harness.sandbox.launcher"
    found = importlib.util.find_spec(name)
    loader = found and found.loader
    return marshal.dumps(loader.get_code(name)).hex()  # type: ignore[union-attr]
