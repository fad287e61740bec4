"""Vectors without a model: latent semantic analysis, a truncated SVD of the corpus's TF-IDF. No download, no GPU.

It knows which words of this corpus keep the same company, and nothing of language beyond that.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from harness.errors import InvalidCandidate
from harness.scorers.retrieval.corpus import Floats

MOST = 200  # dimensions
SMALL = 250  # documents or tokens: up to here all dimensions are computed, which stands any corpus
NOTHING = 1e-9


def vectors(documents: sparse.csr_array, queries: sparse.csr_array, most: int = MOST) -> tuple[Floats, Floats]:
    """Rows for documents and for queries, the most telling dimension first; so the first few are a coarser analysis.

    Both counted over the same tokens. A count c becomes (1 + ln c) * ln(N / n), rows of documents have length 1.
    """
    found_in = np.bincount(documents.indices, minlength=documents.shape[1])
    rarity = np.log(documents.shape[0] / np.maximum(found_in, 1))
    weighted = _weighted(documents, rarity)
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1))
    weighted = sparse.csr_array(sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ weighted)
    axes = _axes(weighted, most)
    return np.asarray(weighted @ axes), np.asarray(_weighted(queries, rarity) @ axes)


def _axes(weighted: sparse.csr_array, most: int) -> Floats:
    """Right singular vectors as columns, by falling singular value; none for what is 0 but for rounding."""
    smaller = min(weighted.shape)
    if smaller <= SMALL:
        _left, sizes, right = np.linalg.svd(weighted.toarray(), full_matrices=False)
    else:
        start = np.ones(smaller) / np.sqrt(smaller)  # else every process starts elsewhere
        try:
            _left, sizes, right = linalg.svds(weighted, k=min(most, smaller - 1), v0=start)
        except linalg.ArpackError as error:
            raise InvalidCandidate(f"these tokens allow no latent semantic analysis: {error}") from None
    order = np.argsort(-sizes, kind="stable")[:most]
    kept = order[sizes[order] > NOTHING * max(1.0, sizes.max())]
    axes: Floats = right[kept].T
    return axes if len(kept) else np.zeros((weighted.shape[1], 1))


def cosine(queries: Floats, documents: Floats, dimensions: int) -> Floats:
    """Queries x documents, from -1 to 1, by the first so many dimensions. A row of zeros is like nothing."""
    found: Floats = _unit(queries[:, :dimensions]) @ _unit(documents[:, :dimensions]).T
    return found


def _weighted(counts: sparse.csr_array, rarity: Floats) -> sparse.csr_array:
    logged = counts.copy()
    logged.data = (1 + np.log(logged.data)) * rarity[logged.indices]
    return logged


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Floats = rows / np.where(lengths > 0, lengths, 1)
    return found
