"""The model of a night: asks the broker over its Unix socket, one connection per question."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from bot.models import wire
from bot.models.messages import Answer, Prompt
from bot.models.passage import Kind, NoMoney, Passage, Toll


class Client:
    """keep: whether prompt and reply are kept as blobs; False for a private target. mark: what it asks for:
    answers that were paid for and lost are given out again for the same purpose. A broker that is gone is an outage:
    it does not come back in this night."""

    def __init__(self, path: Path, *, keep: bool = True, mark: str = "") -> None:
        self._path = path
        self._keep = keep
        self._mark = mark

    def ask(self, prompt: Prompt) -> Answer:
        try:
            reply = self._call({"ask": wire.prompt_data(prompt), "keep": self._keep, "mark": self._mark})
            return wire.answer_from(reply["answer"]) if "answer" in reply else Answer("outage", why=reply["error"])
        except (OSError, wire.BadLine, KeyError, TypeError, ArithmeticError) as error:
            return Answer("outage", why=f"the broker is gone: {error or type(error).__name__}")

    def worst_case_usd(self, prompt: Prompt) -> Decimal:
        """Raises ConnectionError where the broker is gone."""
        return Decimal(self._told({"worst": wire.prompt_data(prompt)})["usd"])

    @contextmanager
    def passage(self, provider: str, usd: float) -> Iterator[Passage]:
        """As `bot.models.passage.Gateway` says. Raises ConnectionError."""
        with contextlib.closing(_Passage(self._path, provider, usd)) as passage:
            yield passage

    def spent(self) -> dict[str, Decimal]:
        """night, month: US dollars that count against the caps; open: what of the night's is reserved and not settled,
        by calls in flight and by calls that a kill cut off. Raises ConnectionError."""
        return {name: Decimal(usd) for name, usd in self._told({"spent": True})["usd"].items()}

    def left(self) -> Decimal | None:
        """What the caps of night and month leave; None without either. Raises ConnectionError."""
        usd = self._told({"left": True})["usd"]
        return None if usd is None else Decimal(usd)

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


class _Passage:
    """One connection: the broker closes its passage as soon as that says a byte or ends, as after a kill."""

    def __init__(self, path: Path, provider: str, usd: float) -> None:
        self._toll: Toll | None = None
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connection.connect(str(path))
            self._connection.sendall(wire.written({"passage": provider, "usd": str(usd)}))
            self._stream = self._connection.makefile("rb")
            opened = self._told()
            self.door, self.kind = Path(opened["door"]), cast(Kind, opened["kind"])
        except (OSError, KeyError) as error:
            self._connection.close()
            raise ConnectionError(f"the broker opens no passage: {error}") from None
        except NoMoney:
            self._connection.close()
            raise

    def close(self) -> Toll:
        if self._toll is None:
            try:
                self._connection.sendall(b"\n")
                self._toll = wire.toll_from(self._told()["toll"])
            except (OSError, KeyError, TypeError, ArithmeticError) as error:
                raise ConnectionError(f"the broker is gone, and what the passage cost with it: {error}") from None
            finally:
                self._connection.close()
        return self._toll

    def _told(self) -> dict[str, Any]:
        try:
            reply = wire.read(self._stream)
        except wire.BadLine as error:
            raise ConnectionError(str(error)) from None
        if reply is None or "error" in reply:
            raise ConnectionError(str((reply or {}).get("error", "it said nothing")))
        if "money" in reply:
            raise NoMoney(str(reply["money"]))
        return reply
