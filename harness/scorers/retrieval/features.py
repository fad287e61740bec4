"""What reranking looks at: numbers from 0 to 1 for each query and document, whatever was ranked before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from harness.scorers.retrieval.corpus import Floats
from harness.scorers.retrieval.index import Index, Pairs, pairs


def coverage(index: Index, queries: sparse.csr_array) -> Floats:
    """The share of a query's words, by idf, that the document has in any field. Words that no document has are passed
    over, however often a word is said."""
    asked = _present(queries)
    weighted = sparse.csr_array(asked @ sparse.diags_array(index.idf))
    return _share((weighted @ _present(index.anywhere).T).toarray(), weighted.sum(axis=1)[:, None])


def title(index: Index, queries: sparse.csr_array) -> Floats:
    """The share of the title's words, by idf, that the query says."""
    weighted = sparse.csr_array(_present(index.tf["title"]) @ sparse.diags_array(index.idf))
    return _share((_present(queries) @ weighted.T).toarray(), weighted.sum(axis=1)[None, :])


def phrase(index: Index, queries: Sequence[Sequence[str]]) -> Floats:
    """The share of a query's pairs of neighbouring words that are neighbours in a field of the document too."""
    asked = [pairs(tokens) for tokens in queries]
    known = {pair: number for number, pair in enumerate(sorted(frozenset[tuple[str, str]]().union(*asked)))}
    said, stands = _matrix(asked, known), _matrix(index.pairs, known)
    return _share((said @ stands.T).toarray(), said.sum(axis=1)[:, None])


def _matrix(sets: Sequence[Pairs], known: dict[tuple[str, str], int]) -> sparse.csr_array:
    numbers = [sorted(known[pair] for pair in one if pair in known) for one in sets]
    first = np.cumsum([0, *map(len, numbers)])
    columns = np.array([number for row in numbers for number in row], dtype=np.int64)
    return sparse.csr_array((np.ones(len(columns)), columns, first), shape=(len(sets), max(len(known), 1)))


def _present(counts: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array((np.ones_like(counts.data), counts.indices, counts.indptr), shape=counts.shape)


def _share(part: Floats, whole: Floats) -> Floats:
    found: Floats = part / np.where(whole > 0, whole, 1)
    return found
