"""Counts of tokens, in the shape that many candidates with the same token rules share."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.scorers.retrieval.corpus import Corpus, Floats, Ints
from harness.scorers.retrieval.tokens import Tokeniser, TokenRules, words


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


class Words:
    """Texts as numbers of distinct words, which no token rule changes. owner: which text each word stands in."""

    def __init__(self, texts: Sequence[str], number: dict[str, int]) -> None:
        """number: of each distinct word; grows."""
        found = [[number.setdefault(word, len(number)) for word in words(text)] for text in texts]
        self.texts = len(texts)
        self.numbers = np.array([one for row in found for one in row], dtype=np.int64)
        self.owner = np.repeat(np.arange(self.texts), [len(row) for row in found])


@dataclass(frozen=True)
class Tokens:
    """Texts as numbers of tokens, in their order. owner: which text each token stands in."""

    numbers: Ints
    owner: Ints
    texts: int

    def counts(self, distinct: int) -> sparse.csr_array:
        """How often each text has each token: texts x tokens."""
        ones = np.ones(len(self.numbers))
        found = sparse.coo_array((ones, (self.owner, self.numbers)), shape=(self.texts, distinct))
        return sparse.csr_array(found)  # which adds up what comes twice

    def lengths(self) -> Floats:
        return np.bincount(self.owner, minlength=self.texts).astype(np.float64)

    def pairs(self, distinct: int) -> tuple[Ints, Ints]:
        """Neighbours within one text: whose they are, and both tokens as one number."""
        beside = self.owner[:-1] == self.owner[1:]
        return self.owner[:-1][beside], (self.numbers[:-1] * distinct + self.numbers[1:])[beside]


class Text:
    """What is searched and what is asked, read once for all token rules."""

    def __init__(self, corpus: Corpus, queries: Sequence[str]) -> None:
        number: dict[str, int] = {}
        self.fields = {name: Words(texts, number) for name, texts in corpus.texts.items()}
        self.queries = Words(queries, number)
        self.distinct = list(number)
        self.documents = len(corpus.ids)


class Index:
    """A corpus and its queries under one set of token rules."""

    def __init__(self, text: Text, rules: TokenRules) -> None:
        number: dict[str, int] = {}
        tokeniser = Tokeniser(rules)
        read = [[number.setdefault(token, len(number)) for token in tokeniser.read(word)] for word in text.distinct]
        self._many = np.array([len(tokens) for tokens in read], dtype=np.int64)
        self._flat = np.array([one for tokens in read for one in tokens], dtype=np.int64)
        self._first = np.cumsum(self._many) - self._many
        self.distinct, self.documents = max(len(number), 1), text.documents
        self.tokens = {name: self._tokens(found) for name, found in text.fields.items()}
        self.asked = self._tokens(text.queries)
        self.tf: Mapping[str, sparse.csr_array] = {n: found.counts(self.distinct) for n, found in self.tokens.items()}
        self.queries = self.asked.counts(self.distinct)

    def _tokens(self, words: Words) -> Tokens:
        many = self._many[words.numbers]
        ends = np.cumsum(many)
        within = np.arange(many.sum()) - np.repeat(ends - many, many)
        numbers = self._flat[np.repeat(self._first[words.numbers], many) + within]
        return Tokens(numbers, np.repeat(words.owner, many), words.texts)

    @functools.cached_property
    def anywhere(self) -> sparse.csr_array:
        """Counts over all fields together, whatever they weigh."""
        return sparse.csr_array(sum(self.tf.values()))

    @functools.cached_property
    def found_in(self) -> Ints:
        """How many documents have each token."""
        return np.bincount(self.anywhere.indices, minlength=self.distinct)

    @functools.cached_property
    def idf(self) -> Floats:
        """Of each token, over all fields together."""
        return idf(self.found_in, self.documents)


def idf(found_in: Ints, documents: int) -> Floats:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) for a token that n of N documents have: above 0 for any n."""
    found: Floats = np.log1p((documents - found_in + 0.5) / (found_in + 0.5))
    return found


def counts(index: Index) -> Counts:
    """Only what the queries ask for."""
    asked = np.unique(index.queries.indices)
    by_field = [sparse.coo_array(tf[:, asked]) for tf in index.tf.values()]
    keys = [found.col.astype(np.int64) * index.documents + found.row for found in by_field]
    entries = np.unique(np.concatenate(keys))
    tf = np.zeros((len(by_field), len(entries)))
    for number, (found, key) in enumerate(zip(by_field, keys, strict=True)):
        tf[number, np.searchsorted(entries, key)] = found.data
    term, document = np.divmod(entries, index.documents)
    first = np.searchsorted(term, np.arange(len(asked) + 1))
    lengths = np.array([tokens.lengths() for tokens in index.tokens.values()])
    return Counts(tf, term, document, first, lengths, sparse.csr_array(index.queries[:, asked]))
