"""`autoresearch check`: would a night on this target work, how long would it take, and how far to trust its number?

Reads the working tree and writes nothing into the repository.
"""

from __future__ import annotations

import math
import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bot import baseline, config, trust
from bot.baseline import Baseline, Bench, Holdout
from bot.new import SCHEMAS
from bot.night.plan import uncommitted
from bot.trust import Trust
from harness import lock
from harness.documents import leaves, load_bytes
from harness.errors import InvalidCandidate, SandboxError
from harness.lock import Lock
from harness.repository import Repository, WorkingSource
from harness.target import TARGET_FILE, Target

FEW_ROWS = 100  # below, an interval is so wide that only a large gain passes it


@dataclass(frozen=True)
class CheckReport:
    """What was found about one target. holdout: None without `sample: rows`; sandbox: the cure where it is missing."""

    target: Target
    baseline: Baseline
    holdout: Holdout | None
    lock: Lock
    values: int
    free: int
    combinations: float
    trust: tuple[Trust, ...]
    uncommitted: tuple[str, ...]
    sandbox: str
    night_seconds: float | None  # the repository's limit for a whole night

    @property
    def problems(self) -> list[str]:
        """Why a night would fail."""
        found = [f"sandbox: {self.sandbox}"] if self.sandbox else []
        found += [self.baseline.problem] if self.baseline.problem else []
        found += [self.holdout.problem] if self.holdout and self.holdout.problem else []
        return found + [f"{entry.metric}: {entry.problem}" for entry in self.trust if entry.problem]

    @property
    def warnings(self) -> list[str]:
        """What does not stop a night, and makes its number worth less."""
        undeclared = [entry.metric for entry in self.trust if not entry.signal]
        found = []
        if undeclared:
            found.append(f"signal is not declared for {', '.join(undeclared)}: nobody can say how far to trust it")
        if self.holdout and not self.holdout.problem and self.holdout.rows < FEW_ROWS:
            found.append(f"{self.holdout.rows} held-out rows are few: only a large gain will be confirmed")
        if self.target.sample and not self.target.hidden:
            found.append("data.hidden names nothing: the held-out rows lie in the evaluator's view all night")
        return found

    @property
    def ready(self) -> bool:
        return not self.problems

    @property
    def estimate(self) -> float:
        """Seconds of the loop, by the budget of experiments alone; NaN where the baseline fails."""
        return self.target.budget.experiments * self.baseline.each

    def as_text(self) -> str:
        from bot.checktext import as_text

        return as_text(self)

    def as_json(self) -> dict[str, Any]:
        measured = bool(self.baseline.metrics)
        return {
            "target": self.target.name,
            "ready": self.ready,
            "problems": self.problems,
            "warnings": self.warnings,
            "metrics": dict(self.baseline.metrics),
            "deterministic": measured if self.baseline.seconds else None,
            "seconds": list(self.baseline.seconds),
            "seconds_each": self.baseline.each if measured else None,
            "estimated_seconds": self.estimate if measured else None,
            "experiments": self.target.budget.experiments,
            "holdout_rows": self.holdout.rows if self.holdout else None,
            "lock": {"id": self.lock.id, "files": dict(self.lock.files)},
            "space": {
                "values": self.values,
                "free": self.free,
                "combinations": self.combinations if math.isfinite(self.combinations) else None,
            },
            "isolated": self.target.isolated,
            "trust": [asdict(entry) for entry in self.trust],
            "uncommitted": list(self.uncommitted),
            "commit": commit_command(self),
        }


def check(repository: Repository, names: Sequence[str]) -> list[CheckReport]:
    """A report per target of these names, or of all. Raises ConfigError(s), NotFound."""
    source = WorkingSource(repository)
    settings = config.load(source)
    targets = config.load_targets(source, names)
    with baseline.folder() as folder:
        return [
            _check(repository, source, target, Path(folder, target.name), settings.wall_clock) for target in targets
        ]


def _check(
    repository: Repository, source: WorkingSource, target: Target, folder: Path, night_seconds: float | None
) -> CheckReport:
    sandbox = _sandbox(target)
    measured, held_out = Baseline({}), None
    if not sandbox:
        bench = Bench(repository, target, folder)
        measured = bench.baseline()
        if target.sample and not measured.problem:
            held_out = bench.holdout()
    values, free, combinations = _space(target, source.read([target.file])[target.file])
    return CheckReport(
        target=target,
        baseline=measured,
        holdout=held_out,
        lock=lock.compute(source.read(target.locked)),
        values=values,
        free=free,
        combinations=combinations,
        trust=tuple(trust.judge(source, target)),
        uncommitted=tuple(_uncommitted(repository, target)),
        sandbox=sandbox,
        night_seconds=night_seconds,
    )


def _sandbox(target: Target) -> str:
    """Why the sandbox that a target needs does not work here, with the cure; nothing if it does or none is needed."""
    if not target.isolated:
        return ""
    from harness.sandbox.selftest import self_test

    try:
        self_test()
    except SandboxError as error:
        return str(error)
    return ""


def _space(target: Target, content: bytes) -> tuple[int, int, float]:
    """How many values the file holds, how many may change, and in how many ways; all 0 without a space."""
    if not target.space:
        return 0, 0, 0
    try:
        data = load_bytes(content, target.file)
    except InvalidCandidate:
        return 0, 0, 0
    free = target.space.free(data)
    return sum(1 for _ in leaves(data)), len(free), math.prod(allowed.size() for allowed in free.values())


def _uncommitted(repository: Repository, target: Target) -> list[str]:
    """Everything of the target that a night would not see as it is now, its folder and the configuration included."""
    whole = [path for path in (target.folder, target.program, config.CONFIG_FILE, SCHEMAS) if path]
    return uncommitted(repository, [replace(target, locked=(*target.locked, *whole))])


def commit_command(report: CheckReport) -> str:
    """What commits the target; nothing where all is committed."""
    if not report.uncommitted:
        return ""
    wholes = [folder for folder in (report.target.folder, SCHEMAS) if folder]
    paths = dict.fromkeys(
        next((whole for whole in wholes if f"{path}/".startswith(f"{whole}/")), path) for path in report.uncommitted
    )
    is_new = posixpath.join(report.target.folder, TARGET_FILE) in report.uncommitted
    return f'git add {shlex.join(paths)} && git commit -m "{"Add" if is_new else "Change"} {report.target.name}"'
