"""Shards from servers that truncate, corrupt, stall, refuse, lie: what is there in the end is right, or not there."""

from __future__ import annotations

import fcntl
import re
import socket
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import EvaluatorError
from tests.gpt.preparation import fetching
from tests.gpt.shards_served import (
    Handler,
    Served,
    another_range,
    broken_off,
    corrupted,
    dripping,
    html,
    html_of_that_size,
    hung_up,
    leads_to,
    longer,
    publishes,
    says,
    serving,
    silent,
    stalled,
    untagged,
    well,
    whole_always,
)

Act = Callable[[Handler, Served], None]
CONTENT = b"PAR1" + np.random.default_rng(7).bytes(300_000) + b"PAR1"
OTHER = b"PAR1" + np.random.default_rng(8).bytes(300_000) + b"PAR1"
HALF = len(CONTENT) // 2
Patience, Shard = fetching.Patience, fetching.Shard
QUICK = Patience(tries=3, wait=0.01, longest=0.1, stall=0.5)


class Fetch:
    """One folder of downloads, filled again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder / "downloads", list[str]()

    def __call__(self, shard: Any, patience: Any = QUICK) -> bytes:
        self.said.clear()
        (found,) = fetching.fetch([shard], self.folder, self.said.append, patience)
        return found.read_bytes()

    def refused(self, shard: Any, patience: Any = QUICK) -> str:
        """Why it cannot be had; nothing stands under the name of a verified shard."""
        with pytest.raises(EvaluatorError) as told:
            self(shard, patience)
        assert not list(self.folder.glob("*.parquet"))
        assert "127.0.0.1/a.parquet cannot be had" in str(told.value)
        assert "next:" in str(told.value)
        assert "secret" not in " ".join([*self.said, str(told.value)])
        return str(told.value)


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    return Fetch(tmp_path)


def test_a_good_server_is_asked_once(fetch: Fetch) -> None:
    """The control of all below."""
    with serving(CONTENT) as served:
        assert fetch(served.shard()) == CONTENT
        assert fetch(served.shard()) == CONTENT
        assert served.begins == [0]
    assert [path.suffix for path in fetch.folder.iterdir()] == [".parquet"]
    assert "is here, verified" in fetch.said[0]


@pytest.mark.parametrize(
    ("plan", "begins"),
    [
        ([broken_off(1_000), broken_off(2_000)], [0, 1_000, 3_000]),
        ([broken_off(HALF, tagged=False), untagged], [0, HALF]),
        ([stalled], [0, HALF]),
        ([hung_up], [0, 0]),
        ([corrupted], [0, 0]),
        ([broken_off(HALF), corrupted], [0, HALF, 0]),
        ([silent], [0, 0]),
        ([whole_always], [0]),
        ([says(500), says(503)], [0, 0, 0]),
        ([says(429, Retry_After="0")], [0, 0]),
        ([broken_off(HALF), says(503), well], [0, HALF, HALF]),
        ([broken_off(HALF), whole_always], [0, HALF]),
        ([broken_off(HALF), another_range], [0, HALF, 0]),
        ([broken_off(HALF), says(416)], [0, HALF, 0]),
        ([leads_to("/there.parquet")], [0, 0]),
        ([broken_off(HALF), leads_to("/there.parquet")], [0, HALF, HALF]),
    ],
)
def test_what_can_be_mended_is(plan: list[Act], begins: list[int], fetch: Fetch) -> None:
    """begins: the first byte of each request: what is here already is not asked for again."""
    with serving(CONTENT, plan) as served:
        assert fetch(served.shard()) == CONTENT
        assert served.begins == begins


def test_the_next_run_goes_on_where_the_last_stopped(fetch: Fetch) -> None:
    with serving(CONTENT, [broken_off(HALF), says(500), says(500), says(500)]) as served:
        assert "tried 3 times" in fetch.refused(served.shard())
        assert fetch(served.shard()) == CONTENT
        assert served.begins == [0, HALF, HALF, HALF, HALF]
        assert {one.tag for one in served.asked[1:]} == {served.tag}


def test_slow_progress_is_no_failure(fetch: Fetch) -> None:
    """Ten broken answers in a row, where three that bring nothing end it."""
    with serving(CONTENT, [broken_off(len(CONTENT) // 20)] * 10) as served:
        assert fetch(served.shard()) == CONTENT
        assert len(served.asked) == 11


@pytest.mark.parametrize("tagged", [True, False])
def test_content_that_changes_between_two_parts_never_mixes(tagged: bool, fetch: Fetch) -> None:
    """With a tag the server starts anew; without one the checksum finds out."""
    answer = well if tagged else untagged
    with serving(OTHER, [broken_off(HALF, tagged=tagged), publishes(CONTENT, answer)]) as served:
        assert fetch(served.shard(CONTENT)) == CONTENT
        assert served.begins == ([0, HALF] if tagged else [0, HALF, 0])


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ([corrupted, corrupted], "with another SHA-256 than .*, twice"),
        ([publishes(OTHER), well], "with another SHA-256 than .*, twice"),
        ([publishes(CONTENT[:-9])], "the server has 299,999 bytes .* the list names 300,008"),
        ([longer], "more than the 300,008 bytes"),
        ([html], r"has 43 bytes \(text/html\), the list names"),
        ([html_of_that_size], "is no Parquet but text/html, and begins with b'<!DO'"),
        ([leads_to("/login"), html_of_that_size], "is no Parquet but text/html"),
        ([says(404)], "answers 404"),
        ([says(403)], "answers 403"),
        ([says(500)] * 3, "answers 500; tried 3 times"),
        ([silent] * 3, "said nothing for 0.5 s; tried 3 times"),
        ([dripping] * 3, r"\d+ bytes came in \d+ s; tried 3 times"),
        ([leads_to("file:///etc/passwd")], "cannot be reached|answers 302"),
        ([leads_to("/a.parquet")] * 40, "answers 302"),
    ],
)
def test_what_cannot_be_mended_is_told(plan: list[Act], said: str, fetch: Fetch) -> None:
    with serving(CONTENT, plan) as served:
        found = fetch.refused(served.shard())
    assert re.search(said, found), found


def test_a_server_that_is_not_there(fetch: Fetch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/a.parquet"
        said = fetch.refused(Shard(address, "0" * 64, 10))
    assert "cannot be reached: Connection refused; tried 3 times" in said


@pytest.mark.parametrize("told", ["7", "date"])
def test_the_server_is_left_alone_as_long_as_it_wants(told: str, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = list[float]()
    monkeypatch.setattr(fetching.time, "sleep", waited.append)
    after = told if told == "7" else formatdate(fetching.time.time() + 7, usegmt=True)
    with serving(CONTENT, [says(503, Retry_After=after), says(503), says(429, Retry_After="9000")]) as served:
        assert fetch(served.shard(), Patience(tries=9, wait=2, longest=60)) == CONTENT
    assert waited[0] == pytest.approx(7, abs=1.5)
    assert waited[1:] == [4, 60]


def test_a_damaged_shard_on_the_disk_is_fetched_again(fetch: Fetch) -> None:
    with serving(CONTENT) as served:
        assert fetch(served.shard()) == CONTENT
        (kept,) = fetch.folder.iterdir()
        kept.write_bytes(CONTENT[:-1] + b"x")
        assert fetch(served.shard()) == CONTENT
        assert served.begins == [0, 0]
    assert "was damaged on this disk" in fetch.said[0]


def test_what_is_too_much_for_the_disk_is_not_begun(fetch: Fetch) -> None:
    with serving(CONTENT) as served:
        wanted = served.shard()
        assert "are free in" in fetch.refused(Shard(wanted.url, wanted.sha256, 1 << 60))
        assert served.asked == []


def test_two_processes_do_not_write_one_part(fetch: Fetch) -> None:
    with serving(CONTENT) as served:
        shard = served.shard()
        fetch.folder.mkdir()
        with (fetch.folder / f"{shard.sha256}.part").open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(EvaluatorError, match="another process fetches"):
                fetch(shard)
        assert fetch(shard) == CONTENT
