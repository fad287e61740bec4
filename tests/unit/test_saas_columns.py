"""columns.yaml: what it says, and each complaint with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.errors import ConfigErrors
from harness.scorers.saas.columns import OnDask, load, parse

GOOD = """\
search: data/search.csv
holdout: data/holdout.parquet
id: account
score: health
features: [days, tickets]
outcomes:
  retained: stayed
  revenue_start: mrr
segments: [plan]
"""


def test_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "columns.yaml").write_text(GOOD)
    found = load(tmp_path / "columns.yaml")
    assert found.tables == {"search": "data/search.csv", "holdout": "data/holdout.parquet"}
    assert (found.id, found.score, found.features) == ("account", "health", ("days", "tickets"))
    assert found.outcomes == {"retained": "stayed", "revenue_start": "mrr"}
    assert found.names == ("days", "tickets", "stayed", "mrr", "plan")
    assert (found.segments, found.as_of) == (("plan",), None)


def test_the_holdout_and_the_segments_may_be_missing() -> None:
    found = parse("\n".join(GOOD.splitlines()[:1] + GOOD.splitlines()[2:-1]).encode())
    assert (found.tables, found.segments) == ({"search": "data/search.csv"}, ())


def test_the_days_of_the_tables() -> None:
    found = parse(f"{GOOD}as_of: {{features: 2026-01-31, outcomes: 2026-07-31}}\n".encode()).as_of
    assert found is not None
    assert (found.features, found.outcomes) == (date(2026, 1, 31), date(2026, 7, 31))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("dask", OnDask()),
        ("{dask: 4}", OnDask(workers=4)),
        ("{dask: 'tcp://10.0.0.7:8786'}", OnDask(scheduler="tcp://10.0.0.7:8786")),
    ],
)
def test_the_engine(said: str, meant: OnDask) -> None:
    assert parse(f"{GOOD}engine: {said}\n".encode()).engine == meant
    assert parse(GOOD.encode()).engine is None


@pytest.mark.parametrize(
    "said",
    ["spark", "''", "{dask: 0}", "{dask: -1}", "{dask: 257}", "{dask: true}", "{dask: 1.5}", "{spark: 2}", "{}",
     "{dask: 2, spark: 2}", "{dask: many}", "{dask: 'tcp://host'}", "{dask: 'http://host:1'}", "{dask: [2]}"],
)  # fmt: skip
def test_what_is_no_engine_is_said_with_what_is_one(said: str) -> None:
    with pytest.raises(ConfigErrors) as raised:
        parse(f"{GOOD}engine: {said}\n".encode())
    assert "columns.yaml:10:9: engine: " in str(raised.value)
    assert "is no engine" in str(raised.value)
    assert "{dask: 4}: so many, up to 256; {dask: tcp://HOST:PORT}" in str(raised.value)


@pytest.mark.parametrize("said", ["3", "[dask]", "null"])
def test_an_engine_of_another_kind_altogether(said: str) -> None:
    with pytest.raises(ConfigErrors, match=r"dask, \{dask: 4\} or \{dask: tcp://HOST:PORT\}"):
        parse(f"{GOOD}engine: {said}\n".encode())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("score: health", "score: wealth", "columns.yaml:4:8: score:"),
        ("id: account", "id: [account]", "columns.yaml:3:"),
        ("data/search.csv", "data/search.xlsx", "a .csv or .parquet file"),
        ("retained: stayed", "kept: stayed", "kept"),
        ("[days, tickets]", "[]", "columns.yaml:5:11: features: expected at least one entry"),
        ("[days, tickets]", "[days, days]", "columns.yaml:5:"),
        ("[days, tickets]", "[days, mrr]", "columns.yaml:5:18: features[1]: mrr is the outcome revenue_start already"),
        ("[days, tickets]", "[account]", "account is the id already, and cannot be a feature too"),
        ("stayed", "account", "columns.yaml:7:13: outcomes.retained: account is the id already"),
        ("stayed", "mrr", "mrr is the outcome retained already, and cannot be the outcome revenue_start too"),
        ("[plan]", "[days]", "columns.yaml:9:12: segments[0]: days is a feature already, and cannot be a segment too"),
        ("[plan]", "['plan type']", 'columns.yaml:9:12: segments[0]: "plan type" cannot stand in a metric\'s name'),
        ("[plan]", f"[{'p' * 37}]", "it has at most 36 letters, digits and _ . @ -"),
        ("segments", "as_of: {features: 2026-02-30, outcomes: 2026-07-31}\nsegments", "2026-02-30 is no day"),
        ("segments", "as_of: {features: 2026-07-31, outcomes: 2026-07-31}\nsegments", "say nothing of features"),
    ],
)
def test_each_complaint_has_its_line(old: str, new: str, words: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(ConfigErrors) as raised:
        parse(GOOD.replace(old, new, 1).encode())
    assert words in str(raised.value)


def test_the_longest_name_of_a_segment_is_taken() -> None:
    assert parse(GOOD.replace("[plan]", f"[{'p' * 36}]").encode()).segments == ("p" * 36,)


def test_all_complaints_are_told_at_once() -> None:
    with pytest.raises(ConfigErrors) as raised:
        parse(GOOD.replace("[days, tickets]", "[days, mrr, stayed]").encode())
    assert "mrr is the outcome" in str(raised.value)
    assert "stayed is the outcome" in str(raised.value)
