"""Where a pull request is opened. One forge per file, behind one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.pages.body import Links
from bot.pages.summary import TargetReport


@dataclass(frozen=True)
class PullRequest:
    """What a forge is asked to open. charts: target -> PNG; commits: (target, row) -> commit id.
    includes: see Links."""

    night: str
    branch: str
    head: str
    reports: Sequence[TargetReport]
    charts: Mapping[str, bytes]
    commits: Mapping[tuple[str, int], str]
    includes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Opened:
    """Where a human finds it, and the one command that merges it."""

    where: str
    merge: str


class Forge(Protocol):
    """Opening is idempotent: the same pull request opened twice is one."""

    def links(self, request: PullRequest) -> Links: ...

    def open(self, request: PullRequest) -> Opened: ...
