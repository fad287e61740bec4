"""A server of shards on this machine that does what it is told, answer by answer, and notes what it was asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.gpt.preparation import fetching

HTML = b"<!DOCTYPE html><title>Please log in</title>"


@dataclass(frozen=True)
class Asked:
    """begins: the first byte that was asked for, 0 without a range. tag: of If-Range."""

    path: str
    begins: int
    tag: str


@dataclass
class Served:
    """content: what is published now. plan: what is done with each request in turn; after it all are answered well."""

    content: bytes
    plan: list[Callable[[Handler, Served], None]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def shard(self, content: bytes | None = None) -> Any:
        """As a list would name it. content: what the list knows of, else what is published."""
        known = self.content if content is None else content
        return fetching.Shard(f"{self.address}/a.parquet?key=secret", hashlib.sha256(known).hexdigest(), len(known))

    @property
    def begins(self) -> list[int]:
        return [one.begins for one in self.asked]

    def span(self, begins: int) -> str:
        return f"bytes {begins}-{len(self.content) - 1}/{len(self.content)}"

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


class Handler(BaseHTTPRequestHandler):
    served: Served

    def do_GET(self) -> None:
        span = self.headers.get("Range", "bytes=0-")
        begins = int(span.removeprefix("bytes=").rstrip("-"))
        self.served.asked.append(Asked(self.path, begins, self.headers.get("If-Range", "")))
        act = self.served.plan.pop(0) if self.served.plan else well
        act(self, self.served)

    def log_message(self, *_arguments: object) -> None:
        """Nothing is said on standard error."""

    def head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def give(self, content: bytes, *, ranges: bool = True, tagged: bool = True, most: int | None = None) -> None:
        """As a server of files does. most: so many bytes, then the connection ends."""
        asked, served = self.served.asked[-1], self.served
        begins = asked.begins if ranges and asked.tag in ("", served.tag) else 0
        tag = {"ETag": served.tag} if tagged else {}
        if begins > len(content):
            self.head(416, 0)
            return
        span = {"Content_Range": served.span(begins)} if begins else {}
        self.head(206 if begins else 200, len(content) - begins, Content_Type="application/octet-stream", **span, **tag)
        self.wfile.write(content[begins:][:most])


def well(handler: Handler, served: Served) -> None:
    handler.give(served.content)


def untagged(handler: Handler, served: Served) -> None:
    handler.give(served.content, tagged=False)


def whole_always(handler: Handler, served: Served) -> None:
    handler.give(served.content, ranges=False)


def broken_off(after: int, *, tagged: bool = True) -> Callable[[Handler, Served], None]:
    return lambda handler, served: handler.give(served.content, most=after, tagged=tagged)


def corrupted(handler: Handler, served: Served) -> None:
    middle = len(served.content) // 2
    handler.give(served.content[:middle] + bytes([served.content[middle] ^ 1]) + served.content[middle + 1 :])


def stalled(handler: Handler, served: Served) -> None:
    """Half of it, and then nothing more; the connection stays."""
    handler.give(served.content, most=len(served.content) // 2)
    handler.wfile.flush()
    served.released.wait(30)


def silent(handler: Handler, served: Served) -> None:
    handler.head(200, len(served.content))
    handler.wfile.flush()
    served.released.wait(30)


def dripping(handler: Handler, served: Served) -> None:
    """A little at a time, from where it was asked for, so that there is always news and never an end."""
    begins = served.asked[-1].begins
    handler.head(206 if begins else 200, len(served.content) - begins, Content_Range=served.span(begins))
    for at in range(begins, len(served.content), 20):
        if served.released.wait(0.05):
            return
        handler.wfile.write(served.content[at : at + 20])


def says(status: int, **headers: str) -> Callable[[Handler, Served], None]:
    return lambda handler, _served: handler.head(status, 0, **headers)


def html(handler: Handler, served: Served) -> None:
    handler.head(200, len(HTML), Content_Type="text/html; charset=utf-8")
    handler.wfile.write(HTML)


def html_of_that_size(handler: Handler, served: Served) -> None:
    handler.head(200, len(served.content), Content_Type="text/html")
    handler.wfile.write(HTML.ljust(len(served.content)))


def longer(handler: Handler, served: Served) -> None:
    """More than the list names, and no word before on how much it is."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(served.content + b"more")


def hung_up(handler: Handler, served: Served) -> None:
    handler.connection.close()


def another_range(handler: Handler, served: Served) -> None:
    handler.head(206, len(served.content), Content_Range=served.span(0))
    handler.wfile.write(served.content)


def publishes(content: bytes, then: Callable[[Handler, Served], None] = well) -> Callable[[Handler, Served], None]:
    """From now on there is another content at this address."""

    def act(handler: Handler, served: Served) -> None:
        served.content = content
        then(handler, served)

    return act


def leads_to(path: str) -> Callable[[Handler, Served], None]:
    return lambda handler, _served: handler.head(302, 0, Location=path)


@contextmanager
def serving(content: bytes, plan: Sequence[Callable[[Handler, Served], None]] = ()) -> Iterator[Served]:
    served = Served(content, list(plan))
    handler = type("_Handler", (Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
