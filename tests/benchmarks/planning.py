"""Planning over 250 targets and 1,000,000 recorded experiments: seconds and memory of `plan`, with their bars.

`python -m tests.benchmarks.planning [TARGETS NIGHTS EXPERIMENTS]`. The real writer makes the records: 40 nights of 100
experiments each, all under the lock that the targets have now, the most that planning can have to read.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import IO, cast

from bot import config, records
from bot.night.folder import Night
from harness.repository import CommitSource, Repository
from harness.target import Target
from tests.recorded import baseline, experiment, night_of
from tests.support import make_repository

AT = "targets/experiments"
TARGET = """
name: NAME
file: params.yaml
program: program.md
space: {/weights/*: {int: [-5, 25]}}
evaluate: {serve: [python, evaluate.py]}
metrics: [{name: score, goal: maximize}]
sample: rows
data: {hidden: [holdout.csv]}
"""
SECONDS, MEGABYTES = 20.0, 1000.0
FIRST = date(2026, 1, 1)


def main(targets: int = 250, nights: int = 40, experiments: int = 100) -> int:
    with tempfile.TemporaryDirectory(prefix="autoresearch-planning-") as folder:
        begun = time.monotonic()
        repository = written(Path(folder), targets, nights, experiments)
        many = targets * nights * experiments
        print(f"{targets} targets, {many:,} experiments written in {time.monotonic() - begun:.0f} s", flush=True)
        seconds, megabytes, worked = planned(repository, Path(folder) / "out")
    print(f"plan: {seconds:.1f} s (at most {SECONDS:g}), {megabytes:.0f} MB (at most {MEGABYTES:g})")
    print(f"  {worked:.1f} s of processors; more seconds than that were spent waiting for other work of this machine")
    return 0 if seconds <= SECONDS and megabytes <= MEGABYTES else 1


def planned(repository: Repository, out: Path) -> tuple[float, float, float]:
    """Of one plan, as the schedule asks for it: seconds, megabytes of its largest process, seconds of processors."""
    begun, before = time.monotonic(), _used()
    command = [sys.executable, "-m", "bot.cli", "plan", "--once", "--hand-over", str(out)]
    subprocess.run(command, cwd=repository.root, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begun
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def written(folder: Path, targets: int, nights: int, experiments: int) -> Repository:
    files = {}
    for number in range(targets):
        at = f"{AT}/target-{number}"
        files[f"{at}/target.yaml"] = TARGET.replace("NAME", f"target-{number}")
        files[f"{at}/evaluate.py"] = f"# {number}\n"
        files[f"{at}/program.md"] = "Turn it up.\n"
        files[f"{at}/holdout.csv"] = f"a,b\n{number},1\n"
        files[f"{at}/params.yaml"] = "weights: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7}\n"
    repository = make_repository(folder, files)
    found = config.load_targets(CommitSource(repository, repository.commit()))
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=repository.root, stdin=subprocess.PIPE) as importing:
        stream = cast(IO[bytes], importing.stdin)
        head = b"commit %s\ncommitter A <a@example.org> 1700000000 +0000\ndata 8\nRecords\n\n"
        stream.write(head % records.BRANCH.encode())
        for target in found:
            for path, content in segments(repository, target, nights, experiments):
                stream.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    if importing.returncode:
        raise RuntimeError("git fast-import failed")
    return repository


def segments(repository: Repository, target: Target, nights: int, experiments: int) -> Iterator[tuple[str, bytes]]:
    """A target's recorded files, path -> content: of each night what its loop tried, and a look that confirm took."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # the writer waits for the disk each time
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        first, fields = night_of(repository, target, FIRST.isoformat(), Path(scratch))
        for number in range(nights):
            name = (FIRST + timedelta(days=number)).isoformat()
            night = Night(repository, first.path.with_name(name))
            header = {**fields, "night": name}
            writer = night.begin(target.name, "run", [], header)
            writer.append([baseline(), *(tried(target, number, count + 1) for count in range(experiments))])
            writer.seal("experiments", why="")
            holdout = hashlib.sha256(f"{target.name}/{number % 3}".encode()).hexdigest()
            writer = night.begin(target.name, "confirm", night.segments(target.name), header)
            writer.append([{"event": "look", "holdout": holdout, "split": "holdout", "head": "0" * 40}])
            writer.seal("confirmed" if number % 4 == 0 else "not-confirmed", why="")
            for path in sorted(night.folder(target.name).iterdir()):
                yield f"{target.name}/{path.name}", path.read_bytes()
                path.unlink()


def tried(target: Target, night: int, number: int) -> dict[str, object]:
    canon = hashlib.sha256(f"{target.name}/{night}/{number}".encode()).hexdigest()[:32]
    kept = number % 50 == 0
    says = f"/weights/a: {number} -> {number + 1}; /weights/g: {night} -> {number}"
    return experiment(number, canon, "keep" if kept else "discard", "better" if kept else "worse", says)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
