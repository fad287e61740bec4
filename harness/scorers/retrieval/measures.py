"""How good an order is: by the places of the documents that were judged right, query by query.

A query's gain at place r is grade / log2(1 + r). nDCG@k: the gains of the first k places, as a share of what the best
order would have. Reciprocal rank: 1 / the place of the first right document. Recall@k: the share of right documents
among the first k. Right is a grade above 0. What was not retrieved has no place and adds 0.
"""

from __future__ import annotations

import numpy as np

from harness.scorers.retrieval.corpus import Floats, Queries

_CHUNK = 4_000_000  # comparisons at a time


def places(scores: Floats, queries: Queries) -> Floats:
    """Where each judged document stands, from 1; infinity for what was not retrieved, whose score is -inf.

    Of equal scores the document that stands first in the corpus is first.
    """
    found = np.empty(len(queries.judged))
    step = max(1, _CHUNK // scores.shape[1])
    before = np.arange(scores.shape[1])
    for start in range(0, len(found), step):
        query, document = queries.judged[start : start + step].T
        rows, own = scores[query], scores[query, document][:, None]
        ahead = (rows > own) | ((rows == own) & (before < document[:, None]))
        found[start : start + step] = np.where(np.isneginf(own[:, 0]), np.inf, 1 + ahead.sum(axis=1))
    return found


def ndcg(places: Floats, queries: Queries, k: int) -> Floats:
    """One value per query, from 0 to 1."""
    reached = _by_query(np.where(places <= k, queries.grades / np.log2(1 + places), 0.0), queries)
    order = np.lexsort((-queries.grades, queries.judged[:, 0]))
    owner = queries.judged[order, 0]
    best = 1 + np.arange(len(owner)) - np.searchsorted(owner, owner)
    possible = np.where(best <= k, queries.grades[order] / np.log2(1 + best), 0.0)
    found: Floats = reached / np.bincount(owner, weights=possible, minlength=len(queries.ids))
    return found


def reciprocal_rank(places: Floats, queries: Queries) -> Floats:
    found = np.zeros(len(queries.ids))
    np.maximum.at(found, queries.judged[:, 0], 1 / places)
    return found


def recall(places: Floats, queries: Queries, k: int) -> Floats:
    found: Floats = _by_query((places <= k).astype(float), queries) / _by_query(np.ones(len(places)), queries)
    return found


def _by_query(values: Floats, queries: Queries) -> Floats:
    found: Floats = np.bincount(queries.judged[:, 0], weights=values, minlength=len(queries.ids)).astype(np.float64)
    return found
