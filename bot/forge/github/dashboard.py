"""The one issue that shows where every target stands, edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.forge import labels
from bot.forge.github.client import Client
from bot.forge.github.pulls import make_labels
from bot.pages import budget

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.Repository import Repository

TITLE = "autoresearch: where every target stands"
MARK = "<!-- autoresearch:dashboard -->"


def show(client: Client, text: str) -> None:
    """Makes the issue, or edits it; one that a human closed stays closed."""
    body = f"{MARK}\n{text.strip()}\n"[: budget.LIMIT]

    def step(repository: Repository) -> None:
        found = _find(repository)
        if found is None:
            make_labels(repository, [labels.DASHBOARD])
            repository.create_issue(TITLE, body=body, labels=[labels.DASHBOARD])
            return
        if (found.body or "").replace("\r\n", "\n") != body:
            found.edit(body=body)
        if labels.DASHBOARD not in {label.name for label in found.labels}:
            make_labels(repository, [labels.DASHBOARD])
            found.add_to_labels(labels.DASHBOARD)

    client.do("writing the dashboard issue", "issues: write", step)


def _find(repository: Repository) -> Issue | None:
    """The oldest of ours: by its label, or by its title where somebody deleted the label."""
    labelled = repository.get_issues(state="all", labels=[labels.DASHBOARD], sort="created", direction="asc")
    for issue in labelled:
        if _ours(issue):
            return issue
    recent = repository.get_issues(state="open", sort="created", direction="asc")
    return next((issue for issue in recent if issue.title == TITLE and _ours(issue)), None)


def _ours(issue: Issue) -> bool:
    """A marker that somebody copied into an issue of their own does not make it ours."""
    return issue.pull_request is None and (issue.body or "").startswith(MARK) and issue.user.type == "Bot"
