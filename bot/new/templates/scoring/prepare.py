"""Splits the table of accounts, which lies outside the repository, into prepared/. Locked; `autoresearch setup` runs it.

The table's path is in AUTORESEARCH_PRIVATE_DATA, or in the file .autoresearch-private beside this one, which git
ignores. Only the columns that columns.yaml names are taken over. data.lock holds the hashes of what comes out.
"""

import hashlib
import os
from pathlib import Path

import pyarrow
import pyarrow.compute
from pyarrow import csv, parquet

from harness.scorers.saas import columns

PERCENT = {{percent}}  # of the accounts are held out
HERE = Path(__file__).resolve().parent


def table_path():
    recorded = HERE / ".autoresearch-private"
    named = os.environ.get("AUTORESEARCH_PRIVATE_DATA") or (recorded.read_text().strip() if recorded.is_file() else "")
    if not named:
        raise SystemExit("say where the table of accounts is: AUTORESEARCH_PRIVATE_DATA=/path/to/accounts{{suffix}}")
    if not Path(named).is_file():
        raise SystemExit("the table of accounts that AUTORESEARCH_PRIVATE_DATA names is not there")
    return Path(named)


def held_out(account):
    digest = hashlib.sha256(f"account:{account}".encode()).digest()
    return int.from_bytes(digest[:8]) * 100 < PERCENT << 64


def spelled(value):
    """An id as text; a whole number without a fraction, however it was stored."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()


def main():
    found = columns.load(HERE / "columns.yaml")
    names = [found.id, *found.names]
    path = table_path()
    if path.suffix.lower() == ".parquet":
        table = parquet.read_table(path, columns=names)
    else:
        text = {name: pyarrow.string() for name in (found.id, *found.segments)}
        options = csv.ConvertOptions(include_columns=names, column_types=text)
        table = csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options)
    for name in found.segments:  # as `autoresearch new` counted them
        if pyarrow.types.is_string(table.schema.field(name).type):
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, pyarrow.compute.utf8_trim_whitespace(table.column(name)))
    out = pyarrow.array([held_out(spelled(value)) for value in table.column(found.id).to_pylist()])
    (HERE / "prepared").mkdir(exist_ok=True)
    for split, rows in (("search", pyarrow.compute.invert(out)), ("holdout", out)):
        part, into = table.filter(rows), HERE / found.tables[split]
        csv.write_csv(part, into) if into.suffix == ".csv" else parquet.write_table(part, into)


if __name__ == "__main__":
    main()
