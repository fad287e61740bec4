"""Tries to break out of the sandbox before the first candidate can.

One probe runs twice: without the sandbox, where it must get at everything (else its failures would prove nothing),
and in it, where it must get at nothing but the view it was given.
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
from pathlib import Path

from harness.errors import SandboxError
from harness.process import Finished, printable, run_bounded
from harness.sandbox import bwrap
from harness.sandbox.limits import Limits

_CANARY = "AUTORESEARCH_CANARY"
_SECONDS = 20.0  # for a loaded machine; the probe takes some 20 ms
_LIMITS = Limits(seconds=_SECONDS, memory=1 << 30)
_VIEW = "shown"

_PROBE = """
import json, os, socket, sys

hint = json.load(sys.stdin)
token = hint["token"].encode()

def holds(*paths):
    for path in paths:
        try:
            with open(path, "rb") as file:
                if token in file.read():
                    return True
        except OSError:
            pass
    return False

def writes(*paths, flags=os.O_CREAT):
    for path in paths:
        try:
            os.close(os.open(path, os.O_WRONLY | flags, 0o600))
            return True
        except OSError:
            pass
    return False

def connects():
    try:
        socket.create_connection(("127.0.0.1", hint["port"]), timeout=2).close()
        return True
    except OSError:
        return False

def sees_host():
    try:
        with open(f"/proc/{hint['process']}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode() == hint["started"]
    except OSError:
        return False

processes = (name for name in os.listdir("/proc") if name.isdigit())
print(json.dumps({
    "view": holds("shown/file"),
    "network": connects(),
    "write": writes("shown/written", hint["folder"] + "/written"),
    "environment": token.decode() in os.environ.values() or holds(*(f"/proc/{name}/environ" for name in processes)),
    "file": holds(hint["folder"] + "/secret", "secret", "../secret"),
    "processes": sees_host(),
    "kernel": writes("/proc/sys/kernel/core_pattern", flags=0),
}))
"""

_REACHES = {
    "network": "connect to a server on this machine",
    "write": "write outside its scratch folder",
    "environment": "read the environment of what started it",
    "file": "read a file it was not shown",
    "processes": "see this machine's processes",
    "kernel": "change this machine's kernel settings",
}
_NEEDS_ROOT = {"kernel"}  # where the probe fails without a sandbox too, unless it is root


@functools.cache
def self_test() -> None:
    """Returns if a sandbox can be started here and holds; the answer is kept for the life of this process.

    Raises SandboxError, at every call anew, when bubblewrap is missing, the system refuses it, or a probe in the
    sandbox gets at something it must not, or without the sandbox does not get at it.
    """
    bwrap.find()
    with _bait() as (folder, hint):
        python = Path(sys.base_prefix, "bin", "python3")
        open_field = _probe([str(python if python.exists() else sys.executable), "-I", "-S"], hint, folder, os.environ)
        _require_control(open_field)
        argv = ["python", "-I", "-S", "-c", _PROBE]
        inside = bwrap.command(argv, sees=[_VIEW], limits=_LIMITS, folder=folder)
        _require_nothing_reached(_run(inside, hint, Path("/"), {}))


@contextlib.contextmanager
def _bait() -> Iterator[tuple[Path, bytes]]:
    """A folder, a listener and a variable to be found, and what the probe is told to find them."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="autoresearch-") as name, socket.create_server(("127.0.0.1", 0)) as server:
        folder = Path(name).resolve()
        (folder / _VIEW).mkdir()
        for file in (folder / "secret", folder / _VIEW / "file"):
            file.write_text(token)
        hint = {
            "token": token,
            "port": server.getsockname()[1],
            "folder": str(folder),
            "process": os.getpid(),
            "started": _started(),
        }
        os.environ[_CANARY] = token
        try:
            yield folder, json.dumps(hint).encode()
        finally:
            del os.environ[_CANARY]
