"""How fast is api-latency as it begins, and as an expert would have it? Both in turn, on this machine.

    python -m tests.benchmarks.latency [--runs 5] [--no-night]

Each run is a measurement as a night makes it, of both under one seed. A ratio is within a run. Then a night on the
target as it is shipped proposes the expert's handler. Exits 1 unless it is kept, and the interval that confirm finds
for p99_ms lies above 5 times: base to head, by the logarithm of their ratio.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.night.confirm import confirm
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from harness import folds
from harness.events import Event
from harness.sandbox.selftest import self_test
from tests.benchmarks.nights import scratch_repository
from tests.benchmarks.simulation import bar
from tests.latency.bench import BASE, Bench, scores
from tests.latency.nights import Script, files
from tests.latency.wrong import EXPERT

TIMES = 5  # faster at p99, in the worst case that confirm leaves open
METRICS = ("p99_ms", "p50_ms", "cpu_ms", "memory_mb")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-night", action="store_true", help="The runs alone, without the bar.")
    wanted = parser.parse_args()
    self_test()
    beside(wanted.runs)
    if not wanted.no_night:
        sys.exit(0 if confirmed_above(TIMES) else 1)


def beside(runs: int) -> None:
    """Both handlers in turn, and how many times the one is what the other is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        bench = Bench(Path(folder), hidden=False)
        try:
            pairs = [[scores(bench.one(content, seed)) for content in (BASE, EXPERT)] for seed in range(1, runs + 1)]
        finally:
            bench.close()
    print(f"{runs} runs, load average {os.getloadavg()[0]:.1f}: median (least to most)")
    for name in METRICS:
        base, expert = ([pair[side].metrics[name] for pair in pairs] for side in (0, 1))
        ratios = [one / other for one, other in zip(base, expert, strict=True)]
        print(f"{name:10} base {told(base)}   expert {told(expert)}   ratio {told(ratios)}")
    seconds = [pair[side].parts["seconds"] for pair in pairs for side in (0, 1)]
    print(f"{'seconds':10} a measurement {told(seconds)}")


def confirmed_above(times: float) -> bool:
    """Whether the whole interval of a confirmed expert lies above so many times."""
    found = confirmed()
    low, gain, high = (math.exp(found[name]) for name in ("low", "gain", "high"))
    said = f"{gain:.1f} times, {found['confidence']:.0%} interval {low:.1f} to {high:.1f}, {found['pairs']} fresh pairs"
    print(f"load average {os.getloadavg()[0]:.1f}")
    return bar(
        f"an expert's p99_ms, confirmed: {said} (bar: above {times:g} times)", held=found["low"] > math.log(times)
    )


def confirmed() -> Event:
    """What a night on the shipped target confirms of the expert's handler. Raises RuntimeError where it is not kept."""
    with scratch_repository(files()) as repository:
        night, _ = plan(repository, Wishes(experiments=1, seed=1))
        (target,) = targets_of(night)
        run(night, target, quiet=True, proposer=Script(an_expert=EXPERT))
        end = confirm(night, target)
        events = folds.of_kind(night.segments(target.name), "confirm")
    if end != "confirmed":
        raise RuntimeError(f"the expert's handler ended {end}: {events[-1]['why']}")
    found: Event = events[-1]["confirmed"]
    return found


def told(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    main()
