"""How fast is api-latency as it begins, and as an expert would have it? Both in turn, on this machine.

    python -m tests.benchmarks.latency [--runs 5]

Each run is a measurement as a night makes it, of both under one seed. A ratio is within a run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.sandbox.selftest import self_test
from tests.latency.bench import BASE, Bench, scores
from tests.latency.wrong import EXPERT

METRICS = ("p99_ms", "p50_ms", "cpu_ms", "memory_mb")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    self_test()
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


def told(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    main()
