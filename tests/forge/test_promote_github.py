"""A promotion pushed to the test server: records first, then the tag; whatever fails, or is killed, the same end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.forge.github.client import Client, Place
from bot.forge.github.forge import GitHubForge
from bot.forge.patience import ForgeError, Patience
from bot.forge.remote import Remote
from bot.promote import handed
from bot.promote.publish import Published, publish
from bot.promote.remeasure import remeasure
from harness.errors import RepositoryError
from harness.repository import Repository
from tests import promotions
from tests.github.repository import Repository as OnGitHub
from tests.github.server import GitHub
from tests.promotions import content, edit, found
from tests.support import git

NAME = "ada/shop"
TAG = "refs/tags/autoresearch/dial/1"
RECORDS = "refs/heads/autoresearch/results"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return promotions.measured(tmp_path_factory.mktemp("night"))


@dataclass
class Desk:
    """A machine that publishes, and the repository on GitHub. waited: seconds that it would have slept."""

    github: GitHub
    there: OnGitHub
    repository: Repository
    token: str
    waited: list[float] = field(default_factory=list)

    def publish(self, tries: int = 6) -> Published:
        place = Place(NAME, self.token, self.github.api_url, self.github.server_url)
        patience = Patience(tries, sleep=self.waited.append)
        remote = Remote(place.git_url, place.token, patience, silence=1)
        given = handed.here(self.repository, ["dial"])
        return publish(
            self.repository, given, self.repository.commit(), "", GitHubForge(Client(place, patience, 1), remote)
        )

    def references(self) -> dict[str, str]:
        return {name: sha for name, (sha, _kind) in self.there.bare.refs().items() if name in {TAG, RECORDS}}


@contextmanager
def desk(place: Path, measured: Repository) -> Iterator[Desk]:
    """A fresh clone with what was measured, and nothing else of the machine that measured it."""
    shutil.copytree(measured.root, place / "origin", symlinks=True)
    with GitHub.start(place) as github:
        there = github.repository(NAME)
        git(there.bare.path, "fetch", "--quiet", str(place / "origin"), "main:main", f"{RECORDS}:{RECORDS}")
        there.notice("ada")
        git(place, "clone", "--quiet", str(there.bare.path), "clone")
        repository = Repository.find(place / "clone")
        shutil.copytree(measured.state / "promotions", repository.state / "promotions")
        yield Desk(github, there, repository, github.token(contents="write"))


@pytest.fixture
def at(tmp_path: Path, measured: Repository) -> Iterator[Desk]:
    with desk(tmp_path, measured) as one:
        yield one


def test_records_and_the_tag_arrive_once(at: Desk) -> None:
    before = at.references()
    done = at.publish()
    assert done.refused == {}
    after = at.references()
    assert set(after) == {TAG, RECORDS}
    assert git(at.there.bare.path, "rev-list", "--count", f"{before[RECORDS]}..{after[RECORDS]}") == "1"
    assert git(at.there.bare.path, "rev-parse", f"{TAG}^{{commit}}") == at.repository.commit()
    pushes = [call.id for call in at.github.calls if call.id == "git push transfer"]
    at.publish()
    assert at.references() == after
    assert [call.id for call in at.github.calls if call.id == "git push transfer"] == pushes


def test_a_machine_that_was_thrown_away_is_made_up_for(at: Desk, tmp_path: Path, measured: Repository) -> None:
    """Killed after the records were pushed: the next machine makes the very same tag."""
    at.publish()
    after = at.references()
    git(at.there.bare.path, "update-ref", "-d", TAG)
    (tmp_path / "again").mkdir()
    git(tmp_path / "again", "clone", "--quiet", str(at.there.bare.path), "clone")
    at.repository = Repository.find(tmp_path / "again" / "clone")
    at.publish()
    assert at.references() == after


@pytest.mark.parametrize("kind", [429, 502, "reset"])
@pytest.mark.parametrize("after", [False, True])
def test_a_push_that_fails_is_tried_again(at: Desk, kind: str | int, after: bool) -> None:
    fault = at.github.fail("git push transfer", kind, times=1, after=after)
    at.publish()
    assert set(at.references()) == {TAG, RECORDS}
    assert fault.struck


PUSHES = 2  # of the records, of the tag


@pytest.mark.parametrize("step", range(2 * PUSHES))
def test_killed_at_every_write_it_comes_to_the_same(at: Desk, step: int) -> None:
    """A server that answers no more, from one push on: before its effect, or after it."""
    fault = at.github.fail("git push transfer", "reset", times=1000, skip=step // 2, after=step % 2 == 1)
    before = len(at.there.pushes)
    with pytest.raises(ForgeError):
        at.publish(tries=1)
    at.github.faults.remove(fault)
    pushed = len(at.there.pushes)
    at.publish()
    after = at.references()
    assert set(after) == {TAG, RECORDS}
    assert len(at.there.pushes) == before + PUSHES
    assert len(at.there.pushes) - pushed == PUSHES - (step + 1) // 2, "and each is pushed once"
    at.publish()
    assert at.references() == after


def test_a_tag_of_somebody_else_is_left_alone(at: Desk) -> None:
    git(at.there.bare.path, "tag", "autoresearch/dial/1", "main~1")
    theirs = at.references()[TAG]
    with pytest.raises(ForgeError, match=r"exists on .* and is not what the record says"):
        at.publish()
    assert at.references()[TAG] == theirs


def test_a_token_that_may_only_read_says_what_the_job_needs(at: Desk) -> None:
    at.token = at.github.token(contents="read")
    before = at.references()
    with pytest.raises(ForgeError) as denied:
        at.publish()
    assert "contents: write" in denied.value.next_step
    assert at.references() == before


def test_what_was_pushed_over_meanwhile_is_not_promoted(at: Desk) -> None:
    git(at.there.bare.path, "update-ref", "refs/heads/main", "main~1")
    with pytest.raises(RepositoryError, match="no longer part"):
        at.publish()
    assert TAG not in at.references()


def test_records_of_a_night_that_was_faster_stay(at: Desk, tmp_path: Path) -> None:
    """Somebody recorded between the fetch and the push."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", "--branch", "autoresearch/results", str(at.there.bare.path), str(other))
    (other / "notes.txt").write_text("recorded meanwhile\n")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "-m", "Meanwhile")
    git(at.repository, "update-ref", RECORDS, at.references()[RECORDS])
    git(other, "push", "--quiet", "origin", "HEAD:autoresearch/results")
    at.publish()
    names = git(at.there.bare.path, "ls-tree", "-r", "--name-only", RECORDS).split()
    assert {"notes.txt", "dial/promoted.1-promote.jsonl"} <= set(names)


def test_a_humans_edit_that_is_worse_leaves_a_record_and_no_tag(at: Desk) -> None:
    edit(at.repository, content(0, 1))
    git(at.there.bare.path, "fetch", "--quiet", str(at.repository.root), "+main:main")
    shutil.rmtree(at.repository.state / "promotions")
    due = found(at.repository).due
    assert due
    assert remeasure(at.repository, due) == "not-confirmed"
    at.publish()
    assert TAG not in at.references()
    names = git(at.there.bare.path, "ls-tree", "-r", "--name-only", RECORDS).split()
    assert "dial/promoted.1-promote.jsonl" in names
