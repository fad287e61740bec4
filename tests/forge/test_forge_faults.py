"""Every call of a night fails in turn, and a run of `propose` dies at every step: the same end, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.forge.patience import ForgeError
from bot.night.folder import Night
from tests.forging import Desk, desk, made, measured

KINDS: tuple[Any, ...] = ("rate-limit", "secondary", 429, 500, 502, "timeout", "reset")
REFUSED_BY_GIT = {"rate-limit", "secondary"}  # git over HTTP answers 403 only to those who may not
pytestmark = pytest.mark.usefixtures("no_chart")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return measured(made(tmp_path_factory.mktemp("night"), {"t": "@bob"}))


@pytest.fixture
def at(tmp_path: Path, night: Night) -> Iterator[Desk]:
    with desk(tmp_path / "tried", night) as found:
        found.there.collaborators["bob"] = "write"
        yield found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, night: Night) -> tuple[dict[str, Any], list[str]]:
    """What a night without trouble leaves behind, and the calls that it made, in order."""
    with pytest.MonkeyPatch.context() as patch, desk(tmp_path_factory.mktemp("clean"), night) as found:
        patch.setattr("bot.pages.charts.chart.chart_png", lambda _report: b"png")
        found.there.collaborators["bob"] = "write"
        found.propose()
        return found.state(), [call.id if call.id.startswith("git") else call.name for call in found.github.calls]


def writes(calls: list[str]) -> list[int]:
    return [n for n, name in enumerate(calls) if name == "git push transfer" or not name.startswith(("GET", "git"))]


@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_call_fails_once_and_then_succeeds(at: Desk, clean: Any, kind: Any, after: bool) -> None:
    state, calls = clean
    faults = [
        at.github.fail(name, kind, after=after)
        for name in dict.fromkeys(calls)
        if not (name.startswith("git") and kind in REFUSED_BY_GIT)
    ]
    at.timeout = 1 if kind == "timeout" else at.timeout
    result = at.propose(tries=12)
    assert all(fault.struck for fault in faults), "a call was not made, so its failure was not tried"
    assert at.state() == state
    assert result.opened is not None
    assert at.waited, "nothing failed"


@pytest.mark.parametrize("call", ["GET /repos/{owner}/{repo}/branches/{branch}", "GET /user"])
@pytest.mark.parametrize("kind", ["rate-limit", "secondary", 429])
def test_a_limit_is_no_missing_right(at: Desk, kind: Any, call: str) -> None:
    """Both come with 403. Taken for the other, the dashboard knows of no protection, or is there twice."""
    at.token = at.github.token(by="ada")
    at.propose()
    before, fault = at.state(), at.github.fail(call, kind)
    at.propose()
    assert fault.struck
    assert at.state() == before


def test_a_kill_at_every_write(tmp_path: Path, night: Night, clean: Any) -> None:
    """The kill comes when a write has had its effect and before its answer; the next run is on another machine."""
    state, calls = clean
    steps = writes(calls)
    assert len(steps) >= 8, calls
    for step in steps:
        with desk(tmp_path / str(step), night) as found:
            found.there.collaborators["bob"] = "write"
            found.github.fail("*", "reset", times=1000, skip=step, after=True)
            with pytest.raises(ForgeError):
                found.propose(tries=1)
            found.github.faults.clear()
            again = found.elsewhere(tmp_path / str(step) / "again")
            assert again.propose().refused == {}, calls[step]
            assert again.state() == state, f"killed after {calls[step]}"


def test_a_failure_that_does_not_pass_is_told_with_what_to_do(at: Desk) -> None:
    at.github.fail("POST /repos/{owner}/{repo}/pulls", 502, times=100)
    with pytest.raises(ForgeError) as failure:
        at.propose()
    assert "opening the pull request: tried 6 times" in failure.value.what
    assert "re-run the failed job" in failure.value.next_step
    assert sum(at.waited) <= 900


def test_a_wait_of_an_hour_is_not_sat_out(at: Desk) -> None:
    at.github.fail("POST /repos/{owner}/{repo}/pulls", "rate-limit", seconds=3600)
    with pytest.raises(ForgeError) as failure:
        at.propose()
    assert at.waited == []
    assert "in 60 minutes or later" in failure.value.next_step
