"""One training run: in a sandbox, without the validation text, for so many seconds and no more.

A candidate starts, says that it is ready, and only then is what to train on there, all of it at once; the time counts
from there, and start-up up to a limit is free. The time is kept from outside, and nobody in the sandbox is asked. When
it is up the candidate is told (SIGTERM) and has a moment to save; what it saved last, whole, counts. Then all its
processes are killed, and if they have taken more than they may, whoever they kept from noticing, nothing counts.
"""

from __future__ import annotations

import json
import math
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import candidate
from harness.candidate import ConversationOver, Limits, Session
from harness.sandbox import seccomp
from harness.scorers.gpt import device
from harness.scorers.gpt.corpus import TRAIN, Corpus
from harness.scorers.gpt.curve import Curve, Point, Stop, Stopped
from harness.scorers.gpt.hiding import told_by_python
from harness.scorers.gpt.settings import Settings

__all__ = ["Failed", "Point", "Stop", "Stopped", "Trained", "train"]

DRIVER = Path(__file__).with_name("driver.py")
ALONE = Path(__file__).with_name("alone.py")
LARGEST_FILE = 64 << 10  # bytes of the candidate's own: no room for weights that were trained before
LOOKS = 0.02  # seconds between two looks at the clock
START_UP = 300.0  # seconds on the wall that a candidate may take to be ready, whatever its budget
GRACE = 5.0  # seconds on the wall to save in
ALLOWED = 0.02  # share of the budget, plus:
ALLOWED_SECONDS = {"cpu": 0.15, "wall": 1.0}  # to finish a step and to save; more is taken for training on
LATE = 0.35  # seconds that may pass until this process has noticed
_ANSWER = 10.0  # seconds on the wall for the driver's
_TAIL = 600
_ROOM = 1 << 16


class Failed(Exception):
    """Why nothing came of a training run."""


@dataclass(frozen=True)
class Trained:
    """weights: as the candidate saved them, opaque. seconds: of training, in its unit; memory: bytes at most. curve,
    steps, tokens, flops (per token): as the candidate says. began, ended: when, on the monotonic clock."""

    weights: bytes
    seconds: float
    memory: int
    curve: tuple[Point, ...] = ()
    steps: int = 0
    tokens: int = 0
    flops: float = 0.0
    began: float = 0.0
    ended: float = 0.0


def train(
    file: Path,
    corpus: Corpus,
    settings: Settings,
    seed: int,
    share: float,
    stop: Stop | None = None,
    before: Callable[[], None] = lambda: None,
) -> Trained:
    """Trains for this share of the budget.

    stop: asked at each new point of the curve. before: done when the candidate is ready and has seen nothing yet.
    Raises Failed; Stopped.
    """
    if file.stat().st_size > LARGEST_FILE:
        raise Failed(f"{file.name} has {file.stat().st_size:,} bytes, {LARGEST_FILE:,} are the most")
    with tempfile.TemporaryDirectory() as folder:
        hidden, shown = Path(folder, TRAIN), Path(folder, "data")
        shutil.copyfile(corpus.train, hidden)
        hidden.chmod(0o444)
        shown.mkdir(0o755)
        try:
            with candidate.serve(
                ["python", "-c", DRIVER.read_text()],
                sees=[file, shown], limits=_limits(settings), packages=True, hides=told_by_python(),
                gpu=settings.device == "cuda",
            ) as session:  # fmt: skip
                run = _Run(session, where(file), settings, settings.seconds * share, stop)
                return run.trained(seed, corpus.vocabulary, hidden, shown / TRAIN, before)
        except ConversationOver as over:
            raise Failed(f"the run was ended: {over}; {session.stderr_tail().strip()[-_TAIL:]}") from None


def _limits(settings: Settings) -> Limits:
    limits = Limits(
        memory=settings.memory, address_space=64 << 30, output=_ROOM << 4, file_size=settings.weights, processes=256
    )
    return on_the_card(limits) if settings.device == "cuda" else limits


def on_the_card(limits: Limits) -> Limits:
    """With the room that CUDA needs."""
    return replace(limits, address_space=device.ADDRESS_SPACE, processes=device.PROCESSES, open_files=device.OPEN_FILES)


def where(path: Path) -> str:
    """Where a candidate finds what it is shown: below the evaluator's folder by its path, all else by its name."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def only_itself(settings: Settings) -> bool:
    """Whether a candidate is held to one process: where the processor's time is what counts."""
    return settings.unit == "cpu"


