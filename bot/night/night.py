"""`night`: plan, run, confirm, propose, each in a process of its own over one folder. A killed night is resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot import config
from bot.forge import Forge
from bot.forge.local import LocalForge
from bot.night import brokered
from bot.night.folder import MUTEX_VARIABLE, Night, nights
from bot.night.lifeline import PARENT_VARIABLE
from bot.night.plan import Wishes, plan
from bot.night.propose import Proposed, propose
from bot.night.proposing.recording import record
from bot.proposers.wants import all_wants, judges
from harness import folds
from harness.errors import AutoresearchError
from harness.handover.shapes import GATED
from harness.repository import CommitSource, Repository
from harness.target import Target

# What a verb takes over: git's programs and settings, the terminal's size. The evaluator can read a verb's environment
# in /proc, so no secret is in it.
INHERITED = ("PATH", "HOME", "XDG_CONFIG_HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TERM", "COLUMNS", "NO_COLOR")


@dataclass(frozen=True)
class NightResult:
    """What a night came to. failures: target -> exit code of the verb that failed on it."""

    night: Night
    proposed: Proposed
    failures: dict[str, int]


def unfinished(repository: Repository) -> Night | None:
    """The last night, if it was planned and never came to its end."""
    known = nights(repository)
    return known[-1] if known and not known[-1].done else None


def targets_of(night: Night) -> list[Target]:
    """The night's targets as its base commit declares them."""
    return config.load_targets(CommitSource(night.repository, night.plan.base), [t.name for t in night.plan.targets])


def begin(repository: Repository, wishes: Wishes, *, new: bool, say: Callable[[str], None]) -> Night:
    """The night to go on with: the unfinished one, or a new plan."""
    night = unfinished(repository)
    if night and not new:
        say(f"going on with the night {night.name}, which was interrupted; its plan stands")
        return night
    if night:
        for name, why in record(night, targets_of(night), LocalForge(night.path)).items():
            say(f"{name}: refused: {why}")
    return plan(repository, wishes)[0]


def go(
    night: Night, forge: Forge, mutex: int, *, quiet: bool, keys: Mapping[str, str] | None = None
) -> NightResult:  # fmt: skip
    """Runs what is left of a night. A target that fails does not stop the others. keys: of models, by the names of
    their variables. Raises ConfigErrors where one is missing."""
    targets = targets_of(night)
    left = [target for target in targets if _asks_yet(night, target)]
    with brokered.broker(night.repository, night.plan.base, night.name, left, keys or {}, targets) as socket:
        failures = _verbs(night, targets, mutex, str(socket or ""), quiet=quiet)
    proposed = propose(night, targets, forge)
    night.clear()
    return NightResult(night, proposed, failures)


def _asks_yet(night: Night, target: Target) -> bool:
    """Whether there is anything left of it that may ask a model."""
    segments = night.segments(target.name)
    ended = folds.run_end(segments)
    return ended is None or bool(judges(target) and ended not in GATED and folds.confirm_end(segments) is None)


def _verbs(night: Night, targets: Sequence[Target], mutex: int, socket: str, *, quiet: bool) -> dict[str, int]:
    """Target -> exit code of the verb that failed on it."""
    failures: dict[str, int] = {}
    for target in targets:
        if folds.run_end(night.segments(target.name)) in GATED:
            continue
        for verb in ("run", "confirm"):
            if target.name in failures:
                continue
            if verb == "confirm" and folds.run_end(night.segments(target.name)) is None:
                continue
            asks = all_wants(target) if verb == "run" else judges(target)
            code = _verb(verb, night, target.name, mutex, quiet=quiet, socket=socket if asks else "")
            if code:
                failures[target.name] = code
    return failures


def _verb(verb: str, night: Night, target: str, mutex: int, *, quiet: bool, socket: str = "") -> int:
    """Starts one verb as a process of its own and waits for it; its exit code."""
    command = [sys.executable, "-P", "-m", "bot.cli", verb, "--night", night.name, "--target", target]
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED}
    environment = {**inherited, MUTEX_VARIABLE: str(mutex), PARENT_VARIABLE: str(os.getpid())}
    environment[brokered.SOCKET_VARIABLE] = socket
    process = subprocess.Popen(
        [*command, "--quiet"] if quiet else command,
        cwd=night.repository.root, env=environment, pass_fds=(mutex,), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """A verb's exit code. Ctrl-C reaches it too (one terminal, one group): it ends its loop in order, and we wait."""
    interrupts = 0
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts > 1:
                process.kill()
                raise
            continue
        if code in {-signal.SIGKILL, -signal.SIGTERM}:
            raise AutoresearchError(
                "a part of the night was killed", next_step="autoresearch night goes on where it was"
            )
        return code


def exit_code(result: NightResult) -> int:
    """That of the first failure; 0 where every target came to a typed end."""
    return next(iter(result.failures.values()), 0)
