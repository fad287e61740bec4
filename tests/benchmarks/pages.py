"""`python -m tests.benchmarks.pages`: the page of 5,000 experiments on 12 targets, as a forge takes it."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bot.pages.body import body, title
from bot.pages.budget import LIMIT
from bot.pages.summary import summarise
from harness import folds
from tests.invented import NIGHT, night
from tests.pages import links

TARGETS, TRIES, ROWS = 12, 417, 150
LONG = "rename the feature and " + "weigh it differently, " * 15


def main() -> int:
    """1 where a bar is missed: the length, or ten seconds."""
    with tempfile.TemporaryDirectory() as folder:
        nights = [
            night(Path(folder), f"target-{number:02}", tries=TRIES, rows=ROWS, text=LONG, suspects=9)
            for number in range(TARGETS)
        ]
    tries = sum(len(folds.of_kind(segments, "experiment")) for segments in nights)
    start = time.perf_counter()
    reports = [summarise(segments) for segments in nights]
    folded = time.perf_counter() - start
    text = body(NIGHT, reports, links(reports))
    spent = time.perf_counter() - start
    whole = body(NIGHT, reports, links(reports), 10**9)
    verdicts = all(f"## {report.name}: evidence strong" in text for report in reports)
    print(
        f"{tries:,} experiments, {TARGETS} targets, {TARGETS * ROWS:,} rows; {len(title(NIGHT, reports))} in the title"
    )
    print(f"{len(whole):,} characters, {len(text):,} of them on the page")
    print(f"folded in {folded:.2f} s, on the page after {spent:.2f} s")
    print(next(line for line in text.splitlines() if line.startswith("Left out")))
    held = len(text) < LIMIT and verdicts and spent < 10
    print("ok" if held else "MISS")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
