"""Tries to break out of the sandbox before the first candidate can.

One probe runs three times: without the sandbox, where it must get at everything (else its failures would prove
nothing); behind the first layers alone, where it must get at nothing but the view it was given and what only the second
layers refuse; and in the whole sandbox. So a first layer that is gone is not hidden by a second one.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import SandboxError
from harness.process import Finished, printable, run_bounded
from harness.sandbox import bwrap, identity, landlock, seccomp
from harness.sandbox.limits import Limits
from harness.sandbox.probe import PROBE as _PROBE
from harness.sandbox.views import ROOT_VARIABLE

_CANARY = "AUTORESEARCH_CANARY"
_SECONDS = 20.0  # for a loaded machine; the probe takes some 20 ms
_LIMITS = Limits(seconds=_SECONDS, memory=1 << 30, processes=8)
_VIEW = "shown"
_FORKS = 12  # more than the limit

_REACHES = {
    "network": "connect to a server on this machine",
    "write": "write outside its scratch folder",
    "environment": "read the environment of what started it",
    "file": "read a file it was not shown",
    "processes": "see this machine's processes",
    "kernel": "change this machine's kernel settings",
    "forks": "start more processes than its limit allows",
    "private": "read what only the bot's user may read",
}
_SECOND_REACHES = {"sockets": "open a socket", "device": "write to a device it has no use for"}
_REFUSALS = (  # under /proc/sys: what refuses user namespaces, at which value, and the cure
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap an AppArmor profile with userns",
    ),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
)
_NEEDS_ROOT = {"kernel"}  # where the probe fails without a sandbox too, unless it is root


@dataclass(frozen=True)
class Layer:
    """A layer that a kernel or a start as another user may lack. missing: why it is not there; empty if it holds."""

    name: str
    missing: str

    def __str__(self) -> str:
        return f"{self.name}: {self.missing or 'holds'}"


def layers() -> tuple[Layer, ...]:
    """The layers behind those without which no candidate runs. What they lack here is to be told, not refused.

    Of those that are said to hold, `self_test` has tested that they do.
    """
    return (
        Layer("a user of its own", identity.refused()),
        Layer("seccomp", seccomp.unsupported()),
        Layer("landlock", landlock.unsupported()),
    )


@functools.cache
def self_test() -> None:
    """Returns if a sandbox can be started here and holds; the answer is kept for the life of this process.

    Raises SandboxError, at every call anew, when bubblewrap is missing, the system refuses it, or a probe in the
    sandbox gets at something it must not, or without the sandbox does not get at it.
    """
    bwrap.find()
    with _bait() as (folder, hint):
        probe = ["-I", "-S", "-c", _PROBE]
        outside = run_bounded([sys.executable, *probe], cwd=folder, env=os.environ, timeout=_SECONDS, stdin=hint)
        _require_control(outside)
        for second in (False, True):
            command = bwrap.command(
                ["python", *probe], sees=[_VIEW], limits=_LIMITS, folder=folder, second_layers=second
            )
            _require_hold(run_bounded(command, cwd="/", env={}, timeout=_SECONDS, stdin=hint), _refused(second))


def _refused(second: bool) -> dict[str, str]:
    """What the probe must not get at, with what that would mean, given the layers that are to be had here."""
    refused = dict(_REACHES)
    if identity.refused():
        del refused["private"]
        if os.geteuid() == 0:
            del refused["forks"]  # the kernel holds root to no number of processes; the watch does
    if second and not seccomp.unsupported():
        refused["sockets"] = _SECOND_REACHES["sockets"]
    if second and not landlock.unsupported():
        refused["device"] = _SECOND_REACHES["device"]
    return refused


@contextlib.contextmanager
def _bait() -> Iterator[tuple[Path, bytes]]:
    """A folder, a listener and a variable to be found, and what the probe is told to find them."""
    token = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(prefix="autoresearch-") as name,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        folder = Path(name).resolve()
        (folder / _VIEW).mkdir()
        for file in (folder / "secret", folder / _VIEW / "file", folder / _VIEW / "private"):
            file.write_text(token)
            file.chmod(0o644)
        (folder / _VIEW / "private").chmod(0o600)
        for place in (folder, folder / _VIEW):
            place.chmod(0o777)  # so that no user is shut out by anything but the sandbox
        hint = {
            "token": token,
            "port": server.getsockname()[1],
            "folder": str(folder),
            "process": os.getpid(),
            "started": _started(),
            "forks": _FORKS,
        }
        with _environment({_CANARY: token, ROOT_VARIABLE: str(folder)}):
            yield folder, json.dumps(hint).encode()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _started() -> str:
    """When this process began, in the kernel's ticks: with its number, what no other process has."""
    return Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]


def _require_control(outside: Finished) -> None:
    reached = _reached(outside)
    missed = [name for name in ("view", *_REACHES, *_SECOND_REACHES) if not reached.get(name)]
    if os.geteuid() != 0:
        missed = [name for name in missed if name not in _NEEDS_ROOT]
    if missed:
        raise SandboxError(
            "the sandbox's self-test proves nothing here: without any sandbox its probe fails as well",
            why=f"not reached: {', '.join(missed)} {_last_line(outside.stderr)}".rstrip(),
            next_step="run it where a local server, /proc and the folder for temporary files can be used",
        )


def _require_hold(inside: Finished, refused: Mapping[str, str]) -> None:
    reached = _reached(inside)
    if not reached.get("view"):
        raise not_started(inside.stderr)
    if leaks := [what for name, what in refused.items() if reached.get(name, True)]:
        raise SandboxError(
            f"the sandbox does not hold: a candidate in it can {', and '.join(leaks)}",
            why=f"{bwrap.find()} started, but does not isolate on this system",
            next_step="update bubblewrap to 0.8 or later; until then no candidate code is run here",
        )


def _reached(finished: Finished) -> Mapping[str, bool]:
    """What the probe says it got at; nothing at all if it did not run to its end."""
    if finished.exit_code or finished.stopped:
        return {}
    try:
        said = json.loads(finished.stdout)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def not_started(stderr: bytes) -> SandboxError:
    """The error for a bwrap that ended before the candidate began, from what it said."""
    what = "candidate code needs a sandbox, and bubblewrap cannot start one here"
    why = _last_line(stderr) or "it ended without a word"
    if why.startswith("sandbox: "):
        return SandboxError(
            "candidate code needs a sandbox, and the launcher in it failed",
            why=why,
            next_step="let other users read this Python (chmod -R o+rX), or use the system's python3 for the bot",
        )
    if "Unknown option" in why:
        return SandboxError(what, why=why, next_step=f"it is too old, 0.8 is enough: {bwrap.INSTALL}")
    for setting, refusing, cure in _REFUSALS:
        if _read(setting) == refusing:
            return SandboxError(what, why=f"{why}; {setting} is {refusing}", next_step=cure)
    return SandboxError(
        what, why=why, next_step="allow user namespaces, in a container by its seccomp profile: unshare -Ur true"
    )


def _read(setting: str) -> str:
    try:
        return Path("/proc/sys", setting).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _last_line(stderr: bytes) -> str:
    return printable(stderr).strip().rpartition("\n")[2][-300:]
