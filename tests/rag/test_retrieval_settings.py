"""config.yaml: what it may say, and what is told of anything else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from bot import config
from harness.documents import load
from harness.errors import InvalidCandidate
from harness.repository import Repository, WorkingSource
from harness.scorers.retrieval import settings
from harness.scorers.retrieval.settings import BM25, Embedding, Fusion, Rerank
from harness.scorers.retrieval.tokens import TokenRules

ROOT = Path(__file__).parents[2]
FIELDS = ("title", "above", "text", "code")
CONFIG: dict[str, Any] = load(ROOT / "targets" / "experiments" / "rag-config" / "config.yaml")


def changed(pointer: str, value: object) -> dict[str, Any]:
    found = copy.deepcopy(CONFIG)
    *way, last = pointer.split("/")
    inner = found
    for key in way:
        inner = inner[key]
    inner[last] = value
    return found


def test_the_shipped_file_is_plain_bm25_with_everything_else_off() -> None:
    found = settings.read(CONFIG, FIELDS)
    assert found.tokens == TokenRules()
    assert found.weights == dict.fromkeys(FIELDS, 1.0)
    assert (found.bm25, found.embedding, found.fusion, found.rerank) == (BM25(), Embedding(), Fusion(), Rerank())
    assert (found.bm25.k1, found.bm25.b, found.embedding.weight, found.rerank.depth) == (1.2, 0.75, 0, 0)


def test_the_space_bounds_every_value_and_allows_nothing_that_is_refused() -> None:
    (target,) = config.load_targets(WorkingSource(Repository.find(ROOT)), ["rag-config"])
    free = target.space.free(CONFIG)
    leaves = {f"/{section}/{key}" for section, values in CONFIG.items() for key in values}
    assert set(free) == leaves
    for pointer, allowed in free.items():
        ends = allowed.choices or ((allowed.low, allowed.high) if allowed.kind == "float" else
                                   (int(allowed.low), int(allowed.high)))  # fmt: skip
        for value in ends:
            settings.read(changed(pointer[1:], value), FIELDS)


@pytest.mark.parametrize(
    ("pointer", "value", "told"),
    [
        ("tokens/lowercase", "yes", "tokens: lowercase has to be true or false"),
        ("tokens/lowercase", 1, "tokens: lowercase has to be true or false"),
        ("tokens/identifiers", "parts", "tokens: identifiers has to be one of whole, split, both"),
        ("tokens/stem", "klingon", "tokens: stem has to be one of none, arabic"),
        ("tokens/stem", ["none"], "tokens: stem has to be one of none, arabic"),
        ("tokens/stop_words", None, "tokens: stop_words has to be one of none, short, english"),
        ("tokens/shortest", 0, "tokens: shortest has to be a whole number from 1 to 10"),
        ("tokens/shortest", 2.0, "tokens: shortest has to be a whole number"),
        ("fields/title", -1, "fields: title has to be a number from 0"),
        ("fields/body", 1, "fields: the corpus has no field 'body', but title, above, text, code"),
        ("fields", {}, "fields has to hold a weight for each field"),
        ("fields", {"text": 0}, "fields: at least one weight has to be above 0"),
        ("bm25/k1", float("nan"), "bm25: k1 has to be a number from 0 to 100"),
        ("bm25/b", 1.01, "bm25: b has to be a number from 0 to 1"),
        ("bm25/b", True, "bm25: b has to be a number from 0 to 1"),
        ("bm25/k2", 1, "bm25 has to hold exactly the keys k1, b, delta"),
        ("bm25", None, "bm25 has to hold exactly the keys"),
        ("embedding/weight", float("inf"), "embedding: weight has to be a number"),
        ("embedding/dimensions", 0, "embedding: dimensions has to be a whole number"),
        ("fusion/method", "max", "fusion: method has to be one of sum, rrf"),
        ("rerank/depth", "10", "rerank: depth has to be a whole number"),
        ("reranking", {}, "the file has to hold exactly the keys tokens, fields, bm25"),
    ],
)
def test_anything_else_is_refused(pointer: str, value: object, told: str) -> None:
    with pytest.raises(InvalidCandidate) as raised:
        settings.read(changed(pointer, value), FIELDS)
    assert told in str(raised.value)


@pytest.mark.parametrize("content", [None, [], "plain", 7])
def test_a_file_of_another_shape_is_refused(content: object) -> None:
    with pytest.raises(InvalidCandidate, match="the file has to hold exactly the keys"):
        settings.read(content, FIELDS)


def test_a_corpus_without_titles_cannot_be_reranked_by_them() -> None:
    data = changed("fields", {"text": 1})
    settings.read(data, ["text"])
    data["rerank"]["title"] = 0.5
    with pytest.raises(InvalidCandidate, match="the corpus has no field 'title'"):
        settings.read(data, ["text"])
