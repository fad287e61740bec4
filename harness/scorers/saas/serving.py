"""The evaluator of a scoring target: `saas.serve("columns.yaml")` is all that its evaluate.py has to say."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import evaluator
from harness.documents import load
from harness.errors import AutoresearchError, InvalidCandidate
from harness.evaluator import Crash, Screened
from harness.rule import Metric
from harness.scorers.saas import columns, measures
from harness.scorers.saas.engine import Engine, Here
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.spec import Reader, Spec
from harness.screening import falls_short

Result = evaluator.Scores | Crash | Screened


def serve(file: str) -> None:
    """Answers batches until the harness closes standard input. file: the columns.yaml beside the target.yaml."""
    if multiprocessing.current_process().name != "MainProcess":
        return  # a worker that this evaluator started imports its script too
    here = Path(sys.argv[0]).resolve().parent
    try:
        known = columns.load(here / file)
        scorer = Scorer(here, known, _engine(known))
        for name, why in measures.absent(scorer.columns.outcomes).items():
            print(f"{name} is not computed: {why}", file=sys.stderr)
        evaluator.serve(Serving(scorer, declared(here / "target.yaml")).score)
    except AutoresearchError as error:
        raise SystemExit(" ".join(str(error).split())) from None  # its last line is all that the harness quotes


def _engine(known: columns.Columns) -> Engine:
    if known.engine is None:
        return Here()
    from harness.scorers.saas.dask_engine import Dask

    return Dask(known.engine)


def declared(target: Path) -> list[Metric]:
    """The metrics of a target.yaml, as far as screening has to know them; the first is the primary."""
    return [
        Metric(metric["name"], metric["goal"], compare=metric.get("compare", "difference"))
        for metric in load(target)["metrics"]
    ]


class Serving:
    """metrics: the target's, the primary first. Rows are reported of the primary alone, and only on the holdout, which
    is where they are read: they take longer than all metrics."""

    def __init__(self, scorer: Scorer, metrics: Sequence[Metric]) -> None:
        self.scorer, self.metrics = scorer, metrics
        self._reader = Reader(scorer.columns.features)

    def score(self, request: evaluator.Request) -> list[Result]:
        """One result per item of the request, in its order."""
        read = [self._spec(item.path) for item in request.items]
        results: dict[int, Result] = {n: found for n, found in enumerate(read) if isinstance(found, Crash)}
        specs = {n: found for n, found in enumerate(read) if isinstance(found, Spec)}
        for _scaling, group in itertools.groupby(
            sorted(specs, key=lambda n: specs[n].scaling), key=lambda n: specs[n].scaling
        ):
            numbers = list(group)
            try:
                results |= zip(numbers, self._scores([specs[n] for n in numbers], request), strict=True)
            except InvalidCandidate as invalid:
                results |= dict.fromkeys(numbers, Crash(str(invalid)[:2000]))
        return [results[number] for number in range(len(read))]

    def _spec(self, path: Path) -> Spec | Crash:
        try:
            return self._reader.spec(load(path))
        except InvalidCandidate as invalid:
            return Crash(str(invalid)[:2000])

    def _scores(self, specs: Sequence[Spec], request: evaluator.Request) -> Iterator[Result]:
        screened = self._screened(specs, request)
        full = [spec for number, spec in enumerate(specs) if number not in screened]
        measured = iter(self.scorer.measure(full, request.split) if full else [])
        with_rows = request.split == "holdout"
        for number, spec in enumerate(specs):
            if number in screened:
                yield screened[number]
                continue
            metrics = next(measured)
            names = [self.metrics[0].name] if with_rows and self.metrics[0].name in metrics else []
            rows = self.scorer.rows(spec, request.split, names) if names else {}
            yield evaluator.Scores(metrics, rows=rows)

    def _screened(self, specs: Sequence[Spec], request: evaluator.Request) -> dict[int, Screened]:
        """Specs whose primary metric, which is computed first and exactly, falls short of the bar."""
        if request.bar is None:
            return {}
        primary = self.metrics[0]
        found = self.scorer.primary(specs, request.split, primary.name)
        return {
            number: Screened(primary.name, value)
            for number, value in enumerate(found)
            if value is not None and falls_short(primary, value, request.bar)
        }
