"""Whether the tables of a scoring target hold every account once. No id is ever quoted: rows are named by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Ids:
    """codes: per row the place of its id in `known` (a pyarrow array), -1 where it is missing. first: the number that
    the first row has for its reader."""

    file: str
    codes: Ints
    known: Any
    first: int

    def rows(self, code: int) -> list[int]:
        return [int(row) + self.first for row in np.flatnonzero(self.codes == code)]


def problems(tables: Mapping[str, Path], column: str) -> Iterator[str]:
    """tables: split -> file. A file that cannot be read has none: the evaluator says what is wrong with it."""
    read = {split: ids for split, path in tables.items() if (ids := _ids(path, column)) is not None}
    for split, path in tables.items():
        if split in read:
            yield from _within(read[split], column)
        elif path.is_file() and _lacks(path, column):
            yield f"{path.name} has no column {column}, which columns.yaml calls the id of an account"
    if len(read) == 2:
        yield from _across(*read.values())


def _within(ids: _Ids, column: str) -> Iterator[str]:
    if missing := ids.rows(-1):
        yield f"{ids.file}: {column} is missing in {len(missing):,} rows, first in row {missing[0]}"
    counts = np.bincount(ids.codes[ids.codes >= 0], minlength=len(ids.known))
    twice = np.flatnonzero(counts > 1)
    if twice.size:
        one, other, *_more = ids.rows(int(twice[0]))
        yield (
            f"{ids.file}: {_accounts(twice.size)} more than once, the first in rows {one} and {other}; "
            "a table holds one row per account"
        )


def _across(search: _Ids, holdout: _Ids) -> Iterator[str]:
    import pyarrow.compute

    both = np.flatnonzero(pyarrow.compute.is_in(search.known, value_set=holdout.known).to_numpy(zero_copy_only=False))
    if both.size:
        same = holdout.known.index(search.known[int(both[0])]).as_py()
        yield (
            f"{_accounts(both.size)} in both {search.file} and {holdout.file}, the first in row "
            f"{search.rows(int(both[0]))[0]} and row {holdout.rows(same)[0]}; what is held out must be accounts that "
            "the search never sees"
        )


def _accounts(count: int) -> str:
    return f"{count:,} {'account stands' if count == 1 else 'accounts stand'}"


def _ids(path: Path, column: str) -> _Ids | None:
    """As text, so that no digit of a long number is lost."""
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    try:
        if path.suffix == ".parquet":
            found = pyarrow.parquet.read_table(path, columns=[column]).column(column).cast(pyarrow.string())
        else:
            options = pyarrow.csv.ConvertOptions(
                include_columns=[column], column_types={column: pyarrow.string()}, strings_can_be_null=True
            )
            lines = pyarrow.csv.ParseOptions(newlines_in_values=True)
            found = pyarrow.csv.read_csv(path, parse_options=lines, convert_options=options).column(column)
    except (OSError, KeyError, UnicodeDecodeError, pyarrow.ArrowException):
        return None
    coded = pyarrow.chunked_array(found.chunks, pyarrow.string()).combine_chunks().dictionary_encode()
    codes = coded.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    return _Ids(path.name, codes, coded.dictionary, 1 if path.suffix == ".parquet" else 2)


def _lacks(path: Path, column: str) -> bool:
    from harness.errors import EvaluatorError
    from harness.scorers.saas import table

    try:
        return column not in table.columns(path)
    except EvaluatorError:
        return False
