"""The evaluator of a training run: `gpt.serve("prepared", "measure.yaml")` is all that its evaluate.py has to say."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from harness import evaluator
from harness.errors import AutoresearchError
from harness.evaluator import Crash, Scores, Screened
from harness.scorers.gpt import answers, bits, corpus, curve, device, settings, training
from harness.scorers.gpt.answers import Model
from harness.scorers.gpt.behind import Behind
from harness.scorers.gpt.training import Failed, Stop, Stopped, Trained

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
        self._settings = settings.read(measure, device.kind())
        self._corpus = corpus.read(folder)
        self._behind = Behind(PRIMARY)
        self._windows = self._corpus.windows(self._settings.windows, self._settings.context)

    def score(self, request: evaluator.Request) -> list[Scores | Screened | Crash]:
        """One result per item of the request, in its order. The seed is the training run's."""
        return [self._one(item.path, request) for item in request.items]

    def _one(self, path: Path, request: evaluator.Request) -> Scores | Screened | Crash:
        try:
            found = self.measure(path, request.seed, request.fidelity, self._behind.stop(request))
        except Stopped as stopped:
            return self._behind.screened(request, stopped.curve)
        except Failed as failed:
            return Crash(" ".join(str(failed).split())[:2000])
        self._behind.remember(request, found)
        return found

    def measure(self, file: Path, seed: int, share: float = 1.0, stop: Stop | None = None) -> Scores:
        """Raises Failed; Stopped.

        The sandboxes that will answer start up beside the one that trains, and wait. Whoever trains on a card has it
        for itself: there they start when it has ended.
        """
        with ExitStack() as stack:
            early = self._answering(file, stack) if self._settings.unit == "cpu" else []
            before = partial(_ready, early)
            with device.watched() as watch:
                trained = training.train(file, self._corpus, self._settings, seed, share, stop, before)
            first, second = models = early or self._answering(file, stack)
            _ready(models)
            for model in models:
                model.load(trained.weights)
            found = self._judged(first, second)
        card = watch.parts(trained.began, trained.ended)
        return Scores(_metrics(trained, found, card), {**_parts(trained), **card})

    def _answering(self, file: Path, stack: ExitStack) -> list[Model]:
        """Two sandboxes, neither of which can know what the other is asked."""
        opened = (answers.asked(file, self._corpus.vocabulary, self._settings) for _ in range(2))
        return [stack.enter_context(one) for one in opened]

    def _judged(self, first: Model, second: Model) -> float:
        seed = secrets.randbits(64)  # not the run's, which the candidate is told and could tell its model
        rounding = bits.HALF if self._settings.device == "cuda" else bits.EXACT
        return bits.measured(first, second, self._windows, self._corpus, self._settings.batch, seed, rounding)


def _ready(models: list[Model]) -> None:
    for model in models:
        model.ready()


def _metrics(trained: Trained, found: float, card: Mapping[str, float]) -> dict[str, float]:
    """memory_mb: of the card, where there is one that says."""
    memory = card.get("gpu_memory_mb", trained.memory / _MILLION)
    return {PRIMARY: found, "memory_mb": memory, "weights_mb": len(trained.weights) / _MILLION}


def _parts(trained: Trained) -> dict[str, float]:
    found = {"train_seconds": trained.seconds, **curve.parts(trained.curve)}
    if trained.tokens:
        speed = trained.tokens / max(trained.seconds, 1e-3)
        found |= {"tokens_per_second": speed, "steps": float(trained.steps)}
        if (used := device.mfu(speed, trained.flops)) is not None and trained.flops:
            found["mfu"] = used
    return found
