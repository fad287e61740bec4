"""What a user brings: every way in which it can be wrong is told with its file and line, and what to do about it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ConfigError
from harness.scorers.retrieval import corpus
from harness.scorers.retrieval.corpus import read_corpus, read_queries

GOOD: Mapping[str, bytes] = {
    "corpus.jsonl": b'{"id": "a", "title": "Ants", "text": "They march."}\n\n{"id": "b", "text": "Bees fly."}\r\n',
    "search/queries.jsonl": b'{"id": "q1", "text": "who marches", "kind": "easy"}\n',
    "search/judgements.tsv": b"q1\ta\t2\nq1\tb\t0\n",
    "holdout/queries.jsonl": b'{"id": "q1", "text": "who flies"}\n',
    "holdout/judgements.tsv": b"q1\tb\t1\n",
}


def npy(values: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(values), allow_pickle=True)
    return buffer.getvalue()


VECTORS = {
    "vectors.npy": npy([[1.0, 0.0], [0.0, 1.0]]),
    "search/vectors.npy": npy([[1.0, 0.0]]),
    "holdout/vectors.npy": npy([[0.0, 1.0]]),
}


def written(folder: Path, changed: Mapping[str, bytes | None]) -> Path:
    for name, content in {**GOOD, **changed}.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content)
    return folder / "data"


def read(folder: Path) -> None:
    found = read_corpus(folder)
    for split in ("search", "holdout"):
        read_queries(folder, split, found)


def test_a_good_folder_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, {})
    found = read_corpus(folder)
    assert found.ids == ("a", "b")
    assert found.texts == {"title": ("Ants", ""), "text": ("They march.", "Bees fly.")}
    assert found.vectors is None
    queries = read_queries(folder, "search", found)
    assert (queries.ids, queries.texts, queries.kinds) == (("q1",), ("who marches",), ("easy",))
    assert (queries.judged.tolist(), queries.grades.tolist()) == ([[0, 0]], [2.0]), "a grade of 0 is wrong, like none"
    assert read_queries(folder, "holdout", found).judged.tolist() == [[0, 1]]


def test_vectors_are_read(tmp_path: Path) -> None:
    folder = written(tmp_path, VECTORS)
    found = read_corpus(folder)
    assert found.vectors is not None
    assert found.vectors.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    queries = read_queries(folder, "holdout", found)
    assert queries.vectors is not None
    assert queries.vectors.tolist() == [[0.0, 1.0]]


Q, J = "search/queries.jsonl", "search/judgements.tsv"
BAD: list[tuple[str, dict[str, bytes | None], str]] = [
    ("no corpus", {"corpus.jsonl": None}, r"data/corpus\.jsonl: is missing"),
    ("empty", {"corpus.jsonl": b"\n"}, r"data/corpus\.jsonl: is empty"),
    ("no JSON", {"corpus.jsonl": b'{"id": "a", "text": "x"}\nid,text\n'}, r"corpus\.jsonl:2:1: no JSON"),
    ("a list", {"corpus.jsonl": b'["a"]\n'}, r"corpus\.jsonl:1:1: no object"),
    ("no id", {"corpus.jsonl": b'{"text": "x"}\n'}, r"corpus\.jsonl:1:1: no id"),
    ("a number as id", {"corpus.jsonl": b'{"id": 1, "text": "x"}\n'}, r"corpus\.jsonl:1:1: no id"),
    ("a tab in an id", {"corpus.jsonl": b'{"id": "a\\tb", "text": "x"}\n'}, r"no id(.|\n)*without tabs"),
    ("an id twice", {"corpus.jsonl": b'{"id": "a", "text": "x"}\n' * 2}, r"corpus\.jsonl:2:1: the id a is taken"),
    ("a text of numbers", {"corpus.jsonl": b'{"id": "a", "text": 7}\n'}, r"corpus\.jsonl:1:1: text is no text"),
    ("no text at all", {"corpus.jsonl": b'{"id": "a"}\n'}, r"corpus\.jsonl: no document has a text"),
    ("Latin-1", {"corpus.jsonl": b'{"id": "a", "text": "\xe9"}\n'}, r"corpus\.jsonl: is not UTF-8 \(byte 21\)"),
    ("no queries", {Q: None}, r"search/queries\.jsonl: is missing"),
    ("a query without words", {Q: b'{"id": "q1", "text": " "}\n'}, r"queries\.jsonl:1:1: the query q1 has no text"),
    ("an unknown key", {Q: b'{"id": "q1", "text": "x", "query": "y"}\n'}, r"'query' is no key of a query"),
    ("a query twice", {Q: b'{"id": "q1", "text": "x"}\n' * 2}, r"queries\.jsonl:2:1: the id q1 is taken"),
    ("no judgements", {J: None}, r"search/judgements\.tsv: is missing"),
    ("two columns", {J: b"q1\ta\n"}, r"judgements\.tsv:1:1: 2 columns(.|\n)*tabs"),
    ("blanks for tabs", {J: b"q1 a 1\n"}, r"judgements\.tsv:1:1: 1 columns(.|\n)*tabs"),
    ("an unknown query", {J: b"q1\ta\t1\nq9\ta\t1\n"}, r"judgements\.tsv:2:1: there is no query q9"),
    ("an unknown document", {J: b"q1\tz\t1\n"}, r"judgements\.tsv:1:1: there is no document z"),
    ("a grade of words", {J: b"q1\ta\tgood\n"}, r"judgements\.tsv:1:1: 'good' is no grade"),
    ("a grade below 0", {J: b"q1\ta\t-1\n"}, r"'-1' is no grade"),
    ("a grade too high", {J: b"q1\ta\t101\n"}, r"'101' is no grade"),
    ("judged twice", {J: b"q1\ta\t1\nq1\ta\t2\n"}, r"judgements\.tsv:2:1: q1 and a were judged before"),
    ("nothing right", {J: b"q1\ta\t0\n"}, r"judgements\.tsv: nothing is right for the query q1"),
    ("the same query in both halves", {"holdout/queries.jsonl": b'{"id": "q2", "text": "Who marches "}\n',
     "holdout/judgements.tsv": b"q2\ta\t1\n"}, r"holdout/queries\.jsonl: the query q2 is asked in search/ too"),
    ("vectors of documents alone", {"vectors.npy": npy([[1.0], [2.0]])}, r"for documents or for queries, not for both"),
    ("vectors of queries alone", {"search/vectors.npy": npy([[1.0]])}, r"for documents or for queries, not for both"),
    ("too few vectors", {**VECTORS, "vectors.npy": npy([[1.0, 0.0]])}, r"data/vectors\.npy: 1 rows for 2 lines"),
    ("other dimensions", {**VECTORS, "search/vectors.npy": npy([[1.0]])}, r"rows of 1 numbers(.|\n)*documents have 2"),
    ("whole numbers", {**VECTORS, "vectors.npy": npy([[1, 0], [0, 1]])}, r"vectors\.npy: holds no table of floats"),
    ("not a number", {**VECTORS, "vectors.npy": npy([[1.0, 0.0], [0.0, np.nan]])}, r"no finite numbers"),
    ("no array", {**VECTORS, "vectors.npy": b"1 0\n0 1\n"}, r"vectors\.npy: cannot be read"),
    ("pickled objects", {**VECTORS, "vectors.npy": npy([[{}], [{}]])}, r"vectors\.npy: cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "told"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_what_is_wrong_is_told(tmp_path: Path, changed: dict[str, bytes | None], told: str) -> None:
    folder = written(tmp_path, changed)
    with pytest.raises(ConfigError, match=told) as raised:
        read(folder)
    assert raised.value.next_step


def test_more_than_can_be_held_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path, {})
    monkeypatch.setattr(corpus, "MOST_CELLS", 2)
    read(folder)
    monkeypatch.setattr(corpus, "MOST_CELLS", 1)
    with pytest.raises(ConfigError, match=r"1 queries are too many for 2 documents"):
        read(folder)
