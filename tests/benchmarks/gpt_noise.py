"""`python -m tests.benchmarks.gpt_noise`: how far one train.py scatters over seeds, and whether the gate falls for it.

The file as it is shipped is measured under ten seeds through its own evaluator, sandboxes and all. Then unchanged
candidates go through the gate of a real night, which has to keep none; its calibration says the detectable effect, by
the rule that `autoresearch check` prints it by.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bot import config
from bot.setup import prepare
from harness import measure, view
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import Repository, WorkingSource
from tests.benchmarks.nights import ROOT
from tests.support import autoresearch, git, make_repository

NAME = "gpt-training"
HOURS = 6 * 3600.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--null", type=int, default=8, help="unchanged candidates; 0: only the seeds")
    parser.add_argument("--pairs", type=Path, help="where all pairs of the null night are written")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="autoresearch-bench-"))
    try:
        repository = shipped(folder)
        began = time.monotonic()
        found = over_seeds(repository, folder, range(1, given.seeds + 1))
        print(of_seeds(found, time.monotonic() - began), flush=True)
        if given.null:
            print(null_night(repository, given.null, given.pairs))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shipped(folder: Path) -> Repository:
    """The target as it stands in this checkout, alone."""
    names = git(ROOT, "ls-files", f"targets/experiments/{NAME}").splitlines()
    return make_repository(folder, {name: (ROOT / name).read_bytes() for name in names})


def over_seeds(repository: Repository, folder: Path, seeds: range) -> list[Measurement]:
    source = WorkingSource(repository)
    (target,) = config.load_targets(source)
    prepare(source, [target])
    checkout = view.build(source, target, folder / "checkout", hidden=False)
    measurer = measure.measurer(target, checkout, folder / "scratch", repository)
    try:
        found = [measurer.measure([checkout.base], Ask(seed=seed))[0] for seed in seeds]
    finally:
        measurer.close()
    for one in found:
        if one.crash:
            sys.exit(f"{one.crash}: {one.why}")
    return found


def of_seeds(found: list[Measurement], seconds: float) -> str:
    values = [one.metrics["val_bpb"] for one in found]
    low, high = min(values), max(values)
    scatter = f"standard deviation {statistics.stdev(values):.4f}, range {low:.4f} to {high:.4f} ({high - low:.4f})"
    memory = statistics.fmean(one.metrics["memory_mb"] for one in found)
    lines = [
        f"val_bpb under {len(values)} seeds: {', '.join(f'{value:.4f}' for value in values)}",
        f"  mean {statistics.fmean(values):.4f}, {scatter}",
        f"  {memory:.0f} MB, {seconds / len(values):.1f} s a measurement",
    ]
    return "\n".join(lines)


def null_night(repository: Repository, count: int, pairs: Path | None) -> str:
    where = ["--pairs", str(pairs.resolve())] if pairs else []
    done = autoresearch(repository, "audit", NAME, "--null", str(count), "--json", *where, timeout=HOURS)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    said: dict[str, Any] = json.loads(done.stdout)
    order, error = said["order"]
    kept, minutes = f"kept {said['kept']} of {said['candidates']}", said["seconds"] / 60
    lines = [
        f"unchanged candidates: {kept}, {said['pairs']} pairs, {said['void']} void, {minutes:.1f} min",
        f"  a pair spreads by {said['spread']:.4f}; detectable effect {said['detectable']:.4f}, with 80 % power",
        f"  log E {max(said['evidence']):+.2f} at most; a keep takes {said['threshold']:.2f}",
        f"  the side measured first is ahead by {order:+.4f} (standard error {error:.4f})",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
