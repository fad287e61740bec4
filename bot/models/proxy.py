"""The way out of an agent's sandbox: an HTTP server on a Unix socket, which reaches one host and adds the key.

It lives in the process that holds the key. What it sends is built anew by `proxy_rules`, one request a connection; of
the answer the tool gets status, three headers and the body. Nothing that passes is logged or kept.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from bot.models.messages import Usage
from bot.models.passage import Kind, Meter, NoMoney, Toll
from bot.models.providers.failures import gave_up
from bot.models.proxy_rules import Admitted, Refused, admitted, path_of
from bot.models.proxy_usage import Counter

_REQUEST_BYTES = 16 << 20
_ANSWER_BYTES = 32 << 20
_CHUNK = 64 << 10
_CONNECTIONS = 16  # at once
_PATIENCE = 30.0  # seconds for a client to say or take something
_GRACE = 30.0  # seconds for what is under way when a proxy closes; then its worst case is taken for spent
_PASSED_ON = ("content-type", "retry-after", "x-should-retry")
_REJECTED = (401, 403)  # their bodies may repeat the key
_HIDDEN = b"[key]"
USUAL: Mapping[Kind, str] = {"anthropic": "https://api.anthropic.com", "openai": "https://api.openai.com/v1"}


@dataclass(frozen=True)
class Upstream:
    """A provider. base_url: as its SDK takes it (OpenAI's ends in /v1); timeout: seconds of one call, in all."""

    kind: Kind
    base_url: str
    key: str = field(repr=False)
    timeout: float = 600.0

    def url_path(self, path: str) -> str:
        """Where on the host a path of `proxy_rules` lies."""
        return urlsplit(self.base_url).path.rstrip("/") + (path if self.kind == "anthropic" else path[len("/v1") :])

    @property
    def chat_limit(self) -> str:
        """What bounds a chat's answer: OpenAI's own models take the newer name only, others may heed the older only."""
        return "max_completion_tokens" if self.base_url == USUAL["openai"] else "max_tokens"

    def connected(self) -> http.client.HTTPConnection:
        """To the one host; neither the environment's proxies nor a redirect lead elsewhere."""
        url = urlsplit(self.base_url)
        assert url.hostname  # noqa: S101  # the settings have checked it
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname, url.port, timeout=self.timeout)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=self.timeout, context=context)

    def headers(self) -> dict[str, str]:
        if self.kind == "anthropic":
            return {"anthropic-version": "2023-06-01", **({"x-api-key": self.key} if self.key else {})}
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


