"""What is searched, what is asked, and what is right: three kinds of files in one folder.

corpus.jsonl           {"id": "...", FIELD: "text", ...} a line; every other key is a field, an absent one is empty
SPLIT/queries.jsonl    {"id": "...", "text": "...", "kind": "..."} a line; kind is optional and groups the parts
SPLIT/judgements.tsv   query id, document id, grade, with tabs between; grade is a whole number, 0 is wrong
vectors.npy, SPLIT/vectors.npy   optional, together: a row of floats per document and per query, in the files' order

SPLIT is search or holdout. Every query needs a document with a grade above 0. Whatever else is found is a ConfigError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CELLS = 50_000_000  # documents x queries of one split: so many scores are held at a time
HIGHEST_GRADE = 100
SPLITS = ("search", "holdout")


@dataclass(frozen=True)
class Corpus:
    """texts: field -> a text per document, in the documents' order. vectors: one row each, or None."""

    ids: tuple[str, ...]
    texts: dict[str, tuple[str, ...]]
    vectors: Floats | None


@dataclass(frozen=True)
class Queries:
    """judged: (query, document) by their places; grades: above 0, one per judged pair."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    judged: Ints
    grades: Floats
    vectors: Floats | None


def read_corpus(folder: Path) -> Corpus:
    path = folder / "corpus.jsonl"
    ids: dict[str, int] = {}
    rows: list[dict[str, str]] = []
    for line, found in _objects(path):
        ids[_id(found, ids, path, line)] = len(ids)
        rows.append({key: _text(value, key, path, line) for key, value in found.items() if key != "id"})
    fields = list(dict.fromkeys(key for row in rows for key in row))
    if not fields:
        raise _wrong(path, 0, "no document has a text", 'such as {"id": "a1", "title": "...", "text": "..."}')
    texts = {field: tuple(row.get(field, "") for row in rows) for field in fields}
    return Corpus(tuple(ids), texts, _vectors(folder / "vectors.npy", len(ids)))


def read_queries(folder: Path, split: str, corpus: Corpus) -> Queries:
    """The queries of a split with their judgements. In the holdout none of the search queries may come again."""
    path = folder / split / "queries.jsonl"
    found = list(_queries(path))
    if len(found) * len(corpus.ids) > MOST_CELLS:
        most = MOST_CELLS // len(corpus.ids)
        raise _wrong(path, 0, f"{len(found):,} queries are too many for {len(corpus.ids):,} documents",
                     f"at most {most:,}: leave out some")  # fmt: skip
    if split != "search":
        _require_apart(path, found, folder / "search" / "queries.jsonl")
    ids, texts, kinds = (tuple(query[place] for query in found) for place in range(3))
    judged, grades = _judgements(folder / split / "judgements.tsv", ids, corpus)
    vectors = _vectors(folder / split / "vectors.npy", len(ids))
    if (vectors is None) != (corpus.vectors is None):
        raise _wrong(folder / split / "vectors.npy", 0, "vectors are there for documents or for queries, not for both",
                     "bring vectors.npy, search/vectors.npy and holdout/vectors.npy, or none of them")  # fmt: skip
    if vectors is not None and corpus.vectors is not None and vectors.shape[1] != corpus.vectors.shape[1]:
        what = f"rows of {vectors.shape[1]} numbers, and those of documents have {corpus.vectors.shape[1]}"
        raise _wrong(folder / split / "vectors.npy", 0, what, "one model for both")
    return Queries(ids, texts, kinds, judged, grades, vectors)


def _queries(path: Path) -> Iterator[tuple[str, str, str]]:
    seen: set[str] = set()
    for line, found in _objects(path):
        if unknown := set(found) - {"id", "text", "kind"}:
            raise _wrong(path, line, f"{sorted(unknown)[0]!r} is no key of a query", "id, text and kind")
        name = _id(found, seen, path, line)
        seen.add(name)
        text = _text(found.get("text", ""), "text", path, line)
        if not text.strip():
            raise _wrong(path, line, f"the query {name} has no text", 'such as {"id": "q1", "text": "..."}')
        yield name, text, _text(found.get("kind", ""), "kind", path, line)


def _require_apart(path: Path, found: list[tuple[str, str, str]], other: Path) -> None:
    """Held-out queries that were searched on prove nothing."""
    known = {text.strip().lower() for _id, text, _kind in _queries(other)} if other.exists() else set()
    for name, text, _kind in found:
        if text.strip().lower() in known:
            raise _wrong(path, 0, f"the query {name} is asked in {other.parent.name}/ too", "leave it out of one half")


def _judgements(path: Path, queries: tuple[str, ...], corpus: Corpus) -> tuple[Ints, Floats]:
    query_at = {name: at for at, name in enumerate(queries)}
    document_at = {name: at for at, name in enumerate(corpus.ids)}
    found: dict[tuple[int, int], int] = {}
    for line, text in _lines(path):
        words = text.split("\t")
        if len(words) != 3:
            raise _wrong(path, line, f"{len(words)} columns", "query id, document id and grade, with tabs between")
        query, document, grade = words
        for name, known, what in ((query, query_at, "query"), (document, document_at, "document")):
            if name not in known:
                raise _wrong(path, line, f"there is no {what} {name}", "ids as the other files write them")
        if not (grade.isascii() and grade.isdigit() and int(grade) <= HIGHEST_GRADE):
            raise _wrong(path, line, f"{grade!r} is no grade", f"a whole number from 0 to {HIGHEST_GRADE}")
        if (pair := (query_at[query], document_at[document])) in found:
            raise _wrong(path, line, f"{query} and {document} were judged before", "one line for each pair")
        found[pair] = int(grade)
    right = {pair: grade for pair, grade in sorted(found.items()) if grade}
    if unanswered := set(range(len(queries))) - {query for query, _document in right}:
        what = f"nothing is right for the query {queries[min(unanswered)]}"
        raise _wrong(path, 0, what, "give a document a grade above 0, or leave the query out")
    return np.array(list(right), dtype=np.int64).reshape(-1, 2), np.array(list(right.values()), dtype=np.float64)


def _vectors(path: Path, rows: int) -> Floats | None:
    if not path.exists():
        return None
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise _wrong(path, 0, f"cannot be read ({error})", "write it with numpy.save") from None
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind != "f" or found.shape[1] == 0:
        raise _wrong(path, 0, "holds no table of floats", "a row per line of the text file, of at least one number")
    if len(found) != rows:
        raise _wrong(path, 0, f"{len(found)} rows for {rows} lines", "a row per line of the text file, in its order")
    if not np.isfinite(found).all():
        raise _wrong(path, 0, "holds values that are no finite numbers", "compute them again")
    return found.astype(np.float64)


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    empty = True
    for line, text in _lines(path):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise _wrong(path, line, f"no JSON ({error})", "one object a line") from None
        if not isinstance(found, dict):
            raise _wrong(path, line, "no object", 'such as {"id": "a1", "text": "..."}')
        empty = False
        yield line, found
    if empty:
        raise _wrong(path, 0, "is empty", "one object a line")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _wrong(path, 0, "is missing", "README.md says which files there are") from None
    except UnicodeDecodeError as error:
        raise _wrong(path, 0, f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip("\r")


def _id(found: dict[str, Any], seen: Any, path: Path, line: int) -> str:
    name = found.get("id")
    if not isinstance(name, str) or not name or set(name) & set("\t\r\n"):
        raise _wrong(path, line, "no id", 'a text without tabs, such as "id": "a1"')
    if name in seen:
        raise _wrong(path, line, f"the id {name} is taken", "one line for each id")
    return name


def _text(value: Any, key: str, path: Path, line: int) -> str:
    if not isinstance(value, str):
        raise _wrong(path, line, f"{key} is no text", "put it in quotes, or leave the key out")
    return value


def _wrong(path: Path, line: int, what: str, next_step: str) -> ConfigError:
    name = f"{path.parent.name}/{path.name}"
    return ConfigError(Place(name, line, 1 if line else 0), what, next_step=next_step)
