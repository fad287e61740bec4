"""Candidates that want more time than they are given: none scores better than an honest one could with luck.

Each has its control: with the defence off the same file does score better.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from harness.sandbox import seccomp, usage
from harness.scorers.gpt import training
from tests.gpt import cheating
from tests.gpt.cheating import LUCK, MARGIN, World

SAVING = """
def goes_on(given, spent, stopped, counted=[0]):
    counted[0] += 1
    return {how}

def learn(counts, text, at, honest=learn, given=arguments()):
    at = honest(counts, text, at)
    if at // PIECE % 20 == 0:
        save(given, counts)
    return at
"""
DEAF = SAVING.format(how="counted[0] < 900")
CLOCKS = """
time.process_time = time.monotonic = time.time = lambda: 0.0

def learn(counts, text, at):
    piece = text[at : at + PIECE + 1]
    np.add.at(counts, (piece[:-1], piece[1:]), 1)
    sum(range(250_000))
    return (at + PIECE) % (len(text) - PIECE - 1)

def after(given, counts):
    Path("/tmp/done").write_text("")
"""
DRIVER = (
    SAVING.format(how="counted[0] < 900")
    + """
import os

def before(given):
    os.kill(os.getppid(), signal.SIGSTOP)

def goes_on(given, spent, stopped, counted=[0]):
    counted[0] += 1
    if counted[0] == 900:
        os.kill(os.getppid(), signal.SIGCONT)
    return counted[0] < 900
"""
)
DRIVER = DRIVER.replace("def before(given)", "def tokens(given, honest=tokens)").replace(
    "signal.SIGSTOP)\n", "signal.SIGSTOP)\n    return honest(given)\n", 1
)
CHILDREN = """
import mmap, os

def empty(given, honest=empty):
    shared = mmap.mmap(-1, 4 * given.vocabulary**2)
    counts = np.frombuffer(shared, dtype=np.float32).reshape(given.vocabulary, given.vocabulary)
    counts[:] = honest(given)
    return counts

def learn(counts, text, at, honest=learn):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whose times the kernel throws away
    if os.fork() == 0:
        for _ in range({pieces}):
            at = honest(counts, text, at)
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
    return (at + {pieces} * PIECE) % (len(text) - 10_000)

def goes_on(given, spent, stopped, counted=[0]):
    counted[0] += 1
    return counted[0] * {pieces} < 900
"""
DAEMON = """
import os

def after(given, counts):
    save(given, counts)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            text, at = tokens(given), 10_000
            for step in range(900):
                at = learn(counts, text, at)
                if step % 20 == 0:
                    save(given, counts)
            os._exit(0)
        os._exit(0)
    time.sleep(0.5)
"""
THREADS = """
import threading

def tokens(given, honest=tokens):
    text, counts = honest(given), empty(given)
    def more():
        at = 0
        while True:
            at = learn(counts, text, at)
    for _ in range(3):
        threading.Thread(target=more, daemon=True).start()
    return text
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        yield cheating.built(tmp_path_factory.mktemp("time"), patch)


@pytest.fixture(scope="module")
def lucky(world: World) -> float:
    """What an honest candidate scores with more than it could ever be given."""
    return world.score(share=LUCK) - MARGIN


def test_more_time_would_pay(world: World, lucky: float) -> None:
    assert world.score(share=LUCK * 2) < lucky
    assert world.score() > lucky


def test_one_that_does_not_hear_the_signal(world: World, lucky: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.score(DEAF) > lucky
    monkeypatch.setitem(training.ALLOWED_SECONDS, "cpu", 10.0)
    assert world.score(DEAF) < lucky


def test_one_that_moves_its_clocks(world: World, lucky: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own clocks stand still: it trains until it is told. By the evaluator's it has had its time, and no more."""
    trained = world.evaluator.measure(world.candidate(CLOCKS), 1)
    assert trained.metrics["val_bpb"] > lucky
    assert trained.parts["train_seconds"] < 0.5 * LUCK
    seconds = usage.Meter.seconds
    monkeypatch.setattr(usage.Meter, "seconds", lambda meter: seconds(meter) / 4)
    assert world.score(CLOCKS) < lucky


def test_one_that_stops_the_clerk_beside_it(world: World, lucky: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "went on computing" in world.refused(DRIVER)
    monkeypatch.setattr(training, "LATE", 100.0)
    assert world.score(DRIVER) < lucky


@pytest.mark.parametrize("pieces", [100, 3])
def test_one_that_learns_in_children_whose_time_is_thrown_away(
    pieces: int, world: World, lucky: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long-lived ones, and ones that live for less than a look."""
    cheat = CHILDREN.replace("{pieces}", str(pieces))
    assert "Operation not permitted" in world.refused(cheat)
    monkeypatch.setattr(seccomp, "alone", lambda: b"")
    monkeypatch.setattr(usage.Meter, "seconds", now_only)
    assert world.score(cheat) < lucky


def now_only(meter: Any) -> float:
    return sum(map(usage.clock, meter.processes()))


def test_children_are_on_the_clock_where_no_filter_is_to_be_had(
    world: World, lucky: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "alone", lambda: b"")
    assert "nothing saved" in world.refused(CHILDREN.replace("{pieces}", "100"))


def waited_for(run: Any) -> bytes:
    """What is there when nobody is left, for whom nobody sent."""
    while run._meter.processes():
        time.sleep(0.05)
    found: bytes = run._session.scratch_file("model.bin", 1 << 20)
    return found


def test_one_that_leaves_somebody_behind(world: World, lucky: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Operation not permitted" in world.refused(DAEMON)
    monkeypatch.setattr(seccomp, "alone", lambda: b"")
    assert world.score(DAEMON) > lucky
    monkeypatch.setattr(training._Run, "_last_words", waited_for)
    monkeypatch.setattr(training, "LATE", 100.0)
    assert world.score(DAEMON) < lucky


def test_threads_are_on_the_clock(world: World, lucky: float) -> None:
    alone = world.evaluator.measure(world.candidate(), 1).parts
    found = world.evaluator.measure(world.candidate(THREADS), 1)
    assert found.metrics["val_bpb"] > lucky
    assert found.parts["steps"] < 0.8 * alone["steps"]


def test_a_sandbox_that_has_ended_has_saved_nothing() -> None:
    """Whoever ends it all at the last moment is one candidate without a model, no evaluator without a word."""
    with subprocess.Popen(["sleep", "60"]) as alone:  # without the process within that a sandbox has
        try:
            with pytest.raises(OSError, match="has ended"):
                usage.scratch_file(alone.pid, "model.bin", 1)
        finally:
            alone.kill()
