"""A query of PostgreSQL, against a real server: its binaries must be on the machine (apt-get install postgresql)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import autoresearch, git, make_repository

PASSWORD = "not-to-be-shown"
FOLDER = "targets/experiments/health-score"
ACCOUNTS = """
create table accounts as
select gen_random_uuid() as account_id, (array['free', 'pro'])[n % 2 + 1] as plan, n % 31 as days_active,
       (n % 7)::numeric(6, 2) as tickets, n % 3 = 0 as exported, (20 + n % 400)::numeric(10, 2) as mrr,
       date '2026-01-31' as signed, ((n * 7919) % 100 < 20 + 2 * (n % 31))::int as retained
from generate_series(1, 1500) as n
"""


def binary(name: str) -> str:
    """A program of the server's. Debian keeps it out of PATH."""
    kept = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    found = shutil.which(name) or (kept[-1] if kept else "")
    assert found, f"{name} is not installed: apt-get install postgresql"
    return found


def unprivileged() -> str | None:
    """Who the server runs as: it refuses root."""
    return "nobody" if os.geteuid() == 0 else None


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of its own with the accounts in it, on this machine alone."""
    folder = Path(tempfile.mkdtemp(prefix="autoresearch-postgres-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    user = unprivileged()
    if user:
        for path in (folder, secret):
            shutil.chown(path, user)
    data = folder / "data"
    made = ["--pgdata", str(data), "--username=ada", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    subprocess.run([binary("initdb"), *made], check=True, user=user, capture_output=True, cwd="/")
    words = ["-D", str(data), "-k", str(folder), "-h", "127.0.0.1", "-p", str(port), "-F"]
    server = subprocess.Popen([binary("postgres"), *words], user=user, cwd="/", stderr=subprocess.DEVNULL)
    found = f"postgresql://ada:{PASSWORD}@127.0.0.1:{port}/postgres"
    try:
        with connected(found) as connection:
            connection.execute(ACCOUNTS)
        yield found
    finally:
        server.send_signal(signal.SIGINT)  # the fast way: open sessions are ended
        server.wait(30)
        shutil.rmtree(folder)


def connected(url: str) -> psycopg.Connection:
    """As soon as the server takes connections."""
    for _ in range(200):
        try:
            return psycopg.connect(url)
        except psycopg.OperationalError:
            time.sleep(0.1)
    return psycopg.connect(url)


def test_a_query_of_postgresql_makes_a_target(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", url)
    repository = make_repository(tmp_path, {})
    asked = ("--query", "select * from accounts order by account_id", "--database-env", "CRM_URL")
    made = autoresearch(repository, "new", "health-score", *asked)
    assert made.returncode == 0, made.stderr
    assert "account_id   id" in made.stdout
    assert "exported     feature                   0 or 1" in made.stdout
    assert "signed       left out                  a date" in made.stdout
    for path in git(repository, "ls-files", "--others", "--exclude-standard").splitlines():
        assert PASSWORD.encode() not in (repository.root / path).read_bytes()
    checked = autoresearch(repository, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from acounts", '$CRM_URL: refused the query: relation "acounts" does not exist'),
        ("drop table accounts", "$CRM_URL: refused the query: cannot execute DROP TABLE in a read-only transaction"),
        ("begin", "$CRM_URL: returned no table"),
        (
            "select account_id, plan, plan from accounts",
            'the query\'s result: column 3: has the name of column 2, "plan"',
        ),
        ("select account_id, null as x from accounts limit 1", "the query's result: has one row"),
    ],
)
def test_a_query_that_is_none_is_refused(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, query: str, said: str
) -> None:
    monkeypatch.setenv("CRM_URL", url)
    repository = make_repository(tmp_path, {})
    refused = autoresearch(repository, "new", "health-score", "--query", query, "--database-env", "CRM_URL")
    assert refused.returncode == 3, refused.stderr
    assert refused.stderr.startswith(f"error: {said}")
    assert PASSWORD not in refused.stderr
    assert git(repository, "status", "--porcelain") == ""
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from accounts").fetchall() == [(1500,)], "nothing was written there"


def test_a_wrong_password_is_not_shown(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = url.replace(PASSWORD, "guessed-word")
    monkeypatch.setenv("CRM_URL", wrong)
    repository = make_repository(tmp_path, {})
    refused = autoresearch(repository, "new", "health-score", "--query", "select 1", "--database-env", "CRM_URL")
    assert refused.returncode == 3
    assert "password authentication failed" in refused.stderr
    assert "guessed-word" not in refused.stderr
