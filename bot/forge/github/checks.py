"""The check run on the commit that a human would merge: what confirm said, in the place where rules can require it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Literal

from bot.forge.github.client import Client
from bot.forge.github.failures import refused

if TYPE_CHECKING:
    from github.Repository import Repository

NAME = "autoresearch/verdict"
OF_PULL = "pull request"  # what a verdict is of that nothing was measured for
_OURS = re.compile(rf"{OF_PULL} [0-9]|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}")  # of a job, GitHub's id stands there instead
MOST_SUMMARY, MOST_ID = 60_000, 250  # characters; GitHub takes 65,535 of the one
Conclusion = Literal["success", "failure", "neutral"]


def set_verdict(
    client: Client, head: str, conclusion: Conclusion, title: str, summary: str, of: str, *, only_over: str = ""
) -> str:
    """One verdict on a commit; a later one replaces it. of: what it is the verdict of, such as the seals of confirm.
    only_over: a verdict of anything that begins otherwise stays as it is. A job that somebody called like the check is
    no verdict: ours comes beside it.

    A note where GitHub lets this kind of token post none; nothing otherwise.
    """
    from github import GithubException

    output: dict[str, Any] = {"title": title, "summary": summary[:MOST_SUMMARY]}
    if len(of) > MOST_ID:
        of = f"{of[: MOST_ID - 65]} {hashlib.sha256(of.encode()).hexdigest()}"

    def step(repository: Repository) -> str:
        try:
            post(repository)
        except GithubException as error:
            if not refused(error, 403, "github app"):
                raise
            return f"no check {NAME}: only a workflow's token or that of a GitHub App may post one"
        return ""

    def post(repository: Repository) -> None:
        runs = repository.get_commit(head).get_check_runs(check_name=NAME, filter="all")
        verdicts = (run for run in runs if run.name == NAME and _OURS.match(run.external_id or ""))
        mine = max(verdicts, key=lambda run: run.id, default=None)
        if mine is None:
            repository.create_check_run(
                NAME, head, status="completed", conclusion=conclusion, external_id=of, output=output
            )
        elif (mine.external_id or "").startswith(only_over) and (mine.conclusion, mine.external_id) != (conclusion, of):
            mine.edit(status="completed", conclusion=conclusion, external_id=of, output=output)

    return client.do("posting the check autoresearch/verdict", "checks: write", step)
