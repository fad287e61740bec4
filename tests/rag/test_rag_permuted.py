"""A night of rag-config on judgements that mean nothing: forty of them are `tests/benchmarks/permuted.py`'s."""

from __future__ import annotations

import json
import random

from tests.benchmarks import retrieval
from tests.benchmarks.permuted import night_on_permuted_labels

EXPERIMENTS = 32


def test_a_deal_gives_every_document_another_place_the_same_wherever_it_comes() -> None:
    ids = [f"d{number}" for number in range(50)]
    judgements = "".join(f"q{number}\td{number % 5}\t{number % 3}\n" for number in range(20))
    rows = [line.split("\t") for line in retrieval.dealt(judgements, ids, random.Random(1)).splitlines()]
    assert [(query, grade) for query, _, grade in rows] == [(f"q{n}", str(n % 3)) for n in range(20)]
    documents = [document for _, document, _ in rows]
    assert len(set(documents)) == 5
    assert documents[:5] * 4 == documents
    assert documents[:5] != ids[:5]


def test_the_halves_are_dealt_apart() -> None:
    folder = f"{retrieval.RAG_CONFIG}/data"
    files, true = retrieval.rag_config(7), retrieval.prepared()
    ids = [json.loads(line)["id"] for line in true["corpus.jsonl"].decode().splitlines()]
    for half in retrieval.HALVES:
        dealt = [line.split("\t")[1] for line in str(files[f"{folder}/{half}/judgements.tsv"]).splitlines()]
        before = [line.split("\t")[1] for line in true[f"{half}/judgements.tsv"].decode().splitlines()]
        assert len(dealt) == len(before)
        assert set(dealt) <= set(ids)
        same = sum(one == other for one, other in zip(dealt, before, strict=True))
        assert same <= 5, "by chance one in nearly a thousand stays where it was"


def test_judgements_that_mean_nothing_make_no_page() -> None:
    ended = night_on_permuted_labels("rag-config", seed=1001, experiments=EXPERIMENTS)
    assert not ended.page
    assert ended.end != "confirmed"
