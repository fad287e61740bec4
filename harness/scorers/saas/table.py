"""Tables of accounts, CSV or Parquet, in blocks of rows: what does not fit into memory need not."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import EvaluatorError

BLOCK_ROWS = 500_000


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of texts. codes: per row the place of its text in `words`; -1, where it is missing, finds the last word,
    which is None. Words may repeat, and some may be of no row."""

    codes: NDArray[np.int64]
    words: tuple[str | None, ...]

    def __iter__(self) -> Iterator[str | None]:
        return (self.words[code] for code in self.codes.tolist())

    @property
    def used(self) -> list[str | None]:
        """The words that some row has."""
        return [self.words[code] for code in np.unique(self.codes).tolist()]


Column = NDArray[np.float64] | Texts  # one value per row; NaN and None are missing
Block = Mapping[str, Column]


@dataclass(frozen=True)
class Part:
    """What can be read without the rest: a row group of a Parquet file, or a whole CSV file. first: its first row,
    counted from 0."""

    number: int
    first: int


def parts(path: Path) -> list[Part]:
    """Raises EvaluatorError."""
    if path.suffix != ".parquet":
        return [Part(0, 0)]
    with _readable(path), _pyarrow().parquet.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    if not sum(sizes):
        raise EvaluatorError(f"{path.name} holds no rows")
    return [Part(number, first) for number, first in enumerate(itertools.accumulate([0, *sizes[:-1]]))]


def blocks(path: Path, names: Sequence[str], part: Part | None = None) -> Iterator[Block]:
    """The named columns of a part, or of all parts, in the file's order of rows, at most BLOCK_ROWS at a time.

    Raises EvaluatorError for a file that cannot be read or holds no rows, and for a column that it lacks or has twice.
    """
    rows = 0
    with _readable(path):
        for found in _parquet(path, names, part) if path.suffix == ".parquet" else _csv(path, names):
            rows += found.num_rows
            yield {name: _values(found.column(name)) for name in names}
    if not rows and (part is None or path.suffix != ".parquet"):
        raise EvaluatorError(f"{path.name} holds no rows")


def columns(path: Path) -> list[str]:
    """The names of a table's columns. Raises EvaluatorError."""
    arrow = _pyarrow()
    with _readable(path):
        if path.suffix == ".parquet":
            return list(arrow.parquet.read_schema(path).names)
        with arrow.csv.open_csv(path, parse_options=_csv_format()) as reader:
            return list(reader.schema.names)


def ids(path: Path, name: str) -> list[str]:
    """A column's cells as texts, with every digit and leading zero; "" where one is missing. Raises EvaluatorError."""
    arrow = _pyarrow()
    with _readable(path):
        if path.suffix == ".parquet":
            _require(path, [name], arrow.parquet.read_schema(path).names)
            found = arrow.parquet.read_table(path, columns=[name])
        else:
            as_text = arrow.csv.ConvertOptions(column_types={name: arrow.string()}, strings_can_be_null=True)
            found = arrow.csv.read_csv(path, parse_options=_csv_format(), convert_options=as_text)
            _require(path, [name], found.column_names)
    return [_id(value) for value in found.column(name).to_pylist()]


def _id(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    arrow = _pyarrow()
    try:
        yield
    except (OSError, UnicodeDecodeError, arrow.ArrowException) as error:
        raise EvaluatorError(f"{path.name} cannot be read: {_said(error)}") from None


def _said(error: Exception) -> str:
    """Without the row or the cell that pyarrow quotes: rows may be private."""
    said = re.sub(r"(Integer value) \S+", r"\1", str(error))
    return re.sub(r"(columns, got \d+|invalid value)\b.*", r"\1", said, flags=re.DOTALL)[:300]


def _pyarrow() -> Any:
    try:
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise EvaluatorError(
            "tables of accounts are read with pyarrow, which cannot be imported",
            why=str(error)[:200],
            next_step="pip install 'autoresearch-bot[saas]'",
        ) from None
    return pyarrow


def _parquet(path: Path, names: Sequence[str], part: Part | None) -> Iterator[Any]:
    arrow = _pyarrow()
    schema = arrow.parquet.read_schema(path)
    _require(path, names, schema.names)
    texts = [name for name in names if arrow.types.is_string(schema.field(name).type)]
    with arrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
        wanted = range(file.num_row_groups) if part is None else [part.number]
        for group in wanted:
            yield from file.iter_batches(BLOCK_ROWS, row_groups=[group], columns=list(names))


def _csv_format() -> Any:
    """As `autoresearch new` reads CSV: a value in quotes may have line ends."""
    return _pyarrow().csv.ParseOptions(newlines_in_values=True)


def _csv(path: Path, names: Sequence[str]) -> Iterator[Any]:
    whole = _pyarrow().csv.read_csv(path, parse_options=_csv_format())
    _require(path, names, whole.column_names)
    for start in range(0, whole.num_rows, BLOCK_ROWS):
        yield whole.slice(start, BLOCK_ROWS)


def _require(path: Path, names: Sequence[str], there: Sequence[str]) -> None:
    if missing := [name for name in names if name not in there]:
        raise EvaluatorError(
            f"{path.name} has no column {missing[0]}", why=f"its columns are {', '.join(there)}"[:600],
            next_step="name its columns in columns.yaml as the table does",
        )  # fmt: skip
    if twice := [name for name in names if list(there).count(name) > 1]:
        raise EvaluatorError(f"{path.name} has two columns {twice[0]}", next_step="rename one of them in the table")


def _values(column: Any) -> Column:
    arrow = _pyarrow()
    types, whole = arrow.types, _in_one(column)
    if types.is_boolean(whole.type) or types.is_integer(whole.type) or types.is_floating(whole.type):
        return np.asarray(whole.cast("float64").to_numpy(zero_copy_only=False))
    if types.is_decimal(whole.type):
        return np.asarray(whole.cast("float64").to_numpy(zero_copy_only=False))
    if types.is_null(whole.type):
        return np.full(len(whole), np.nan)
    try:
        coded = whole if types.is_dictionary(whole.type) else whole.dictionary_encode()
    except arrow.ArrowNotImplementedError:  # lists and the like
        coded = arrow.array([None if one is None else str(one) for one in whole.to_pylist()]).dictionary_encode()
    words = [None if word is None else str(word) for word in coded.dictionary.to_pylist()]
    codes = coded.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    return Texts(codes, (*words, None))


def _in_one(column: Any) -> Any:
    return column.unify_dictionaries().combine_chunks() if isinstance(column, _pyarrow().ChunkedArray) else column
