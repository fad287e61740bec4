"""Scores, features and orders against the same definitions computed slowly, word by word, from the texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scorers.retrieval import features, fusion, lsa
from harness.scorers.retrieval.pipeline import Pipeline
from harness.scorers.retrieval.settings import BM25, Embedding, Fusion, Rerank
from tests.rag.corpora import Case, cases, config, written

Slow = Sequence[Sequence[float]]
weights = st.sampled_from([0.0, 0.5, 1.0, 3.0])
EXACT = {"rel": 1e-9, "abs": 1e-12}


def slow_idf(having: int, documents: int) -> float:
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def slow_bm25(case: Case, by_field: Sequence[float], k1: float, b: float, delta: float) -> Slow:
    def frequency(document: tuple[str, ...], word: str) -> float:
        return sum(weight * field.split().count(word) for weight, field in zip(by_field, document, strict=True))

    def length(document: tuple[str, ...]) -> float:
        return sum(weight * len(field.split()) for weight, field in zip(by_field, document, strict=True))

    mean = sum(map(length, case.documents)) / len(case.documents)

    def score(query: str, document: tuple[str, ...]) -> float:
        total = 0.0
        for word in query.split():
            if found := frequency(document, word):
                having = sum(frequency(other, word) > 0 for other in case.documents)
                reduced = k1 * (1 - b + b * length(document) / mean)
                total += slow_idf(having, len(case.documents)) * (delta + found * (k1 + 1) / (found + reduced))
        return total

    return [[score(query, document) for document in case.documents] for query in case.queries]


@settings(max_examples=150, deadline=None)
@given(cases(), weights, weights, st.sampled_from([0.0, 0.7, 1.2]), st.sampled_from([0.0, 0.75, 1.0]), weights)
def test_bm25_is_its_formula(case: Case, title: float, text: float, k1: float, b: float, delta: float) -> None:
    found = case.pipeline().scores(config(title=title, text=text, bm25=BM25(k1, b, delta)))
    wanted = np.array(slow_bm25(case, (title, text), k1, b, delta))
    np.testing.assert_allclose(np.where(np.isneginf(found), 0, found), wanted, rtol=1e-9, atol=1e-12)
    assert (np.isneginf(found) == (wanted == 0)).all(), "what has no word of the query is not retrieved"


@settings(max_examples=60, deadline=None)
@given(cases())
def test_equal_weights_are_plain_bm25_of_one_text(case: Case) -> None:
    joined = Case(tuple(("", f"{title} {text}") for title, text in case.documents), case.queries, case.judged)
    one, other = (some.pipeline().scores(config()) for some in (case, joined))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def slow_features(case: Case) -> dict[str, list[list[float]]]:
    documents = [[field.split() for field in document] for document in case.documents]
    anywhere = [{word for field in document for word in field} for document in documents]

    def idf(words: set[str]) -> float:
        return sum(slow_idf(sum(word in other for other in anywhere), len(documents)) for word in words)

    def share(part: float, whole: float) -> float:
        return part / whole if whole else 0.0

    def beside(words: Sequence[str]) -> set[tuple[str, str]]:
        return {(words[at], words[at + 1]) for at in range(len(words) - 1)}

    found: dict[str, list[list[float]]] = {"coverage": [], "title": [], "phrase": []}
    for query in case.queries:
        words = query.split()
        known = set(words) & set().union(*anywhere)
        found["coverage"].append([share(idf(known & one), idf(known)) for one in anywhere])
        titles = [set(document[0]) for document in documents]
        found["title"].append([share(idf(set(words) & title), idf(title)) for title in titles])
        stands = [set().union(*map(beside, document)) for document in documents]
        found["phrase"].append([share(len(beside(words) & one), len(beside(words))) for one in stands])
    return found


@settings(max_examples=150, deadline=None)
@given(cases())
def test_features_are_their_definitions(case: Case) -> None:
    index, wanted = case.index(), slow_features(case)
    np.testing.assert_allclose(features.coverage(index), wanted["coverage"], atol=1e-12)
    np.testing.assert_allclose(features.title(index), wanted["title"], atol=1e-12)
    np.testing.assert_allclose(features.phrase(index), wanted["phrase"], atol=1e-12)


# --- orders ---

tables = st.integers(2, 6).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(-2, 3).map(float), min_size=width, max_size=width), min_size=1, max_size=3
    )
)


def slow_ranks(row: Sequence[float]) -> list[int]:
    order = sorted(range(len(row)), key=lambda at: (-row[at], at))
    return [order.index(at) + 1 for at in range(len(row))]


def slow_scaled(row: Sequence[float]) -> list[float]:
    return [(value - min(row)) / (max(row) - min(row)) if max(row) > min(row) else 0.0 for value in row]


@settings(max_examples=100, deadline=None)
@given(tables, weights, st.sampled_from([1.0, 60.0]), st.randoms(use_true_random=False))
def test_both_fusions_are_their_formulas(
    first: list[list[float]], weight: float, constant: float, chance: st.DataObject
) -> None:
    second = [chance.sample(row, len(row)) for row in first]  # type: ignore[attr-defined]
    one, other = np.array(first), np.array(second)
    summed, ranked = fusion.by_sum(one, other, weight), fusion.by_rank(one, other, weight, constant)
    for query, (a, b) in enumerate(zip(first, second, strict=True)):
        wanted = [x + weight * y for x, y in zip(slow_scaled(a), slow_scaled(b), strict=True)]
        assert summed[query].tolist() == pytest.approx(wanted)
        pairs = zip(slow_ranks(a), slow_ranks(b), strict=True)
        assert ranked[query].tolist() == pytest.approx([1 / (constant + x) + weight / (constant + y) for x, y in pairs])


@settings(max_examples=100, deadline=None)
@given(tables, st.integers(1, 7), st.randoms(use_true_random=False))
def test_reranking_reorders_the_first_and_leaves_the_others_behind(
    rows: list[list[float]], depth: int, chance: st.DataObject
) -> None:
    extra = [[chance.choice([0.0, 0.25, 1.0]) for _ in row] for row in rows]  # type: ignore[attr-defined]
    found = fusion.ranks(fusion.reranked(np.array(rows), np.array(extra), depth))
    for query, row in enumerate(rows):
        before, near = slow_ranks(row), slow_scaled(row)
        first = sorted(
            (at for at in range(len(row)) if before[at] <= depth), key=lambda at: (-near[at] - extra[query][at], at)
        )
        rest = sorted((at for at in range(len(row)) if before[at] > depth), key=lambda at: before[at])
        assert found[query].tolist() == [[*first, *rest].index(at) + 1 for at in range(len(row))]


# --- the embedding ---


def test_latent_semantic_analysis_finds_what_shares_no_word() -> None:
    """Cars and automobiles stand beside engines, cats and felines beside fur: whoever asks for one is told of both."""
    texts = ["car engine", "automobile engine", "car engine road", "automobile engine road"]
    texts += ["cat fur", "feline fur", "cat fur milk", "feline fur milk"]
    case = written([("", text) for text in texts], "automobile")
    plain, with_it = (
        case.pipeline().scores(config(embedding=Embedding(weight, dimensions=2)))[0] for weight in (0.0, 0.5)
    )
    assert np.isneginf(plain[0])
    assert min(with_it[0], with_it[2]) > max(with_it[4:]) + 0.3


@pytest.mark.parametrize("small", [250, 0], ids=["all dimensions", "the first few"])
def test_analysis_is_the_best_of_its_rank(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eckart and Young: what k dimensions leave out is the sum of the other squared singular values."""
    monkeypatch.setattr(lsa, "SMALL", small)
    chance = np.random.default_rng(4)
    texts = [" ".join(chance.choice(list("abcdefghijkl"), 6)) for _ in range(20)]
    index = written([("", text) for text in texts], "a b c").index()
    dense = index.anywhere.toarray()
    weighted = np.where(dense > 0, 1 + np.log(np.maximum(dense, 1)), 0) * np.log(20 / (dense > 0).sum(axis=0))
    weighted /= np.linalg.norm(weighted, axis=1, keepdims=True)
    sizes = np.linalg.svd(weighted, compute_uv=False)
    documents, queries = lsa.vectors(index.anywhere, index.queries, 5)
    assert (documents.shape, queries.shape) == ((20, 5), (1, 5))
    assert np.linalg.norm(weighted) ** 2 - np.linalg.norm(documents) ** 2 == pytest.approx((sizes[5:] ** 2).sum())
    assert np.linalg.norm(documents, axis=0) == pytest.approx(sizes[:5]), "the most telling dimension first"
    again = lsa.vectors(index.anywhere, index.anywhere, 5)
    assert (again[0] == documents).all(), "the same every time"


