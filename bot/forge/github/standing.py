"""What has become of a pull request: by its state, its labels, its reviews and its branch, never by its text."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from bot.commands.gate import MAY
from bot.forge import Standing, labels

if TYPE_CHECKING:
    from github.NamedUser import NamedUser
    from github.PullRequest import PullRequest
    from github.Repository import Repository

_SPOKEN = {"APPROVED", "CHANGES_REQUESTED"}


def of_pull(pull: PullRequest | None, head: str) -> Standing:
    """head: the commit that the bot pushed last."""
    if pull is None:
        return Standing.ABSENT
    names = {label.name for label in pull.labels}
    if pull.merged_at is not None:
        return Standing.MERGED
    if pull.state != "open":
        return _closed(pull, names)
    if labels.HOLD in names or pull.head.sha != head or _reviewed(pull):
        return Standing.TOUCHED
    return Standing.WAITING


def _closed(pull: PullRequest, names: Collection[str]) -> Standing:
    """Of one that is closed and not merged. A bot that tidies up after a while has decided nothing."""
    if labels.RETRY in names:
        return Standing.RETRY
    if labels.SUPERSEDED in names:
        return Standing.SUPERSEDED
    by = pull.as_issue().closed_by
    return Standing.RETRY if by and by.type == "Bot" else Standing.DECLINED


def _reviewed(pull: PullRequest) -> bool:
    """Whether the last word of a human who may write, apart from comments, approves or asks for changes.

    Anybody may review in a public repository; GitHub too counts only the reviews of those who may write.
    """
    last: dict[str, str] = {}
    for review in pull.get_reviews():
        if review.user and review.user.type != "Bot" and review.state in {*_SPOKEN, "DISMISSED"}:
            last[review.user.login] = review.state
    return any(state in _SPOKEN and may_write(pull.base.repo, login) for login, state in last.items())


def from_within(repository: Repository, author: NamedUser | None) -> bool:
    """Whether a pull request's author is a bot or may write. Anybody else may open one between two branches that they
    can read, and close it again: that says nothing of what is proposed."""
    return author is not None and (author.type == "Bot" or may_write(repository, author.login))


def may_write(repository: Repository, login: str) -> bool:
    """As the API says it, and not as any pull request or review does."""
    from github import UnknownObjectException

    try:
        return repository.get_collaborator_permission(login) in MAY
    except UnknownObjectException:
        return False
