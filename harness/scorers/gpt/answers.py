"""What a trained model predicts: asked in a sandbox of its own, in which no text but the questions is to be seen."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import candidate
from harness.candidate import ConversationOver, Limits, Session
from harness.scorers.gpt.corpus import Ids
from harness.scorers.gpt.hiding import told_by_python
from harness.scorers.gpt.settings import Settings
from harness.scorers.gpt.training import Failed, where

Logits = NDArray[np.float32]
SECONDS = 120.0  # for one answer, the first of which builds the model
_ROOM = 1 << 16


class Model:
    """Answers windows, one line for one line."""

    def __init__(self, session: Session, vocabulary: int) -> None:
        self._session, self._vocabulary = session, vocabulary

    def logits(self, ids: Ids) -> Logits:
        """ids: (windows, tokens). One row of logits per token, shape (windows, tokens, vocabulary). Raises Failed."""
        shape = (*ids.shape, self._vocabulary)
        question = f"{ids.shape[0]} {ids.shape[1]} {base64.b64encode(ids.astype('<u2').tobytes()).decode()}"
        try:
            answer = base64.b64decode(self._session.ask(question), validate=True)
        except ConversationOver as over:
            tail = self._session.stderr_tail().strip()[-600:]
            raise Failed(f"the model gives no answer: {over}; {tail}") from None
        except binascii.Error:
            raise Failed("the model's answer is not base64") from None
        if len(answer) != 2 * int(np.prod(shape)):
            raise Failed(
                f"the model's answer has {len(answer):,} bytes, {2 * int(np.prod(shape)):,} are {shape} logits"
            )
        found = np.frombuffer(answer, dtype="<f2").reshape(shape).astype(np.float32)
        if not np.isfinite(found).all():
            raise Failed("the model answers logits that are not finite")
        return found


@contextmanager
def asked(file: Path, weights: bytes, vocabulary: int, settings: Settings) -> Iterator[Model]:
    """A model that is built from weights alone: nothing of the training run is there but them."""
    largest = 3 * settings.batch * settings.context * vocabulary + _ROOM
    limits = Limits(
        seconds=SECONDS, memory=settings.memory, address_space=64 << 30, output=largest, processes=256,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "model.bin")
        saved.write_bytes(weights)
        saved.chmod(0o444)
        Path(folder).chmod(0o755)
        words = ["python", where(file), "answer", "--model", where(saved), "--vocabulary", str(vocabulary)]
        words += ["--context", str(settings.context), "--threads", str(settings.threads)]
        with candidate.serve(
            words, sees=[file, saved], limits=limits, packages=True, hides=told_by_python()
        ) as session:
            yield Model(session, vocabulary)


def in_batches(model: Model, windows: Ids, order: Sequence[int], size: int) -> Iterator[tuple[list[int], Logits]]:
    """Asks windows in this order, so many at once: their indexes with their logits."""
    for at in range(0, len(order), size):
        chosen = list(order[at : at + size])
        yield chosen, model.logits(windows[chosen])
