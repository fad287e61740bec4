"""One training run: in a sandbox, without the validation text, for so many seconds and no more.

A candidate starts, says that it is ready, and only then gets what to train on; the time counts from there, so that
imports and compilation are free and nothing can be learnt in them. The time is kept from outside. When it is up the
candidate is told (SIGTERM) and has a moment to save; what it saved last, whole, counts. Whoever goes on computing is
killed, and what it saved before counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import candidate
from harness.candidate import ConversationOver, Limits, Session
from harness.scorers.gpt.corpus import Corpus
from harness.scorers.gpt.hiding import told_by_python
from harness.scorers.gpt.settings import Settings

DRIVER = Path(__file__).with_name("driver.py")
LOOKS = 0.02  # seconds between two looks at the clock
START_UP = 300.0  # seconds on the wall that a candidate may take to be ready
GRACE = 5.0  # seconds on the wall to save in
ALLOWED = 0.02  # share of the budget, plus:
ALLOWED_SECONDS = 0.3  # to finish a step and to save; more is taken for training on
LARGEST = 256 << 20  # bytes of a checkpoint
_PIECE = 8 << 20  # bytes of data that are handed over at once
_TAIL = 600


class Failed(Exception):
    """Why nothing came of a training run."""


@dataclass(frozen=True)
class Trained:
    """weights: as the candidate saved them, opaque. seconds: of training, in its unit; memory: bytes at most."""

    weights: bytes
    seconds: float
    memory: int


def train(file: Path, corpus: Corpus, settings: Settings, seed: int, share: float) -> Trained:
    """Trains for this share of the budget. Raises Failed."""
    limits = Limits(
        seconds=60, memory=settings.memory, address_space=64 << 30, output=2 * LARGEST, file_size=LARGEST, processes=256
    )
    words = ["python", "-c", DRIVER.read_text()]
    with candidate.serve(words, sees=[file], limits=limits, packages=True, hides=told_by_python()) as session:
        run = _Run(session, where(file), corpus, settings, settings.seconds * share)
        try:
            return run.trained(seed)
        except ConversationOver as over:
            raise Failed(f"the run was ended: {over}; {run.tail()}") from None


def where(path: Path) -> str:
    """Where a candidate finds what it is shown: below the evaluator's folder by its path, all else by its name."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


class _Run:
    """One candidate in its sandbox, watched from outside. memory: the most that was seen."""

    def __init__(self, session: Session, file: str, corpus: Corpus, settings: Settings, budget: float) -> None:
        self._session, self._file, self._corpus = session, file, corpus
        self._settings, self._budget = settings, budget
        self._memory = 0

    def trained(self, seed: int) -> Trained:
        self._start(seed)
        self._hand_over()
        began = self._clock()
        self._ask(do="go")
        ended = self._until(began + self._budget)
        if ended:
            raise Failed(f"{self._file} ended with exit code {ended}: {self.tail()}")
        used = self._clock() - began
        if ended is None:
            self._ask(do="signal", kill=False)
            last = began + self._budget * (1 + ALLOWED) + ALLOWED_SECONDS
            if self._until(last, wall=GRACE) is None:
                self._ask(do="signal", kill=True)
        weights = self._saved()
        if not weights:
            raise Failed(
                f"{self._file} {'was stopped' if ended is None else 'ended'} with nothing saved: {self.tail()}"
            )
        return Trained(weights, used, self._memory)

    def tail(self) -> str:
        """The end of what the candidate wrote to standard error."""
        return self._session.stderr_tail().strip()[-_TAIL:]

    def _start(self, seed: int) -> None:
        arguments = {
            "--vocabulary": self._corpus.vocabulary, "--context": self._settings.context, "--seconds": self._budget,
            "--unit": self._settings.unit, "--seed": seed, "--threads": self._settings.threads,
        }  # fmt: skip
        words = [str(word) for pair in arguments.items() for word in pair]
        self._ask(do="start", file=self._file, arguments=words, threads=self._settings.threads)
        until = time.monotonic() + START_UP
        while True:
            state = self._look()
            if state["ended"] is not None:
                raise Failed(f"{self._file} ended before it was ready: {self.tail()}")
            if state["ready"]:
                return
            if time.monotonic() > until:
                raise Failed(f"{self._file} was not ready within {START_UP:.0f} seconds: {self.tail()}")
            time.sleep(LOOKS)

    def _hand_over(self) -> None:
        with self._corpus.train.open("rb") as file:
            while piece := file.read(_PIECE):
                self._ask(do="data", bytes=base64.b64encode(piece).decode())

    def _clock(self) -> float:
        taken = self._session.taken()
        self._memory = max(self._memory, taken.memory)
        return taken.cpu_seconds if self._settings.unit == "cpu" else time.monotonic()

    def _until(self, moment: float, wall: float = math.inf) -> int | None:
        """The exit code of the candidate, None where the time was up before it ended."""
        started = time.monotonic()
        while self._clock() < moment and time.monotonic() - started < wall:
            if (ended := self._look()["ended"]) is not None:
                return int(ended)
            time.sleep(LOOKS)
        return None

    def _look(self) -> dict[str, Any]:
        found = self._ask(do="look")
        if not isinstance(found, dict) or not isinstance(found.get("ended"), int | None) or "ready" not in found:
            raise Failed("the sandbox says what nobody asked for")
        return found

    def _saved(self) -> bytes:
        try:
            return base64.b64decode(str(self._ask(do="saved") or ""), validate=True)
        except binascii.Error:
            raise Failed("the sandbox says what nobody asked for") from None

    def _ask(self, **asked: object) -> Any:
        try:
            return json.loads(self._session.ask(json.dumps(asked)))
        except ValueError:
            raise Failed("the sandbox says what nobody asked for") from None
