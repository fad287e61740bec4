"""One split's queries under one set of token rules: what candidates with the same rules share is computed once."""

from __future__ import annotations

import functools

import numpy as np

from harness.scorers.retrieval import bm25, features, fusion, lsa
from harness.scorers.retrieval.corpus import Corpus, Floats, Queries
from harness.scorers.retrieval.index import Counts, Index, counts
from harness.scorers.retrieval.settings import Rerank, Settings


class Pipeline:
    def __init__(self, corpus: Corpus, queries: Queries, index: Index) -> None:
        """index: of the same corpus and queries."""
        self._corpus, self._queries, self._index = corpus, queries, index
        self._fields = tuple(corpus.texts)

    def scores(self, settings: Settings) -> Floats:
        """Queries x documents, the higher the earlier; -inf for what is not retrieved.

        Without an embedding only documents with a word of the query are retrieved, with one all of them.
        """
        weights = np.array([settings.weights.get(name, 0.0) for name in self._fields])
        lexical = bm25.scores(self._counts, weights, settings.bm25)
        found, embedding = lexical, settings.embedding
        if embedding.weight:
            semantic = self._cosine(embedding.dimensions)
            if settings.fusion.method == "sum":
                found = fusion.by_sum(lexical, semantic, embedding.weight)
            else:
                found = fusion.by_rank(lexical, semantic, embedding.weight, settings.fusion.constant)
        if settings.rerank.depth:
            found = fusion.reranked(found, self._extra(settings.rerank), settings.rerank.depth)
        return found if embedding.weight else np.where(lexical > 0, found, -np.inf)

    def _extra(self, settings: Rerank) -> Floats:
        extra = np.zeros((len(self._queries.ids), self._index.documents))
        if settings.coverage:
            extra += settings.coverage * self._coverage
        if settings.title:
            extra += settings.title * self._title
        if settings.phrase:
            extra += settings.phrase * self._phrase
        return extra

    @functools.cached_property
    def _counts(self) -> Counts:
        return counts(self._index)

    @functools.cached_property
    def _coverage(self) -> Floats:
        return features.coverage(self._index)

    @functools.cached_property
    def _title(self) -> Floats:
        return features.title(self._index)

    @functools.cached_property
    def _phrase(self) -> Floats:
        return features.phrase(self._index)

    def _cosine(self, dimensions: int) -> Floats:
        documents, queries = self._vectors
        return lsa.cosine(queries, documents, dimensions)

    @functools.cached_property
    def _vectors(self) -> tuple[Floats, Floats]:
        if self._corpus.vectors is not None and self._queries.vectors is not None:
            return self._corpus.vectors, self._queries.vectors
        return lsa.vectors(self._index.anywhere, self._index.queries)
