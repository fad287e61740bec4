"""Providers of models for tests: aimock, which others wrote, and a server that replays bytes as they were published."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.models.messages import Part, Prompt, Turn
from bot.models.prices import Price
from bot.models.retries import Retries
from bot.models.settings import ProviderSettings, Settings

ROOT = Path(__file__).resolve().parents[2]
AIMOCK = ROOT / ".venv" / "aimock" / "dist" / "cli.js"
PRICE = Price(Decimal(3), Decimal(15), Decimal("0.30"), Decimal("3.75"))
QUICK = Retries(attempts=3, first=0.02, longest=0.05, patience=3.0)
CANARY = "sk-canary-4f1d0c7e55aa4b1c9d"
SCHEMA = {
    "type": "object",
    "properties": {"hypothesis": {"type": "string"}, "edits": {"type": "array", "items": {"type": "string"}}},
    "required": ["hypothesis", "edits"],
    "additionalProperties": False,
}
GOOD = {"hypothesis": "smaller is faster", "edits": ["x = 1"]}


def question(model: str, provider: str = "claude", text: str = "Improve it.", max_tokens: int = 1000) -> Prompt:
    system = (Part("You improve a file.", cached=True),)
    turns = (Turn("user", (Part(text),)),)
    return Prompt(provider, model, system, turns, "propose", "Proposes one change.", SCHEMA, max_tokens)


def settings(claude: str, chat: str, names: Sequence[str], **changes: Any) -> Settings:
    return Settings(
        {
            "claude": ProviderSettings("anthropic", claude, "CLAUDE_KEY", timeout=2.0),
            "chat": ProviderSettings("openai", chat, "CHAT_KEY", timeout=2.0),
            "schema": ProviderSettings("openai", chat, "CHAT_KEY", timeout=2.0, answers="schema"),
        },
        dict.fromkeys(names, PRICE),
        **changes,
    )


KEYS = {"claude": CANARY, "chat": CANARY, "schema": CANARY}


@contextmanager
def aimock(folder: Path, fixtures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The address of one that answers by these."""
    assert AIMOCK.exists(), "python tests/models/fetch_aimock.py .venv/aimock brings it"
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}), encoding="utf-8")
    port = _free_port()
    words = [
        "node",
        str(AIMOCK),
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "-f",
        str(file),
        "--log-level",
        "warn",
        "--strict",
    ]
    log = (folder / "aimock.log").open("wb")
    process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        _await(address, process)
        yield address
    finally:
        process.kill()
        process.wait()
        log.close()


def journal(address: str) -> list[Any]:
    """What aimock was asked."""
    with urllib.request.urlopen(f"{address}/__aimock/journal") as answer:  # noqa: S310  its own address
        found: list[Any] = json.load(answer)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(f"{address}/health", timeout=1).close()  # noqa: S310  its own address
            return
        time.sleep(0.05)
    raise AssertionError("aimock did not start")


class Replay:
    """Answers each request with the next script of the model that it names: bytes to send, seconds to wait, or None to
    cut the connection off. The last script of a model is played again and again."""

    def __init__(self, scripts: Mapping[str, Sequence[Sequence[bytes | float | None]]]) -> None:
        self._scripts = {name: list(scripts) for name, scripts in scripts.items()}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.heads: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head, body = _request(connection)
            data = json.loads(body)
            self.heads.append(head)
            self.asked.append((data["model"], data))
            scripts = self._scripts[data["model"]]
            for step in scripts.pop(0) if len(scripts) > 1 else scripts[0]:
                if step is None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return
                if isinstance(step, float):
                    time.sleep(step)
                else:
                    connection.sendall(step)


def _request(connection: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    while len(body) < int(fields["content-length"]):
        body += connection.recv(65536)
    return head.decode(), body


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def status(code: int, body: Mapping[str, Any], **headers: str) -> bytes:
    content = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {code} X", "content-type: application/json", f"content-length: {len(content)}"]
    lines += ["connection: close", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def events(*messages: Mapping[str, Any]) -> bytes:
    """Anthropic's stream of server-sent events."""
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in messages)


def chunks(*messages: Mapping[str, Any], done: bool = True) -> bytes:
    """OpenAI's stream of server-sent events."""
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    lines = [f"data: {json.dumps({**frame, **one})}\n\n".encode() for one in messages]
    return b"".join(lines) + (b"data: [DONE]\n\n" if done else b"")


def started(**usage: int) -> dict[str, Any]:
    counted = {"input_tokens": 0, "output_tokens": 1, **usage}
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": counted,
    }  # fmt: skip
    return {"type": "message_start", "message": message}


def tool(*pieces: str) -> list[dict[str, Any]]:
    block = {"type": "tool_use", "id": "toolu_1", "name": "propose", "input": {}}
    said = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
        for piece in pieces
    ]
    stop = {"type": "content_block_stop", "index": 0}
    return [{"type": "content_block_start", "index": 0, "content_block": block}, *said, stop]


def ended(reason: str, **usage: int) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]
