"""What a page says that no segment holds: what a forge, the plan and the humans' commands know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MovedHow = Literal["conflict", "lock"]


@dataclass(frozen=True)
class Pull:
    """A pull request. address: of its page, or nothing."""

    number: int
    address: str = ""


@dataclass(frozen=True)
class Dropped:
    """A row that left the pull request. row: its number within its target, which no other row ever gets; by: who
    dropped it, nothing where confirm no longer vouches for it."""

    target: str
    row: int
    change: str
    by: str = ""


@dataclass(frozen=True)
class Absent:
    """A target that was planned or declared and did not run. reason: a typed end reason, such as runner-absent."""

    target: str
    reason: str
    why: str = ""


@dataclass(frozen=True)
class Moved:
    """The base branch has moved since the night, where that matters to it. to: its commit now.

    how: conflict (it changed a target's file), lock (it changed what computes a score). Other changes say nothing.
    """

    to: str
    how: MovedHow


@dataclass(frozen=True)
class Minutes:
    """Of the machines that the forge lends. reserved: set aside before the night, the worst case."""

    used: int
    reserved: int


@dataclass(frozen=True)
class Facts:
    """supersedes: the pull request whose place this one takes; commands: whether a comment such as
    /recheck is heard; rechecked: whether the reports are of a check that came after the pull request was opened;
    squash_only: whether a merge makes one commit of all rows; tags: confirmed targets that a merge tags;
    before: target -> what is added to its row numbers to give the page's, where no two rows have one number."""

    squash_only: bool = False
    supersedes: Pull | None = None
    moved: Moved | None = None
    dropped: tuple[Dropped, ...] = ()
    absent: tuple[Absent, ...] = ()
    minutes: Minutes | None = None
    commands: bool = False
    rechecked: bool = False
    tags: tuple[str, ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Links:
    """What a page links and what its choices do. merge, close: what to do, in Markdown; charts: target -> address;
    commits: (target, row) -> commit id; addresses: (target, row) -> address of that commit, or nothing.
    includes: (target, branch) of unreviewed nights that this one started from; dimensions: target -> address of the
    chart of its metrics, where it has one; training: the same of how its runs went."""

    merge: str
    close: str
    charts: Mapping[str, str]
    commits: Mapping[tuple[str, int], str]
    includes: tuple[tuple[str, str], ...] = ()
    addresses: Mapping[tuple[str, int], str] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    dimensions: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, str] = field(default_factory=dict)
