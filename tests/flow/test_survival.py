"""What a night survives: a full disk, a torn line, a clock that jumps, another machine."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.night import run as running
from bot.night.folder import nights, remove_tree
from bot.night.loop.exact import SERVE_BATCH
from harness.events import Event, verify_order
from tests.benchmarks.soak.finish import history
from tests.benchmarks.soak.processes import wait_for
from tests.support import ENVIRONMENT, autoresearch, make_repository
from tests.surviving import (
    CLOSE,
    NOISY,
    ONE_BY_ONE,
    PLAIN,
    SEED,
    VARYING,
    Interrupted,
    events,
    files,
    finish,
    loop,
    planned,
    undisturbed,
)

# --- a full disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk of one's own without the right to mount one: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("room", [0, 40_000, 120_000])
def test_a_full_disk_is_said_and_nothing_recorded_is_lost(tmp_path: Path, small_disk: Path, room: int) -> None:
    content = files(PLAIN, ONE_BY_ONE)
    expected = undisturbed(tmp_path, content, 200)
    repository = make_repository(small_disk, content)
    made = autoresearch(repository, "plan", "-n", "200", "--seed", str(SEED))
    assert made.returncode == 0, made.stderr
    filler = small_disk / "filler"
    free = shutil.disk_usage(small_disk).free
    filler.write_bytes(b"x" * (free - room))

    full = autoresearch(repository, "night", "--quiet")
    assert full.returncode not in {0, 130}, full.stdout
    assert "No space left on device" in full.stderr, full.stderr
    assert "Traceback" not in full.stderr
    assert "night then goes on where it was" in full.stderr
    before = events(nights(repository)[-1], "experiment")

    filler.unlink()
    after = autoresearch(repository, "night", "--quiet")
    assert after.returncode == 0, after.stderr
    (night,) = nights(repository)
    assert night.done
    assert [e["canon"] for e in events(night, "experiment")][: len(before)] == [e["canon"] for e in before]
    assert history(night) == expected
    assert autoresearch(repository, "log", "--verify").returncode == 0


def test_a_write_that_fails_anywhere_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a disk of one's own: each write of the loop in turn finds no room, some after half of it."""
    expected = undisturbed(tmp_path, files(PLAIN, ONE_BY_ONE), 24)
    repository = make_repository(tmp_path, files(PLAIN, ONE_BY_ONE))
    night = planned(repository, 24)
    whole = os.write
    chance = random.Random(1)
    for room in itertools.count(0, 400):
        left = [room]

        def write(descriptor: int, data: bytes, left: list[int] = left) -> int:
            if not str(Path(f"/proc/self/fd/{descriptor}").readlink()).endswith((".jsonl", ".pack")):
                return whole(descriptor, data)
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = whole(descriptor, bytes(data)[: min(left[0], chance.randint(1, 2000))])
            left[0] -= written
            return written

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            with contextlib.suppress(OSError):
                loop(night)
                break
    assert len(night.segments("t")) > 3, "no write failed: the test proves nothing"
    finish(night)
    assert history(night) == expected


# --- a torn line ---


