"""The one issue that shows where every target stands, edited in place between its markers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.forge import labels
from bot.forge.github import pulls
from bot.forge.github.client import Client
from bot.forge.github.failures import limited
from bot.pages import budget, dashboard, markers
from bot.pages.dashboard import Board, Protection
from bot.pages.facts import Pull

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.Label import Label
    from github.Repository import Repository

TITLE = "autoresearch: where every target stands"
RULESETS = "Settings > Rules > Rulesets > New branch ruleset"
_NO_NIGHT = re.compile(r"[^A-Za-z0-9-]")  # anybody who may push names branches


def show(client: Client, board: Board, base: str) -> str:
    """Makes the issue, or edits it; one that a human closed stays closed. base: the branch that humans merge into. What
    the bot says in it."""

    def step(repository: Repository) -> str:
        whole = _known(repository, board, base)
        found = _find(client, repository)
        old = ((found.body if found else "") or "").replace("\r\n", "\n")
        body = markers.refreshed(old, lambda most: dashboard.dashboard(whole, most), budget.LIMIT)
        if found is None:
            pulls.make_labels(repository, [labels.DASHBOARD])
            repository.create_issue(TITLE, body=body, labels=[labels.DASHBOARD])
            return body
        if old != body:
            found.edit(body=body)
        if labels.DASHBOARD not in {label.name for label in found.labels}:
            pulls.make_labels(repository, [labels.DASHBOARD])
            found.add_to_labels(labels.DASHBOARD)
        return dashboard.dashboard(whole)

    return client.do("writing the dashboard issue", "issues: write", step)


def _known(repository: Repository, board: Board, base: str) -> Board:
    """With what GitHub knows: open pull requests, and what is protected."""
    found = [
        (
            Pull(pull.number, pull.html_url),
            _NO_NIGHT.sub("?", pull.head.ref[13:80]),
            "on hold" if _held(pull.labels) else "open",
        )
        for pull in sorted(pulls.ours(repository), key=lambda pull: pull.number)
    ]
    return replace(board, pulls=found, protections=_protections(repository, base))


def _held(found: list[Label]) -> bool:
    return any(label.name == labels.HOLD for label in found)


def _protections(repository: Repository, base: str) -> list[Protection]:
    from github import GithubException

    wanted = {
        base: (f"only a human's merge changes `{base}`", f"{RULESETS}: require a pull request before merging"),
        "autoresearch/results": (
            "the branch of the records only grows",
            f"{RULESETS}: autoresearch/results, restrict deletions, block force pushes",
        ),
    }
    rules = []
    for branch, (what, cure) in wanted.items():
        try:
            holds: bool | None = repository.get_branch(branch).protected
        except GithubException as error:
            if error.status not in {403, 404} or limited(error):
                raise
            holds = None
        rules.append(Protection(what, holds, "" if holds else cure))
    return rules


def _find(client: Client, repository: Repository) -> Issue | None:
    """The oldest of ours: by its label, or by its title where somebody deleted the label."""
    labelled = repository.get_issues(state="all", labels=[labels.DASHBOARD], sort="created", direction="asc")
    for issue in labelled:
        if _ours(client, issue):
            return issue
    recent = repository.get_issues(state="open", sort="created", direction="asc")
    return next((issue for issue in recent if issue.title == TITLE and _ours(client, issue)), None)


def _ours(client: Client, issue: Issue) -> bool:
    """A marker that somebody copied into an issue of their own does not make it ours."""
    body = issue.body or ""
    if issue.pull_request is not None or markers.outside(body) == ("", body):
        return False
    return issue.user.type == "Bot" or issue.user.login == client.login()
