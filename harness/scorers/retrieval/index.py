"""Counts of tokens, in the shape that many candidates with the same token rules share."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.scorers.retrieval.corpus import Corpus, Floats, Ints
from harness.scorers.retrieval.tokens import Tokeniser, TokenRules

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Counts:
    """How often each query term stands where. Entry e: term term[e] in document document[e], tf[field, e] times.

    Entries lie by term, then by document, at first[t] to first[t + 1] for term t; each has a count above 0 in some
    field. lengths: tokens by field and document. queries: how often a query says a term, queries x terms.
    """

    tf: Floats
    term: Ints
    document: Ints
    first: Ints
    lengths: Floats
    queries: sparse.csr_array

    @property
    def terms(self) -> int:
        return len(self.first) - 1


class Index:
    """A corpus under one set of token rules. tokens: by field, then document."""

    def __init__(self, corpus: Corpus, rules: TokenRules) -> None:
        self._tokeniser = Tokeniser(rules)
        self.fields = tuple(corpus.texts)
        self.tokens = {name: [self._tokeniser.tokens(t) for t in texts] for name, texts in corpus.texts.items()}
        self.documents = len(corpus.ids)
        self._number: dict[str, int] = {}
        for texts in self.tokens.values():
            for tokens in texts:
                for token in tokens:
                    self._number.setdefault(token, len(self._number))
        self.tf: Mapping[str, sparse.csr_array] = {name: self.counted(texts) for name, texts in self.tokens.items()}
        self.lengths = np.array([[len(t) for t in texts] for texts in self.tokens.values()], dtype=np.float64)

    def asked(self, texts: Sequence[str]) -> list[list[str]]:
        """Each query's tokens, in its order."""
        return [self._tokeniser.tokens(text) for text in texts]

    def counted(self, texts: Sequence[Sequence[str]]) -> sparse.csr_array:
        """How often each text has each token of the corpus: texts x tokens. Other tokens are passed over."""
        found = [[self._number[t] for t in tokens if t in self._number] for tokens in texts]
        rows = np.repeat(np.arange(len(found)), [len(numbers) for numbers in found])
        columns = np.array([number for numbers in found for number in numbers], dtype=np.int64)
        ones = np.ones(len(columns))
        return sparse.csr_array(sparse.coo_array((ones, (rows, columns)), shape=(len(found), len(self._number))))

    @functools.cached_property
    def anywhere(self) -> sparse.csr_array:
        """Counts over all fields together, whatever they weigh."""
        return sparse.csr_array(sum(self.tf.values()))

    @functools.cached_property
    def idf(self) -> Floats:
        """Of each token, over all fields together."""
        return idf(np.bincount(self.anywhere.indices, minlength=len(self._number)), self.documents)

    @functools.cached_property
    def pairs(self) -> list[Pairs]:
        """Of each document: tokens that stand side by side in one of its fields."""
        by_field = ([pairs(tokens) for tokens in texts] for texts in self.tokens.values())
        return [frozenset().union(*of_one) for of_one in zip(*by_field, strict=True)]


def pairs(tokens: Sequence[str]) -> Pairs:
    return frozenset(itertools.pairwise(tokens))


def idf(found_in: Ints, documents: int) -> Floats:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) for a token that n of N documents have: above 0 for any n."""
    found: Floats = np.log1p((documents - found_in + 0.5) / (found_in + 0.5))
    return found


def counts(index: Index, queries: sparse.csr_array) -> Counts:
    """queries: counted by the same index. Only what they ask for is kept."""
    asked = np.unique(queries.indices)
    by_field = [sparse.coo_array(tf[:, asked]) for tf in index.tf.values()]
    keys = [found.col.astype(np.int64) * index.documents + found.row for found in by_field]
    entries = np.unique(np.concatenate(keys))
    tf = np.zeros((len(by_field), len(entries)))
    for number, (found, key) in enumerate(zip(by_field, keys, strict=True)):
        tf[number, np.searchsorted(entries, key)] = found.data
    term, document = np.divmod(entries, index.documents)
    first = np.searchsorted(term, np.arange(len(asked) + 1))
    return Counts(tf, term, document, first, index.lengths, sparse.csr_array(queries[:, asked]))
