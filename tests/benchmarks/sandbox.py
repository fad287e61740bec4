"""What the sandbox costs a launch: `python -m tests.benchmarks.sandbox [rounds]`.

Each round starts every command once, sandboxed and bare, one after the other, so that a busy minute falls on both.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from harness.process import run_bounded
from harness.sandbox import bwrap, identity, usage
from harness.sandbox.limits import Limits
from harness.sandbox.selftest import layers, self_test

ROUNDS = 60
LIMITS = Limits(seconds=20)
BASE = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
COMMANDS = {"/bin/true": ["/bin/true"], "python -c pass": [BASE, "-c", "pass"]}


def bare(argv: list[str]) -> None:
    _done(argv, sandboxed=False)


def sandboxed(argv: list[str]) -> None:
    _done(bwrap.command(argv, sees=[], limits=LIMITS, folder=Path("/nonexistent")), sandboxed=True)


def first_layers_only(argv: list[str]) -> None:
    command = bwrap.command(argv, sees=[], limits=LIMITS, folder=Path("/nonexistent"), second_layers=False)
    _done(command, sandboxed=True)


def _done(argv: list[str], *, sandboxed: bool) -> None:
    watch = usage.watch(LIMITS) if sandboxed else None
    finished = run_bounded(argv, cwd="/", env={}, timeout=20, watch=watch)
    assert finished.exit_code == 0, finished


WAYS: dict[str, Callable[[list[str]], None]] = {
    "bare": bare,
    "first layers only": first_layers_only,
    "sandboxed": sandboxed,
}


def measured(rounds: int) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of each launch, sorted, by command and way."""
    found: dict[tuple[str, str], list[float]] = {(command, way): [] for command in COMMANDS for way in WAYS}
    for _ in range(rounds):
        for command, argv in COMMANDS.items():
            for way, start in WAYS.items():
                started = time.perf_counter()
                start(argv)
                found[command, way].append((time.perf_counter() - started) * 1000)
    return {key: sorted(times) for key, times in found.items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    self_test()
    print(f"user of its own: {identity.refused() or 'yes'}; {'; '.join(map(str, layers()))}; {rounds} rounds")
    found = measured(rounds)
    print(f"{'command':16} {'way':18} {'p10 ms':>8} {'median':>8} {'p90 ms':>8} {'added':>8} {'ratio':>7}")
    for (command, way), times in found.items():
        base, median = statistics.median(found[command, "bare"]), statistics.median(times)
        low, high = times[len(times) // 10], times[len(times) * 9 // 10]
        print(f"{command:16} {way:18} {low:8.2f} {median:8.2f} {high:8.2f} {median - base:8.2f} {median / base:7.2f}")


if __name__ == "__main__":
    main()
