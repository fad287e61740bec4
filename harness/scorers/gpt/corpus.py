"""What a prepared folder holds: tokens to train on, tokens to be judged by, and what each token is in bytes.

train.bin        token ids, unsigned 16-bit little-endian: the candidate sees it
validation.bin   the same for the pinned validation text: nobody but the evaluator sees it
tokens.json      {"bytes": [...], "special": [...]}: of each id its length in bytes, and the ids that are no text
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import EvaluatorError
from harness.scorers.gpt import manifest

Ids = NDArray[np.uint16]
TRAIN, VALIDATION, TOKENS = "train.bin", "validation.bin", "tokens.json"


@dataclass(frozen=True)
class Corpus:
    """lengths: bytes of each token, by id; spoken: whether it is text, by id."""

    folder: Path
    validation: Ids
    lengths: NDArray[np.int64]
    spoken: NDArray[np.bool_]

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return len(self.lengths)

    @property
    def train(self) -> Path:
        return self.folder / TRAIN

    def windows(self, count: int, context: int) -> Ids:
        """The first `count` stretches of context + 1 tokens, shape (count, context + 1). None shares a token with
        another: what is to be predicted last in one is not to be read in the next. Raises EvaluatorError where the text
        is too short."""
        needed = count * (context + 1)
        if len(self.validation) < needed:
            raise EvaluatorError(
                f"{self.folder / VALIDATION} has {len(self.validation):,} tokens, {needed:,} are to be judged",
                next_step="fewer windows in measure.yaml, or more text to prepare from",
            )
        found: Ids = self.validation[:needed].reshape(count, context + 1)
        return found


def read(folder: Path) -> Corpus:
    """Raises EvaluatorError for a folder that does not hold together, or is not what was prepared."""
    manifest.check(folder)
    try:
        told = json.loads((folder / TOKENS).read_text())
        lengths = np.array(told["bytes"], dtype=np.int64)
        spoken = np.ones(len(lengths), dtype=bool)
        spoken[told["special"]] = False
        found = np.fromfile(folder / VALIDATION, dtype="<u2")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise EvaluatorError(
            f"{folder} holds no prepared corpus: {error}", next_step="autoresearch setup makes it"
        ) from None
    if len(found) == 0 or int(found.max()) >= len(lengths):
        raise EvaluatorError(f"{folder / VALIDATION} names tokens that {TOKENS} does not know")
    return Corpus(folder, found, lengths, spoken)
