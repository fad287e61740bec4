"""What commands need of GitHub: who may write, where a pull request stands, a reaction, one answer, one label."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bot.commands.gate import ACTIONS_LOGIN, Pull
from bot.forge import labels
from bot.forge.github.client import Client
from bot.forge.github.pulls import PULLS, make_labels

if TYPE_CHECKING:
    from github.Repository import Repository

LOGIN_VARIABLE, APP_VARIABLE = "AUTORESEARCH_LOGIN", "AUTORESEARCH_APP"
Reaction = Literal["eyes", "rocket", "confused"]


def own_login() -> str:
    """As whom this token writes: as the workflow itself, or as an App that the workflow took a token of."""
    return os.environ.get(LOGIN_VARIABLE) or ACTIONS_LOGIN


def authors() -> frozenset[str] | None:
    """Under which names the bot opens pull requests; None for any bot's, where the workflow says that an App opens
    them. A pull request that was opened before the App came is still the bot's then."""
    return None if os.environ.get(APP_VARIABLE) == "yes" else frozenset({ACTIONS_LOGIN})


@dataclass(frozen=True)
class Comments:
    """Each method may be called again: nothing is there twice."""

    client: Client

    def permission(self, login: str) -> str:
        """none, read, write or admin: what the API says a person may do, whatever an event says of them."""

        def step(repository: Repository) -> str:
            from github import UnknownObjectException

            try:
                return repository.get_collaborator_permission(login)
            except UnknownObjectException:
                return "none"

        return self.client.do(f"asking what {login} may do", "contents: read", step)

    def pull(self, number: int) -> Pull:
        def step(repository: Repository) -> Pull:
            found = repository.get_pull(number)
            there = found.head.repo
            return Pull(
                open=found.state == "open", author=found.user.login, author_is_bot=found.user.type == "Bot",
                repository=there.full_name if there else "", branch=found.head.ref, head=found.head.sha,
            )  # fmt: skip

        return self.client.do(f"reading pull request {number}", "pull-requests: read", step)

    def react(self, pull: int, comment: int, reaction: Reaction) -> None:
        """GitHub keeps one reaction of a kind of one person. A comment that is gone needs none."""

        def step(repository: Repository) -> None:
            from github import UnknownObjectException

            with contextlib.suppress(UnknownObjectException):
                repository.get_issue(pull).get_comment(comment).create_reaction(reaction)

        self.client.do("reacting to the comment", PULLS, step)

    def say(self, pull: int, comment: int, text: str) -> None:
        """Answers a comment in one of our own: edited where there is one already. What others wrote is never taken
        for it, whatever marks they copied."""
        mark = f"<!-- autoresearch:answer {comment} -->"
        body = f"{mark}\n{text}"

        def step(repository: Repository) -> None:
            issue = repository.get_issue(pull)
            own = own_login()
            mine = (one for one in issue.get_comments() if one.user.login == own and (one.body or "").startswith(mark))
            found = next(mine, None)
            if found is None:
                issue.create_comment(body)
            elif found.body != body:
                found.edit(body)

        self.client.do("answering the comment", PULLS, step)

    def label(self, pull: int, name: str, *, there: bool) -> None:
        """Puts one of our labels on, or takes it off."""

        def step(repository: Repository) -> None:
            issue = repository.get_issue(pull)
            if (name in {label.name for label in issue.labels}) == there:
                return
            if there:
                make_labels(repository, [name])
                issue.add_to_labels(name)
            else:
                issue.remove_from_labels(name)

        self.client.do(f"setting the label {name}", PULLS, step)

    def hold(self, pull: int) -> None:
        self.label(pull, labels.HOLD, there=True)
