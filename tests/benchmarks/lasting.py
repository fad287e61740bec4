"""What do a few pairs at a longer budget say of a gain whose truth is known? Simulated confirmations.

    python -m tests.benchmarks.lasting [--nights 2000] [--seed N]

A measurement has normal noise with a standard deviation of 1. The gain at the usual budget is real and is confirmed in
40 pairs; what becomes of it at the longer one is planted, and read by the code that reads it in a night.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from harness import intervals, longer

GAIN, USUAL, SPREAD = 2.0, 40, 2**0.5  # of one difference
THERE = (2.0, 1.0, 0.5, 0.0, -1.0, -2.0)
PAIRS = (3, 5, 10)


def read(chance: np.random.Generator, there: float, pairs: int) -> str:
    """What one night says of a gain that is so large at the longer budget."""
    usual = intervals.paired(chance.normal(GAIN, SPREAD, USUAL).tolist())
    confirmed = {"gain": usual.gain, "sd": usual.sd, "pairs": USUAL}
    reading: str = longer.comes_to(confirmed, chance.normal(there, SPREAD, pairs).tolist())["reading"]
    return reading


def table(nights: int, seed: int) -> list[str]:
    """In Markdown: a row per truth and number of pairs."""
    head = f"| gain at the longer budget | pairs | {' | '.join(longer.MEASURED)} |"
    lines = [head, f"| --: | --: |{' --: |' * len(longer.MEASURED)}"]
    for there in THERE:
        for pairs in PAIRS:
            chance = np.random.default_rng([seed, pairs, int(10 * there) + 1000])
            found = Counter(read(chance, there, pairs) for _ in range(nights))
            shares = " | ".join(f"{100 * found[reading] / nights:.1f} %" for reading in longer.MEASURED)
            lines.append(f"| {there:g} sd | {pairs} | {shares} |")
    return lines


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.lasting")
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options, started = parser.parse_args(arguments), time.monotonic()
    print("\n".join(table(options.nights, options.seed)))
    print(f"\n{options.nights} nights each, seed {options.seed}, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
