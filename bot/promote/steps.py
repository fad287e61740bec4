"""`autoresearch promote` after a merge on one machine: the three steps in turn, the measuring one in a process of its
own, without a network and with nothing of this one's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from bot.forge.local import LocalForge
from bot.night.folder import MUTEX_VARIABLE
from bot.night.lifeline import PARENT_VARIABLE
from bot.night.night import INHERITED
from bot.promote import handed
from bot.promote.plan import plan
from bot.promote.publish import Published, publish
from bot.setup import prepare
from harness.repository import CommitSource, Repository

Say = Callable[[str], None]


def promote(repository: Repository, commit: str, before: str, mutex: int, say: Say) -> Published:
    """Measures what is due at a commit and publishes it here."""
    due = [finding.due for finding in plan(repository, commit, before) if finding.due]
    prepare(CommitSource(repository, commit), [one.target for one in due])
    for one in due:
        say(f"{one.target.name}: measuring {one.blob[:12]} against {one.before_blob[:12]}")
        _remeasured(repository, one.target.name, commit, before, mutex)
    return publish(
        repository,
        handed.here(repository, [one.target.name for one in due]),
        commit,
        before,
        LocalForge(repository.state),
    )


def _remeasured(repository: Repository, target: str, commit: str, before: str, mutex: int) -> None:
    """Raises nothing for a failure: what was not measured is not published, and named there."""
    command = [sys.executable, "-P", "-m", "bot.cli", "promote", "remeasure", target, "--at", commit]
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED}
    subprocess.run(
        [*command, *(["--before", before] if before else [])], cwd=repository.root, pass_fds=(mutex,), check=False,
        env={**inherited, MUTEX_VARIABLE: str(mutex), PARENT_VARIABLE: str(os.getpid())}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
