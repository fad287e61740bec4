"""`python -m tests.benchmarks.gtm_night [TARGET ...]`: whole nights of `repair` on the shipped containers, in seconds.

Baseline, experiments and confirm as a user starts them, each in a repository of its own. Exit status 1 where a night
takes more than two minutes of the processor (a busy machine says the same), or the shop is not brought to 0.90.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from bot.night.confirm import confirm
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from harness import folds
from tests.containers.made import MADE, file_of
from tests.support import make_repository

MOST_SECONDS = 120.0
SHOP = 0.90


def main(names: list[str]) -> int:
    print("| container | size | experiments | kept | total | audit | confirmed rows | processor | clock |")
    print("|---|--:|--:|--:|---|---|--:|--:|--:|")
    missed = [_missed(name) for name in names or MADE]
    return int(any(missed))


def _missed(name: str) -> bool:
    """Whether a bar is missed; prints the row of a night."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            f"targets/experiments/{name}/{one.name}": one.read_bytes()
            for one in file_of(name).parent.iterdir()
            if one.is_file()
        }
        repository = make_repository(Path(folder), files)
        start, used = time.monotonic(), _processor()
        night, _ = plan(repository, Wishes())
        (target,) = targets_of(night)
        run(night, target, quiet=True)
        confirm(night, target)
        seconds, used = time.monotonic() - start, _processor() - used
        segments = night.segments(name)
        tries = list(folds.of_kind(segments, "experiment"))
        (outcome,) = folds.of_kind(segments, "confirm")
        before, after = outcome["search"]["base"], outcome["search"]["head"]
    print(
        f"| {name} | {file_of(name).stat().st_size // 1000} kB | {len(tries)} "
        f"| {sum(one['status'] == 'keep' for one in tries)} | {before['total']:.3f} -> {after['total']:.3f} "
        f"| {before['audit_findings']:g} -> {after['audit_findings']:g} "
        f"| {len(outcome['rows'])}, {outcome['verdict']} | {used:.0f} s | {seconds:.0f} s |"
    )
    return used > MOST_SECONDS or (name == "gtm-shop" and after["total"] < SHOP)


def _processor() -> float:
    """Seconds of the processor, of this process and of all that it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
