"""What has become of a pull request: by its state, its labels, its reviews and its branch, never by its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.forge import Standing, labels

if TYPE_CHECKING:
    from github.PullRequest import PullRequest

_SPOKEN = {"APPROVED", "CHANGES_REQUESTED"}


def of_pull(pull: PullRequest | None, head: str) -> Standing:
    """head: the commit that the bot pushed last."""
    if pull is None:
        return Standing.ABSENT
    names = {label.name for label in pull.labels}
    if pull.merged_at is not None:
        return Standing.MERGED
    if pull.state != "open":
        if labels.RETRY in names:
            return Standing.RETRY
        return Standing.SUPERSEDED if labels.SUPERSEDED in names else Standing.DECLINED
    if labels.HOLD in names or pull.head.sha != head or _reviewed(pull):
        return Standing.TOUCHED
    return Standing.WAITING


def _reviewed(pull: PullRequest) -> bool:
    """Whether a human's last word, apart from comments, approves or asks for changes."""
    last: dict[str, str] = {}
    for review in pull.get_reviews():
        if review.user and review.user.type != "Bot" and review.state in {*_SPOKEN, "DISMISSED"}:
            last[review.user.login] = review.state
    return not _SPOKEN.isdisjoint(last.values())
