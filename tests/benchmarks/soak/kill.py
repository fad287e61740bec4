"""One kill at a random instant, and what is checked right after it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bot.night.folder import Night
from harness import folds
from tests.benchmarks.soak.ground import Ground
from tests.benchmarks.soak.processes import PATIENCE, alive, strike, wait_for
from tests.benchmarks.soak.still import Recorded, check_readable, check_repeats


def killed(ground: Ground, chance: random.Random) -> bool:
    """Starts the night and kills it at a random instant; False where it came to its end before that."""
    recorded, before = Recorded.of(ground), ground.lines()
    process = ground.start()
    if not _reached(ground, process, _instant(ground, chance, len(before))):
        ground.check_exit(process)
        check_repeats(ground, recorded, before)
        return False
    whom = strike(process, chance.choice(("group", "verb", "night")))
    process.wait(timeout=PATIENCE)
    wait_for(lambda: not alive(ground.repository.root), "a process outlived the killed night")
    ground.tally.kills += 1
    ground.tally.whom[whom] += 1
    ground.tally.where[_where(ground)] += 1
    check_repeats(ground, recorded, before)
    check_readable(ground)
    return True


def _instant(ground: Ground, chance: random.Random, logged: int) -> Callable[[], bool]:
    """When to kill: soon after the start, in the middle of measuring, or once confirm is through."""
    which, pause = chance.random(), chance.uniform(0, 0.03)
    if which < 0.15:
        return _after(lambda: True, chance.uniform(0.05, 1.0))
    if which < 0.92:
        wanted = logged + chance.randint(1, 8 * ground.kind.flight)
        return _after(lambda: _newlines(ground.log) >= wanted, pause)
    return _after(lambda: (night := ground.night) is not None and _confirmed(night), chance.uniform(0, 0.6))


def _confirmed(night: Night) -> bool:
    found = sorted(night.folder("t").glob("*-confirm.jsonl"), key=lambda path: path.stat().st_mtime)
    return bool(found) and b'"event":"confirm"' in found[-1].read_bytes()


def _newlines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _after(happened: Callable[[], bool], pause: float) -> Callable[[], bool]:
    due: list[float] = []

    def reached() -> bool:
        if not due and happened():
            due.append(time.monotonic() + pause)
        return bool(due) and time.monotonic() >= due[0]

    return reached


def _reached(ground: Ground, process: subprocess.Popen[bytes], instant: Callable[[], bool]) -> bool:
    """Whether the instant came before the end of the process."""
    deadline = time.monotonic() + 5 * PATIENCE
    while not instant():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, f"{ground.kind.name}: the night neither ends nor goes on"
        time.sleep(0.002)
    return process.poll() is None


def _where(ground: Ground) -> str:
    """The verb that the kill fell into."""
    night = ground.night
    segments = night.segments("t") if night else []
    if night and night.done:
        return "propose"
    if not segments or not segments[-1].events:
        return "plan"
    last = segments[-1]
    if not last.sealed:
        return str(last.header["verb"])
    return "propose" if folds.confirm_end(segments) else "between"
