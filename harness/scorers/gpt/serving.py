"""The evaluator of a training run: `gpt.serve("prepared", "measure.yaml")` is all that its evaluate.py has to say."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import evaluator
from harness.errors import AutoresearchError
from harness.evaluator import Crash, Scores
from harness.scorers.gpt import answers, bits, corpus, settings, training
from harness.scorers.gpt.training import Failed

PRIMARY = "val_bpb"
_MILLION = 1e6


def serve(folder: str | Path, measure: str = "measure.yaml") -> None:
    """Answers batches until the harness closes standard input. folder, measure: beside the evaluator."""
    here = Path(sys.argv[0]).resolve().parent
    try:
        evaluator.serve(Serving(here / folder, here / measure).score)
    except AutoresearchError as error:
        raise SystemExit(" ".join(str(error).split())) from None  # its last line is all that the harness quotes


class Serving:
    def __init__(self, folder: Path, measure: Path) -> None:
        self._settings = settings.read(measure)
        self._corpus = corpus.read(folder)
        self._windows = self._corpus.windows(self._settings.windows, self._settings.context)

    def score(self, request: evaluator.Request) -> list[Scores | Crash]:
        """One result per item of the request, in its order. The seed is the training run's, and the probes'."""
        return [self._one(item.path, request) for item in request.items]

    def _one(self, path: Path, request: evaluator.Request) -> Scores | Crash:
        try:
            return self.measure(path, request.seed, request.fidelity)
        except Failed as failed:
            return Crash(" ".join(str(failed).split())[:2000])

    def measure(self, file: Path, seed: int, share: float = 1.0) -> Scores:
        """Raises Failed."""
        trained = training.train(file, self._corpus, self._settings, seed, share)
        vocabulary, size = self._corpus.vocabulary, self._settings.batch
        with (
            answers.asked(file, trained.weights, vocabulary, self._settings) as first,
            answers.asked(file, trained.weights, vocabulary, self._settings) as second,
        ):
            found = bits.measured(first, second, self._windows, self._corpus, size, seed)
        metrics = {
            PRIMARY: found,
            "memory_mb": trained.memory / _MILLION,
            "weights_mb": len(trained.weights) / _MILLION,
        }
        return Scores(metrics, {"train_seconds": trained.seconds})
