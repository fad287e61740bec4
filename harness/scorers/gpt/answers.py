"""What a trained model predicts: asked in a sandbox of its own, in which no text but the questions is to be seen.

The sandbox may be there before the weights are: its start-up is then over when they come, and what it takes from there
on is bounded, so that no model trains on while it answers.
"""

from __future__ import annotations

import base64
import binascii
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import candidate
from harness.candidate import ConversationOver, Limits, Session
from harness.sandbox import seccomp
from harness.scorers.gpt.corpus import Ids
from harness.scorers.gpt.hiding import told_by_python
from harness.scorers.gpt.settings import Settings
from harness.scorers.gpt.training import ALONE, START_UP, Failed, on_the_card, only_itself, where

Logits = NDArray[np.float32]
SECONDS = 120.0  # on the wall, for one answer
LOADING = {"cpu": 0.5, "wall": 10.0}  # seconds to build a model from its weights, or:
LOADING_SHARE = 0.05  # of the budget
FIRST = 2  # answers that loading has to be over with: a token, and some windows, which the other model is asked too
_ROOM = 1 << 16


class Model:
    """Answers windows, one line for one line."""

    def __init__(self, session: Session, place: Path, vocabulary: int, settings: Settings) -> None:
        self._session, self._place = session, place
        self._vocabulary, self._settings = vocabulary, settings
        self._meter = session.meter()
        self._began, self._is_ready, self._answers = 0.0, False, 0
        self._weights = b""  # that it is still to be shown

    def ready(self) -> None:
        """Waits until it has started. Raises Failed."""
        if self._is_ready:
            return
        if self._ask("start", START_UP).strip() != b"ready":
            raise Failed("the model does not say that it is ready to answer")
        self._is_ready, self._began = True, self._clock()
        if self._settings.unit == "cpu" and self._began > self._settings.compile + self._settings.answer:
            raise Failed(f"the model took {self._began:.1f} seconds to be ready")

    def load(self, weights: bytes) -> None:
        """From now on it can be asked; it is shown its weights with the first question, and never learns on while
        somebody else is asked."""
        self._weights = weights

    def _show(self, weights: bytes) -> None:
        beside = self._place.parent.with_suffix(".part")
        beside.write_bytes(weights)
        beside.chmod(0o444)
        if self._settings.unit == "wall":
            self._began = self._clock()
        beside.rename(self._place)
        self._asked(np.zeros((1, 1), dtype=np.uint16))

    def logits(self, ids: Ids) -> Logits:
        """ids: (windows, tokens). One row of logits per token, shape (windows, tokens, vocabulary). Raises Failed."""
        weights, self._weights = self._weights, b""
        if weights:
            self._show(weights)
        return self._asked(ids)

    def _asked(self, ids: Ids) -> Logits:
        shape = (*ids.shape, self._vocabulary)
        question = f"{ids.shape[0]} {ids.shape[1]} {base64.b64encode(ids.astype('<u2').tobytes()).decode()}"
        try:
            answer = base64.b64decode(self._ask(question, SECONDS), validate=True)
        except binascii.Error:
            raise Failed("the model's answer is not base64") from None
        self._require_in_time()
        if len(answer) != 2 * int(np.prod(shape)):
            raise Failed(
                f"the model's answer has {len(answer):,} bytes, {2 * int(np.prod(shape)):,} are {shape} logits"
            )
        found = np.frombuffer(answer, dtype="<f2").reshape(shape).astype(np.float32)
        if not np.isfinite(found).all():
            raise Failed("the model answers logits that are not finite")
        return found

    def _clock(self) -> float:
        return self._meter.seconds() if self._settings.unit == "cpu" else time.monotonic()

    def _require_in_time(self) -> None:
        """Whoever learns on behind its first windows answers them otherwise than the other model, asked them later."""
        self._answers += 1
        if self._answers <= FIRST:
            loading = max(LOADING[self._settings.unit], LOADING_SHARE * self._settings.seconds)
            self._require_within(loading, "to load its weights")
        self._require_within(self._settings.answer, "to answer")

    def _require_within(self, seconds: float, what: str) -> None:
        if (taken := self._clock() - self._began) > seconds:
            raise Failed(f"the model took {taken:.1f} seconds {what}, {seconds:g} are the most: it trains no further")

    def _ask(self, question: str, seconds: float) -> bytes:
        try:
            return self._session.ask(question, seconds)
        except ConversationOver as over:
            tail = self._session.stderr_tail().strip()[-600:]
            raise Failed(f"the model gives no answer: {over}; {tail}") from None


@contextmanager
def asked(file: Path, vocabulary: int, settings: Settings) -> Iterator[Model]:
    """A model that will be built from weights alone: nothing of the training run is there but them."""
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder, "weights")
        shown.mkdir(0o755)
        place = shown / "model.bin"
        words = ["python", where(file), "answer", "--model", f"{shown.name}/{place.name}"]
        words += ["--vocabulary", str(vocabulary), "--context", str(settings.context)]
        words += ["--threads", str(settings.threads), "--device", settings.device]
        if only_itself(settings):
            words = ["python", "-c", ALONE.read_text(), seccomp.alone().hex(), *words[1:]]
        try:
            with candidate.serve(
                words, sees=[file, shown], limits=_limits(vocabulary, settings), packages=True,
                hides=told_by_python(), gpu=settings.device == "cuda",
            ) as session:  # fmt: skip
                try:
                    yield Model(session, place, vocabulary, settings)
                finally:
                    session.kill()  # nobody waits for a library to take its leave
        except ConversationOver as over:
            raise Failed(f"the model says what nobody asked for: {over}") from None


def _limits(vocabulary: int, settings: Settings) -> Limits:
    largest = 3 * settings.batch * settings.context * vocabulary + _ROOM
    most = math.ceil(settings.compile + settings.answer) + 2 if settings.unit == "cpu" else None
    limits = Limits(
        seconds=SECONDS, cpu_seconds=most, memory=settings.memory, address_space=64 << 30, output=largest, processes=256
    )
    return on_the_card(limits) if settings.device == "cuda" else limits


def in_batches(model: Model, windows: Ids, order: Sequence[int], size: int) -> Iterator[tuple[list[int], Logits]]:
    """Asks windows in this order, so many at once: their indexes with their logits."""
    for at in range(0, len(order), size):
        chosen = list(order[at : at + size])
        yield chosen, model.logits(windows[chosen])
