"""Tables that cannot be meant: each is refused with a message of its own, and nothing is written."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import csv, parquet

from bot.cli.app import main
from bot.new.table import command
from harness.repository import Repository
from tests.support import make_repository

ROWS = 240
Table = dict[str, Any]


def sound() -> Table:
    """A table that nothing is wrong with, as lists."""
    chance = np.random.default_rng(11)
    days, seats = chance.integers(0, 31, ROWS), chance.integers(1, 60, ROWS)
    stayed = (chance.random(ROWS) < 1 / (1 + np.exp(1.5 - days / 10))).astype(int)
    mrr = chance.integers(20, 900, ROWS)
    return {
        "account_id": [f"A{number:04}" for number in range(ROWS)],
        "plan": [("free", "pro", "team")[number % 3] for number in range(ROWS)],
        "days_active": days.tolist(),
        "seats": seats.tolist(),
        "mrr": mrr.tolist(),
        "retained": stayed.tolist(),
    }


def as_csv(table: Mapping[str, Any]) -> bytes:
    into = io.BytesIO()
    csv.write_csv(pyarrow.table(dict(table)), into)
    return into.getvalue()


def as_parquet(table: Mapping[str, Any]) -> bytes:
    into = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(table)), into)
    return into.getvalue()


def lines(change: Callable[[list[str]], Any]) -> bytes:
    """The sound table as CSV, its lines changed in place."""
    found = as_csv(sound()).decode().replace('"', "").splitlines()
    change(found)
    return "\n".join(found).encode() + b"\n"


def with_column(name: str, values: list[Any]) -> bytes:
    return as_csv(sound() | {name: values})


def with_cell(name: str, row: int, value: str) -> bytes:
    """The sound table with one cell replaced; row as an editor counts, the header being row 1."""
    table = sound()
    table[name] = [str(cell) for cell in table[name]]
    table[name][row - 2] = value
    return lines_of(table)


def lines_of(table: Table) -> bytes:
    """CSV without quotes, as a spreadsheet writes it."""
    rows = [",".join(table), *(",".join(map(str, cells)) for cells in zip(*table.values(), strict=True))]
    return "\n".join(rows).encode() + b"\n"


def without(*names: str) -> Table:
    return {name: values for name, values in sound().items() if name not in names}


def spread(count: int, ones: int) -> list[int]:
    """0 and 1, so many of them 1."""
    return [int(number < ones) for number in range(count)]


def workbook(first: str) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr(first, "<xml/>")
    return into.getvalue()


def left(table: Table) -> list[int]:
    return [1 - value for value in table["retained"]]


def one_wrong(values: list[int]) -> list[int]:
    return [1 - values[0], *values[1:]]


SOUND = sound()


@dataclass(frozen=True)
class Bad:
    """said: the complaint's first line; step: what its next step must contain."""

    content: Callable[[], bytes]
    said: str
    step: str
    file: str = "accounts.csv"
    options: tuple[str, ...] = ()


