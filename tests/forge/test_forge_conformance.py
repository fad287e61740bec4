"""What every forge promises, held by each: the branch on this machine alone, and GitHub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.forge import Forge, Standing
from bot.forge.local import LocalForge
from bot.night.earlier import past
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import Proposed, propose
from harness.errors import AutoresearchError
from tests.forging import copied, desk, made, measured
from tests.support import git


@dataclass
class Side:
    """A forge, and what a human does there. bare: where its branches are; moved: tells it that one moved."""

    night: Night
    bare: Path
    forge: Callable[[], Forge]
    close: Callable[[str], Any]
    moved: Callable[[], Any]

    @property
    def branch(self) -> str:
        return f"autoresearch/{self.night.name}"

    def propose(self) -> Proposed:
        return propose(self.night, targets_of(self.night), self.forge())

    def branches(self) -> dict[str, str]:
        lines = git(self.bare, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")
        return dict(line.split(" ") for line in lines.splitlines())

    def standing(self, base: str = "") -> Standing:
        (found,) = past.proposals(self.night.repository, "t")
        return past.standing(self.night.repository, found, base or self.night.plan.base, self.forge())

    def push(self, branch: str, onto: str) -> str:
        """A human's commit on a branch, which is made where it does not exist."""
        tree = git(self.bare, "rev-parse", f"{onto}^{{tree}}")
        made_here = git(self.bare, "commit-tree", tree, "-p", onto, "-m", "Mine")
        git(self.bare, "update-ref", f"refs/heads/{branch}", made_here)
        self.moved()
        return made_here

    def next_night(self) -> None:
        self.night = measured(self.night.repository, self.forge())


@contextmanager
def locally(place: Path, night: Night) -> Iterator[Side]:
    mine = copied(night, place)
    bare = mine.repository.common

    def close(branch: str) -> None:
        git(bare, "update-ref", "-d", f"refs/heads/{branch}")

    yield Side(mine, bare, lambda: LocalForge(mine.path), close, lambda: None)


@contextmanager
def on_github(place: Path, night: Night) -> Iterator[Side]:
    with desk(place, night) as at:

        def close(branch: str) -> None:
            number = next(pull.number for pull in at.there.pulls.values() if pull.head == branch)
            at.there.close(number, by="bob")

        yield Side(at.night, at.there.bare.path, at.forge, close, lambda: at.there.notice("bob"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return measured(made(tmp_path_factory.mktemp("night"), {"t": ""}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart takes most of a proposal's time, and nothing here is about it."""
    monkeypatch.setattr("bot.pages.charts.chart.chart_png", lambda _report: b"png")


@pytest.fixture(params=[locally, on_github], ids=["local", "github"])
def side(request: pytest.FixtureRequest, tmp_path: Path, night: Night) -> Iterator[Side]:
    with request.param(tmp_path, night) as found:
        yield found


def test_a_proposal_waits_and_a_second_time_changes_nothing(side: Side) -> None:
    first = side.propose()
    before = side.branches()
    assert set(before) == {"main", "autoresearch/results", side.branch}
    assert side.standing() is Standing.WAITING
    second = side.propose()
    assert side.branches() == before
    assert first.opened is not None
    assert second.opened is not None
    assert (first.opened.where, first.opened.branch) == (second.opened.where, side.branch)


def test_both_make_the_same_commits(tmp_path: Path, night: Night) -> None:
    heads = set()
    for number, make in enumerate((locally, on_github)):
        with make(tmp_path / str(number), night) as side:
            side.propose()
            heads.add(side.branches()[side.branch])
    assert len(heads) == 1


def test_a_branch_of_somebody_else_is_not_written_over(side: Side) -> None:
    tip = side.push(side.branch, side.night.plan.base)
    with pytest.raises(AutoresearchError) as failure:
        side.propose()
    assert "exists" in failure.value.what
    assert "is not what this night made" in failure.value.what
    assert side.branches()[side.branch] == tip


def test_a_branch_that_a_human_pushed_to_is_theirs(side: Side) -> None:
    side.propose()
    side.push(side.branch, side.branches()[side.branch])
    assert side.standing() is Standing.TOUCHED
    night, _ = plan(side.night.repository, Wishes(), forge=side.forge())
    seal = night.segments("t")[0].events[-1]
    assert seal["end"] == "reviewers-behind"
    assert side.branch in seal["why"]


def test_what_a_human_closes_is_declined(side: Side) -> None:
    side.propose()
    first = side.night.name
    side.close(side.branch)
    assert side.standing() is Standing.DECLINED
    side.next_night()
    assert side.night.target_plan("t").carried_from == ""
    share = side.night.target_plan("t")
    assert past.declined(side.night.repository, "t", share.lock, side.night.plan.base, side.forge()) == {first}


def test_what_is_merged_is_known_by_its_content(side: Side) -> None:
    side.propose()
    tree = git(side.bare, "rev-parse", f"{side.branch}^{{tree}}")
    squashed = git(side.bare, "commit-tree", tree, "-p", side.night.plan.base, "-m", "Squashed")
    git(side.bare, "update-ref", "refs/heads/main", squashed)
    side.close(side.branch)
    git(side.night.repository, "fetch", "--quiet", str(side.bare), squashed)
    assert side.standing() is Standing.DECLINED
    assert side.standing(squashed) is Standing.MERGED


def test_a_night_goes_on_from_what_waits(side: Side) -> None:
    side.propose()
    first = side.night.name
    side.next_night()
    assert side.night.target_plan("t").carried_from == first
    assert side.propose().refused == {}
    newest = past.proposals(side.night.repository, "t")[-1]
    assert newest.includes == f"autoresearch/{first}"
    share = side.night.target_plan("t")
    assert past.declined(side.night.repository, "t", share.lock, side.night.plan.base, side.forge()) == set()