class _Run:
    """One candidate in its sandbox, watched from outside."""

    def __init__(self, session: Session, file: str, settings: Settings, budget: float, stop: Stop | None) -> None:
        self._session, self._file, self._settings = session, file, settings
        self._budget, self._stop = budget, stop
        self._memory = 0
        self._curve = Curve()
        self._look()  # the driver is there, and nothing of the candidate's
        self._meter = session.meter(but_who_is_there=True)

    def trained(self, seed: int, vocabulary: int, hidden: Path, shown: Path, before: Callable[[], None]) -> Trained:
        charged = self._ready(seed, vocabulary, shown, before)
        at, began = time.monotonic(), self._clock()
        hidden.rename(shown)
        self._ask(do="go")
        due = began + self._budget - charged
        ended = self._until(due, began - charged)
        if ended:
            raise Failed(f"{self._file} ended with exit code {ended}: {self.tail()}")
        if ended is None:
            self._meter.signal(signal.SIGTERM)
            self._until(due + self._allowed(), wall=GRACE)
        stopped = time.monotonic()
        weights = self._last_words()
        used = (self._clock() if self._settings.unit == "cpu" else stopped) - began
        if used > self._budget - charged + self._allowed() + LATE:
            raise Failed(f"{self._file} went on computing when it was told to stop: {used:.1f} seconds")
        self._curve.at(1.0)
        if not weights:
            how = "was stopped" if ended is None else "ended"
            raise Failed(f"{self._file} {how} with nothing saved: {self.tail()}")
        return self._outcome(weights, used, at, stopped)

    def _outcome(self, weights: bytes, used: float, began: float, ended: float) -> Trained:
        said = self._curve
        return Trained(
            weights, used, self._memory, tuple(said.points), said.steps, said.tokens, said.flops, began, ended
        )

    def tail(self) -> str:
        """The end of what the candidate wrote to standard error."""
        return self._session.stderr_tail().strip()[-_TAIL:]

    def _ready(self, seed: int, vocabulary: int, data: Path, before: Callable[[], None]) -> float:
        """Seconds of start-up that are charged."""
        arguments = {
            "--data": f"{data.parent.name}/{data.name}", "--vocabulary": vocabulary, "--seed": seed,
            "--context": self._settings.context, "--seconds": self._budget, "--unit": self._settings.unit,
            "--device": self._settings.device, "--threads": self._settings.threads,
        }  # fmt: skip
        words = [str(word) for pair in arguments.items() for word in pair]
        alone = ["-c", ALONE.read_text(), seccomp.alone().hex()] if only_itself(self._settings) else []
        began = self._clock()
        self._ask(do="start", file=self._file, arguments=words, threads=self._settings.threads, before=alone)
        taken = self._until_it_says_so(began)
        before()
        taken = self._clock() - began if self._settings.unit == "cpu" else taken
        return max(0.0, taken - self._settings.compile)

    def _until_it_says_so(self, began: float) -> float:
        """Seconds that it took to be ready."""
        until, said = time.monotonic() + START_UP, ""
        while True:
            state = self._look()
            said = (said + state["said"])[-_ROOM:]
            taken = self._clock() - began
            if "ready" in (line.strip() for line in said.split("\n")[:-1]):
                return taken
            if state["ended"] is not None:
                raise Failed(f"{self._file} ended before it was ready: {self.tail()}")
            if time.monotonic() > until or taken > self._settings.compile + self._budget:
                raise Failed(f"{self._file} was not ready within {taken:.0f} seconds: {self.tail()}")
            time.sleep(LOOKS)

    def _clock(self) -> float:
        self._memory = max(self._memory, self._session.taken().memory)
        return self._meter.seconds() if self._settings.unit == "cpu" else time.monotonic()

    def _until(self, moment: float, began: float | None = None, wall: float = math.inf) -> int | None:
        """The exit code of the candidate, None where the time was up before it ended. began: draw the curve too."""
        started = time.monotonic()
        while (now := self._clock()) < moment and time.monotonic() - started < wall:
            state = self._look()
            self._curve.hear(state["said"])
            if self._curve.endless:
                raise Failed(f"{self._file} says that its loss is no finite number, at step {self._curve.steps}")
            if began is not None:
                self._draw((now - began) / self._budget)
            if state["ended"] is not None:
                return int(state["ended"])
            time.sleep(LOOKS)
        return None

    def _draw(self, share: float) -> None:
        if self._curve.at(share) and self._stop and (reason := self._stop(self._curve.points)):
            raise Stopped(reason, tuple(self._curve.points))

    def _allowed(self) -> float:
        return ALLOWED * self._budget + ALLOWED_SECONDS[self._settings.unit]

    def _last_words(self) -> bytes:
        """Stops all that is in the sandbox, kills whatever is left of the candidate, and reads what it saved last:
        nobody in there can go on, or have a part in it."""
        self._session.meter().signal(signal.SIGSTOP)
        try:
            self._end()
            return self._session.scratch_file("model.bin", self._settings.weights)
        except OSError:
            return b""
        except ValueError as error:
            raise Failed(f"{self._file} saved too much: {error}") from None
        finally:
            self._session.kill()

    def _end(self) -> None:
        until = time.monotonic() + GRACE
        while self._meter.processes():
            if time.monotonic() > until:
                raise Failed(f"{self._file} leaves processes that cannot be ended")
            self._meter.signal(signal.SIGKILL)
            time.sleep(LOOKS / 4)

    def _look(self) -> dict[str, Any]:
        found = self._ask(do="look")
        known = isinstance(found, dict) and isinstance(found.get("said"), str)
        if not known or not isinstance(found.get("ended"), int | None):
            raise Failed("the sandbox says what nobody asked for")
        return dict(found)

    def _ask(self, **asked: object) -> Any:
        try:
            return json.loads(self._session.ask(json.dumps(asked), _ANSWER))
        except ValueError:
            raise Failed("the sandbox says what nobody asked for") from None
