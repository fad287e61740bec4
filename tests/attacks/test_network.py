"""Candidates that try to get out by a network or a socket. Servers on this machine wait for them."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.attacks.support import Attack, Lab, holds, lab


@contextmanager
def door(folder: Path) -> Iterator[None]:
    """A socket that lies in the folder that candidates are shown, open to everybody."""
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(folder / "data" / "open"):
        server.bind("door")
        server.listen()
        Path("door").chmod(0o777)
        yield


_BOTH = ("network", "seccomp")
_TCP = (*_BOTH, "landlock: TCP")
_ABSTRACT = (*_BOTH, "landlock: scope")
_RAW = ("seccomp", "capabilities", "user")
_CONNECT = "socket.create_connection(('ADDRESS', {port}), timeout=3).close()"

ATTACKS = {
    "TCP by address": Attack(_CONNECT.format(port="TCP4").replace("ADDRESS", "127.0.0.1"), _TCP),
    "TCP by name": Attack(_CONNECT.format(port="TCP4").replace("ADDRESS", "localhost"), _TCP, with_them=("mounts",)),
    "TCP over IPv6": Attack(_CONNECT.format(port="TCP6").replace("ADDRESS", "::1"), _TCP),
    "a question to a name server": Attack(
        "asks = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nasks.settimeout(3)\n"
        "asks.sendto(b'\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x06secret\\x07example\\0\\0\\x01\\0\\x01', "
        "('127.0.0.1', NAMES))\nassert asks.recv(100).startswith(b'\\x12\\x34')",
        _BOTH,
    ),
    # A socket in a folder that is read only can be connected to: no mount stops that.
    "Unix socket in a view": Attack(
        "socket.socket(socket.AF_UNIX).connect('data/open/door')", ("seccomp",), beside=door
    ),
    "abstract Unix socket": Attack("socket.socket(socket.AF_UNIX).connect(chr(0) + 'ABSTRACT')", _ABSTRACT),
    "raw IP packets": Attack("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", _RAW, root=True),
    "listen to every packet": Attack("socket.socket(17, socket.SOCK_RAW, 0x300)", _RAW, root=True),
    "ask the kernel about its network": Attack("socket.socket(16, socket.SOCK_RAW, 0).bind((0, 0))", ("seccomp",)),
    "offer a server": Attack("socket.create_server(('127.0.0.1', 0))", ("seccomp", "landlock: TCP")),
    "a descriptor by a socket pair to outside": Attack(
        "one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\none.sendto(b'x', chr(0) + 'DATAGRAMS')",
        _ABSTRACT,
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Everything that candidates look for is really there: two TCP servers, a name server, three Unix sockets."""
    abstract, datagrams = (f"autoresearch-{secrets.token_hex(8)}" for _ in range(2))
    with ExitStack() as stack:
        tcp4 = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        tcp6 = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        names = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        names.bind(("127.0.0.1", 0))
        stack.enter_context(_answering(names))
        for name, kind in ((abstract, socket.SOCK_STREAM), (datagrams, socket.SOCK_DGRAM)):
            unix = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            unix.bind(f"\0{name}")
            if kind == socket.SOCK_STREAM:
                unix.listen()
        ports = {"TCP4": tcp4.getsockname()[1], "TCP6": tcp6.getsockname()[1], "NAMES": names.getsockname()[1]}
        folder = tmp_path_factory.mktemp("lab")
        yield stack.enter_context(lab(folder, **ports, ABSTRACT=abstract, DATAGRAMS=datagrams))


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str, place: Lab) -> None:
    holds(place, ATTACKS[name])


@contextmanager
def _answering(server: socket.socket) -> Iterator[None]:
    """Sends every datagram back to where it came from, until the end."""

    def answer() -> None:
        while True:
            question, asker = server.recvfrom(512)
            if question == b"end":
                return
            server.sendto(question, asker)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield
    server.sendto(b"end", server.getsockname())
    thread.join()
