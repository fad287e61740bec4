"""nDCG, reciprocal rank and recall against their definitions, computed on sorted lists, and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from harness.scorers.retrieval import measures
from harness.scorers.retrieval.corpus import Floats
from tests.rag.corpora import Case, cases


def slow_order(row: list[float]) -> list[int]:
    """Documents that were retrieved, the first first."""
    return sorted((at for at, value in enumerate(row) if value != -math.inf), key=lambda at: (-row[at], at))


def slow(case: Case, scores: Floats, query: int, k: int) -> tuple[float, float, float]:
    """nDCG@k, reciprocal rank, recall@k."""
    grades = {document: grade for (asked, document), grade in case.judged.items() if asked == query}
    order = slow_order(scores[query].tolist())

    def gain(documents: list[int]) -> float:
        return sum(grades.get(one, 0) / math.log2(place + 1) for place, one in enumerate(documents[:k], start=1))

    best = sorted(grades, key=lambda document: -grades[document])
    hits = [place for place, one in enumerate(order, start=1) if one in grades]
    return gain(order) / gain(best), 1 / hits[0] if hits else 0.0, sum(place <= k for place in hits) / len(grades)


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(1, 5), st.data())
def test_measures_are_their_definitions(case: Case, k: int, data: st.DataObject) -> None:
    shape = (len(case.queries), len(case.documents))
    values = st.sampled_from([-math.inf, 0.0, 0.5, 1.0, 2.0])
    scores = np.array([[data.draw(values) for _ in range(shape[1])] for _ in range(shape[0])])
    asked = case.asked()
    places = measures.places(scores, asked)
    found = zip(
        measures.ndcg(places, asked, k), measures.reciprocal_rank(places, asked), measures.recall(places, asked, k),
        strict=True,
    )  # fmt: skip
    for query, values_found in enumerate(found):
        assert values_found == pytest.approx(slow(case, scores, query, k), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_ndcg_is_that_of_scikit_learn(case: Case, chance: st.DataObject) -> None:
    """Where no two scores are equal: it shares out ties, and here the corpus's order decides."""
    count = len(case.documents)
    scores = np.array([chance.sample(range(count), count) for _ in case.queries], dtype=float)  # type: ignore[attr-defined]
    truth = np.zeros_like(scores)
    for (query, document), grade in case.judged.items():
        truth[query, document] = grade
    asked = case.asked()
    found = measures.ndcg(measures.places(scores, asked), asked, 3)
    assert found.mean() == pytest.approx(ndcg_score(truth, scores, k=3))


def test_many_judgements_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case((("", ""),) * 5, ("a", "b"), {(0, 1): 1, (0, 4): 2, (1, 0): 1, (1, 2): 1})
    scores = np.array([[3.0, 1, 2, 5, 4], [1, 1, 1, 0, 0]])
    whole = measures.places(scores, case.asked()).tolist()
    monkeypatch.setattr(measures, "_CHUNK", 1)
    assert measures.places(scores, case.asked()).tolist() == whole == [5, 2, 1, 3]