@settings(max_examples=100, deadline=None)
@given(cases())
def test_any_corpus_can_be_analysed(case: Case) -> None:
    found = case.pipeline().scores(config(embedding=Embedding(1.0)))
    assert np.isfinite(found).all()


def test_a_corpus_of_one_word_is_like_nothing() -> None:
    case = written([("", "ant")] * 3, "ant")
    documents, queries = lsa.vectors(case.index().anywhere, case.index().queries)
    assert not lsa.cosine(queries, documents, 10).any()


def test_cosine_uses_the_first_dimensions_and_forgives_zeros() -> None:
    queries, documents = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, -4.0]])
    assert lsa.cosine(queries, documents, 2).tolist() == [pytest.approx([0.6, 0.8, -1.0]), [0.0, 0.0, 0.0]]
    assert lsa.cosine(queries, documents, 1).tolist() == [[1.0, 0.0, -1.0], [0.0, 0.0, 0.0]]


def test_vectors_of_ones_own_take_the_place_of_the_analysis() -> None:
    case = written([("", "ant"), ("", "bee"), ("", "cat")], "ant")
    corpus, asked = case.corpus(), case.asked()
    object.__setattr__(corpus, "vectors", np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]))
    object.__setattr__(asked, "vectors", np.array([[1.0, 0.0]]))
    pipeline = Pipeline(corpus, asked, case.index())
    found = pipeline.scores(config(embedding=Embedding(weight=1.0, dimensions=2)))[0]
    assert found.tolist() == pytest.approx([1.0, 0.5**0.5, 1.0])


# --- switches ---

SWITCHED: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "fusion without a weight": (config, lambda: config(fusion=Fusion("rrf", 3.0))),
    "dimensions without a weight": (config, lambda: config(embedding=Embedding(0.0, 7))),
    "weights without a depth": (config, lambda: config(rerank=Rerank(0, 1.0, 1.0, 1.0))),
}


@pytest.mark.parametrize("name", SWITCHED)
@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_what_is_switched_off_does_nothing(name: str, case: Case) -> None:
    one, other = (case.pipeline().scores(made()) for made in SWITCHED[name])  # type: ignore[arg-type]
    assert one.tolist() == other.tolist()
