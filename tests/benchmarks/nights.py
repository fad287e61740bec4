"""Nights in scratch repositories, run in this process so that their CPU time can be read."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.night import run as loop
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from harness import events
from harness.repository import Repository
from tests.support import make_repository

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def scratch_repository(files: dict[str, str | bytes]) -> Iterator[Repository]:
    folder = tempfile.mkdtemp(prefix="autoresearch-bench-")
    try:
        yield make_repository(Path(folder), files)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def churn_risk_files() -> dict[str, str | bytes]:
    """The shipped target, as it stands in this checkout."""
    folder = ROOT / "targets" / "experiments" / "churn-risk"
    names = [
        "target.yaml",
        "columns.yaml",
        "spec.yaml",
        "evaluate.py",
        "program.md",
        "data/search.csv",
        "data/holdout.csv",
    ]
    return {f"targets/experiments/churn-risk/{name}": (folder / name).read_bytes() for name in names}


def run_loop(repository: Repository, experiments: int, seed: int, after: Callable[[int], None] | None = None) -> Night:
    """Plans a night and runs its loop here. after: called with the number of events after each write."""
    night, _made = plan(repository, Wishes(experiments=experiments, seed=seed))
    original = events.SegmentWriter.append

    def watched(self: events.SegmentWriter, batch: list[events.Event], *, wait: bool = True) -> None:
        original(self, batch, wait=wait)
        if after:
            after(self.count)

    events.SegmentWriter.append = watched  # type: ignore[method-assign,assignment]  # a probe, taken away below
    try:
        loop.run(night, targets_of(night)[0], quiet=True)
    finally:
        events.SegmentWriter.append = original  # type: ignore[method-assign]
    return night


def own_cpu() -> float:
    """CPU seconds of this process alone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def children_cpu() -> float:
    """CPU seconds of running children (the serve-form evaluator), from /proc."""
    ticks, total = os.sysconf("SC_CLK_TCK"), 0.0
    me = str(os.getpid())
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[1] == me:
                total += (int(fields[11]) + int(fields[12])) / ticks
    return total
