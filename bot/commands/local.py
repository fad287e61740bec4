"""A command without a forge: the same work and the same answer, on the branch of a night on this machine."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bot.commands import answer, request
from bot.commands.gate import MOVED, impossible
from bot.commands.proposals import Branch, of_segments
from bot.commands.request import Request
from bot.commands.words import Words
from bot.forge.local import LocalForge
from bot.night.folder import MUTEX_VARIABLE, Night
from bot.night.lifeline import PARENT_VARIABLE
from bot.night.night import INHERITED, targets_of
from harness.errors import NotFound, RepositoryError
from harness.standing import DROP


def ask(night: Night, words: Words, by: str, mutex: int) -> tuple[Request, answer.Answer]:
    """Does what a comment would do on a pull request. Raises NotFound, RepositoryError."""
    asked, branch = _request(night, words, by)
    with tempfile.TemporaryDirectory(prefix="autoresearch-command-") as folder:
        handed = Path(folder)
        request.write(asked, handed / "command-1")
        for target in asked.rows:
            _work(night, target, handed, mutex)
        found = answer.answer(
            night, targets_of(night), branch, asked, None, LocalForge(night.path), lambda: _tip(night, branch.name)
        )
    return asked, found


def _request(night: Night, words: Words, by: str) -> tuple[Request, Branch]:
    segments = {share.name: night.segments(share.name) for share in night.plan.targets}
    branch = of_segments(f"autoresearch/{night.name}", segments)
    if branch is None:
        raise NotFound(f"the night {night.name} proposed nothing", next_step="autoresearch report says what it found")
    if _tip(night, branch.name) != branch.head:
        raise RepositoryError(f"{branch.name}: {MOVED}")
    if why := impossible(words, branch):
        raise NotFound(why, next_step="autoresearch report lists the rows")
    rows: Mapping[str, tuple[int, ...]] = dict.fromkeys(branch.rows, ())
    rows = branch.named(words.rows) if words.command == DROP else rows
    return _made(night, branch, words, rows, by), branch


def _made(night: Night, branch: Branch, words: Words, rows: Mapping[str, tuple[int, ...]], by: str) -> Request:
    return Request(
        command=words.command, night=night.name, branch=branch.name, head=branch.head, rows=rows, numbers=words.rows,
        pull=0, comment=0, by=by, coin=secrets.token_hex(16),
    )  # fmt: skip


def _tip(night: Night, branch: str) -> str:
    return night.repository.reference(f"refs/heads/{branch}") or ""


def _work(night: Night, target: str, handed: Path, mutex: int) -> None:
    """In a process of its own, as a night's confirm is."""
    arguments = ["command", "work", "--handed", str(handed), "--target", target]
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED}
    environment = {**inherited, MUTEX_VARIABLE: str(mutex), PARENT_VARIABLE: str(os.getpid())}
    subprocess.run(
        [sys.executable, "-P", "-m", "bot.cli", *arguments], cwd=night.repository.root, env=environment,
        pass_fds=(mutex,), stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
