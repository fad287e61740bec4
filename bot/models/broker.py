"""The broker: the only process that holds a model's key.

    python -m bot.models.broker FD

FD is a pipe with one JSON object: settings, keys and places, as bot/models/nursery.py writes it. It says `ready` on
its stdout once it listens, and ends with its stdin: at once, so that nothing of a night outlives it.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.models import hardening, wire
from bot.models.blobs import Blobs
from bot.models.desk import Desk
from bot.models.ledger import Ledger
from bot.models.passage import NoMoney
from bot.models.providers import Provider
from bot.models.proxy_meter import Passages
from bot.models.redaction import Redactor
from bot.models.settings import ProviderSettings, Settings
from bot.models.start import Start

_IDLE = 60.0  # seconds that a connection may take to say its question


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    desk: Desk
    redactor: Redactor
    peers: frozenset[int]
    passages: Passages

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002  as the library calls it
        """Linux says who is at the other end; elsewhere the socket's mode has to do."""
        if not hasattr(socket, "SO_PEERCRED"):
            return True
        told = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", told)[1] in self.peers

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is its own affair."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = _IDLE

    def handle(self) -> None:
        try:
            message = wire.read(self.rfile)  # type: ignore[arg-type]  # a BufferedReader
            if message is not None and "passage" in message:
                self._passage(message)
            elif message is not None:
                self.wfile.write(wire.written(self._reply(message)))
        except wire.BadLine as bad:
            self.wfile.write(wire.written({"error": f"not understood: {bad}"}))

    def _passage(self, message: Mapping[str, Any]) -> None:
        """Open as long as the one who asked for it holds the connection and says nothing more."""
        try:
            with self.server.passages.passage(str(message["passage"]), Decimal(str(message.get("usd")))) as passage:
                self.wfile.write(wire.written({"door": str(passage.door), "kind": passage.kind}))
                self.connection.settimeout(None)
                self.rfile.read(1)
                self.wfile.write(wire.written({"toll": wire.toll_data(passage.close())}))
        except NoMoney as why:
            self.wfile.write(wire.written({"money": str(why)}))
        except (LookupError, ArithmeticError) as error:
            self.wfile.write(wire.written({"error": str(error)}))

    def _reply(self, message: Mapping[str, Any]) -> dict[str, Any]:
        desk = self.server.desk
        try:
            if "ask" in message:
                keep, mark = message.get("keep") is True, str(message.get("mark", ""))
                answer = desk.ask(wire.prompt_from(message["ask"]), keep=keep, mark=mark)
                return {"answer": wire.answer_data(answer)}
            if "worst" in message:
                return {"usd": str(desk.worst_case_usd(wire.prompt_from(message["worst"])))}
            if "spent" in message:
                return {"usd": {name: str(usd) for name, usd in desk.spent().items()}}
            if "left" in message:
                left = desk.left()
                return {"usd": None if left is None else str(left)}
        except wire.BadLine:
            raise
        except Exception as error:  # noqa: BLE001  the one who asks must hear of it, and others go on
            return {"error": self.server.redactor.text(f"the broker failed: {type(error).__name__}: {error}")}
        return {"error": "not understood: it asks for nothing"}


def serve(path: Path, desk: Desk, redactor: Redactor, peers: frozenset[int], passages: Passages) -> _Server:
    """A server that listens already, for these users."""
    before = os.umask(0o177)
    try:
        server = _Server(str(path), _Handler)
    finally:
        os.umask(before)
    server.desk, server.redactor, server.peers, server.passages = desk, redactor, peers, passages
    return server


def providers(settings: Settings, keys: Mapping[str, str]) -> dict[str, Provider]:
    """Those that can be asked: their key is here, or they need none."""
    usable = {name: one for name, one in settings.providers.items() if name in keys or not one.key}
    return {name: _provider(one, keys.get(name, ""), settings) for name, one in usable.items()}


def _provider(one: ProviderSettings, key: str, settings: Settings) -> Provider:
    if one.kind == "anthropic":
        from bot.models.prices import published
        from bot.models.providers.anthropic import Anthropic

        return Anthropic(key, one.base_url, one.timeout, {**published(), **settings.prices})
    from bot.models.providers.openai import OpenAI

    return OpenAI(key, one.base_url, one.timeout, one.answers)


def main(descriptor: int) -> None:
    with os.fdopen(descriptor, "rb") as pipe:
        start = Start.from_data(json.load(pipe))
    redactor = Redactor(start.keys.values())
    sys.excepthook = lambda kind, error, _where: print(redactor.text(f"{kind.__name__}: {error}"), file=sys.stderr)
    ready = providers(start.settings, start.keys)
    ledger = Ledger(start.state, start.night, start.settings.caps)
    start.blobs.mkdir(parents=True, exist_ok=True)
    desk = Desk(start.settings, ready, ledger, Blobs(start.blobs), redactor, start.retries)
    passages = Passages(start.settings, start.keys, ledger)
    server = serve(start.socket, desk, redactor, frozenset({0, os.getuid(), start.peer}), passages)
    os.chown(start.socket, start.peer, -1)
    without = hardening.hardened(owns=(start.state, start.blobs), reads=loaded())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready {without}".rstrip(), flush=True)
    if sys.stdin.buffer.read() == b"done":
        ledger.forget()
    os._exit(0)


def loaded() -> list[Path]:
    """Where code comes from that is loaded later on."""
    import bot

    return [Path(sys.prefix), Path(json.__file__), *(Path(path) for path in bot.__path__)]


if __name__ == "__main__":
    main(int(sys.argv[1]))
