"""The quick reading of the records says what reading them event by event says."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from bot import commits, records
from bot.night.earlier import history, looks
from harness import folds
from harness.events import GENESIS, SegmentWriter
from harness.repository import Repository
from tests.recorded import baseline, experiment
from tests.support import git, make_repository
from tests.tried_slowly import tried_before

LOCKS = ["1" * 64, "2" * 64]
HOLDOUTS = ["a" * 64, "b" * 64]
REASONS = [
    ("keep", "better"),
    ("discard", "worse"),
    ("discard", "unfinished"),
    ("crash", "timeout"),
    ("keep", "simpler"),
]
SAYS = [
    "x",
    '"canon":"' + "f" * 32 + '"',
    '{"status":"keep"}',
    "\n\r\u2028",
    '"reason":"unfinished"',
    "\ud83d\ude00",
    "\\",
]


def recorded(tmp_path: Path, seed: int) -> Repository:
    """Forty nights of two targets, some of them damaged, open, of another lock, or empty."""
    drawn, folder = random.Random(seed), tmp_path / "segments"
    repository = make_repository(tmp_path, {"a.txt": ""})
    files: dict[str, bytes] = {}
    for number in range(40):
        for target in ("dial", "knob"):
            name = f"2026-10-{number % 28 + 1:02d}-{number}"
            header = {"target": target, "night": name, "lock": drawn.choice(LOCKS), "base": "c" * 40}
            for place, verb in enumerate(("run", "confirm"), start=1):
                path = _segment(folder / target, f"{name}.{place}-{verb}", {"verb": verb, **header}, drawn)
                files[f"{target}/{path.name}"] = _damaged(path.read_bytes(), drawn)
    records.append(repository, files, "Record\n", 1_700_000_000)
    return repository


def _segment(folder: Path, name: str, header: dict[str, Any], drawn: random.Random) -> Path:
    writer = SegmentWriter(folder, name, GENESIS, header)
    if header["verb"] == "run":
        writer.append([baseline(f"{drawn.randrange(5):032x}", drawn.random())])
        for number in range(drawn.randrange(12)):
            canon = f"{drawn.randrange(40):032x}"
            writer.append([experiment(number + 1, canon, *drawn.choice(REASONS), drawn.choice(SAYS))])
    elif drawn.random() < 0.5:
        holdout = drawn.choice(HOLDOUTS)
        writer.append([{"event": "look", "holdout": holdout, "split": "holdout", "head": f"{drawn.randrange(3):040x}"}])
    if drawn.random() < 0.8:
        writer.seal(drawn.choice(["exhausted", "interrupted", "confirmed"]), why=drawn.choice(SAYS))
    else:
        writer.close()
    return folder / f"{name}.jsonl"


def _damaged(data: bytes, drawn: random.Random) -> bytes:
    kind = drawn.randrange(12)
    if kind == 0:
        at = drawn.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    if kind == 1:
        return data[: drawn.randrange(len(data))]
    return b"" if kind == 2 else data


@pytest.mark.parametrize("seed", range(4))
def test_what_was_tried_and_what_a_baseline_took(tmp_path: Path, seed: int) -> None:
    repository = recorded(tmp_path, seed)
    declined = {night: 5 * (place % 2) for place, night in enumerate(records.nights(repository)[::3])}
    found = history.read(repository, {"dial": LOCKS[0], "knob": LOCKS[1]}, {"dial": declined}).pasts
    for target, lock, refused in (("dial", LOCKS[0], declined), ("knob", LOCKS[1], {})):
        segments = list(records.segments(repository, target))
        slowly = tried_before(segments, lock, refused)
        assert len(slowly) > 5, "nothing was tried: the test proves nothing"
        assert found[target].tried == slowly
        assert found[target].took == folds.of_kind(segments, "baseline")[-1]["seconds"]


@pytest.mark.parametrize("seed", range(4))
def test_how_nights_ended(tmp_path: Path, seed: int) -> None:
    repository = recorded(tmp_path, seed)
    past = history.read(repository, {"dial": LOCKS[0]}, {}).pasts["dial"]
    slowly: dict[str, dict[str, str]] = {}
    for segment in records.segments(repository, "dial"):
        if segment.events:
            ends = slowly.setdefault(segment.header["night"], {})
            verb = segment.header["verb"]
            end = folds.run_end([segment]) if verb == "run" else folds.confirm_end([segment])
            ends |= {verb: end} if end else {}
    assert {name: night.ends for name, night in past.nights.items()} == slowly
    assert list(past.nights) == sorted(past.nights, key=records.night_order)


@pytest.mark.parametrize("seed", range(4))
def test_looks_are_counted_as_before(tmp_path: Path, seed: int) -> None:
    repository = recorded(tmp_path, seed)
    for holdout in HOLDOUTS:
        slowly = {
            (event["head"], segment.header["night"], segment.header["target"])
            for target in ("dial", "knob")
            for segment in records.segments(repository, target)
            for event in folds.of_kind([segment], "look")
            if event["holdout"] == holdout
        }
        assert looks.count(repository, holdout) == len(slowly) > 5
        planned = history.read(repository, {"dial": LOCKS[0]}, {}).looks
        assert planned[holdout] == {(night, target, head) for head, night, target in slowly}, "only dial was asked for"


def test_a_record_that_is_no_json_stops_nothing(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"a.txt": ""})
    body = b'{"event":"header","previous":[]'
    blob = commits.write_blob(repository, body + b',"chain":"' + b"0" * 64 + b'"}\n')
    commit = commits.commit_tree(repository, None, {"dial/2026-10-01.1-run.jsonl": blob}, "Record\n", 1_700_000_000)
    git(repository, "update-ref", records.BRANCH, commit)
    past = history.read(repository, {"dial": LOCKS[0]}, {}).pasts["dial"]
    assert (past.nights, past.tried, past.took) == ({}, set(), None)


def test_one_process_reads_what_many_would(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {f"{n}.txt": str(n) * n for n in range(50)})
    ids = [blob for _mode, blob in repository.tree(repository.commit()).values()]
    alone = repository.blobs(ids)
    with repository.at_rest():
        assert repository.blobs(ids) == alone
        first = repository.reference("refs/heads/main")
        git(repository, "commit", "--allow-empty", "--quiet", "-m", "Later")
        assert repository.reference("refs/heads/main") == first
    assert repository.reference("refs/heads/main") != first
    assert dict(repository.stream(ids)) == alone
