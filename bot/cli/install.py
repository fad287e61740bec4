"""The command `install`: the workflows of a repository."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, repository_of, repository_option


@cli.command("install")
@click.option(
    "--check", is_flag=True, help="Write nothing; exit code 3 and the difference where files are not current."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; say which files would be written.")
@click.option("--force", is_flag=True, help="Also overwrite files that a human wrote or changed.")
@click.option("--upgrade", is_flag=True, help="Resolve the bot's packages anew, to the latest versions.")
@click.option(
    "--bot", metavar="index|source|WHEEL", default="",
    help="Where workflows get the bot: the package index (default), this repository's own source, or a wheel by its "
    "https:// URL or its path from the root.",
)  # fmt: skip
@click.option("--python", metavar="3.N", default="", help="The runner's Python. Default: this one's.")
@click.option("--branch", metavar="NAME", default="", help="Where merges land. Default: the remote's default branch.")
@click.option("--extra", multiple=True, metavar="NAME", help="An extra of the bot, beside those that targets need.")
@click.option(
    "--app", type=click.Choice(["yes", "no"]), help="Who writes: a GitHub App of yours, by AUTORESEARCH_APP_ID and "
    "AUTORESEARCH_APP_KEY in the environment autoresearch, or the workflow's own token (default).",
)  # fmt: skip
@repository_option
def install_command(check: bool, dry_run: bool, directory: Path, **wishes: Any) -> None:
    """Writes the workflows that run the night on GitHub, and the list of packages that they install.

    Written for the targets that there are; run it again after changing them. The options are remembered in
    .github/autoresearch-requirements.txt; what training a language model takes is listed in a file beside it, for the
    jobs that do. Files that you changed are kept and named.
    """
    from bot import install

    force = wishes.pop("force")
    made = install.plan(repository_of(directory), {k: v for k, v in wishes.items() if v}, check=check or dry_run)
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    if check:
        _compare(made)
    elif dry_run:
        for change in made.drifted:
            click.echo(f"{_verb(change, force=force)} {change.path}")
    else:
        for line in install.write(made, force=force):
            click.echo(line)
    if not check:
        _say_what_follows(made)


def _compare(made: Any) -> None:
    from bot.install.files import difference

    for change in made.drifted:
        click.echo("\n".join(difference(change.path, change.before, change.after)))
    if made.drifted:
        click.echo("error: not current; autoresearch install writes them again", err=True)
        sys.exit(3)
    click.echo(f"current: {', '.join(change.path for change in made.changes)}")


def _verb(change: Any, *, force: bool) -> str:
    if change.kept and not force:
        return f"would keep ({change.why})"
    return "would remove" if change.after is None else "would write"


def _say_what_follows(made: Any) -> None:
    if made.drifted:
        click.echo('next:\n  git add .github && git commit -m "Install autoresearch" && git push')
    else:
        click.echo("everything is current; a first small pull request, once it is pushed:")
    click.echo(f"  {made.first}")
