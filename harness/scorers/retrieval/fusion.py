"""From scores to one order. Of equal scores the document that stands first in the corpus is first."""

from __future__ import annotations

import numpy as np

from harness.scorers.retrieval.corpus import Floats, Ints


def ranks(scores: Floats) -> Ints:
    """Each document's place in its query's order, from 1. Queries x documents, like scores."""
    order = np.argsort(-scores, axis=1, kind="stable")
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    return found


def scaled(scores: Floats) -> Floats:
    """Each query's scores from 0 to 1, its lowest and its highest; all 0 where they are equal."""
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    found: Floats = (scores - low) / np.where(high > low, high - low, 1)
    return found


def by_sum(first: Floats, second: Floats, weight: float) -> Floats:
    return scaled(first) + weight * scaled(second)


def by_rank(first: Floats, second: Floats, weight: float, constant: float) -> Floats:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), the second ranking weighted."""
    found: Floats = 1 / (constant + ranks(first)) + weight / (constant + ranks(second))
    return found


def reranked(scores: Floats, extra: Floats, depth: int) -> Floats:
    """New scores: the first so many documents by their scaled score plus extra (0 or more), ahead of all others."""
    top = ranks(scores) <= depth
    before = scaled(scores)
    return np.where(top, before + extra, before - 2)
