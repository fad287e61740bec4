"""Tables of accounts, CSV or Parquet, in blocks of rows: what does not fit into memory need not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import EvaluatorError

BLOCK_ROWS = 1_000_000
Block = Mapping[str, NDArray[Any]]  # column -> one value per row: float64, or str objects; NaN and None are missing


def blocks(path: Path, names: Sequence[str]) -> Iterator[Block]:
    """The named columns in the file's order of rows; Parquet one row group after the other, CSV as a whole.

    Raises EvaluatorError for a file that cannot be read or holds no rows, and for a column that it lacks or has twice.
    """
    arrow, rows = _pyarrow(), 0
    try:
        for found in _parquet(path, names) if path.suffix == ".parquet" else _csv(path, names):
            rows += found.num_rows
            yield {name: _values(found.column(name)) for name in names}
    except (OSError, UnicodeDecodeError, arrow.ArrowException) as error:
        raise EvaluatorError(f"{path.name} cannot be read: {_said(error)}") from None
    if not rows:
        raise EvaluatorError(f"{path.name} holds no rows")


def columns(path: Path) -> list[str]:
    """The names of a table's columns. Raises EvaluatorError."""
    arrow = _pyarrow()
    try:
        if path.suffix == ".parquet":
            return list(arrow.parquet.read_schema(path).names)
        with arrow.csv.open_csv(path) as reader:
            return list(reader.schema.names)
    except (OSError, UnicodeDecodeError, arrow.ArrowException) as error:
        raise EvaluatorError(f"{path.name} cannot be read: {_said(error)}") from None


def _said(error: Exception) -> str:
    """Without the row or the cell that pyarrow quotes: rows may be private."""
    return re.sub(r"(columns, got \d+|invalid value)\b.*", r"\1", str(error), flags=re.DOTALL)[:300]


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


def _parquet(path: Path, names: Sequence[str]) -> Iterator[Any]:
    with _pyarrow().parquet.ParquetFile(path) as file:
        _require(path, names, file.schema_arrow.names)
        for group in range(file.num_row_groups):
            whole = file.read_row_group(group, columns=list(names))
            for start in range(0, whole.num_rows, BLOCK_ROWS):
                yield whole.slice(start, BLOCK_ROWS)


def _csv(path: Path, names: Sequence[str]) -> Iterator[Any]:
    whole = _pyarrow().csv.read_csv(path)
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


def _values(column: Any) -> NDArray[Any]:
    types = _pyarrow().types
    if types.is_boolean(column.type) or types.is_integer(column.type) or types.is_floating(column.type):
        found: NDArray[Any] = column.cast("float64").to_numpy()
        return found
    if types.is_decimal(column.type):
        return np.asarray(column.cast("float64").to_numpy())
    if types.is_null(column.type):
        return np.full(len(column), np.nan)
    return np.array([None if value is None else str(value) for value in column.to_pylist()], dtype=object)
