"""What an evaluator imports to say its scores. Light on purpose: it starts with every experiment.

Process form: the harness starts the evaluator once per measurement.

    from harness import evaluator
    run = evaluator.settings()
    evaluator.report({"accuracy": 0.91}, parts={"easy": 0.99, "hard": 0.83})

Serve form: the harness starts it once, then sends one JSON line per batch.

    def score(request):
        return [evaluator.Scores({"accuracy": ...}) for item in request.items]
    evaluator.serve(score)

Where a request has a `bar`, a candidate that cannot reach it may be answered with `evaluator.Screened`. At a fidelity
below 1 the bar is of that share of the cost, and a forecast is as good as a bound.

The lines that travel are described by harness/schemas/report.schema.json, serve-request.schema.json and
serve-response.schema.json; an evaluator in another language writes them itself.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Rows = Mapping[str, Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Settings:
    """What the harness asks of one measurement in process form."""

    file: Path
    split: str  # "search" or "holdout"
    seed: int
    fidelity: float  # share of the full cost, above 0; above 1 where confirm.longer asks for it


@dataclass(frozen=True)
class Item:
    """One candidate of a batch: the git blob id of its content, and where that content lies."""

    blob: str
    path: Path


@dataclass(frozen=True)
class Request:
    """One line of the serve form.

    fidelity: the share of the full cost. bar: the value of the primary metric, at that fidelity, below which (goal
    minimize: above which) a candidate is discarded whatever else it scores; None where every candidate has to be
    measured.
    """

    id: int
    split: str
    seed: int
    fidelity: float
    items: tuple[Item, ...]
    bar: float | None = None


@dataclass(frozen=True)
class Scores:
    """What was measured of one candidate.

    metrics: name -> finite number.
    parts:   name -> number; what a proposer may be shown to see where the score is weak.
    rows:    name of a metric -> strata, each the per-row values whose mean over the stratum estimates the metric
             (an accuracy: one stratum of 0 and 1; an AUC: placement values of positives, then of negatives), in
             an order that depends on the data alone. From them the harness computes paired intervals.
    notes:   what the scores say nothing of, in words for the page: at most 20 of 200 characters are kept.
    """

    metrics: Mapping[str, float]
    parts: Mapping[str, float] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)
    notes: Sequence[str] = ()

    def as_message(self) -> dict[str, Any]:
        message: dict[str, Any] = {"metrics": dict(self.metrics)}
        if self.parts:
            message["parts"] = dict(self.parts)
        if self.rows:
            message["rows"] = {name: [list(map(float, s)) for s in strata] for name, strata in self.rows.items()}
        if self.notes:
            message["notes"] = list(self.notes)
        return message


@dataclass(frozen=True)
class Screened:
    """The candidate falls short of the request's bar, so nothing else of it was computed.

    metric: the primary one. bound: what the candidate scores by it at best, strictly worse than the bar; the value
    itself where that is known. At a fidelity below 1: what it is foreseen to score there, worse than the bar too.
    """

    metric: str
    bound: float

    def as_message(self) -> dict[str, Any]:
        return {"screened": {"metric": self.metric, "bound": float(self.bound)}}


@dataclass(frozen=True)
class Crash:
    """The candidate cannot be scored: never a number."""

    why: str

    def as_message(self) -> dict[str, Any]:
        return {"crash": self.why}


@functools.lru_cache(maxsize=128)
def _path(text: str) -> Path:
    """Batch after batch lies in the same few places."""
    return Path(text)


def settings() -> Settings:
    """The measurement that this process was started for (from AUTORESEARCH_* in the environment)."""
    try:
        return Settings(
            file=Path(os.environ["AUTORESEARCH_FILE"]),
            split=os.environ["AUTORESEARCH_SPLIT"],
            seed=int(os.environ["AUTORESEARCH_SEED"]),
            fidelity=float(os.environ["AUTORESEARCH_FIDELITY"]),
        )
    except KeyError as missing:
        raise SystemExit(
            f"{missing.args[0]} is not set: an evaluator is started by the harness. Try: autoresearch check"
        ) from None


def report(
    metrics: Mapping[str, float], parts: Mapping[str, float] | None = None, rows: Rows | None = None,
    notes: Sequence[str] = (),
) -> None:  # fmt: skip
    """Says the scores of the one candidate of this process. A second report makes the measurement a crash."""
    line = json.dumps(Scores(metrics, parts or {}, rows or {}, notes).as_message()) + "\n"
    descriptor = os.environ.get("AUTORESEARCH_REPORT")
    if descriptor is None:
        sys.stdout.write(line)  # by hand, outside the harness: show what would be said
        return
    data = line.encode()
    while data:
        data = data[os.write(int(descriptor), data) :]


def serve(score: Callable[[Request], Sequence[Scores | Screened | Crash]]) -> None:
    """Answers batches until the harness closes standard input.

    `score` returns one result per item, in order. What it prints goes to standard error: standard output carries
    the answers alone.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        message = json.loads(line)
        request = Request(
            id=message["id"],
            split=message["split"],
            seed=message["seed"],
            fidelity=message["fidelity"],
            items=tuple(Item(item["blob"], _path(item["path"])) for item in message["items"]),
            bar=message.get("bar"),
        )
        results = [result.as_message() for result in score(request)]
        answers.write(json.dumps({"id": request.id, "results": results}) + "\n")
        answers.flush()
