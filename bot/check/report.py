"""What a check found about one target."""

from __future__ import annotations

import posixpath
import shlex
import sys
from dataclasses import asdict, dataclass
from typing import Any

from bot.check.baseline import Baseline, Holdout
from bot.check.scoring import Scoring
from bot.check.trust import Trust
from bot.new import SCHEMAS
from bot.night.preflight import Line
from harness.lock import Lock
from harness.target import TARGET_FILE, Target

NULL_PAIRS = 16  # what a change without effect takes on average until it is given up
PASSED = 0.5  # of changes without effect so many pass a screen: those that happen to be ahead
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
    scoring: Scoring
    uncommitted: tuple[str, ...]
    sandbox: str
    night_seconds: float | None  # the repository's limit for a whole night
    paused: str = ""  # why no night starts, though nothing is wrong with the target itself
    models: str = ""  # what its models can cost, "" where it asks none
    keyless: tuple[str, ...] = ()  # environment variables of keys that are not here
    judging: tuple[str, ...] = ()  # what asking a model for the score came to, empty where none was asked
    tools: tuple[str, ...] = ()  # what is wrong with the programs that its proposer starts
    card: tuple[Line, ...] = ()  # what was looked at of the card, empty where none is needed

    @property
    def problems(self) -> list[str]:
        """Why a night would fail."""
        found = [f"sandbox: {self.sandbox}"] if self.sandbox else []
        found += self.tools
        found += [str(line) for line in self.card if line.problem]
        found += [self.baseline.problem] if self.baseline.problem else []
        found += [self.holdout.problem] if self.holdout and self.holdout.problem else []
        found += [f"{entry.metric}: {entry.problem}" for entry in self.trust if entry.problem]
        found += [f"paused: {self.paused}"] if self.paused else []
        return [*found, *self.scoring.problems]

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
        found += [f"no key is in {name}: a night here could ask no model; export it first" for name in self.keyless]
        return [*found, *self.scoring.warnings]

    @property
    def ready(self) -> bool:
        return not self.problems

    @property
    def estimate(self) -> float:
        """Seconds of the loop, by the budget of experiments alone; NaN where the baseline fails."""
        return self.target.budget.experiments * self.measurements * self.baseline.each

    @property
    def measurements(self) -> float:
        """Of a change without effect, in measurements at the full cost."""
        if not self.baseline.noise:
            return 1.0
        screen = self.target.noise.screen if self.target.noise else None
        return screen.share + PASSED * 2 * NULL_PAIRS if screen else 2.0 * NULL_PAIRS

    def as_json(self) -> dict[str, Any]:
        measured = bool(self.baseline.metrics)
        return {
            "target": self.target.name,
            "ready": self.ready,
            "problems": self.problems,
            "warnings": self.warnings,
            "metrics": dict(self.baseline.metrics),
            "absent": list(self.scoring.absent),
            "deterministic": measured and not self.baseline.noise if self.baseline.seconds else None,
            "noise": asdict(self.baseline.noise) if self.baseline.noise else None,
            "seconds": list(self.baseline.seconds),
            "seconds_each": self.baseline.each if measured else None,
            "estimated_seconds": self.estimate if measured else None,
            "experiments": self.target.budget.experiments,
            "holdout_rows": self.holdout.rows if self.holdout else None,
            "lock": {"id": self.lock.id, "files": dict(self.lock.files)},
            "space": {
                "values": self.values,
                "free": self.free,
                "combinations": self.combinations if self.combinations <= sys.float_info.max else None,
            },
            "isolated": self.target.isolated,
            **({"card": [asdict(line) for line in self.card]} if self.card else {}),
            **({"models": self.models, "keys_missing": list(self.keyless)} if self.models else {}),
            **({"judging": list(self.judging)} if self.judging else {}),
            "trust": [asdict(entry) for entry in self.trust],
            "uncommitted": list(self.uncommitted),
            "commit": commit_command(self),
        }


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
