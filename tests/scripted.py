"""A provider of models for whole nights: OpenAI's wire format over HTTP, and answers from a script."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

Answer = Callable[[int, int], dict[str, Any] | str]
"""Number of the experiment, how often it was asked about before -> arguments of the tool, or words instead."""
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


class Scripted:
    """bodies, keys: of every request, in their order."""

    def __init__(self, answer: Answer) -> None:
        self.bodies: list[str] = []
        self.keys: list[str] = []
        self._answer, self._asked = answer, dict[int, int]()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _status(self, _body: str) -> int:
        """Of HTTP; anything but 200 is a provider's failure."""
        return 200

    def _reply(self, body: str, key: str) -> list[dict[str, Any]]:
        self.bodies.append(body)
        self.keys.append(key)
        number = int(re.findall(r"Propose experiment (\d+)\.", body)[-1])
        before = self._asked.get(number, 0)
        self._asked[number] = before + 1
        found = self._answer(number, before)
        said: dict[str, Any] = {"content": found}
        if not isinstance(found, str):
            call = {"name": "propose", "arguments": json.dumps(found)}
            said = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": call}]}
        ended = "stop" if isinstance(found, str) else "tool_calls"
        return [
            {"choices": [{"index": 0, "delta": {"role": "assistant", **said}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": ended}]},
            {"choices": [], "usage": USAGE},
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                if (status := scripted._status(body)) != 200:
                    self.send_response(status)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                frame = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "small"}
                chunks = [{**frame, **one} for one in scripted._reply(body, self.headers["authorization"] or "")]
                content = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(content.encode())))
                self.end_headers()
                self.wfile.write(content.encode())

            def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002  the library's name
                """Nothing on the terminal."""

        return Handler


def kill_run(night: int) -> None:
    """Kills the verb that this process, a night, waits for."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == night and b"run" in words:
            os.kill(int(path.name), signal.SIGKILL)
            return
    raise AssertionError("there is no run")
