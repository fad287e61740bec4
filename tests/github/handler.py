"""HTTP itself: reads one request, lets it fail where a test asked for it, hands it to git or to the API, answers."""

from __future__ import annotations

import select
import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.github import api, githttp
from tests.github.faults import Fault, answer_of

if TYPE_CHECKING:
    from tests.github.server import GitHub, Listener

API = "/api/v3"
Answer = tuple[int, dict[str, str], bytes]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer's body waits 40 ms for its headers to be acknowledged
    server: Listener

    @property
    def github(self) -> GitHub:
        return self.server.github

    def log_message(self, *_: object) -> None:
        """Silent: what was called is in `github.calls`."""

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def handle_one(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.read_body()
        if url.path == API or url.path.startswith(f"{API}/"):
            call = api.Request(self.command, url.path.removeprefix(API), url.query, headers, body)
            names, perform = api.names(call), lambda: api.serve(self.github, call)
        else:
            names = git_names(url.path, url.query)
            perform = lambda: self.git(names, headers, body)  # noqa: E731
        fault = self.github.fault_for(names)
        answer = perform() if fault is None or fault.after else None
        if fault:
            self.github.called(names, url.path, 0, "")
            self.fail(fault)
        elif answer:
            self.send(*answer)

    def git(self, names: list[str], headers: dict[str, str], body: bytes) -> Answer:
        url = urlsplit(self.path)
        answer = githttp.serve(self.github, self.command, url.path, url.query, headers, body)
        self.github.called(names, url.path, answer[0], "")
        return answer

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815

    def fail(self, fault: Fault) -> None:
        if fault.kind == "timeout":
            self.hold()
        elif fault.kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        else:
            self.send(*answer_of(fault))

    def hold(self) -> None:
        """Keeps the client waiting until it goes away or the server closes."""
        self.close_connection = True
        while not self.github.closing.is_set():
            if select.select([self.connection], [], [], 0.05)[0]:
                return

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)


def git_names(path: str, query: str) -> list[str]:
    """A git request by what the person typed and by what went over the wire: "git push", "git receive-pack"."""
    verb = "push" if githttp.is_push(path, query) else "fetch"
    step = "advertise" if path.endswith("/info/refs") else "transfer"
    return [f"git {verb}", f"git {verb} {step}"]
