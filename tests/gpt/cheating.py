"""A small world in which candidates train for half a second, and what becomes of those that cheat in it.

A candidate is cheats/honest.py with some of its functions replaced by what a test says. The text is drawn from a chain
whose next token depends on the last one, so that counting pairs learns it, and more pairs are better.
"""

from __future__ import annotations

import functools
import json
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.sandbox.views import ROOT_VARIABLE
from harness.scorers.gpt import serving
from harness.scorers.gpt.serving import PRIMARY, Serving
from harness.scorers.gpt.training import Failed

HONEST = Path(__file__).parent / "cheats" / "honest.py"
VOCABULARY, CONTEXT, WINDOWS, SEED = 64, 32, 24, 11
MARGIN = 0.02  # bits per byte: some of what chance and a busy machine make of half a second
LUCK = 1.6  # of the budget: more than lateness and the grace to save can give
MEASURE = f"""
context: {CONTEXT}
windows: {WINDOWS}
batch: 8
memory_mb: 512
weights_mb: 2
cpu: {{seconds: 0.5}}
"""


@dataclass(frozen=True)
class World:
    folder: Path
    evaluator: Serving

    @property
    def prepared(self) -> Path:
        return self.folder / "prepared"

    def candidate(self, cheat: str = "", name: str = "train.py") -> Path:
        """cheat: functions that take the place of the honest ones."""
        file = self.folder / name
        file.write_text(HONEST.read_text().replace("\ndef main():", f"\n{cheat}\n\ndef main():"))
        return file

    def score(self, cheat: str = "", share: float = 1.0) -> float:
        return self.evaluator.measure(self.candidate(cheat), SEED, share).metrics[PRIMARY]

    def refused(self, cheat: str) -> str:
        """Why nothing came of it."""
        with pytest.raises(Failed) as failed:
            self.evaluator.measure(self.candidate(cheat), SEED)
        return str(failed.value)

    def lost_or(self, cheat: str) -> float:
        """Its score; infinite where nothing came of it."""
        try:
            return self.score(cheat)
        except Failed:
            return math.inf

    def again(self, measure: str = MEASURE) -> World:
        """The same, read anew, with other settings."""
        (self.folder / "measure.yaml").write_text(measure)
        return World(self.folder, Serving(self.prepared, self.folder / "measure.yaml"))


def built(folder: Path, patch: pytest.MonkeyPatch) -> World:
    """A folder as an evaluator's, with a corpus in it; the process stands in it, as an evaluator does."""
    folder.chmod(0o755)
    prepared = folder / "prepared"
    prepared.mkdir()
    for name, tokens in zip(("train.bin", "validation.bin"), texts(), strict=True):
        tokens.tofile(prepared / name)
    (prepared / "tokens.json").write_text(json.dumps({"bytes": [0] + [2] * (VOCABULARY - 1), "special": [0]}))
    (folder / "measure.yaml").write_text(MEASURE)
    patch.setenv(ROOT_VARIABLE, os.pathsep.join([str(folder), tempfile.gettempdir()]))
    patch.chdir(folder)
    return World(folder, Serving(prepared, folder / "measure.yaml"))


@functools.cache
def texts() -> Sequence[NDArray[np.uint16]]:
    chance = np.random.default_rng(5)
    chain = chance.dirichlet(np.full(VOCABULARY, 0.15), size=VOCABULARY).cumsum(axis=1)
    return [_text(chain, chance.random(length)) for length in (60_000, 4_000)]


def _text(chain: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.uint16]:
    found = np.zeros(len(draws), dtype="<u2")
    for at in range(1, len(draws)):
        found[at] = min(int(np.searchsorted(chain[found[at - 1]], draws[at])), VOCABULARY - 1)
    return found


def without_probes(patch: pytest.MonkeyPatch) -> None:
    """An evaluator that believes what a model answers."""
    patch.setattr(serving.bits, "_require_same_logits", lambda *_: None)
    patch.setattr(serving.bits, "_require_same_bits", lambda *_: None)
    patch.setattr(serving.bits, "_charge", lambda *_: 0.0)
