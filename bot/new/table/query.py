"""A table of accounts from a database: a DuckDB file, or PostgreSQL at a URL that only the environment holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bot.new.table.asked import Table
from bot.new.table.libraries import library
from bot.new.table.reading import PARQUET_FIRST, table
from harness.errors import ConfigError, Place

_LABEL = "the query's result"


def from_duckdb(query: str, database: Path) -> Table:
    """What a query of a DuckDB file returns. The file is opened for reading only. Raises ConfigError."""
    if not database.is_file():
        raise ConfigError(Place(str(database)), "is no file", next_step="name the DuckDB database that the query asks")
    duckdb = library("duckdb")
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        said = str(error).splitlines()[0][:300]
        raise ConfigError(
            Place(database.name), f"cannot be opened as a DuckDB database: {said}",
            next_step="for a CSV or Parquet file: --data; for a database that another program holds open, close that",
        ) from None  # fmt: skip
    with connection:
        try:
            found = connection.sql(query)
            if found is None:
                raise _no_rows(database.name)
            return table(_LABEL, found.to_arrow_table(), ".parquet", PARQUET_FIRST)
        except duckdb.Error as error:
            raise _failed(database.name, str(error)) from None


def from_postgres(query: str, variable: str) -> Table:
    """What a query returns in a transaction that can only read. variable: holds the URL. Raises ConfigError.

    The URL is never shown: it may hold a password.
    """
    url = os.environ.get(variable, "")
    if not url:
        raise ConfigError(
            Place(f"${variable}"), "is not set: it holds the URL of the database",
            next_step=f"read -rs {variable} && export {variable}, then type postgresql://user:password@host/name",
        )  # fmt: skip
    if not url.startswith(("postgresql://", "postgres://")):
        step = "postgresql://user:password@host/name; for a DuckDB file: --database crm.duckdb"
        raise ConfigError(Place(f"${variable}"), "holds no PostgreSQL URL", next_step=step)
    psycopg = library("psycopg")
    try:
        with psycopg.connect(url, connect_timeout=15) as connection:
            connection.read_only = True
            cursor = connection.execute(query)
            if cursor.description is None:
                raise _no_rows(f"${variable}")
            names, rows = [found.name for found in cursor.description], cursor.fetchall()
    except psycopg.Error as error:
        raise _failed(f"${variable}", str(error).replace(url, "the URL")) from None
    return table(_LABEL, _arrow(names, rows), ".parquet", PARQUET_FIRST)


def _arrow(names: list[str], rows: list[tuple[Any, ...]]) -> Any:
    import pyarrow

    columns = [[row[index] for row in rows] for index in range(len(names))]
    return pyarrow.Table.from_arrays([_array(values) for values in columns], names=names)


def _array(values: list[Any]) -> Any:
    """Of whatever a driver made of the cells; what pyarrow has no type for (a uuid, say) becomes text."""
    import pyarrow

    try:
        return pyarrow.array(values)
    except (pyarrow.ArrowException, TypeError, OverflowError):
        return pyarrow.array([None if value is None else str(value) for value in values], pyarrow.string())


def _failed(database: str, said: str) -> ConfigError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return ConfigError(
        Place(database), f"refused the query: {lines[0][:300] if lines else 'it gave no reason'}",
        why=" ".join(lines[1:3])[:300], next_step="try the query in the database's own shell; it may only read",
    )  # fmt: skip


def _no_rows(database: str) -> ConfigError:
    return ConfigError(Place(database), "returned no table", next_step='a query begins with "select", and has columns')
