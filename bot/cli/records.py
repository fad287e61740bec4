"""Commands about what happened: report, log, reproduce."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bot.cli.app import cli, go_quiet, json_option, repository_of, repository_option


@cli.command("report")
@click.argument("night_name", metavar="[NIGHT]", default="")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write page, chart and results.tsv into this folder.",
)
@json_option
@repository_option
def report_command(night_name: str, out: Path | None, as_json: bool, directory: Path) -> None:
    """Shows a night, confirmed or not, from its records."""
    from bot.report import report

    click.echo(report(repository_of(directory), night_name, out, as_json=as_json))


@cli.command("log")
@click.argument("night_name", metavar="[NIGHT]", default="")
@click.option("--verify", is_flag=True, help="Check every recorded byte against its chain; name the first bad line.")
@click.option("--status", type=click.Choice(["keep", "discard", "crash"]), help="Only experiments of this status.")
@json_option
@repository_option
def log_command(night_name: str, verify: bool, status: str | None, as_json: bool, directory: Path) -> None:
    """Lists a night's experiments, kept or not; without a night, all nights."""
    from bot.log import log_lines, verify_lines

    repository = repository_of(directory)
    lines = (
        verify_lines(repository, night_name) if verify else log_lines(repository, night_name, status, as_json=as_json)
    )
    for line in lines:
        click.echo(line)


@cli.command("reproduce")
@click.argument("which")
@click.option("--write", is_flag=True, help="Print the restored content instead of measuring it.")
@json_option
@repository_option
def reproduce_command(which: str, write: bool, as_json: bool, directory: Path) -> None:
    """Restores an experiment, kept or not, in a scratch checkout of its night's base and measures it again.

    \b
    WHICH is   17                          experiment 17 of the last night (one target)
               2026-11-21/my-target/17     experiment 17 of that night
               2026-11-21/my-target#2      row 2 of its pull request
               2026-11-21/my-target#head   the whole result

    A metric that varies is measured in fresh pairs, and held against the interval that was recorded.
    """
    go_quiet()  # as the night was: the same evaluator, without a network
    from bot.reproduce import reproduce

    result = reproduce(repository_of(directory), which)
    if write:
        sys.stdout.buffer.write(result.content)
        return
    click.echo(json.dumps(result.as_json(), indent=2) if as_json else result.as_text())
    if not result.same:
        sys.exit(5)
