"""What reranking looks at: numbers from 0 to 1 for each query and document, whatever was ranked before."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from harness.scorers.retrieval.corpus import Floats, Ints
from harness.scorers.retrieval.index import Index


def coverage(index: Index) -> Floats:
    """The share of a query's words, by idf, that the document has in any field. Words that no document has are passed
    over; how often a word is said does not matter."""
    known = np.where(index.found_in > 0, index.idf, 0.0)
    weighted = sparse.csr_array(_present(index.queries) @ sparse.diags_array(known))
    return _share((weighted @ _present(index.anywhere).T).toarray(), weighted.sum(axis=1)[:, None])


def title(index: Index) -> Floats:
    """The share of the title's words, by idf, that the query says."""
    weighted = sparse.csr_array(_present(index.tf["title"]) @ sparse.diags_array(index.idf))
    return _share((_present(index.queries) @ weighted.T).toarray(), weighted.sum(axis=1)[None, :])


def phrase(index: Index) -> Floats:
    """The share of a query's pairs of neighbouring words that are neighbours in a field of the document too."""
    asker, pair = index.asked.pairs(index.distinct)
    known = np.unique(pair)
    said = _matrix(asker, np.searchsorted(known, pair), (index.asked.texts, len(known)))
    owners, columns = [], []
    for tokens in index.tokens.values():
        owner, stands = tokens.pairs(index.distinct)
        asked_for = np.isin(stands, known)
        owners.append(owner[asked_for])
        columns.append(np.searchsorted(known, stands[asked_for]))
    has = _matrix(np.concatenate(owners), np.concatenate(columns), (index.documents, len(known)))
    return _share((said @ has.T).toarray(), said.sum(axis=1)[:, None])


def _matrix(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    """1 where something stands, however often."""
    width = (shape[0], max(shape[1], 1))
    return _present(sparse.csr_array(sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=width)))


def _present(counts: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array((np.ones_like(counts.data), counts.indices, counts.indptr), shape=counts.shape)


def _share(part: Floats, whole: Floats) -> Floats:
    found: Floats = part / np.where(whole > 0, whole, 1)
    return found
