"""`python -m tests.benchmarks.gtm_night [TARGET ...]`: whole nights of `repair` on the shipped containers, in seconds.

Baseline, experiments and confirm as a user starts them, in a repository of their own; the audit and the total before
and after. Exit status 1 where a night takes longer than two minutes, or the shop is not brought to 0.90.
"""

from __future__ import annotations

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
    print("| container | size | experiments | kept | total | audit | confirmed rows | seconds |")
    print("|---|--:|--:|--:|---|---|--:|--:|")
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
        start = time.monotonic()
        night, _ = plan(repository, Wishes())
        (target,) = targets_of(night)
        run(night, target, quiet=True)
        confirm(night, target)
        seconds = time.monotonic() - start
        segments = night.segments(name)
        tries = list(folds.of_kind(segments, "experiment"))
        (outcome,) = folds.of_kind(segments, "confirm")
        before, after = outcome["search"]["base"], outcome["search"]["head"]
    print(
        f"| {name} | {file_of(name).stat().st_size // 1000} kB | {len(tries)} "
        f"| {sum(one['status'] == 'keep' for one in tries)} | {before['total']:.3f} -> {after['total']:.3f} "
        f"| {before['audit_findings']:g} -> {after['audit_findings']:g} "
        f"| {len(outcome['rows'])}, {outcome['verdict']} | {seconds:.0f} |"
    )
    return seconds > MOST_SECONDS or (name == "gtm-shop" and after["total"] < SHOP)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
