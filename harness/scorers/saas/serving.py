"""The evaluator of a scoring target: `saas.serve("columns.yaml")` is all that its evaluate.py has to say."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import evaluator
from harness.documents import load
from harness.errors import AutoresearchError, InvalidCandidate
from harness.evaluator import Crash, Screened
from harness.scorers.saas import measures
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.spec import Spec, spec_of

Result = evaluator.Scores | Crash | Screened


def serve(file: str) -> None:
    """Answers batches until the harness closes standard input. file: the columns.yaml beside the target.yaml."""
    here = Path(sys.argv[0]).resolve().parent
    try:
        scorer = Scorer(here / file)
    except AutoresearchError as error:
        raise SystemExit(str(error)) from None
    for name, why in measures.absent(scorer.columns.outcomes).items():
        print(f"{name} is not computed: {why}", file=sys.stderr)
    evaluator.serve(Serving(scorer, declared(here / "target.yaml")).score)


def declared(target: Path) -> dict[str, str]:
    """Metric -> goal, as target.yaml declares them; the first is the primary."""
    return {metric["name"]: metric["goal"] for metric in load(target)["metrics"]}


class Serving:
    """goals: the target's metrics, the primary first. Rows are reported of these alone, and only for one spec at a
    time, which is how a final result is measured: they take longer than all metrics."""

    def __init__(self, scorer: Scorer, goals: dict[str, str]) -> None:
        self.scorer, self.goals = scorer, goals

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
            return spec_of(load(path), self.scorer.columns.features)
        except InvalidCandidate as invalid:
            return Crash(str(invalid)[:2000])

    def _scores(self, specs: Sequence[Spec], request: evaluator.Request) -> Iterator[Result]:
        screened = self._screened(specs, request)
        full = [spec for number, spec in enumerate(specs) if number not in screened]
        measured = iter(self.scorer.measure(full, request.split) if full else [])
        with_rows = request.split == "holdout" or (len(request.items) == 1 and request.bar is None)
        for number, spec in enumerate(specs):
            if number in screened:
                yield screened[number]
                continue
            rows = self.scorer.rows(spec, request.split, list(self.goals)) if with_rows else {}
            yield evaluator.Scores(next(measured), rows=rows)

    def _screened(self, specs: Sequence[Spec], request: evaluator.Request) -> dict[int, Screened]:
        """Specs whose primary metric, which is computed first and exactly, falls short of the bar."""
        if request.bar is None:
            return {}
        name, goal = next(iter(self.goals.items()))
        found = self.scorer.primary(specs, request.split, name)
        return {
            number: Screened(name, value)
            for number, value in enumerate(found)
            if value is not None and (value < request.bar if goal == "maximize" else value > request.bar)
        }
