"""Through which an evaluator asks a model: one end of a socket that has no name, so that nobody else can find it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.model import VARIABLE
from harness.reports import CUT, Measurement

if TYPE_CHECKING:
    from harness.measure import Ask, Measurer


class Answering(Protocol):
    """Whoever answers an evaluator, in this process or on behalf of another."""

    def answers(self, message: bytes, over: Callable[[], bool]) -> bytes:
        """The line that answers a line of `harness.model`. over: whether the evaluator is gone, so that nothing more
        needs to be asked. Never raises."""
        ...

    def trouble(self) -> str:
        """Why what was measured since the last look is no score, though no candidate is to blame; "" where it is."""
        ...


class Window:
    """Serves one evaluator. descriptor: its end, to be inherited; to be let go of once it has started."""

    def __init__(self, answering: Answering) -> None:
        self._answering, self._over = answering, threading.Event()
        self._ours, self._theirs = socket.socketpair()
        self.descriptor = self._theirs.fileno()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> Mapping[str, str]:
        return {VARIABLE: str(self.descriptor)}

    def started(self) -> None:
        """The evaluator holds its end now: when it is gone, so is the last one."""
        self._theirs.close()

    def close(self) -> None:
        """Returns once nothing is in flight any more."""
        self._over.set()
        self._theirs.close()
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError), self._ours.makefile("rb") as stream:
            for line in stream:
                self._ours.sendall(self._answering.answers(line, self._over.is_set) + b"\n")


@dataclass(frozen=True)
class Opened:
    """What an evaluator is started with: nothing where it asks no model."""

    window: Window | None = None

    @property
    def inherited(self) -> tuple[int, ...]:
        return (self.window.descriptor,) if self.window else ()

    @property
    def environment(self) -> Mapping[str, str]:
        return self.window.environment if self.window else {}

    def started(self) -> None:
        if self.window:
            self.window.started()

    def close(self) -> None:
        if self.window:
            self.window.close()


@contextmanager
def opened(answering: Answering | None) -> Iterator[Opened]:
    window = open_for(answering)
    try:
        yield window
    finally:
        window.close()


def open_for(answering: Answering | None) -> Opened:
    """To be closed."""
    return Opened(Window(answering) if answering else None)


@dataclass(frozen=True)
class Answered:
    """A measurer whose evaluator asks a model: without its answers there is no score, and no crash either."""

    measurer: Measurer
    answering: Answering

    def measure(self, contents: Sequence[bytes], ask: Ask) -> list[Measurement]:
        found = self.measurer.measure(contents, ask)
        why = self.answering.trouble()
        return [Measurement(crash=CUT, why=why, seconds=one.seconds) for one in found] if why else found

    def close(self) -> None:
        self.measurer.close()


def refusal(why: str) -> bytes:
    """The line that says that nobody answers."""
    return json.dumps({"error": why}).encode()
