"""What earlier runs of the workflow took, and those that wait for a machine, as GitHub says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from github.WorkflowJob import WorkflowJob

from bot.forge.github import runs as module
from bot.forge.github.client import Client, Place
from bot.forge.github.runs import Runs
from bot.forge.patience import ForgeError, Patience
from bot.night.gates import WorkflowRun
from tests.github.repository import Repository as OnGitHub
from tests.github.server import GitHub

NIGHTLY, OTHER = ".github/workflows/nightly.yml", ".github/workflows/ci.yml"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnGitHub]:
    with GitHub.start(tmp_path) as github:
        there = github.repository("ada/shop")
        there.commit("main", {path: f"name: {path[-11:]}\non: push\n" for path in (NIGHTLY, OTHER)})
        monkeypatch.setenv("GITHUB_WORKFLOW_REF", f"ada/shop/{NIGHTLY}@refs/heads/main")
        yield there


def runs(at: OnGitHub, level: str = "read") -> Runs:
    token = at.github.token(actions=level)
    patience = Patience(sleep=lambda _seconds: None)
    return Runs(Client(Place("ada/shop", token, at.github.api_url, at.github.server_url), patience))


def test_what_ran_tonight_but_this_run(at: OnGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    at.run(NIGHTLY, status="completed")
    at.github.clock.now += timedelta(hours=1)
    since = at.github.clock.now
    measured = at.run(NIGHTLY, status="completed")
    at.job(measured, "plan", "completed")
    at.job(measured, "run dial", "completed")
    asleep = at.run(NIGHTLY, status="completed")
    at.job(asleep, "plan", "completed")
    at.job(asleep, "run", "completed").conclusion = "skipped"
    at.run(OTHER, status="completed")
    mine = at.run(NIGHTLY, status="in_progress")
    monkeypatch.setenv("GITHUB_RUN_ID", str(mine.id))
    assert set(runs(at).since(since)) == {
        WorkflowRun(str(measured.id), 2, measured=True),
        WorkflowRun(str(asleep.id), 1, measured=False),
    }


def test_an_earlier_attempt_of_this_run_is_not_forgotten(at: OnGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs all jobs again plans anew, and the minutes of the first time are spent."""
    mine = at.run(NIGHTLY, status="in_progress")
    for name, minutes in (("plan", 2), ("run dial", 95)):
        job = at.job(mine, name, "completed")
        job.attempt, job.minutes = 1, minutes
    mine.attempt = 2
    at.job(mine, "plan", "in_progress")
    monkeypatch.setenv("GITHUB_RUN_ID", str(mine.id))
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "2")
    assert runs(at).since(mine.at) == [WorkflowRun(str(mine.id), 97, measured=True)]
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "1")
    assert runs(at).since(mine.at) == []


def test_what_this_run_took_of_lent_machines(at: OnGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    other = at.run(NIGHTLY, status="completed")
    at.job(other, "plan", "completed")
    mine = at.run(NIGHTLY, status="in_progress")
    at.job(mine, "plan", "completed")
    at.job(mine, "run dial", "completed")
    at.job(mine, "run gpu", "completed", ("self-hosted", "gpu"))
    at.job(mine, "run knob", "completed").conclusion = "skipped"
    at.job(mine, "propose", "queued")
    assert runs(at).lent() is None, "it is not told which run it is"
    monkeypatch.setenv("GITHUB_RUN_ID", str(mine.id))
    assert runs(at).lent() == 2


def test_a_night_that_waits_for_a_machine_is_cancelled(at: OnGitHub) -> None:
    waits, works = at.run(NIGHTLY, status="in_progress"), at.run(NIGHTLY, status="in_progress")
    at.job(waits, "plan", "completed")
    at.job(waits, "run gpu", "queued", ("self-hosted", "gpu"))
    at.job(works, "run gpu", "in_progress", ("self-hosted", "gpu"))
    at.job(works, "run next", "queued", ("self-hosted", "gpu"))  # the machine is there, and busy
    hosted = at.run(NIGHTLY, status="queued")
    at.job(hosted, "run dial", "queued")
    assert len(runs(at, "write").cancel_waiting()) == 1
    assert [run.conclusion for run in (waits, works, hosted)] == ["cancelled", None, None]
    assert runs(at, "write").cancel_waiting() == []


def test_a_night_that_ends_while_it_is_cancelled_keeps_no_other_from_beginning(
    at: OnGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = [at.run(NIGHTLY, status="queued") for _ in range(2)]
    for run in waits:
        at.job(run, "run gpu", "queued", ("self-hosted",))
    real = module._waits

    def ends_meanwhile(jobs: Sequence[WorkflowJob]) -> bool:
        waits[0].status = "completed"
        return real(jobs)

    monkeypatch.setattr(module, "_waits", ends_meanwhile)
    runs(at, "write").cancel_waiting()
    assert [run.conclusion for run in waits] == [None, "cancelled"]
    assert 409 in [call.status for call in at.github.calls]


def test_a_job_that_may_not_ask_says_which_line_cures_it(at: OnGitHub) -> None:
    waits = at.run(NIGHTLY, status="in_progress")
    at.job(waits, "run gpu", "queued", ("self-hosted",))
    with pytest.raises(ForgeError, match="actions: write"):
        runs(at, "read").cancel_waiting()


def test_which_workflow_it_is_has_to_be_known(at: OnGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    for reference in ("", "ada/shop/.github/workflows/../x.yml@main", "nightly.yml"):
        monkeypatch.setenv("GITHUB_WORKFLOW_REF", reference)
        with pytest.raises(ForgeError, match="GITHUB_WORKFLOW_REF"):
            runs(at).since(at.github.clock.now)
