"""What follows a merge: promote, and its steps plan, remeasure, publish; and resume."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, forge_option, go_quiet, json_option, repository_of, repository_option, say

_at_option = click.option("--at", metavar="COMMIT", default="HEAD", help="The merged commit. Default: the last.")
_before_option = click.option(
    "--before", metavar="COMMIT", default="", help="Where the branch stood before. Default: the commit's first parent."
)
_HAND_OVER = click.option(
    "--hand-over", "into", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Write what the next job needs to this folder.",
)  # fmt: skip
_HANDED = click.option(
    "--handed", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Where the artifacts of earlier jobs lie.",
)  # fmt: skip


@cli.group("promote", invoke_without_command=True)
@_at_option
@_before_option
@json_option
@repository_option
@click.pass_context
def promote_command(context: click.Context, at: str, before: str, as_json: bool, directory: Path) -> None:
    """After a merge: measures main's files again, records what they really gain, and tags what was confirmed.

    A file is promoted if a night confirmed its very content. One that nobody confirmed is measured against what it
    replaced, and promoted only if that confirms it. Run again it changes nothing.
    """
    if context.invoked_subcommand:
        return
    from bot.night.folder import mutex
    from bot.promote.steps import promote

    repository = repository_of(directory)
    with mutex(repository) as held:
        done = promote(repository, repository.commit(at), before, held, say)
    _print_published(done, as_json=as_json)


@promote_command.command("plan")
@_at_option
@_before_option
@json_option
@repository_option
def plan_step(at: str, before: str, as_json: bool, directory: Path) -> None:
    """Says which targets are due: confirmed contents, and changes that nobody confirmed.

    In a workflow it writes the step output `matrix`.
    """
    from bot.promote.plan import lines, plan

    repository = repository_of(directory)
    findings = plan(repository, repository.commit(at), before)
    found = [{"target": f.target, "state": f.state, "why": f.why, "due": bool(f.due)} for f in findings]
    _step_output("matrix", [{"target": f.target, "runner": list(f.due.target.runner)} for f in findings if f.due])
    _step_summary(list(lines(findings)))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in lines(findings):
        click.echo(line)


@promote_command.command("remeasure")
@click.argument("target")
@_at_option
@_before_option
@_HAND_OVER
@repository_option
def remeasure_step(target: str, at: str, before: str, into: Path | None, directory: Path) -> None:
    """Measures a target's merged file against what it replaced, in a fresh checkout. Publishes nothing."""
    go_quiet()
    from bot.night.folder import mutex
    from bot.promote.handed import hand_over
    from bot.promote.plan import plan
    from bot.promote.remeasure import remeasure

    repository = repository_of(directory)
    with mutex(repository):
        (finding,) = plan(repository, repository.commit(at), before, (target,))
        if not finding.due:
            say(f"{finding.target}: nothing is due: {finding.state}: {finding.why}")
            return
        end = remeasure(repository, finding.due)
        if into:
            hand_over(repository, finding.target, into)
    say(f"{finding.target}: {end}")


@promote_command.command("publish")
@_at_option
@_before_option
@click.option(
    "--branch",
    default="",
    metavar="REVISION",
    help="What the commit must still be part of. Default: as the forge says.",
)
@_HANDED
@forge_option
@json_option
@repository_option
def publish_step(
    at: str, before: str, branch: str, handed: Path | None, forge_name: str, as_json: bool, directory: Path
) -> None:
    """Records what was measured and tags what was confirmed. Runs nothing of it; running it again changes nothing."""
    from bot.forge.choice import chosen
    from bot.night.folder import mutex
    from bot.promote import handed as received
    from bot.promote.plan import plan
    from bot.promote.publish import publish

    repository = repository_of(directory)
    forge = chosen(forge_name, repository, repository.state)
    with mutex(repository):
        commit = repository.commit(at)
        if handed:
            found = received.listed(handed)
        else:
            found = received.here(repository, [f.target for f in plan(repository, commit, before) if f.due])
        done = publish(repository, found, commit, before, forge, branch)
    _print_published(done, as_json=as_json)


@promote_command.command("resume")
@click.argument("target")
@repository_option
def resume_step(target: str, directory: Path) -> None:
    """Lets nights start again on a target that is paused because its merges gained less than was claimed."""
    from bot.night.folder import mutex
    from bot.promote.resume import resume

    repository = repository_of(directory)
    with mutex(repository):
        why = resume(repository, target)
    click.echo(f"{target}: resumed; it was paused because {why}")


def _print_published(done: Any, *, as_json: bool) -> None:
    from bot.promote.publish import as_json as published_json
    from bot.promote.publish import lines

    _step_summary(list(lines(done)))
    if as_json:
        click.echo(json.dumps(published_json(done), indent=2))
    else:
        for line in lines(done):
            click.echo(line)
    if done.refused:
        sys.exit(5)


def _step_output(name: str, value: Any) -> None:
    """An output of a workflow's step: JSON in one line, in which no value can begin another output."""
    if place := os.environ.get("GITHUB_OUTPUT"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(f"{name}={json.dumps(value)}\n")


def _step_summary(lines: list[str]) -> None:
    from bot.pages.wording.text import code

    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write("".join(f"- {code(line, 500)}\n" for line in lines))
