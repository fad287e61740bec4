"""The command `verdict`: the check run on every pull request, in a workflow."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bot.cli.app import cli, repository_of, repository_option, say


@cli.command("verdict")
@click.option(
    "--handed-event", "event", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
    envvar="GITHUB_EVENT_PATH", metavar="FILE", help="The event that started the workflow.",
)  # fmt: skip
@repository_option
def verdict_command(event: Path, directory: Path) -> None:
    """Says on a pull request whether it touches a target, as the check run autoresearch/verdict.

    By the names of changed files, which GitHub tells: nothing of the pull request is fetched or run.
    """
    from bot.forge.github.client import Client, from_environment
    from bot.forge.patience import Patience
    from bot.forge.remote import Remote
    from bot.verdict import job

    run = job.announced(event)
    if run is None:
        say("the event announces no pull request")
        return
    place, patience = from_environment(os.environ), Patience()
    remote = Remote(place.git_url, place.token, patience)
    say(job.judge(job.Job(repository_of(directory), Client(place, patience), remote), run))
