"""Asks the service as several clients at once, and holds every answer against what it must be. Locked.

All times are taken here, outside the sandbox: from before a request is sent until the last byte of its answer is there.
Each client sends its next request as soon as it has its answer, so there is no idle time to work in, but for one pause
that nobody is told of.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answers import HTML
from traffic import CONNECTIONS, Asked

MOST = 1 << 20  # bytes of an answer
STATUSES = {str(status) for status in range(100, 600)}
SHOWN = 160  # characters of an answer in a refusal


class Bad(Exception):
    """Why a candidate cannot be scored."""


@dataclass(frozen=True)
class Heard:
    """One request, its answer as it came, and how long that took in seconds."""

    asked: Asked
    answer: bytes
    seconds: float


@dataclass
class _Client:
    """Of the connections one at a time is waited on; at: the request that is out, or the next."""

    asks: Sequence[Asked]
    connections: list[socket.socket]
    at: int = 0
    sent: float = 0.0
    so_far: bytes = b""
    length: int = -1  # of the whole answer; unknown until its head is there

    @property
    def asked(self) -> Asked:
        return self.asks[self.at]

    @property
    def waited_on(self) -> socket.socket:
        return self.connections[self.asked.connection]


class Drive:
    """The clients with their connections to the service. Close it."""

    def __init__(self, path: Path, traffic: Sequence[Sequence[Asked]], seconds: float) -> None:
        """seconds: for everything; Bad is raised when they are over."""
        self._deadline = time.monotonic() + seconds
        self._stack = contextlib.ExitStack()
        self._clients = [_Client(asks, [self._connected(path) for _ in range(CONNECTIONS)]) for asks in traffic]

    def first(self) -> list[Heard]:
        """One client asks its first request, and nobody else asks anything."""
        return self._until(1, self._clients[:1])

    def until(self, stop: int) -> list[Heard]:
        """Every client asks up to its request number `stop`."""
        return self._until(stop, self._clients)

    def _until(self, stop: int, clients: Sequence[_Client]) -> list[Heard]:
        heard: list[Heard] = []
        with selectors.DefaultSelector() as selector:
            for client in clients:
                self._send(client, selector)
            while selector.get_map():
                left = self._deadline - time.monotonic()
                if left <= 0:
                    raise Bad("the service did not answer in time")
                for key, _ in selector.select(left):
                    client = key.data
                    if not self._receive(client):
                        continue
                    now = time.perf_counter()
                    selector.unregister(key.fileobj)
                    heard.append(Heard(client.asked, client.so_far, now - client.sent))
                    client.at += 1
                    if client.at < min(stop, len(client.asks)):
                        self._send(client, selector)
        return heard

    def require_silence(self) -> None:
        """Raises Bad where an answer came that nobody has asked for."""
        for client in self._clients:
            for connection in client.connections:
                _require_unsaid(connection)

    def close(self) -> None:
        self._stack.close()

    def _connected(self, path: Path) -> socket.socket:
        made = self._stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            made.connect(str(path))
        except OSError:
            raise Bad("the service ended before it was asked") from None
        made.setblocking(False)
        return made

    def _send(self, client: _Client, selector: selectors.BaseSelector) -> None:
        connection = client.waited_on
        _require_unsaid(connection)
        client.so_far, client.length = b"", -1
        selector.register(connection, selectors.EVENT_READ, client)
        client.sent = time.perf_counter()
        try:
            connection.sendall(client.asked.request)
        except OSError:
            raise Bad("the service takes no more requests") from None

    def _receive(self, client: _Client) -> bool:
        """Whether the whole answer is there."""
        try:
            said = client.waited_on.recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError:
            said = b""
        if not said:
            raise Bad(f"the service hung up on {client.asked.line}")
        client.so_far += said
        if client.length < 0:
            client.length = _length(client.so_far)
        if len(client.so_far) > max(client.length, 0) and client.length >= 0:
            raise Bad("the service answered before it was asked")
        if len(client.so_far) > MOST:
            raise Bad(f"an answer of more than {MOST:,} bytes to {client.asked.line}")
        return len(client.so_far) == client.length


def _require_unsaid(connection: socket.socket) -> None:
    try:
        said = connection.recv(1)
    except BlockingIOError:
        return
    except OSError:
        said = b""
    raise Bad("the service answered before it was asked" if said else "the service hung up")


def _length(said: bytes) -> int:
    """Of a whole answer whose head is there; else -1."""
    head, end, _body = said.partition(b"\r\n\r\n")
    if not end:
        return -1
    for field in head.split(b"\r\n")[1:]:
        name, _, value = field.partition(b":")
        if name.lower() == b"content-length" and value.strip().isdigit() and len(value) < 12:
            return len(head) + 4 + int(value)
    raise Bad("an answer without Content-Length")


def require_right(heard: Sequence[Heard]) -> None:
    """Raises Bad for the first answer that is not what it must be."""
    for one in heard:
        head, _, body = one.answer.partition(b"\r\n\r\n")
        status, kind = _head(head)
        if wrong := next(_wrong(one.asked, status, kind, body), ""):
            raise Bad(f"{one.asked.line}: {wrong}")


def _wrong(asked: Asked, status: int, kind: str, body: bytes) -> Iterator[str]:
    expected = asked.expected
    if status != expected.status:
        yield f"status {status} instead of {expected.status}: {_shown(body.decode(errors='replace'))}"
    if kind.replace(" ", "").lower() != expected.kind.replace(" ", ""):
        yield f"content type {kind[:SHOWN]!r} instead of {expected.kind!r}"
    try:
        text = body.decode()
        said = text if expected.kind == HTML else json.loads(text)
    except (ValueError, RecursionError):
        yield f"not {expected.kind}: {_shown(body.decode(errors='replace'))}"
        return
    yield from difference(expected.content, said)


def difference(wanted: Any, said: Any, place: str = "") -> Iterator[str]:
    """Where two contents differ, in the first place; order counts in lists and not in mappings."""
    if isinstance(wanted, dict) and isinstance(said, dict):
        if missing := [name for name in wanted if name not in said]:
            yield f"{place or 'the answer'} lacks {missing[0]!r}"
        if more := [name for name in said if name not in wanted]:
            yield f"{place or 'the answer'} has {more[0][:40]!r}, which nobody asked for"
        for name in wanted:
            yield from difference(wanted[name], said.get(name), f"{place}/{name}")
    elif isinstance(wanted, list) and isinstance(said, list):
        if wanted != said and len(wanted) == len(said) and all(row in said for row in wanted):
            yield f"{place or 'the answer'} has the right rows in another order"
        if len(wanted) != len(said):
            yield f"{place or 'the answer'} has {len(said)} rows instead of {len(wanted)}"
        for at, (one, other) in enumerate(zip(wanted, said, strict=False)):
            yield from difference(one, other, f"{place}/{at}")
    elif isinstance(wanted, str) and isinstance(said, str) and len(wanted) > SHOWN and wanted != said:
        pairs = enumerate(zip(wanted, said, strict=False))
        at = next((at for at, (one, other) in pairs if one != other), min(len(wanted), len(said)))
        part = slice(max(at - 20, 0), at + 40)
        yield f"{place or 'the answer'} is, around character {at}, {said[part]!r} instead of {wanted[part]!r}"
    elif type(wanted) is not type(said) or wanted != said:
        yield f"{place or 'the answer'} is {_shown(said)} instead of {_shown(wanted)}"


def _head(head: bytes) -> tuple[int, str]:
    first, *fields = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    kinds = [field.partition(":")[2].strip() for field in fields if field.lower().startswith("content-type:")]
    return (int(words[1]) if len(words) > 1 and words[1] in STATUSES else 0), "".join(kinds)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"...{text[-SHOWN:]}"
