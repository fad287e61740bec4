"""Small corpora of a few words, drawn or written, for what retrieval computes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from harness.scorers.retrieval.corpus import Corpus, Queries
from harness.scorers.retrieval.index import Index, Text
from harness.scorers.retrieval.pipeline import Pipeline
from harness.scorers.retrieval.settings import BM25, Embedding, Fusion, Rerank, Settings
from harness.scorers.retrieval.tokens import TokenRules

WORDS = ("ant", "bee", "cat", "dog", "elk")
FIELDS = ("title", "text")


@dataclass(frozen=True)
class Case:
    """documents: a text per field; queries; judged: grade by query and document, above 0."""

    documents: tuple[tuple[str, ...], ...]
    queries: tuple[str, ...]
    judged: Mapping[tuple[int, int], int]

    def corpus(self) -> Corpus:
        ids = tuple(f"d{number}" for number in range(len(self.documents)))
        texts = {name: tuple(found[at] for found in self.documents) for at, name in enumerate(FIELDS)}
        return Corpus(ids, texts, None)

    def asked(self) -> Queries:
        ids = tuple(f"q{number}" for number in range(len(self.queries)))
        pairs = sorted(self.judged)
        grades = np.array([self.judged[pair] for pair in pairs], dtype=np.float64)
        return Queries(ids, self.queries, ("",) * len(ids), np.array(pairs, dtype=np.int64), grades, None)

    def index(self, rules: TokenRules | None = None) -> Index:
        return Index(Text(self.corpus(), self.queries), rules or TokenRules())

    def pipeline(self, rules: TokenRules | None = None) -> Pipeline:
        return Pipeline(self.corpus(), self.asked(), self.index(rules))


def config(
    *, title: float = 1, text: float = 1, bm25: BM25 | None = None, embedding: Embedding | None = None,
    fusion: Fusion | None = None, rerank: Rerank | None = None, tokens: TokenRules | None = None,
) -> Settings:  # fmt: skip
    """Plain BM25 but for what is said."""
    return Settings(
        tokens or TokenRules(), {"title": title, "text": text}, bm25 or BM25(), embedding or Embedding(),
        fusion or Fusion(), rerank or Rerank(),
    )  # fmt: skip


def written(documents: Sequence[tuple[str, str]], *queries: str) -> Case:
    return Case(tuple(documents), queries, {(number, 0): 1 for number in range(len(queries))})


def sentences(most: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(WORDS), max_size=most).map(" ".join)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Two to seven documents, one to three queries of which one word at least is known to somebody, perhaps nobody."""
    documents = draw(st.lists(st.tuples(sentences(2), sentences(7)), min_size=2, max_size=7))
    queries = draw(st.lists(st.lists(st.sampled_from((*WORDS, "yak")), min_size=1, max_size=5), min_size=1, max_size=3))
    judged: dict[tuple[int, int], int] = {}
    for number in range(len(queries)):
        grades = draw(st.dictionaries(st.integers(0, len(documents) - 1), st.integers(1, 3), min_size=1, max_size=4))
        judged |= {(number, document): grade for document, grade in grades.items()}
    return Case(tuple(documents), tuple(map(" ".join, queries)), judged)
