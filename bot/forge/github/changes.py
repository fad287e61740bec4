"""Open pull requests of a commit, and which paths each would change: names alone, as the API tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.forge.github.client import Client

if TYPE_CHECKING:
    from github.PullRequest import PullRequest
    from github.Repository import Repository

MOST = 3000  # files of a pull request that GitHub lists


@dataclass(frozen=True)
class Change:
    """One file. path: its name after the merge, or before, where it is removed; before: where it was until then."""

    path: str
    before: str = ""
    removed: bool = False

    @property
    def gone(self) -> tuple[str, ...]:
        """Paths at which there is no file any more."""
        return (self.path,) if self.removed else (self.before,) if self.before else ()


@dataclass(frozen=True)
class Proposed:
    """here: whether its branch is in this very repository. changes: None where there are more than GitHub lists."""

    number: int
    here: bool
    changes: tuple[Change, ...] | None


def proposed(client: Client, of: str, branch: str, head: str, base: str) -> Proposed | None:
    """The open pull request of a commit into a branch; None if there is none, or if it has moved on.

    of: owner/name of the repository that the commit was pushed to, of a fork another one.
    """

    def step(repository: Repository) -> Proposed | None:
        pulls = repository.get_pulls(state="open", base=base, head=f"{of.partition('/')[0]}:{branch}")
        pull = next((each for each in pulls if each.head.sha == head and _of(each) == of.lower()), None)
        if pull is None:
            return None
        found = Proposed(pull.number, of.lower() == repository.full_name.lower(), _changes(pull))
        there = repository.get_pull(pull.number).head.sha  # GitHub lists the files of whatever stands there by then
        return found if there == head else None

    return client.do("asking what a pull request changes", "pull-requests: read", step)


def _of(pull: PullRequest) -> str:
    return pull.head.repo.full_name.lower() if pull.head.repo else ""


def _changes(pull: PullRequest) -> tuple[Change, ...] | None:
    found: Sequence[Change] = [
        Change(
            each.filename,
            (each.previous_filename or "") if each.status == "renamed" else "",
            each.status == "removed",
        )
        for each in pull.get_files()
    ]
    return tuple(found) if len(found) < MOST else None
