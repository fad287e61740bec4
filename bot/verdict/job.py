"""The job that says what a pull request touches. It runs from the default branch, and fetches nothing of the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import config
from bot.commands import event, proposals
from bot.forge.github import changes, checks
from bot.forge.github.changes import Proposed
from bot.forge.github.client import Client
from bot.forge.remote import Remote
from bot.install.options import is_ours
from bot.pages.wording.text import code
from bot.verdict.touched import TOO_MANY, UNREADABLE, Said, Targets
from harness.errors import AutoresearchError
from harness.repository import CommitSource, Repository

OURS = "autoresearch/"  # what the bot's branches begin with
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Run:
    """The run that announced a pull request. repository: that the commit was pushed to; branch: its branch there."""

    repository: str
    branch: str
    head: str


@dataclass(frozen=True)
class Job:
    """repository: a checkout of the default branch."""

    repository: Repository
    client: Client
    remote: Remote


def announced(path: Path) -> Run | None:
    """What a `workflow_run` event says of a pull request; None for any other. Raises AutoresearchError for no event."""
    data = event.load(path)
    try:
        return _run(data["workflow_run"])
    except (KeyError, TypeError, ValueError):
        return None


def _run(said: Mapping[str, Any]) -> Run:
    found = Run(str(said["head_repository"]["full_name"]), str(said["head_branch"]), str(said["head_sha"]))
    known = event.REPOSITORY.fullmatch(found.repository) and _SHA.fullmatch(found.head) and found.branch
    if said["event"] != "pull_request" or not known:
        raise ValueError(found)
    return found


def judge(job: Job, run: Run) -> str:
    """Posts the check run; what was done, in words."""
    base = _base(job)
    pull = changes.proposed(job.client, run.repository, run.branch, run.head, base)
    if pull is None:
        return f"no open pull request into {base} stands at {run.head[:12]} any more"
    if pull.here and run.branch.startswith(OURS) and _recorded(job, run):
        return f"pull request {pull.number} is the bot's own: what confirm said stands there"
    said = _said(job.repository, base, pull)
    of = f"{checks.OF_PULL} {pull.number}: {said.title}"[:250]
    note = checks.set_verdict(
        job.client, run.head, said.conclusion, said.title, said.summary, of, only_over=checks.OF_PULL
    )
    return note or f"pull request {pull.number}: {said.title}"


def _base(job: Job) -> str:
    """Where merges land, as the default branch says, unless what it says cannot be read."""
    try:
        base = config.load(CommitSource(job.repository, job.repository.commit())).pull_request.base
    except AutoresearchError:
        base = ""
    return base or job.client.do("asking for the default branch", "contents: read", lambda there: there.default_branch)


def _recorded(job: Job, run: Run) -> bool:
    """Whether the bot put this very commit there. Records are pushed before the branch that they name."""
    job.remote.fetch(job.repository)
    branch = proposals.branch_named(job.repository, run.branch)
    return branch is not None and branch.head == run.head


def _said(repository: Repository, base: str, pull: Proposed) -> Said:
    """A required check that never comes would keep back the very change that mends the configuration."""
    source = CommitSource(repository, repository.reference(f"refs/remotes/origin/{base}") or repository.commit())
    if pull.changes is None:
        return Said("neutral", TOO_MANY, f"GitHub lists {changes.MOST:,} files of a pull request, and no more.")
    try:
        defaults, targets = config.load(source).defaults, config.load_targets(source)
    except AutoresearchError as error:
        return Said("neutral", UNREADABLE, code(str(error), 500))
    return Targets(source, targets, defaults, own=is_ours(repository.root)).judge(pull.changes)
