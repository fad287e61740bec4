"""Closing a pull request of which a newer one holds every row: never one that a human has looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.forge import Proposal, Standing, labels
from bot.forge.github.client import Client
from bot.forge.github.comments import own_logins
from bot.forge.github.pulls import PULLS, find, make_labels
from bot.forge.github.standing import of_pull

if TYPE_CHECKING:
    from github.PullRequest import PullRequest
    from github.Repository import Repository

_MARK = "<!-- autoresearch:superseded -->"


def supersede(client: Client, proposal: Proposal, by: str) -> None:
    """by: the address of the newer one. The label comes before the close: no close of ours reads as a human's."""

    def step(repository: Repository) -> None:
        pull = find(repository, proposal.branch)
        if pull is None or of_pull(pull, proposal.head) is not Standing.WAITING:
            return
        if not _commented(pull):
            pull.create_issue_comment(f"{_MARK}\nEvery row of this pull request is in {by}, confirmed again there.")
        make_labels(repository, [labels.SUPERSEDED])
        pull.add_to_labels(labels.SUPERSEDED)
        pull.edit(state="closed")

    client.do("closing the pull request that a newer one replaces", PULLS, step)


def _commented(pull: PullRequest) -> bool:
    """By the bot itself: anybody may copy a mark."""
    own = own_logins() | {pull.user.login}
    return any(c.user.login in own and (c.body or "").startswith(_MARK) for c in pull.get_issue_comments())
