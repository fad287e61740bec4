"""The evaluator of a retrieval target: `retrieval.serve("prepared")` is all that its evaluate.py has to say."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness import evaluator
from harness.documents import load
from harness.errors import AutoresearchError, InvalidCandidate
from harness.evaluator import Crash, Scores
from harness.scorers.retrieval import measures, settings
from harness.scorers.retrieval.corpus import MOST_CELLS, Floats, Queries, read_corpus, read_queries
from harness.scorers.retrieval.index import Index, Text
from harness.scorers.retrieval.pipeline import Pipeline
from harness.scorers.retrieval.settings import Settings
from harness.scorers.retrieval.tokens import TokenRules

PRIMARY = "ndcg_at_10"
MOST_KEPT = 64  # pipelines; of large splits fewer, so that what they share takes no more than a few GB


def serve(folder: str) -> None:
    """Answers batches until the harness closes standard input. folder: beside the evaluator."""
    try:
        evaluator.serve(Serving(Path(sys.argv[0]).resolve().parent / folder).score)
    except AutoresearchError as error:
        raise SystemExit(" ".join(str(error).split())) from None  # its last line is all that the harness quotes


class Serving:
    """The holdout is read when it is first asked for: before confirm it does not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._corpus = read_corpus(folder)
        self._queries: dict[str, Queries] = {"search": read_queries(folder, "search", self._corpus)}
        self._texts: dict[str, Text] = {}
        self._pipelines: OrderedDict[tuple[str, TokenRules], Pipeline] = OrderedDict()

    def score(self, request: evaluator.Request) -> list[Scores | Crash]:
        """One result per item of the request, in its order."""
        return [self._one(item.path, request.split) for item in request.items]

    def _one(self, path: Path, split: str) -> Scores | Crash:
        try:
            return self.measure(settings.read(load(path), self._corpus.texts), split)
        except InvalidCandidate as invalid:
            return Crash(" ".join(str(invalid).split())[:2000])

    def measure(self, config: Settings, split: str) -> Scores:
        """Rows only on the holdout, which is where they are read."""
        queries = self.queries(split)
        places = measures.places(self._pipeline(split, config.tokens).scores(config), queries)
        by_query = {
            PRIMARY: measures.ndcg(places, queries, 10),
            "mrr": measures.reciprocal_rank(places, queries),
            "recall_at_10": measures.recall(places, queries, 10),
            "recall_at_100": measures.recall(places, queries, 100),
        }
        metrics = {name: float(np.mean(values)) for name, values in by_query.items()}
        rows = {PRIMARY: [by_query[PRIMARY].tolist()]} if split == "holdout" else {}
        return Scores(metrics, dict(_parts(by_query[PRIMARY], queries)), rows)

    def queries(self, split: str) -> Queries:
        if split not in self._queries:
            self._queries[split] = read_queries(self._folder, split, self._corpus)
        return self._queries[split]

    def _text(self, split: str) -> Text:
        if split not in self._texts:
            self._texts[split] = Text(self._corpus, self.queries(split).texts)
        return self._texts[split]

    def _pipeline(self, split: str, rules: TokenRules) -> Pipeline:
        key, queries = (split, rules), self.queries(split)
        if key not in self._pipelines:
            self._pipelines[key] = Pipeline(self._corpus, queries, Index(self._text(split), rules))
            cells = len(queries.ids) * len(self._corpus.ids)
            while len(self._pipelines) > max(1, min(MOST_KEPT, MOST_CELLS // cells)):
                self._pipelines.popitem(last=False)
        self._pipelines.move_to_end(key)
        return self._pipelines[key]


def _parts(values: Floats, queries: Queries) -> Iterator[tuple[str, float]]:
    """The primary metric by kind of query."""
    kinds = np.array(queries.kinds)
    for kind in sorted({kind for kind in queries.kinds if kind}):
        yield f"{PRIMARY}.{kind}", float(values[kinds == kind].mean())
