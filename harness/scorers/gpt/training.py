"""One training run: in a sandbox, without the validation text, for so many seconds and no more.

The time is kept from outside. When it is up the candidate is told (SIGTERM) and has a moment to save; what it saved
last, whole, counts. Whoever goes on computing is killed, and what it saved before counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from pathlib import Path

from harness import candidate
from harness.candidate import ConversationOver, Limits, Session
from harness.scorers.gpt.corpus import Corpus
from harness.scorers.gpt.hiding import told_by_python
from harness.scorers.gpt.settings import Settings

DRIVER = Path(__file__).with_name("driver.py")
LOOKS = 0.02  # seconds between two looks at the clock
GRACE = 5.0  # seconds on the wall to save in
ALLOWED = 0.02  # share of the budget, plus:
ALLOWED_SECONDS = 0.3  # to finish a step and to save; more is taken for training on
LARGEST = 256 << 20  # bytes of a checkpoint
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
    budget = settings.seconds * share
    limits = Limits(
        seconds=60, memory=settings.memory, address_space=64 << 30, output=2 * LARGEST, file_size=LARGEST, processes=256
    )
    with candidate.serve(
        ["python", "-c", DRIVER.read_text()],
        sees=[file, corpus.train],
        limits=limits,
        packages=True,
        hides=told_by_python(),
    ) as session:
        try:
            return _watched(session, where(file), corpus, settings, seed, budget)
        except ConversationOver as over:
            raise Failed(f"the run was ended: {over}; {session.stderr_tail().strip()[-_TAIL:]}") from None


def where(path: Path) -> str:
    """Where a candidate finds what it is shown: below the evaluator's folder by its path, all else by its name."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def _watched(session: Session, file: str, corpus: Corpus, settings: Settings, seed: int, budget: float) -> Trained:
    clock = _Clock(session, settings)
    arguments = {
        "--data": where(corpus.train), "--vocabulary": corpus.vocabulary, "--context": settings.context,
        "--seconds": budget, "--unit": settings.unit, "--seed": seed, "--threads": settings.threads,
    }  # fmt: skip
    words = [str(word) for pair in arguments.items() for word in pair]
    _ask(session, do="start", file=file, arguments=words, threads=settings.threads)
    if ended := clock.until(budget):
        raise Failed(f"{file} ended with exit code {ended}: {session.stderr_tail().strip()[-_TAIL:]}")
    used = clock.used
    if ended is None:
        _ask(session, do="signal", kill=False)
        if clock.until(budget * (1 + ALLOWED) + ALLOWED_SECONDS, wall=GRACE) is None:
            _ask(session, do="signal", kill=True)
    weights = _saved(session)
    if not weights:
        how = "was stopped" if ended is None else "ended"
        raise Failed(f"{file} {how} before it had saved anything: {session.stderr_tail().strip()[-_TAIL:]}")
    return Trained(weights, used, clock.memory)


class _Clock:
    """Looks at a session from outside; memory: the most that was seen."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session, self._unit = session, settings.unit
        self._began = time.monotonic()
        self.used, self.memory = 0.0, 0

    def until(self, seconds: float, wall: float = float("inf")) -> int | None:
        """The exit code of the candidate, None where the time was up before it ended."""
        started = time.monotonic()
        while True:
            taken = self._session.taken()
            self.memory = max(self.memory, taken.memory)
            self.used = taken.cpu_seconds if self._unit == "cpu" else time.monotonic() - self._began
            if self.used >= seconds or time.monotonic() - started >= wall:
                return None
            if (code := _ask(self._session, do="look")) is not None:
                return int(code)
            time.sleep(LOOKS)


def _ask(session: Session, **asked: object) -> int | str | bool | None:
    try:
        found = json.loads(session.ask(json.dumps(asked)))
    except ValueError:
        raise Failed("the sandbox says what nobody asked for") from None
    if not isinstance(found, int | str | None):
        raise Failed("the sandbox says what nobody asked for")
    return found


def _saved(session: Session) -> bytes:
    try:
        return base64.b64decode(str(_ask(session, do="saved") or ""), validate=True)
    except binascii.Error:
        raise Failed("the sandbox says what nobody asked for") from None
