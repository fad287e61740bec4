"""Nights in scratch repositories, run in this process so that their CPU time can be read."""

from __future__ import annotations

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
    """CPU seconds that the running children and theirs (the serve-form evaluator in its sandbox) have used."""
    return sum(_task_seconds(process) for process in _descendants("self")) / 1e9


class CpuClock:
    """CPU seconds of this process and all below it. What reading them costs is not in it."""

    def __init__(self) -> None:
        self._reading = 0.0

    def __call__(self) -> float:
        before = own_cpu()
        seconds = before - self._reading + children_cpu()
        self._reading += own_cpu() - before
        return seconds


def _descendants(process: str) -> Iterator[str]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(children).split():
            yield child
            yield from _descendants(child)


def _task_seconds(process: str) -> int:
    """Nanoseconds on a CPU, which `stat` has in hundredths of a second alone."""
    found = (_read(path).split() for path in Path(f"/proc/{process}/task").glob("*/schedstat"))
    return sum(int(fields[0]) for fields in found if fields)


def _read(path: Path) -> str:
    """Nothing where the process has ended."""
    try:
        return path.read_text()
    except OSError:
        return ""
