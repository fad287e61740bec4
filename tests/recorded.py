"""Nights of any past on the records branch, without running them: real segments, written by the real writer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot import config, records
from bot.night.folder import Night, Plan, TargetPlan
from bot.night.header import header_fields
from harness import lock
from harness.repository import CommitSource, Repository
from harness.target import Target

Event = dict[str, Any]


def baseline(canon: str = "b" * 32, seconds: float = 0.5) -> Event:
    return {
        "event": "baseline", "blob": "0" * 40, "canon": canon, "complexity": 1, "content": {"text": "x: 0\n"},
        "metrics": {"score": 0.0}, "parts": {}, "repeat": "identical", "seconds": seconds, "elapsed": seconds,
    }  # fmt: skip


def experiment(number: int, canon: str, status: str = "discard", reason: str = "worse", says: str = "x") -> Event:
    return {
        "event": "experiment", "id": number, "blob": f"{number:040x}", "canon": canon, "complexity": 1,
        "content": {"patch": [3, 1, "2"]}, "parent": "0" * 40, "description": says, "status": status,
        "reason": reason, "why": "", "metrics": {"score": -1.0}, "parts": {"north": 0.25, "south": -1.25},
        "gain": -1.0, "cost_usd": 0.0, "seconds": 0.01, "elapsed": number / 100,
    }  # fmt: skip


def night_of(repository: Repository, target: Target, name: str, folder: Path) -> tuple[Night, dict[str, Any]]:
    """A night's folder with a plan for one target at the last commit, and what headers say of it."""
    base = repository.commit()
    digest = lock.compute(CommitSource(repository, base).read(target.locked)).id
    share = TargetPlan(target.name, target.folder, 1, digest, 10, None, 0.0, None)
    night = Night(repository, folder / name)
    night.write_plan(Plan(name, base, int(time.time()), (share,), None, None))
    return night, header_fields(night, target, share, lock.harness_hash())


def record(
    repository: Repository, target: str, night: str, ends: Mapping[str, str], events: Sequence[Event] = (),
    proposed: Sequence[Event] = (), **header: Any,
) -> None:  # fmt: skip
    """Records a night of a target. ends: verb -> how it came to its end, in order; events: of the run; proposed: of the
    proposal; header: fields that differ from what a night of the last commit says."""
    (found,) = config.load_targets(CommitSource(repository, repository.commit()), [target])
    with tempfile.TemporaryDirectory() as scratch:
        made, fields = night_of(repository, found, night, Path(scratch))
        segments: list[Any] = []
        for verb, end in ends.items():
            writer = made.begin(target, verb, segments, {**fields, **header})
            writer.append(list({"run": events, "propose": proposed}.get(verb, [])))
            writer.seal(end, why="")
            segments = made.segments(target)
        files = {f"{target}/{name}": data for name, data in made.files(target).contents.items()}
        records.append(repository, files, f"Record night {night}\n", 1_700_000_000)


__all__ = ["baseline", "experiment", "night_of", "record"]