@pytest.mark.parametrize("form", ["process", "serve", "noisy"])
def test_a_segment_that_ends_anywhere_in_its_last_batch(tmp_path: Path, form: str) -> None:
    content = {"process": files(PLAIN, ONE_BY_ONE), "serve": files(), "noisy": files(VARYING, NOISY)}[form]
    experiments, batch = 6 if form == "noisy" else 24, SERVE_BATCH if form == "serve" else 1
    expected = undisturbed(tmp_path, content, experiments)
    repository = make_repository(tmp_path, content)
    night = planned(repository, experiments)
    with pytest.raises(KeyboardInterrupt):
        loop(night, Interrupted(night, 4 if form == "noisy" else SERVE_BATCH + 1))
    (path,) = night.folder("t").glob("*.jsonl")
    data = path.read_bytes()
    start = data.rstrip(b"\n").rfind(b"\n") + 1
    (segment,) = night.segments("t")
    saved = tmp_path / "saved"
    shutil.copytree(night.path, saved)
    for end in range(start, len(data) + 1):
        path.write_bytes(data[:end])
        night.mend("t")
        (healed,) = night.segments("t")
        assert verify_order([healed]) is None
        assert healed.events[-1]["end"] == "interrupted"
        lost = 0 if end == len(data) else batch
        assert healed.events[:-1] == segment.events[: len(segment.events) - lost], f"cut at byte {end - start}"
    within = [len(b"".join(data.splitlines(keepends=True)[:-lines])) for lines in range(2, batch)]
    for end in (*within[::4], start, start + 1, (start + len(data)) // 2, len(data) - 1, len(data)):
        remove_tree(night.path)
        shutil.copytree(saved, night.path)
        path.write_bytes(data[:end])
        loop(night)
        assert history(night) == [line for line in expected if _of_loop(line)]


def _of_loop(line: str) -> bool:
    return any(f'"event": "{kind}"' in line for kind in ("baseline", "try", "pair", "experiment")) or (
        '"event": "seal"' in line and '"end": "confirmed"' not in line
    )


def test_a_header_that_was_torn_is_written_again(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, files())
    night = planned(repository, 16)
    with pytest.raises(KeyboardInterrupt):
        loop(night, Interrupted(night, 1))
    (path,) = night.folder("t").glob("*.jsonl")
    header = path.read_bytes().split(b"\n")[0]
    for end in (0, 1, len(header) // 2, len(header)):
        path.write_bytes(header[:end])
        assert night.healed("t") == []
    finish(night)
    assert history(night) == undisturbed(tmp_path, files(), 16)


# --- the clock ---


def test_a_clock_that_jumps_changes_nothing_but_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = undisturbed(tmp_path, files(), 64)
    repository = make_repository(tmp_path, files())
    chance, real = random.Random(9), time.time
    monkeypatch.setattr(time, "time", lambda: real() + chance.uniform(-40, 40) * 365 * 86400)
    night = planned(repository, 64)
    for last in (17, 33):
        with pytest.raises(KeyboardInterrupt):
            loop(night, Interrupted(night, last))
    finish(night)
    assert history(night) == expected
    elapsed = [event["elapsed"] for event in events(night, "experiment")]
    assert elapsed == sorted(elapsed)
    assert elapsed[-1] < 3600
    assert autoresearch(repository, "log", "--verify").returncode == 0


# --- a second night, another machine ---


def test_a_second_night_beside_the_first_is_refused(tmp_path: Path) -> None:
    slow = CLOSE.replace("def score(request):", "import time\ndef score(request):\n    time.sleep(0.3)")
    repository = make_repository(tmp_path, files(slow))
    command = [sys.executable, "-m", "bot.cli", "night", "--quiet", "--seed", str(SEED), "-n", "320"]
    first = subprocess.Popen(command, cwd=repository.root, env={**os.environ, **ENVIRONMENT})
    try:
        wait_for(lambda: bool(nights(repository)), "no night begins")
        for verb in (["night"], ["night", "--new"], ["run"], ["plan"], ["propose"]):
            second = autoresearch(repository, *verb)
            assert second.returncode == 6, (verb, second.stdout, second.stderr)
            assert f"a night is already running in this repository (process {first.pid})" in second.stderr
        assert first.poll() is None, "the first ended before the second came: the test proves nothing"
    finally:
        first.wait()
    assert first.returncode == 0
    (night,) = nights(repository)
    assert history(night) == undisturbed(tmp_path, files(slow), 320)


def test_a_try_that_began_on_another_machine_stays_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository(tmp_path, files(VARYING, NOISY))
    night = planned(repository, 6)
    record, taken = running.SegmentWriter.append, itertools.count()

    def until_the_third_pair(writer: object, found: Sequence[Event], *, wait: bool = True) -> None:
        record(writer, found, wait=wait)  # type: ignore[arg-type]
        if found[0]["event"] == "pair" and found[0]["id"] == 2 and next(taken) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running.SegmentWriter, "append", until_the_third_pair)
        with pytest.raises(KeyboardInterrupt):
            loop(night)
    monkeypatch.setattr(running, "machine", lambda _target: {"system": "elsewhere", "python": "3", "cpu": "other"})
    with monkeypatch.context() as patch:  # the first resume there comes to nothing
        patch.setattr(running._Loop, "_baseline", lambda _loop: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            loop(night)
    assert loop(night) == "experiments"
    second = events(night, "experiment")[1]
    assert (second["id"], second["status"], second["reason"]) == (2, "discard", "unfinished")
    assert [event["n"] for event in events(night, "pair") if event["id"] == 2] == [1, 2, 3]
    assert len(events(night, "experiment")) == 6, "a try was given back"
