"""A table of accounts from a file: CSV or Parquet, and nothing that only bears such a name."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from bot.new.table.asked import Table
from bot.new.table.content import column
from harness.complaints import show
from harness.errors import ConfigError, Place

CSV_FIRST, PARQUET_FIRST = 2, 1  # the number of the first row: below a header line, or the first there is
_EXPORT = "export the table as CSV (comma separated, UTF-8) or Parquet"
_SIGNATURES = (
    (b"PK\x03\x04", "is a zip archive"),
    (b"\xd0\xcf\x11\xe0", "is an old or an encrypted Office file"),
    (b"\x1f\x8b", "is compressed with gzip"),
    (b"SQLite format 3", "is an SQLite database"),
    (b"%PDF", "is a PDF"),
    (b"PARE", "is an encrypted Parquet file"),
)


def read(path: Path) -> Table:
    """The table in a file. Raises ConfigError for whatever is no table."""
    label = path.name
    if path.is_dir():
        raise ConfigError(Place(str(path)), "is a folder", next_step="name one file; join several parts into it first")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(Place(str(path)), "does not exist", next_step="check the path and its spelling") from None
    except OSError as error:
        raise ConfigError(Place(str(path)), f"cannot be read: {error.strerror}", next_step="mend its rights") from None
    _refuse_other_kinds(label, content)
    is_parquet = content.startswith(b"PAR1")
    if (path.suffix.lower() == ".parquet") != is_parquet:
        kind, other = (".parquet", "Parquet") if is_parquet else (".csv", "no Parquet")
        raise ConfigError(
            Place(label), f"is {other}, whatever its name says", next_step=f"if it is one, name it {kind}"
        )
    if not is_parquet and path.suffix.lower() != ".csv":
        raise ConfigError(Place(label), f"ends in {show(path.suffix)}, not in .csv or .parquet", next_step=_EXPORT)
    return _parquet(label, content) if is_parquet else _csv(label, content)


def table(label: str, arrow: Any, suffix: str, first: int, *, from_text: bool = False) -> Table:
    """A Table of what pyarrow read. Raises ConfigErrors for names that are none."""
    _refuse_names(label, arrow.column_names)
    columns = tuple(column(name, arrow.column(name), from_text=from_text) for name in arrow.column_names)
    return Table(label, columns, arrow.num_rows, suffix, first)


def _refuse_other_kinds(label: str, content: bytes) -> None:
    if not content.strip():
        raise ConfigError(Place(label), "is empty: it has not even a header", next_step=_EXPORT)
    for signature, what in _SIGNATURES:
        if content.startswith(signature):
            said = "is an Excel workbook" if b"[Content_Types].xml" in content[:4096] else what
            why = "a file keeps its content when it is renamed"
            raise ConfigError(Place(label), said, why=why, next_step=_EXPORT)


def _parquet(label: str, content: bytes) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        found = parquet.read_table(pyarrow.BufferReader(content))
    except (pyarrow.ArrowException, OSError) as error:
        said = str(error).splitlines()[0][:300]
        why = "a download or an export that broke off leaves such a file"
        step = f"{_EXPORT} again"
        raise ConfigError(Place(label), f"cannot be read as Parquet: {said}", why=why, next_step=step) from None
    return table(label, found, ".parquet", PARQUET_FIRST)


def _csv(label: str, content: bytes) -> Table:
    import pyarrow
    from pyarrow import csv as arrow_csv

    text = _text(label, content)
    names = _header(label, text)
    wrong: list[Any] = []

    def refuse(row: Any) -> str:
        wrong.append(row)
        return "skip"

    try:
        found = arrow_csv.read_csv(
            pyarrow.BufferReader(text.encode()),
            read_options=arrow_csv.ReadOptions(use_threads=False, skip_rows=1, column_names=names),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string())),
        )
    except pyarrow.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise ConfigError(Place(label), f"cannot be read: {str(error)[:300]}", next_step=_EXPORT) from None
        found = pyarrow.table({name: pyarrow.array([], pyarrow.string()) for name in names})
    if wrong:
        raise _ragged(label, wrong)
    return table(label, found, ".csv", CSV_FIRST, from_text=True)


def _text(label: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:1000]:
        raise ConfigError(
            Place(label), "is UTF-16 text, or no text at all",
            why='a spreadsheet\'s "Unicode text" is UTF-16', next_step="save it as CSV UTF-8",
        )  # fmt: skip
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            Place(label, key=f"row {line}"), f"is not UTF-8: the byte 0x{content[error.start]:02x} cannot stand there",
            why="older spreadsheets write their system's own encoding, often windows-1252",
            next_step=f"iconv -f windows-1252 -t utf-8 {label} > accounts-utf8.csv",
        ) from None  # fmt: skip


def _header(label: str, text: str) -> list[str]:
    """The names in the first line. Raises ConfigErrors."""
    line = next(csv.reader(io.StringIO(text)), [])
    first = ",".join(line)
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if first.count(separator) > max(0, len(line) - 1):
            raise ConfigError(
                Place(label, key="row 1"), f"is separated by {name}, not by commas",
                why="spreadsheets do that where the comma is the decimal mark" if separator == ";" else "",
                next_step="export it with commas between the columns, and points in numbers",
            )  # fmt: skip
    _refuse_names(label, line)
    return line


def _refuse_names(label: str, names: list[str]) -> None:
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise ConfigError(
                Place(label, key=f"column {number}"), "has no name",
                why="a table that pandas wrote with its index begins with such a column",
                next_step="name it, or write the table without it",
            )  # fmt: skip
        if not name.isprintable():
            raise ConfigError(
                Place(label, key=f"column {number}"),
                f"has a line break or a hidden character in its name: {show(name)}",
                why="spreadsheets wrap long headings so", next_step="write the name in one line",
            )  # fmt: skip
        if (other := names.index(name) + 1) != number:
            what = f"has the name of column {other}, {show(name)}"
            raise ConfigError(
                Place(label, key=f"column {number}"), what, next_step="give each column a name of its own"
            )


def _ragged(label: str, wrong: list[Any]) -> ConfigError:
    row = wrong[0]
    where = f"row {row.number}" if row.number else "one of its rows"
    return ConfigError(
        Place(label, key=where), f"has {row.actual_columns} cells, and the header {row.expected_columns}",
        why="a comma inside a value must stand in quotes", next_step=f"mend it; {len(wrong):,} rows are like that",
    )  # fmt: skip
