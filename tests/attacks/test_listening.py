"""A candidate that is given a listening socket serves by it, and gets no further than any other."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import candidate
from harness.candidate import Limits
from harness.sandbox import launch, seccomp
from harness.sandbox.views import ROOT_VARIABLE

LIMITS = Limits(seconds=20, memory=256 << 20)
SERVES = """
import json, os, socket, sys
listener = socket.socket(fileno=3)
for line in sys.stdin:
    try:
        said = eval(line)
    except Exception as error:
        said = f"refused: {error!r}"
    print(json.dumps(said), flush=True)
"""
ACCEPTED = "(lambda taken: (taken.sendall(taken.recv(9) * 2), taken.close(), 'served')[2])(listener.accept()[0])"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "target"
    place.mkdir()
    (place / "serve.py").write_text(SERVES)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(place)
    monkeypatch.setenv(ROOT_VARIABLE, str(place))
    return place


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(str(tmp_path / "door"))
        made.listen()
        yield made


def said(session: candidate.Session, code: str) -> object:
    return json.loads(session.ask(code))


def serve(listener: socket.socket) -> candidate.Session:
    return candidate.serve(["python", "serve.py"], sees=["serve.py"], limits=LIMITS, listening=listener)


def test_it_serves(folder: Path, listener: socket.socket, tmp_path: Path) -> None:
    with serve(listener) as session, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "door"))
        client.sendall(b"ab")
        assert said(session, ACCEPTED) == "served"
        assert client.recv(9) == b"abab"


def test_it_is_given_that_descriptor_and_no_other(
    folder: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = os.open("serve.py", os.O_RDONLY)
    shown = "sorted(fd for fd in range(4096) if os.path.exists(f'/proc/self/fd/{fd}'))"
    try:
        with serve(listener) as session:
            assert said(session, shown) == [0, 1, 2, 3]
        # Control: where the launcher closes none, the number under which the socket came is open as well.
        monkeypatch.setattr(launch, "first_closed", lambda *, sockets: 4096)  # noqa: ARG005
        with serve(listener) as session:
            assert said(session, shown) == [0, 1, 2, 3, listener.fileno()]
    finally:
        os.close(beside)


ESCAPES = {
    "a socket of its own": "socket.socket(socket.AF_UNIX).fileno() > 0",
    "a connection": "socket.socket(socket.AF_UNIX).connect(chr(0) + 'nobody')",
    "the network": "socket.socket(socket.AF_INET).fileno() > 0",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_it_makes_no_socket(folder: Path, listener: socket.socket, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(listener) as session:
        assert "PermissionError" in str(said(session, ESCAPES[name]))
    monkeypatch.setattr(seccomp, "program", lambda **_: b"")
    with serve(listener) as session:
        assert "PermissionError" not in str(said(session, ESCAPES[name])), "the control reaches further"


def test_the_listener_connects_nowhere(folder: Path, listener: socket.socket, tmp_path: Path) -> None:
    """The place that it is bound at is not there in the sandbox, and what listens cannot connect."""
    with serve(listener) as session:
        assert said(session, f"os.path.exists({str(tmp_path / 'door')!r})") is False
        assert "refused" in str(said(session, f"listener.connect({str(tmp_path / 'door')!r})"))
    assert (tmp_path / "door").exists()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_no_other_socket_is_handed_over(folder: Path, family: int) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as made:
        if family == socket.AF_INET:
            made.bind(("127.0.0.1", 0))
            made.listen()
        with pytest.raises(ValueError, match="a Unix socket that listens"):
            serve(made)


def test_what_it_takes_is_told_by_the_kernel(folder: Path, listener: socket.socket) -> None:
    with serve(listener) as session:
        said(session, "1")
        before = session.taken()
        said(session, "globals().__setitem__('kept', bytearray(b'x') * (50 << 20)) or sum(range(10_000_000)) and 1")
        after = session.taken()
    assert after.memory - before.memory > 40 << 20
    assert after.cpu_seconds - before.cpu_seconds > 0.02


def test_a_candidate_that_ends_is_no_fault_of_the_sandbox(folder: Path, listener: socket.socket) -> None:
    """What is said to come of bubblewrap is tried again without the socket, and then not believed."""
    with serve(listener) as session, pytest.raises(candidate.ConversationOver):
        session.ask("sys.stderr.write('bwrap: no') and sys.stderr.flush() or os._exit(1)")