BAD = {
    # the file
    "zero bytes": Bad(lambda: b"", "accounts.csv: is empty: it has not even a header", "export the table as CSV"),
    "a header alone": Bad(
        lambda: lines(lambda found: found.__delitem__(slice(1, None))),
        "accounts.csv: has no rows", "with the accounts in it",
    ),
    "one row": Bad(
        lambda: lines(lambda found: found.__delitem__(slice(2, None))), "accounts.csv: has one row",
        "one row per account",
    ),
    "too few accounts": Bad(
        lambda: lines(lambda found: found.__delitem__(slice(61, None))),
        "accounts.csv: has 60 accounts; 100 are the fewest", "longer period",
    ),
    "a workbook": Bad(lambda: workbook("[Content_Types].xml"), "accounts.csv: is an Excel workbook", "as CSV"),
    "a zip": Bad(lambda: workbook("accounts.csv"), "accounts.csv: is a zip archive", "as CSV"),
    "gzip": Bad(lambda: gzip.compress(as_csv(sound())), "accounts.csv: is compressed with gzip", "as CSV"),
    "encrypted office": Bad(
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "accounts.csv: is an old or an encrypted Office file",
        "as CSV",
    ),
    "encrypted Parquet": Bad(
        lambda: b"PARE" + bytes(90), "accounts.parquet: is an encrypted Parquet file", "as CSV", "accounts.parquet"
    ),
    "CSV called Parquet": Bad(
        lambda: as_csv(sound()), "accounts.parquet: is no Parquet, whatever its name says", "name it .csv",
        "accounts.parquet",
    ),
    "Parquet called CSV": Bad(
        lambda: as_parquet(sound()), "accounts.csv: is Parquet, whatever its name says", "name it .parquet"
    ),
    "half of a Parquet": Bad(
        lambda: as_parquet(sound())[:900], "accounts.parquet: cannot be read as Parquet: ", "again", "accounts.parquet"
    ),
    "another kind": Bad(
        lambda: b'[{"account_id": 1}]', 'accounts.json: ends in ".json", not in .csv or .parquet', "as CSV",
        "accounts.json",
    ),
    "UTF-16": Bad(
        lambda: as_csv(sound()).decode().encode("utf-16"), "accounts.csv: is UTF-16 text, or no text at all",
        "CSV UTF-8",
    ),
    "windows-1252": Bad(
        lambda: with_cell("plan", 5, "größe").decode().encode("cp1252"),
        "accounts.csv: row 5: is not UTF-8: the byte 0xf6 cannot stand there", "iconv -f windows-1252",
    ),
    # its form
    "semicolons": Bad(
        lambda: lines_of(sound()).replace(b",", b";"), "accounts.csv: row 1: is separated by semicolons, not by commas",
        "with commas between the columns",
    ),
    "tabs": Bad(
        lambda: lines_of(sound()).replace(b",", b"\t"), "accounts.csv: row 1: is separated by tabs, not by commas",
        "with commas between the columns",
    ),
    "a heading on two lines": Bad(
        lambda: as_csv(sound()).replace(b'"plan"', b'"the\nplan"'),
        "accounts.csv: column 2: has a line break or a hidden character in its name", "in one line",
    ),
    "a column without a name": Bad(
        lambda: lines(lambda found: found.__setitem__(0, found[0].replace("seats", ""))),
        "accounts.csv: column 4: has no name", "write the table without it",
    ),
    "a name twice": Bad(
        lambda: lines(lambda found: found.__setitem__(0, found[0].replace("seats", "days_active"))),
        'accounts.csv: column 4: has the name of column 3, "days_active"', "a name of its own",
    ),
    "a row too long": Bad(
        lambda: lines(lambda found: found.__setitem__(7, found[7] + ",1")),
        "accounts.csv: row 8: has 7 cells, and the header 6", "mend it",
    ),
    "a name with a line's end": Bad(
        lambda: as_parquet(without("seats") | {"se\nats": sound()["seats"]}),
        "accounts.parquet: column 6: has a line break or a hidden character in its name", "in one line",
        "accounts.parquet",
    ),
    "a name that YAML takes for more": Bad(
        lambda: with_column("seats: used", SOUND["days_active"][::-1]),
        'accounts.csv: "seats: used": is a name that the files of a target cannot hold', "rename",
    ),
    "a segment's name": Bad(
        lambda: lines_of({{"plan": "plan name"}.get(name, name): cells for name, cells in sound().items()}),
        'accounts.csv: "plan name": is a segment, and metrics cannot bear its name', "rename",
    ),
    # the id
    "no id": Bad(
        lambda: as_csv(without("account_id")), "accounts.csv: has no column that names the account", "--id COLUMN"
    ),
    "two ids": Bad(
        lambda: with_column("customer_id", list(range(ROWS))),
        "accounts.csv: account_id and customer_id could each be the account's id", "--id account_id",
    ),
    "an account twice": Bad(
        lambda: with_cell("account_id", 9, "A0002"),
        'accounts.csv: account_id, row 9: is "A0002" a second time; the first is row 4', "one row per account",
    ),
    "an account without id": Bad(
        lambda: with_cell("account_id", 9, ""), "accounts.csv: account_id, row 9: is missing", "drop the row"
    ),
    "ids from a spreadsheet": Bad(
        lambda: lines_of(sound() | {"account_id": [f"1.{number:05}E+17" for number in range(ROWS)]}),
        "accounts.csv: account_id: holds ids that lost their last digits, such as 1.00000E+17", "as text",
    ),
    "huge ids as floats": Bad(
        lambda: as_parquet(sound() | {"account_id": [2.0**60 + 4096 * number for number in range(ROWS)]}),
        "accounts.parquet: account_id: holds ids that lost their last digits, such as 1152921504607825920", "as text",
        "accounts.parquet",
    ),
    # outcomes
    "no outcome": Bad(
        lambda: as_csv(without("retained")), "accounts.csv: has no outcome: no column says who stayed or who left",
        "--outcome retained=COLUMN",
    ),
    "one class": Bad(
        lambda: as_csv(sound() | {"retained": [1] * ROWS}), "accounts.csv: retained: is 1 in every row",
        "some accounts left",
    ),
    "a label of three values": Bad(
        lambda: with_cell("retained", 6, "2"), "accounts.csv: retained, row 6: is 2; retained is 0 or 1", "0 for no"
    ),
    "a label in words": Bad(
        lambda: as_csv(sound() | {"retained": ["yes", "no"] * (ROWS // 2)}),
        'accounts.csv: retained: holds text such as "yes"', "1 for yes, 0 for no",
    ),
    "a missing label": Bad(
        lambda: with_cell("retained", 6, ""), "accounts.csv: retained, row 6: is missing, as in 1 of 240 rows",
        "accounts that it does not concern",
    ),
    "two labels for one outcome": Bad(
        lambda: with_column("renewed", one_wrong(SOUND["retained"])),
        "accounts.csv: retained and renewed could each be retained", "--outcome retained=retained --ignore renewed",
    ),
    "a class too thin": Bad(
        lambda: as_csv(sound() | {"retained": spread(ROWS, 12)}),
        "accounts.csv: retained: the rarer of its two values stands",
        "longer period",
    ),
    "stayed and left": Bad(
        lambda: with_column("churned", one_wrong(left(SOUND))),
        "accounts.csv: retained, row 2: contradicts churned in 1 rows: an account stayed or left, never both", "mend",
    ),
    "left and pays": Bad(
        lambda: as_csv(without("retained") | {
            "churned": [1, *left(SOUND)[1:]], "mrr_6mo": [5, *[10 * value for value in SOUND["retained"]][1:]]
        }),
        "accounts.csv: churned, row 2: contradicts mrr_6mo in 1 rows: it left, and pays at the end", "mend",
    ),
    "came back without leaving": Bad(
        lambda: as_csv(
            without("retained") | {"churned": [0, *left(sound())[1:]], "won_back": [1, *[0] * (ROWS - 1)]}
        ),
        "accounts.csv: won_back, row 2: contradicts churned in 1 rows: it came back, and never left", "mend",
    ),
    "negative revenue": Bad(
        lambda: with_cell("mrr", 12, "-40"),
        "accounts.csv: mrr, row 12: is -40 at the lowest; revenue is never below 0",
        "before credits",
    ),
    "revenue in words": Bad(
        lambda: as_csv(sound() | {"mrr": [f"${value}" for value in sound()["mrr"]]}),
        'accounts.csv: mrr, row 2: is text: "$', "plain numbers",
    ),
    "an end without a start": Bad(
        lambda: lines_of({{"mrr": "mrr_6mo"}.get(name, name): cells for name, cells in sound().items()}
                         | {"mrr_6mo": [10 * value for value in sound()["retained"]]}),
        "accounts.csv: mrr_6mo: is revenue at the end, and no column is revenue at the start",
        "--outcome revenue_start=COLUMN",
    ),
    # features
    "no feature left": Bad(
        lambda: as_csv(without("days_active", "seats")),
        "accounts.csv: has no feature: no column of numbers is left to score by", "as numbers",
    ),
    "a leak": Bad(
        lambda: with_column("last_seen", [9 * v + n % 5 for n, v in enumerate(SOUND["retained"])]),
        "accounts.csv: last_seen: tells retained almost alone: its AUC is 1.000",
        "--ignore last_seen, or --feature last_seen",
    ),
    "a leak the other way": Bad(
        lambda: with_column("days_silent", [40 * v + n % 9 for n, v in enumerate(left(SOUND))]),
        "accounts.csv: days_silent: tells retained almost alone: its AUC is 0.000", "--ignore days_silent",
    ),
    "a copy of an outcome": Bad(
        lambda: with_column("still_here", SOUND["retained"]),
        "accounts.csv: still_here: says the same as the outcome retained in every row", "--ignore still_here",
        options=("--feature", "still_here"),
    ),
    "named after what came later": Bad(
        lambda: with_column("cancel_clicks", [n % 7 for n in range(ROWS)]),
        'accounts.csv: cancel_clicks: is named after what happens later ("cancel")', "--ignore cancel_clicks",
    ),
    "missing values": Bad(
        lambda: with_cell("seats", 30, ""), "accounts.csv: seats, row 30: is missing, as in 1 of 240 rows", "often 0"
    ),
    "infinity": Bad(
        lambda: with_cell("seats", 31, "inf"), "accounts.csv: seats, row 31: is infinite", "end of its scale"
    ),
    "thousands": Bad(
        lambda: as_csv(sound() | {"seats": ["1,200"] * ROWS}),
        'accounts.csv: seats, row 2: is text: "1,200" is written for people', "plain numbers: 1200",
    ),
    "percent": Bad(
        lambda: with_cell("seats", 2, "12%"),
        'accounts.csv: seats, row 2: is text: "12%" is written for people', "0.12",
    ),
    "numbers and words": Bad(
        lambda: with_cell("seats", 40, "unknown"),
        'accounts.csv: seats, row 40: holds numbers in most rows and text in 1, here "unknown"', "numbers throughout",
    ),
    "numbers as text": Bad(
        lambda: as_parquet(sound() | {"seats": [str(value) for value in sound()["seats"]]}),
        'accounts.parquet: seats, row 1: holds numbers stored as text, such as "', "cast it", "accounts.parquet",
    ),
    "a date asked for": Bad(
        lambda: with_column("signup", ["2026-01-31"] * ROWS),
        "accounts.csv: signup: is a date, and a score adds numbers", "number of days",
        options=("--feature", "signup"),
    ),
    "a date as a number": Bad(
        lambda: with_column("signup_date", [20260100 + n % 28 for n in range(ROWS)]),
        "accounts.csv: signup_date: is a day or a time written as a number", "days before the score",
    ),
    "words asked for": Bad(
        lambda: as_csv(sound()), 'accounts.csv: plan: holds text such as "free"', "write numbers",
        options=("--feature", "plan"),
    ),
    "nothing in a column": Bad(
        lambda: with_column("notes", [""] * ROWS), "accounts.csv: notes: has no value in any row",
        "--ignore notes",
    ),
    "the same everywhere": Bad(
        lambda: with_column("version", [3] * ROWS), "accounts.csv: version: is 3 in every row",
        "--ignore version",
    ),
    "the same word everywhere": Bad(
        lambda: with_column("country", ["Chile"] * ROWS), "accounts.csv: country: is Chile in every row",
        "--ignore country",
    ),
    "two that cannot be told apart": Bad(
        lambda: with_column("visits", [2 * value for value in SOUND["days_active"]]),
        "accounts.csv: visits: says the same as days_active of every account, or the opposite", "--ignore visits",
    ),
    "a segment of 1,000 values": Bad(
        lambda: as_csv({name: (cells * 5)[:1000] for name, cells in sound().items()}
                       | {"account_id": [f"A{n}" for n in range(1000)], "city": [f"city {n}" for n in range(1000)]}),
        "accounts.csv: city: takes 1,000 values; a segment has at most 40", "group its values",
        options=("--segment", "city"),
    ),
    # options
    "a column that is not there": Bad(
        lambda: as_csv(sound()), 'accounts.csv: has no column "seat"; did you mean "seats"?',
        "its columns are account_id",
        options=("--ignore", "seat"),
    ),
    "a column in two roles": Bad(
        lambda: as_csv(sound()), "accounts.csv: seats: is named by --feature seats and by --ignore seats",
        "drop one option",
        options=("--feature", "seats", "--ignore", "seats"),
    ),
    "a query beside --private": Bad(
        lambda: b"", "--private: takes a file, which setup splits again on each machine", "--data FILE --private",
        options=("--private", "--query", "select 1", "--database", "DATA"),
    ),
    "a query that fails": Bad(
        lambda: database("create table accounts (id int)"), "crm.duckdb: refused the query: Catalog Error",
        "database's own shell",
        "crm.duckdb", ("--query", "select * from acounts", "--database", "DATA"),
    ),
    "a query that writes": Bad(
        lambda: database("create table accounts (id int)"), "crm.duckdb: refused the query: Invalid Input Error",
        "only read",
        "crm.duckdb", ("--query", "drop table accounts", "--database", "DATA"),
    ),
    "a query of no database": Bad(
        lambda: as_csv(sound()), "accounts.csv: cannot be opened as a DuckDB database: ", "--data",
        options=("--query", "select 1", "--database", "DATA"),
    ),
    "a query of nothing": Bad(
        lambda: b"", "/nowhere/crm.duckdb: is no file", "name the DuckDB database",
        options=("--query", "select 1", "--database", "/nowhere/crm.duckdb"),
    ),
    "a query without rows": Bad(
        lambda: database("create table accounts (id int)"), "the query's result: has no rows", "the accounts in it",
        "crm.duckdb", ("--query", "select id from accounts", "--database", "DATA"),
    ),
}  # fmt: skip


def database(statement: str) -> bytes:
    """A DuckDB file in which a statement was run."""
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "crm.duckdb")
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)
        return path.read_bytes()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One for all: nothing is ever written into it."""
    return make_repository(tmp_path_factory.mktemp("bad"), {"README.md": "# A shop\n"})


@dataclass(frozen=True)
class Run:
    """The command in this process, and what it said."""

    repository: Repository
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def new(self, *options: str) -> tuple[int, str]:
        """Exit code and standard error. Fails if anything in the repository is another than before."""
        words = ["autoresearch", "new", "health-score", *options, "-C", str(self.repository.root)]
        self.monkeypatch.setattr(sys, "argv", words)
        before = everything(self.repository.root)
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        said = self.capsys.readouterr()
        if code:
            assert everything(self.repository.root) == before
            assert said.out == ""
        return code, said.err


def everything(root: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder, git's own included."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


@pytest.fixture
def run(repository: Repository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(repository, capsys, monkeypatch)


def refused(told: tuple[int, str], said: str, step: str, code: int = 3) -> None:
    """One complaint and no more, of this first line and with this way out."""
    found, text = told
    assert found == code, text
    assert text.startswith(f"error: {said}"), text
    assert text.count("  next: ") == 1, text
    assert step in text.partition("  next: ")[2], text
    assert "Traceback" not in text


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_and_nothing_is_written(run: Run, tmp_path: Path, name: str) -> None:
    bad, path = BAD[name], tmp_path / BAD[name].file
    path.write_bytes(bad.content())
    given = [str(path) if word == "DATA" else word for word in bad.options]
    refused(run.new(*([] if "--query" in given else ["--data", str(path)]), *given), bad.said, bad.step)


def test_every_table_has_a_message_of_its_own() -> None:
    assert len(BAD) >= 40
    said = [bad.said for bad in BAD.values()]
    assert len(set(said)) == len(said)


def test_the_table_that_all_others_spoil_is_sound(run: Run, tmp_path: Path) -> None:
    """Else the tests above could pass for a reason that is not theirs."""
    for file, content in (("accounts.csv", as_csv(sound())), ("accounts.parquet", as_parquet(sound()))):
        path = tmp_path / file
        path.write_bytes(content)
        assert run.new("--data", str(path), "--dry-run") == (0, "")
    assert not (run.repository.root / "targets").exists()


def test_a_path_without_a_table(run: Run, tmp_path: Path) -> None:
    refused(run.new("--data", str(tmp_path / "a.csv")), f"{tmp_path}/a.csv: does not exist", "spelling")
    refused(run.new("--data", str(tmp_path)), f"{tmp_path}: is a folder", "name one file")


@pytest.mark.parametrize(("library", "extra"), [("pyarrow", "saas"), ("duckdb", "saas"), ("psycopg", "postgres")])
def test_a_library_that_is_not_installed(run: Run, tmp_path: Path, library: str, extra: str) -> None:
    path = tmp_path / "crm.duckdb"
    path.write_bytes(database("create table accounts (id int)"))
    run.monkeypatch.setitem(sys.modules, library, None)
    run.monkeypatch.setenv("CRM_URL", "postgresql://ada:secret@127.0.0.1:9/crm")
    asked = ("--database-env", "CRM_URL") if library == "psycopg" else ("--database", str(path))
    said = f"autoresearch new: needs the library {library}, which is not installed"
    refused(run.new("--query", "select 1", *asked), said, f"pip install 'autoresearch-bot[{extra}]'")


def test_a_database_by_a_variable_never_shows_its_password(run: Run) -> None:
    asked = ("--query", "select 1", "--database-env", "CRM_URL")
    refused(run.new(*asked), "$CRM_URL: is not set: it holds the URL of the database", "export CRM_URL")
    run.monkeypatch.setenv("CRM_URL", "mysql://ada:secret@127.0.0.1:9/crm")
    told = run.new(*asked)
    refused(told, "$CRM_URL: holds no PostgreSQL URL", "postgresql://")
    assert "secret" not in told[1]
    run.monkeypatch.setenv("CRM_URL", "postgresql://ada:secret@127.0.0.1:9/crm")  # nobody listens on that port
    told = run.new(*asked)
    refused(told, "$CRM_URL: refused the query: connection", "may only read")
    assert "secret" not in told[1]


def test_private_rows_do_not_lie_in_the_repository(run: Run, tmp_path: Path) -> None:
    inside = run.repository.root / "accounts.csv"
    inside.write_bytes(as_csv(sound()))
    try:
        told = run.new("--data", str(inside), "--private")
    finally:
        inside.unlink()
    refused(told, f"{inside}: lies in the repository, and --private is for rows that do not", "move it elsewhere")


def test_a_table_too_large_to_commit(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(as_csv(sound()))
    run.monkeypatch.setattr(command, "MOST_COMMITTED", 3000)
    refused(
        run.new("--data", str(path)), "accounts.csv: would put 0 MB into the repository as data/search.csv", "--private"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--outcome", "stayed=retained"], "expected once each"),
        (["--outcome", "retained=a", "--outcome", "retained=b"], "expected once each"),
        (["--holdout", "95%"], "from 10% to 90%"),
        (["--query", "select 1"], "--query asks either --database FILE"),
        (["--database", "crm.duckdb"], '--database needs --query "select ..."'),
        (["--data", "a.csv", "--query", "select 1"], "the rows come from one of them"),
        (["--private"], "name it with --data or --query"),
    ],
)
def test_options_that_do_not_go_together(run: Run, options: list[str], said: str) -> None:
    code, text = run.new(*options)
    assert (code, said in text) == (2, True), text
