"""BM25 over weighted fields, as BM25F counts them (Robertson, Zaragoza and Taylor 2004).

A word in a field of weight 3 counts as three, in how often it stands there and in how long the document is. With equal
weights it is plain BM25 of all fields as one text.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from harness.scorers.retrieval.corpus import Floats
from harness.scorers.retrieval.index import Counts, idf
from harness.scorers.retrieval.settings import BM25


def scores(counts: Counts, weights: Floats, settings: BM25) -> Floats:
    """Queries x documents. weights: one per field.

    The sum over the words of a query, each as often as it is said, of

        idf * (delta + f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean length)))

    for words that the document has. f: the weighted count; length: the weighted count of all its words.
    """
    frequency = weights @ counts.tf
    found = frequency > 0
    lengths = weights @ counts.lengths
    documents = len(lengths)
    relative = lengths / (lengths.mean() or 1.0)
    saturation = settings.k1 * (1 - settings.b + settings.b * relative)
    rarity = idf(np.bincount(counts.term[found], minlength=counts.terms), documents)
    value = np.zeros(len(frequency))
    has = frequency[found]
    gained = has * (settings.k1 + 1) / (has + saturation[counts.document[found]])
    value[found] = rarity[counts.term[found]] * (settings.delta + gained)
    by_term = sparse.csr_array((value, counts.document, counts.first), shape=(counts.terms, documents))
    total: Floats = (counts.queries @ by_term).toarray()
    return total
