"""Where a pull request is opened. One forge per file or folder, behind one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.pages.dashboard import Board
from bot.pages.facts import Facts, Links
from bot.pages.summary import TargetReport
from harness.repository import CommitSource, Repository
from harness.target import Target


class Standing(StrEnum):
    """What has become of something proposed.

    waiting: nobody has looked at it; touched: a human approved it, asked for changes, pushed to it or holds it;
    declined: a human closed it unmerged (retry: and wants it found again); superseded: a newer one took its rows over;
    absent: it was never opened.
    """

    WAITING = "waiting"
    TOUCHED = "touched"
    DECLINED = "declined"
    RETRY = "retry"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    ABSENT = "absent"


@dataclass(frozen=True)
class Proposal:
    """What a night proposed of one target, as its record says. head: the branch's last commit then; rows: the
    contents of the file after each row, as blob ids; includes: the branch of an unreviewed one that it started from."""

    target: str
    night: str
    branch: str
    head: str
    rows: tuple[str, ...]
    lock: str
    base: str
    file: str
    includes: str = ""


@dataclass(frozen=True)
class PullRequest:
    """What a forge is asked to open. charts, dimensions, training: target -> PNG; commits: (target, row) -> commit id.
    includes: see Links; owners: whom to ask; supersedes: branches whose rows this one holds, every one; facts: what the
    night knows of itself; asked: whether a human asked for it, so that it is refreshed though humans have looked at
    it."""

    night: str
    branch: str
    head: str
    reports: Sequence[TargetReport]
    charts: Mapping[str, bytes]
    commits: Mapping[tuple[str, int], str]
    includes: tuple[tuple[str, str], ...]
    owners: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    asked: bool = False
    dimensions: Mapping[str, bytes] = field(default_factory=dict)
    training: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """Where a human finds it, and the one command that merges it. notes: what could not be done, and why."""

    where: str
    merge: str
    branch: str = ""
    notes: tuple[str, ...] = ()


class Forge(Protocol):
    """Every method may be called again after a kill at any instant: the end is the same, and nothing is there twice."""

    def fetch(self, repository: Repository) -> None:
        """Brings the records branch and the branches of earlier nights here."""
        ...

    def owners(self, source: CommitSource, targets: Sequence[Target]) -> Mapping[str, str]:
        """Target -> its owner, "" for nobody. Targets of different owners come in pull requests of their own."""
        ...

    def base(self, repository: Repository) -> str | None:
        """The commit that a merge would go onto now, brought here; None where that is the night's own business."""
        ...

    def standing(self, repository: Repository, proposal: Proposal) -> Standing:
        """What the forge knows of a proposal. Whether its content was merged, `past.standing` knows."""
        ...

    def name(self, proposal: Proposal) -> str:
        """What a human knows it by, in a sentence."""
        ...

    def open_branches(self) -> frozenset[str]:
        """Of every pull request of ours that is open."""
        ...

    def publish_records(self, repository: Repository) -> None:
        """Brings the records branch to where others read it."""
        ...

    def publish(self, repository: Repository, branch: str, head: str, replaces: str) -> None:
        """Points a branch at a commit. replaces: the commit of ours that it may hold now. Raises RepositoryError where
        it holds anything else."""
        ...

    def publish_tag(self, repository: Repository, name: str) -> None:
        """Brings a tag to where others read it. Raises RepositoryError where one of this name says something else."""
        ...

    def links(self, request: PullRequest) -> Links: ...

    def open(self, request: PullRequest) -> Opened:
        """Opens the pull request of a published branch, or refreshes it."""
        ...

    def supersede(self, repository: Repository, proposal: Proposal, by: Opened) -> None:
        """Closes what a newer pull request holds the rows of, if it still waits."""
        ...

    def dashboard(self, board: Board) -> None:
        """Shows the state of every target where it is always found."""
        ...