class Proxy:
    """Serves a door from its making to its `close`. folder: of its own, where nobody else may look."""

    def __init__(self, folder: Path, upstream: Upstream, meter: Meter) -> None:
        self.door = folder / "door"
        self.upstream = upstream
        self.meter = meter
        self.parsing = threading.Lock()  # what is parsed takes many times its bytes: one at a time
        self._toll = Toll()
        self._lock = threading.Lock()
        self._live: set[http.client.HTTPConnection] = set()
        self._server = _Server(self)
        self.door.chmod(0o666)  # who is shown it in a sandbox is another user
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self._open = True

    @property
    def kind(self) -> Kind:
        return self.upstream.kind

    def close(self) -> Toll:
        """Takes no more calls, waits for those under way, and returns the toll, whose cost the meter knows."""
        if self._open:
            self._open = False
            self._server.shutdown()
            self._thread.join()
            late = threading.Timer(_GRACE, self._cut_off)
            late.start()
            self._server.server_close()
            late.cancel()
            self.door.unlink(missing_ok=True)
        return self._toll

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextlib.contextmanager
    def calling(self) -> Iterator[http.client.HTTPConnection]:
        connection = self.upstream.connected()
        with self._lock:
            self._live.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._live.discard(connection)
            connection.close()

    def _cut_off(self) -> None:
        with self._lock:
            for connection in self._live:
                with contextlib.suppress(OSError, AttributeError):  # none yet, or none any more
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def count(self, usage: Usage | None, seconds: float) -> None:
        with self._lock:
            known = self._toll.usage + (usage or Usage())
            self._toll = replace(
                self._toll, calls=self._toll.calls + 1, usage=known, unknown=self._toll.unknown + (usage is None),
                seconds=self._toll.seconds + seconds,
            )  # fmt: skip

    def count_refusal(self, why: str) -> None:
        with self._lock:
            self._toll = replace(self._toll, refused=why)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 64

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(str(proxy.door), _Handler)
        self.proxy = proxy
        self._slots = threading.BoundedSemaphore(_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(timeout=_PATIENCE):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is no news, and a traceback could show what passed."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    _begun = False

    def handle_one_request(self) -> None:
        """One for each connection: what may lie behind it is not read."""
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        self.close_connection = True
        proxy = self.server.proxy
        try:
            target = path_of(proxy.kind, self.command, self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._body()
            with proxy.parsing:
                sent = admitted(proxy.kind, target, headers, body, proxy.upstream.chat_limit)
            del body
            self._forward(proxy, sent)
        except Refused as refused:
            self._say(refused.status, str(refused))
        except NoMoney as why:
            proxy.count_refusal(str(why))
            self._say(402, f"no money is left for this call: {why}")

    def _body(self) -> bytes:
        lengths = self.headers.get_all("content-length", [])
        if (
            "transfer-encoding" in self.headers
            or len(lengths) != 1
            or not (lengths[0].isascii() and lengths[0].isdigit())
        ):
            raise Refused(411, "one Content-Length is needed")
        if len(lengths[0]) > 12 or int(lengths[0]) > _REQUEST_BYTES:
            raise Refused(413, f"a request of more than {_REQUEST_BYTES} bytes")
        body = self.rfile.read(int(lengths[0]))
        if len(body) != int(lengths[0]):
            raise Refused(400, "the request ended before its end")
        return body

    def _forward(self, proxy: Proxy, sent: Admitted) -> None:
        ticket = proxy.meter.reserve(sent.call) if sent.call else None
        started = time.monotonic()
        usage: Usage | None = None
        try:
            usage = self._exchange(proxy, sent)
        finally:
            if ticket is not None:
                proxy.meter.settle(ticket, usage)
                proxy.count(usage, time.monotonic() - started)

    def _exchange(self, proxy: Proxy, sent: Admitted) -> Usage | None:
        """Sends, passes the answer on, and returns what it took; None: it was sent, and what it took was not told."""
        upstream = proxy.upstream
        deadline = time.monotonic() + upstream.timeout
        with proxy.calling() as connection:
            try:
                connection.connect()
            except OSError:
                self._say(502, "the provider cannot be reached")
                return Usage()
            try:
                headers = {
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "autoresearch",
                }
                headers |= sent.headers
                headers |= upstream.headers() if "anthropic-version" not in sent.headers else _only_key(upstream)
                connection.request("POST", upstream.url_path(sent.path), sent.body, headers)
                return self._passed_on(connection.getresponse(), upstream.key.encode(), deadline)
            except (OSError, http.client.HTTPException):
                if not self._begun:  # else it breaks off, which is what its reader must see
                    self._say(502, "the provider gave no answer")
                return None

    def _passed_on(self, answer: http.client.HTTPResponse, key: bytes, deadline: float) -> Usage | None:
        kind = answer.headers.get("content-type", "")
        if answer.status in _REJECTED:
            self._say(answer.status, "the provider rejects the key or the request")
            return Usage()
        if 300 <= answer.status < 400 or answer.headers.get("content-encoding", "identity") != "identity":
            self._say(502, "the provider answers in a way that cannot be read")
            return _of_error(answer.status) if answer.status >= 300 else None
        self._begun = True
        counter = Counter(kind.startswith("text/event-stream"))
        out = _Chunks(self, answer.status, {n: v for n in _PASSED_ON if (v := answer.headers.get(n))})
        for chunk in _without(key, _read(answer, deadline)):
            counter.read(chunk)
            out.write(chunk)
        out.end()
        return counter.usage() if answer.status < 300 else _of_error(answer.status)

    def _say(self, status: int, why: str) -> None:
        """An answer of our own, in a shape that the SDKs of both kinds read."""
        kind = "billing_error" if status == 402 else "proxy_error"
        body = json.dumps({"type": "error", "error": {"type": kind, "code": kind, "message": why}}).encode()
        with contextlib.suppress(OSError):
            self.send_response_only(status)
            for name, value in {"Content-Type": "application/json", "x-should-retry": "false"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Nothing is logged."""


class _Chunks:
    """An answer on its way to the client. When the client is gone the rest is read all the same: it was paid for."""

    def __init__(self, handler: _Handler, status: int, headers: Mapping[str, str]) -> None:
        self._handler, self._gone = handler, False
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        self._do(handler.end_headers)

    def write(self, chunk: bytes) -> None:
        if chunk:
            self._do(lambda: self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk)))

    def end(self) -> None:
        self._do(lambda: self._handler.wfile.write(b"0\r\n\r\n"))

    def _do(self, what: Any) -> None:
        if not self._gone:
            try:
                what()
            except OSError:
                self._gone = True


def _of_error(status: int) -> Usage | None:
    return None if gave_up(status) else Usage()


def _only_key(upstream: Upstream) -> dict[str, str]:
    return {name: value for name, value in upstream.headers().items() if name != "anthropic-version"}


def _read(answer: http.client.HTTPResponse, deadline: float) -> Iterator[bytes]:
    """Raises TimeoutError at the deadline, and HTTPException for an answer that is too long."""
    size = 0
    while chunk := answer.read1(_CHUNK):
        size += len(chunk)
        if size > _ANSWER_BYTES:
            raise http.client.HTTPException("too long")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield chunk
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def _without(key: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks with every appearance of the key replaced, one that is cut in two included."""
    held = b""
    for chunk in chunks:
        found = (held + chunk).replace(key, _HIDDEN) if key else chunk
        cut = next((n for n in range(min(len(key), len(found) + 1) - 1, 0, -1) if found.endswith(key[:n])), 0)
        held = found[len(found) - cut :]
        yield found[: len(found) - cut]
    yield held
