"""A user's own table: from a CSV, a Parquet file or a query to the first page, through the commands a user types."""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from pyarrow import parquet

from bot.new.table.split import held_out
from harness.repository import Repository
from tests.support import autoresearch, git, make_repository

FOLDER = "targets/experiments/health-score"
NAMES = (
    "account_id", "company", "signup_date", "plan", "region", "Days Active", "alerts_set", "tickets", "seats",
    "exported", "mrr", "mrr_6mo", "retained_6mo",
)  # fmt: skip


def accounts(rows: int = 2000, seed: int = 7) -> list[tuple[Any, ...]]:
    """Accounts that stay the likelier, the more they use and the fewer tickets they open; seats say nothing."""
    chance = np.random.default_rng(seed)
    days, alerts, tickets = chance.integers(0, 31, rows), chance.poisson(3, rows), chance.poisson(1.5, rows)
    exported, mrr = chance.integers(0, 2, rows), chance.integers(20, 900, rows)
    likely = 1 / (1 + np.exp(1.2 - 0.09 * days - 0.25 * alerts + 0.4 * tickets - 0.6 * exported))
    stayed = (chance.random(rows) < likely).astype(int)
    later = np.where(stayed, np.rint(mrr * chance.choice([0.8, 1, 1.3], rows)), 0).astype(int)
    seats = chance.integers(1, 60, rows)
    return [
        (f"A{n:05}", f"Firm {n}", f"2025-0{n % 9 + 1}-11", ("free", "pro", "team")[n % 3], ("NA", "EU")[n % 2],
         int(days[n]), int(alerts[n]), int(tickets[n]), int(seats[n]), bool(exported[n]), int(mrr[n]), int(later[n]),
         int(stayed[n]))
        for n in range(rows)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The accounts as a CSV that a spreadsheet could have written."""
    path = tmp_path_factory.mktemp("crm") / "accounts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *accounts()])
    return path


def test_the_first_page_in_five_commands(tmp_path: Path, table: Path) -> None:
    repository = make_repository(tmp_path, {"README.md": "# A product\n"})
    made = autoresearch(repository, "new", "health-score", "--data", str(table))
    assert (made.returncode, made.stderr) == (0, "")
    then = [line.removeprefix("next: ") for line in made.stdout.splitlines() if line.startswith("next: ")]
    assert 1 + len(then) <= 5, "as README says"
    checked = autoresearch(repository, *then[0].split()[1:])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "holdout    639 rows carry the interval of auc_roc_retain" in checked.stdout
    subprocess.run(["sh", "-c", then[1]], cwd=repository.root, check=True, capture_output=True)
    assert git(repository, "status", "--porcelain") == ""
    night = autoresearch(repository, *then[2].split()[1:], "--experiments", "120", "--seed", "1", "--quiet")
    assert night.returncode == 0, night.stdout + night.stderr
    assert "health-score: confirmed, auc_roc_retain" in night.stdout
    said = dict(line.split(":", 1) for line in night.stdout.splitlines() if ":" in line)
    page = Path(said["page"].strip())
    assert "auc_roc_retain" in page.read_text(encoding="utf-8")
    assert (
        git(repository, "diff", "--name-only", f"main...{said['branch'].strip()}", "--", FOLDER)
        == f"{FOLDER}/spec.yaml"
    )


def test_what_is_written_is_what_was_told(tmp_path: Path, table: Path) -> None:
    repository = make_repository(tmp_path, {})
    rehearsed = autoresearch(repository, "new", "health-score", "--data", str(table), "--dry-run")
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert git(repository, "status", "--porcelain", "--ignored") == ""
    assert not (repository.root / "targets").exists()
    made = autoresearch(repository, "new", "health-score", "--data", str(table))
    told = [line for line in rehearsed.stdout.splitlines() if not line.startswith("would write")]
    assert made.stdout.splitlines()[: len(told)] == told
    sizes = dict(
        line.removeprefix("would write ").split(" (")
        for line in rehearsed.stdout.splitlines()
        if line.startswith("would write ")
    )
    written = git(repository, "ls-files", "--others", "--exclude-standard").splitlines()
    assert sorted(sizes) == sorted(written)
    assert {path: int(size.split()[0].replace(",", "")) for path, size in sizes.items()} == {
        path: (repository.root / path).stat().st_size for path in written
    }
    taken = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in told[: len(NAMES)]}
    assert list(taken) == list(NAMES)
    assert taken["company"].startswith("left out ")
    assert taken["signup_date"].endswith("a date; days before the score would be a feature")
    assert taken["mrr_6mo"].startswith("outcome revenue_end ")


def test_no_row_is_on_both_sides_and_none_is_lost(tmp_path: Path, table: Path) -> None:
    repository = make_repository(tmp_path, {})
    assert autoresearch(repository, "new", "health-score", "--data", str(table), "--holdout", "40%").returncode == 0
    sides = {split: rows_of(repository.root / FOLDER / f"data/{split}.csv") for split in ("search", "holdout")}
    whole = {row[0]: row for row in accounts()}
    assert sides["search"].keys() | sides["holdout"].keys() == whole.keys()
    for split, rows in sides.items():
        assert all(held_out(account, 40) == (split == "holdout") for account in rows)
        for account, row in rows.items():
            expected = dict(zip(NAMES, whole[account], strict=True))
            assert set(row) == set(NAMES) - {"company", "signup_date"}, "what is left out is not copied"
            assert row == {
                name: str(int(v) if isinstance(v, bool) else v) for name, v in expected.items() if name in row
            }


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["account_id"]: row for row in csv.DictReader(file)}


def test_a_query_of_duckdb_and_a_parquet_file_make_the_same_target(tmp_path: Path, table: Path) -> None:
    database, file = tmp_path / "crm.duckdb", tmp_path / "accounts.parquet"
    with duckdb.connect(str(database)) as connection:
        connection.read_csv(str(table)).create("accounts")
        connection.table("accounts").write_parquet(str(file))
    found = []
    for number, options in enumerate(
        (("--data", str(file)), ("--query", "select * from accounts", "--database", str(database)))
    ):
        repository = make_repository(tmp_path / str(number), {})
        made = autoresearch(repository, "new", "health-score", *options)
        assert made.returncode == 0, made.stderr
        found.append(repository.root / FOLDER)
    for name in ("spec.yaml", "columns.yaml", "target.yaml", "program.md"):
        assert (found[0] / name).read_bytes() == (found[1] / name).read_bytes()
    for split in ("search", "holdout"):
        one, other = (parquet.read_table(folder / f"data/{split}.parquet") for folder in found)
        assert one.equals(other)
    assert "duckdb" not in (found[1] / "README.md").read_text(), "no path of this machine"
    checked = autoresearch(Repository.find(found[1]), "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_private_rows_stay_where_they_are(tmp_path: Path, table: Path) -> None:
    repository = make_repository(tmp_path, {})
    made = autoresearch(repository, "new", "health-score", "--data", str(table), "--private")
    assert made.returncode == 0, made.stderr
    assert "next: autoresearch setup health-score" in made.stdout
    folder = repository.root / FOLDER
    seen = git(repository, "ls-files", "--others", "--exclude-standard").splitlines()
    assert (folder / ".autoresearch-private").read_text().strip() == str(table)
    assert f"{FOLDER}/.autoresearch-private" not in seen
    assert f"{FOLDER}/.gitignore" in seen, "else nothing would hide it"
    for path in seen:
        content = (repository.root / path).read_bytes()
        assert b"A00001" not in content, path
        assert str(table.parent).encode() not in content, path
    made_by_hand(folder)
    sides = {split: rows_of(folder / f"prepared/{split}.csv") for split in ("search", "holdout")}
    assert len(sides["search"]) + len(sides["holdout"]) == len(accounts())
    assert all(held_out(account, 30) == (split == "holdout") for split, rows in sides.items() for account in rows)
    assert {len(row) for rows in sides.values() for row in rows.values()} == {len(NAMES) - 2}
    before = hashes(folder / "prepared")
    (folder / ".autoresearch-private").unlink()
    made_by_hand(folder, AUTORESEARCH_PRIVATE_DATA=str(table))
    assert hashes(folder / "prepared") == before, "the same table gives the same bytes"
    assert f"{FOLDER}/prepared" not in git(repository, "status", "--porcelain", "--untracked-files=all")
    told = made_by_hand(folder, code=1, AUTORESEARCH_PRIVATE_DATA="/nowhere/accounts.csv")
    assert "/nowhere" not in told
    assert "say where the table of accounts is" in made_by_hand(folder, code=1)


def made_by_hand(folder: Path, code: int = 0, **variables: str) -> str:
    """Runs prepare.py as setup does, in the target's folder; what it said."""
    root = str(Path(__file__).parents[2])
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": root, **variables}
    done = subprocess.run(
        [sys.executable, "prepare.py"], cwd=folder, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_table_that_is_written_anew_keeps_its_sides(tmp_path: Path, table: Path) -> None:
    """In another order, with accounts gone and come: nobody changes sides."""
    shuffled = [*accounts()[::-1][300:], *[("B" + row[0], *row[1:]) for row in accounts(400, seed=8)]]
    later = tmp_path / "later.csv"
    with later.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *shuffled])
    held = []
    for number, path in enumerate((table, later)):
        repository = make_repository(tmp_path / str(number), {})
        assert autoresearch(repository, "new", "health-score", "--data", str(path)).returncode == 0
        held.append(set(rows_of(repository.root / FOLDER / "data/holdout.csv")))
    both = {row[0] for row in shuffled} & {row[0] for row in accounts()}
    assert held[0] & both == held[1] & both
    assert len(held[0] & both) > 400


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path, table: Path) -> None:
    text = table.read_text(encoding="utf-8")
    marked = tmp_path / "accounts.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + text.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    repository = make_repository(tmp_path, {})
    made = autoresearch(repository, "new", "health-score", "--data", str(marked))
    assert made.returncode == 0, made.stderr
    assert "id: account_id\n" in (repository.root / FOLDER / "columns.yaml").read_text()
