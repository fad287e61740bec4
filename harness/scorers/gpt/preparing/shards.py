"""Public shards: a list that the user writes, with the address, SHA-256 and size of each, and the texts in them.

    column: text                 the column of the Parquet files that holds a document's text
    vocabulary: 8192             optional, as are the next two
    train_bytes: 200000000       so much text is taken of the training shards, in their order, at most
    validation_bytes: 5000000    the same of the validation shards
    train:
      - {url: "https://example.org/0001.parquet", sha256: "...", size: 91234567}
    validation:
      - {url: "https://example.org/9999.parquet", sha256: "...", size: 92345678}

What is judged by is pinned: the shards under `validation`, of which nothing is trained on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.documents import load
from harness.errors import ConfigError, EvaluatorError, Place
from harness.scorers.gpt.preparing import fetching
from harness.scorers.gpt.preparing.fetching import Patience, Say, Shard
from harness.scorers.gpt.preparing.making import LEAST, MOST
from harness.scorers.gpt.preparing.texts import Texts

VOCABULARY = 8_192
TRAIN_BYTES, VALIDATION_BYTES = 200_000_000, 5_000_000
_KEYS = {"column", "vocabulary", "train_bytes", "validation_bytes", "train", "validation"}
_BATCH = 256  # rows that are read at once


@dataclass(frozen=True)
class Wanted:
    """What a list of shards asks for. train_bytes, validation_bytes: of text, at most."""

    file: Path
    train: tuple[Shard, ...]
    validation: tuple[Shard, ...]
    column: str
    vocabulary: int
    train_bytes: int
    validation_bytes: int


def read(path: Path) -> Wanted:
    """Raises ConfigError for anything but known keys with values that can be meant."""
    data: Any = load(path)
    if not isinstance(data, dict) or not set(data) <= _KEYS:
        unknown = sorted(map(str, set(data) - _KEYS)) if isinstance(data, dict) else []
        what = f"{', '.join(unknown)}: not known" if unknown else "is no mapping"
        raise ConfigError(Place(str(path)), what, next_step=f"its keys are {', '.join(sorted(_KEYS))}")
    train, validation = _list(path, data, "train"), _list(path, data, "validation")
    if shared := {shard.sha256 for shard in train} & {shard.sha256 for shard in validation}:
        what = f"the shard with sha256 {min(shared)[:12]} stands under train and under validation"
        raise ConfigError(Place(str(path)), what, next_step="what is judged by must not be trained on")
    column = data.get("column", "text")
    if not isinstance(column, str) or not column:
        raise ConfigError(Place(str(path), key="column"), f"is {column!r}; it is the name of a column")
    return Wanted(
        path, train, validation, column,
        _number(path, data, "vocabulary", VOCABULARY, LEAST, MOST),
        _number(path, data, "train_bytes", TRAIN_BYTES, 1, 1 << 40),
        _number(path, data, "validation_bytes", VALIDATION_BYTES, 1, 1 << 40),
    )  # fmt: skip


def _number(path: Path, data: Mapping[str, Any], key: str, otherwise: int, least: int, most: int) -> int:
    value = data.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(Place(str(path), key=key), f"is {value!r}; it is a whole number from {least:,} to {most:,}")
    return value


def _list(path: Path, data: Mapping[str, Any], key: str) -> tuple[Shard, ...]:
    written = data.get(key)
    if not isinstance(written, list) or not written:
        raise ConfigError(Place(str(path), key=key), "names no shard", next_step="{url: ..., sha256: ..., size: ...}")
    return tuple(_shard(path, f"{key}[{index}]", one) for index, one in enumerate(written))


def _shard(path: Path, key: str, written: Any) -> Shard:
    problem = ""
    if not isinstance(written, dict) or set(written) != {"url", "sha256", "size"}:
        problem = "is not {url: ..., sha256: ..., size: ...}"
    elif urlsplit(str(written["url"])).scheme not in ("http", "https") or not urlsplit(str(written["url"])).hostname:
        problem = "url is no address that begins with https:// or http://"
    elif not re.fullmatch(r"[0-9a-f]{64}", str(written["sha256"])):
        problem = "sha256 is not 64 digits, 0 to 9 and a to f"
    elif isinstance(written["size"], bool) or not isinstance(written["size"], int) or written["size"] < 1:
        problem = "size is no number of bytes"
    if problem:
        raise ConfigError(Place(str(path), key=key), problem)
    return Shard(str(written["url"]), str(written["sha256"]), written["size"])


def fetched(wanted: Wanted, downloads: Path, say: Say, patience: Patience | None = None) -> Texts:
    """Fetches what is not there yet. Raises EvaluatorError: then nothing of any shard is used."""
    train = fetching.fetch(wanted.train, downloads, say, patience)
    validation = fetching.fetch(wanted.validation, downloads, say, patience)
    judged = list(_Column(validation, wanted.column, wanted.validation_bytes))
    source = f"{len(train)} and {len(validation)} shards of {wanted.file.name}"
    return Texts(_Column(train, wanted.column, wanted.train_bytes, frozenset(judged)), judged, source)


@dataclass(frozen=True)
class _Column:
    """The texts in one column of several files, in order, until there are enough bytes. but: texts left out."""

    paths: Sequence[Path]
    name: str
    most: int
    but: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[str]:
        left = self.most
        for path in self.paths:
            for text in _rows(path, self.name):
                left -= len(text.encode())
                if left < 0:
                    return
                if text not in self.but:
                    yield text


def _rows(path: Path, column: str) -> Iterator[str]:
    from pyarrow import ArrowException, parquet, types

    try:
        with parquet.ParquetFile(path) as opened:
            schema = opened.schema_arrow
            if column not in schema.names or not _holds_text(schema.field(column).type, types):
                raise EvaluatorError(
                    f"{path.name} has no column {column} of text",
                    next_step=f"column: in the list of shards; there are {', '.join(schema.names)}",
                )
            for batch in opened.iter_batches(batch_size=_BATCH, columns=[column]):
                yield from (text for text in batch.column(0).to_pylist() if text and text.strip())
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        what = f"{path.name} has the bytes that the list names, and cannot be read as Parquet: {error}"
        raise EvaluatorError(what, next_step="name another shard") from None


def _holds_text(found: Any, types: Any) -> bool:
    return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))
