"""A stand-in for a provider: speaks the published wire formats on 127.0.0.1, and keeps all that it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANTHROPIC_USAGE = {
    "input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3,
}  # fmt: skip
CHAT_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5}}
RESPONSES_USAGE = {
    "input_tokens": 11, "output_tokens": 7, "total_tokens": 18, "input_tokens_details": {"cached_tokens": 5},
    "output_tokens_details": {"reasoning_tokens": 0},
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One request. headers: lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class Script:
    """How the next answers come: raw replaces the body; cut: after so many bytes the connection breaks; tool: called in
    streams of Messages and Responses until a result of it comes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int | None = None
    seconds: float = 0.0
    text: str = "Hello."
    tool: tuple[str, dict[str, Any]] | None = None


@dataclass
class Provider:
    url: str
    seen: list[Seen] = field(default_factory=list)
    script: Script = field(default_factory=Script)


@contextmanager
def serving() -> Iterator[Provider]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.provider = Provider(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.provider  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        provider.seen.append(Seen(self.command, self.path, headers, body))
        script = provider.script
        time.sleep(script.seconds)
        stream, answer = answered(self.path.partition("?")[0], json.loads(body), script.text, script.tool)
        answer = answer if script.raw is None else script.raw
        self.send_response(script.status)
        self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
        self.send_header("Content-Length", str(len(answer)))
        for name, value in script.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer[: script.cut])
        if script.cut is not None:
            self.close_connection = True

    do_GET = do_POST  # noqa: N815
    do_DELETE = do_POST  # noqa: N815

    def log_message(self, *said: object) -> None:
        """Quiet."""


def answered(
    path: str, said: dict[str, Any], text: str, tool: tuple[str, dict[str, Any]] | None = None
) -> tuple[bool, bytes]:
    """Whether it is a stream, and the answer."""
    stream = bool(said.get("stream"))
    if path.endswith("/count_tokens"):
        return False, b'{"input_tokens": 11}'
    if path.endswith("/v1/messages"):
        whole: Any = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": said.get("model"), "stop_sequence": None,
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": ANTHROPIC_USAGE,
        }  # fmt: skip
        tool = None if "tool_result" in json.dumps(said.get("messages")) else tool
        return stream, _anthropic_stream(whole, text, tool) if stream else json.dumps(whole).encode()
    if path.endswith("/chat/completions"):
        return stream, _chat(said, text, stream)
    whole = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": said.get("model"), "status": "completed",
        "output": [], "usage": RESPONSES_USAGE, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }  # fmt: skip
    item: dict[str, Any] = {
        "type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": text}],
    }  # fmt: skip
    if tool and "function_call_output" not in json.dumps(said.get("input")):
        item = {"type": "function_call", "call_id": "c_1", "name": tool[0], "arguments": json.dumps(tool[1])}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return stream, _events(events) if stream else json.dumps(whole).encode()


def _anthropic_stream(whole: dict[str, Any], text: str, tool: tuple[str, dict[str, Any]] | None) -> bytes:
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta, reason = {"type": "text_delta", "text": text}, "end_turn"
    if tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": tool[0], "input": {}}
        delta, reason = {"type": "input_json_delta", "partial_json": json.dumps(tool[1])}, "tool_use"
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**ANTHROPIC_USAGE, "output_tokens": 1}}
    return _events([
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ])  # fmt: skip


def _chat(said: dict[str, Any], text: str, stream: bool) -> bytes:
    head = {"id": "c_1", "object": "chat.completion", "created": 1, "model": said.get("model")}
    if not stream:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return json.dumps({**head, "choices": [choice], "usage": CHAT_USAGE}).encode()
    chunk = {**head, "object": "chat.completion.chunk"}
    events: list[Any] = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    if (said.get("stream_options") or {}).get("include_usage"):
        events.append({**chunk, "choices": [], "usage": CHAT_USAGE})
    return _events(events) + b"data: [DONE]\n\n"


def _events(events: list[Any]) -> bytes:
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event.get("type", "chunk").encode(), json.dumps(event).encode())
        for event in events
    )
