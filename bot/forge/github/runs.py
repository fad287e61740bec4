"""Earlier runs of the workflow that this command is a step of: what they took, and those that wait for a machine."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bot.forge.github.client import Client
from bot.forge.patience import ForgeError
from bot.night.gates import WorkflowRun

if TYPE_CHECKING:
    from github.Repository import Repository
    from github.WorkflowJob import WorkflowJob
    from github.WorkflowRun import WorkflowRun as Theirs

T = TypeVar("T")
_WORKFLOW = re.compile(r"[^/]+/[^/]+/\.github/workflows/(?P<file>[^/@]+\.ya?ml)@.+")
_SKIPPED = frozenset({"skipped", "cancelled"})


class Runs:
    """The runs of our own workflow."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._mine = os.environ.get("GITHUB_RUN_ID", "")
        self._attempt = int(os.environ.get("GITHUB_RUN_ATTEMPT", "1"))

    def since(self, moment: datetime) -> list[WorkflowRun]:
        """Every run that was created since then; of this one its earlier attempts, if it had any."""
        return self._do("list what this workflow ran tonight", "actions: read", lambda it: self._listed(it, moment))

    def lent(self) -> int | None:
        """Minutes that this run took so far on machines that GitHub lends; None where it is not among the newest."""
        return self._do("ask for the minutes of this run", "actions: read", self._lent)

    def cancel_waiting(self) -> list[str]:
        """Cancels runs of which a job still waits for a machine; what they are called.

        Their last job runs all the same, and records that no machine came.
        """
        return self._do("cancel a night that waits for a machine", "actions: write", self._cancelled)

    def _listed(self, repository: Repository, moment: datetime) -> list[WorkflowRun]:
        return [
            _summed(run, self._attempt if str(run.id) == self._mine else math.inf)
            for run in self._newest(repository)
            if run.created_at >= moment and (str(run.id) != self._mine or self._attempt > 1)
        ]

    def _lent(self, repository: Repository) -> int | None:
        mine = next((run for run in self._newest(repository) if str(run.id) == self._mine), None)
        if mine is None:
            return None
        jobs = [job for job in mine.jobs("all") if job.conclusion != "skipped" and "self-hosted" not in job.labels]
        return sum(_minutes(job) for job in jobs if job.status in {"in_progress", "completed"})

    def _cancelled(self, repository: Repository) -> list[str]:
        waiting = [run for run in self._ours(repository) if run.status != "completed" and _waits(list(run.jobs()))]
        for run in waiting:
            _cancel(run)
        return [f"{run.name or 'night'} #{run.run_number}" for run in waiting]

    def _ours(self, repository: Repository) -> Sequence[Theirs]:
        return [run for run in self._newest(repository) if str(run.id) != self._mine]

    def _newest(self, repository: Repository) -> Sequence[Theirs]:
        found = _WORKFLOW.fullmatch(os.environ.get("GITHUB_WORKFLOW_REF", ""))
        if not found:
            raise ForgeError(
                "which workflow this is cannot be told",
                why="GITHUB_WORKFLOW_REF is missing; GitHub sets it in every job",
                next_step="plan from the workflow that autoresearch install wrote",
            )
        return list(islice(repository.get_workflow(found["file"]).get_runs(), _MOST))

    def _do(self, doing: str, needs: str, step: Callable[[Repository], T]) -> T:
        return self._client.do(doing, needs, step)


_MOST = 50  # newest first: more than any evening has


def _cancel(run: Theirs) -> None:
    """`run.cancel` would say nothing of a missing right. One that ended meanwhile waits for nothing any more."""
    from github import GithubException

    try:
        run.requester.requestJsonAndCheck("POST", run.cancel_url)
    except GithubException as error:
        if error.status != 409:
            raise


def _summed(run: Theirs, before: float) -> WorkflowRun:
    """before: the attempt from which on jobs count no more."""
    jobs = [job for job in run.jobs("all") if job.conclusion != "skipped" and job.run_attempt < before]
    measured = any(job.name.startswith(("run ", "confirm ")) and job.conclusion not in _SKIPPED for job in jobs)
    return WorkflowRun(str(run.id), sum(map(_minutes, jobs)), measured)


def _minutes(job: WorkflowJob) -> int:
    """As GitHub counts: every minute that began; of a job that is not over, up to now."""
    end = job.completed_at or datetime.now(job.started_at.tzinfo)
    return max(1, math.ceil((end - job.started_at).total_seconds() / 60))


def _waits(jobs: Sequence[WorkflowJob]) -> bool:
    """Whether no machine came; where one works on another job of the run, this one has its turn later."""
    own = [job for job in jobs if "self-hosted" in job.labels]
    return any(job.status == "queued" for job in own) and not any(job.status == "in_progress" for job in own)
