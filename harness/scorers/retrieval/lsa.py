"""Vectors without a model: latent semantic analysis, a truncated SVD of the corpus's TF-IDF. No download, no GPU.

It knows which words of this corpus keep the same company, and nothing of language beyond that.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from harness.scorers.retrieval.corpus import Floats

MOST = 200  # dimensions


def vectors(documents: sparse.csr_array, queries: sparse.csr_array, most: int = MOST) -> tuple[Floats, Floats]:
    """Rows for documents and for queries, the most telling dimension first; so the first few are a coarser analysis.

    Both counted over the same tokens. A count c becomes (1 + ln c) * ln(N / n), rows of documents have length 1.
    """
    found_in = np.bincount(documents.indices, minlength=documents.shape[1])
    rarity = np.log(documents.shape[0] / np.maximum(found_in, 1))
    weighted = _weighted(documents, rarity)
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1))
    weighted = sparse.csr_array(sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ weighted)
    dimensions = min(most, min(weighted.shape) - 1)
    if dimensions < 1:
        return np.zeros((documents.shape[0], 1)), np.zeros((queries.shape[0], 1))
    start = np.ones(min(weighted.shape)) / np.sqrt(min(weighted.shape))  # else every process starts elsewhere
    _left, sizes, right = linalg.svds(weighted, k=dimensions, v0=start)
    axes = right[np.argsort(-sizes, kind="stable")].T
    return np.asarray(weighted @ axes), np.asarray(_weighted(queries, rarity) @ axes)


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
