"""The model of a night: asks the broker over its Unix socket, one connection per question."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.models import wire
from bot.models.messages import Answer, Prompt


class Client:
    """keep: whether prompt and reply are kept as blobs; False for a private target. A broker that is gone is an
    outage: it does not come back in this night."""

    def __init__(self, path: Path, *, keep: bool = True) -> None:
        self._path = path
        self._keep = keep

    def ask(self, prompt: Prompt) -> Answer:
        try:
            reply = self._call({"ask": wire.prompt_data(prompt), "keep": self._keep})
            return wire.answer_from(reply["answer"]) if "answer" in reply else Answer("outage", why=reply["error"])
        except (OSError, wire.BadLine, KeyError, TypeError, ArithmeticError) as error:
            return Answer("outage", why=f"the broker is gone: {error or type(error).__name__}")

    def worst_case_usd(self, prompt: Prompt) -> Decimal:
        """Raises ConnectionError where the broker is gone."""
        return Decimal(self._told({"worst": wire.prompt_data(prompt)})["usd"])

    def spent(self) -> dict[str, Decimal]:
        """night, month: US dollars that count against the caps; open: what of the night's is reserved and not settled,
        by calls in flight and by calls that a kill cut off. Raises ConnectionError."""
        return {name: Decimal(usd) for name, usd in self._told({"spent": True})["usd"].items()}

    def _told(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._call(message)
        except (OSError, wire.BadLine) as error:
            raise ConnectionError(f"the broker is gone: {error}") from None
        if "usd" not in reply:
            raise ConnectionError(f"the broker says: {reply.get('error')}")
        return reply

    def _call(self, message: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(self._path))
            connection.sendall(wire.written(message))
            with connection.makefile("rb") as stream:
                reply = wire.read(stream)
        if reply is None:
            raise ConnectionError("it closed without an answer")
        return reply
