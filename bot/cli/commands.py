"""Answers to comments: command gate, work, post, in a workflow; and the same on a laptop: command local."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, go_quiet, repository_of, repository_option, say

_FOLDER = click.Path(file_okay=False, path_type=Path)
_HANDED = click.option("--handed", type=_FOLDER, metavar="FOLDER", required=True, help="What earlier jobs handed over.")
_EVENT = click.option(
    "--handed-event", "event", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
    envvar="GITHUB_EVENT_PATH", metavar="FILE", help="The event that started the workflow.",
)  # fmt: skip


@cli.group("command")
def command_group() -> None:
    """Answers a comment on an open pull request: /recheck, /drop N, /hold."""


@command_group.command("gate")
@_EVENT
@click.option("--hand-over", "into", type=_FOLDER, metavar="FOLDER", required=True, help="Where the command goes.")
@repository_option
def gate_command(event: Path, into: Path, directory: Path) -> None:
    """Decides whether a comment is a command of somebody who may give it. Measures nothing."""
    from bot.commands import jobs

    found = jobs.gate(_job(directory), event, into)
    say(f"{found.outcome}: {found.why}")


@command_group.command("work")
@_HANDED
@click.option("--target", required=True, help="Which target.")
@click.option("--hand-over", "into", type=_FOLDER, metavar="FOLDER", help="Where the result goes.")
@repository_option
def work_command(handed: Path, target: str, into: Path | None, directory: Path) -> None:
    """Measures what a command asks for, without a network and without a token."""
    go_quiet()
    from bot.commands import request, work
    from bot.night.earlier import archive
    from bot.night.folder import mutex
    from bot.night.night import targets_of

    asked = request.read(handed)
    repository = repository_of(directory)
    with mutex(repository), archive.opened(repository, asked.night) as night:
        found = next(one for one in targets_of(night) if one.name == night.target_plan(target).name)
        try:
            say(f"{target}: {work.work(night, found, asked)}")
        finally:
            if into:
                work.hand_over(night, target, asked, into)


@command_group.command("post")
@_HANDED
@_EVENT
@repository_option
def post_command(handed: Path, event: Path, directory: Path) -> None:
    """Writes what followed from a command: records, branch, page. Runs nothing of what was handed over."""
    from bot.commands import jobs

    found = jobs.post(_job(directory), event, handed)
    if found is not None:
        for target, end in sorted(found.ends.items()):
            say(f"{target}: {end or 'not measured'}: {found.why.get(target, '')}")


@command_group.command("local")
@click.argument("comment", metavar='"/recheck" or "/drop N"')
@click.option("--night", "night_name", default="", help="Which night. Default: the last.")
@click.option("--by", default="you", help="Who asks, for the record.")
@repository_option
def local_command(comment: str, night_name: str, by: str, directory: Path) -> None:
    """Does on a night's local branch what the comment does on a pull request."""
    from bot.cli.app import prepare
    from bot.commands import local
    from bot.commands.answer import report_of
    from bot.commands.words import HOLD, parse
    from bot.night.folder import mutex, night_named

    words = parse(comment)
    if words is None or words.command == HOLD:
        raise click.BadParameter(f'"{comment}" is no command here; try "/recheck" or "/drop 2 5"')
    repository = repository_of(directory)
    with mutex(repository) as held:
        night = night_named(repository, night_name)
        prepare(repository, [share.name for share in night.plan.targets], night.plan.base)
        asked, found = local.ask(night, words, by, held)
    click.echo(report_of(found, asked))
    if found.opened:
        click.echo(found.opened.where)
    sys.exit(0 if found.confirmed else 1)


def _job(directory: Path) -> Any:
    from bot.commands.jobs import Job
    from bot.forge.choice import chosen
    from bot.forge.github.comments import Comments
    from bot.forge.github.forge import GitHubForge

    repository = repository_of(directory)
    forge = chosen("github", repository, repository.state)
    if not isinstance(forge, GitHubForge):
        raise TypeError(forge)
    return Job(repository, forge, Comments(forge.client))
