"""Commands about one target: new, check, setup, audit, label."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bot.cli.app import cli, go_quiet, json_option, prepare, repository_of, repository_option


@cli.command("new")
@click.argument("name")
@repository_option
def new_command(name: str, directory: Path) -> None:
    """Writes a target that runs as it is: a file to change, an evaluator, a README that says what to replace."""
    from bot.new import new

    for path in new(repository_of(directory), name):
        click.echo(f"wrote {path}")
    click.echo(f"next: autoresearch check {name}")


@cli.command("check")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@json_option
@repository_option
def check_command(names: tuple[str, ...], as_json: bool, directory: Path) -> None:
    """Validates targets in the working tree, runs each baseline twice, prints the lock and how far to trust the score.

    Changes nothing. Reads files as they are now, committed or not.
    """
    repository = repository_of(directory)
    prepare(repository, names)
    go_quiet()  # as in a night: an evaluator that needs a network fails here, not there
    from bot.check import check
    from bot.check.text import as_text

    reports = check(repository, names)
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], indent=2))
    else:
        click.echo("\n\n".join(map(as_text, reports)))
    if any(not report.ready for report in reports):
        sys.exit(4)


@cli.command("setup")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option("--write-lock", is_flag=True, help="Run it anew and write data.lock from what it makes now.")
@click.option(
    "--at", "revision", metavar="COMMIT", default="", help="As this commit declares it; default: as it is now."
)
@repository_option
def setup_command(names: tuple[str, ...], write_lock: bool, revision: str, directory: Path) -> None:
    """Runs evaluate.setup: fetches or makes what is too large to commit, and holds it against data.lock.

    Where there is no data.lock yet it is written; commit it. `check` and `night` do this by themselves when something
    is missing.
    """
    from bot.setup import set_up_named

    if write_lock and revision:
        raise click.UsageError("--write-lock writes into the working tree, and --at reads a commit")
    for line in set_up_named(repository_of(directory), names, revision, anew=write_lock):
        click.echo(line)


@cli.command("audit")
@click.argument("target")
@click.option("--null", "count", type=click.IntRange(1, 10_000), default=30, show_default=True, help="How many.")
@click.option("--pairs", "pairs_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all pairs as TSV.")
@click.option("--quiet", is_flag=True, help="No progress line.")
@json_option
@repository_option
def audit_command(
    target: str, count: int, pairs_file: Path | None, quiet: bool, as_json: bool, directory: Path
) -> None:
    """Sends candidates that change nothing through the real gate on this machine: how many does it keep?

    Each is the unchanged file with a comment added, judged as in a night: same evaluator, same pairs, same error
    budget. Says false keeps, what going first is worth, and the smallest gain that a night here can detect.
    """
    repository = repository_of(directory)
    prepare(repository, [target], "HEAD")
    go_quiet()
    from bot.audit import audit
    from bot.night.folder import mutex

    with mutex(repository):
        found = audit(repository, target, count, quiet=quiet)
    if pairs_file:
        pairs_file.write_text(found.pairs_tsv(), encoding="utf-8")
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else found.as_text())


@cli.command("label")
@click.argument("target")
@click.argument("metric")
@click.option(
    "--samples",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON lines: id, text, judge (pass or fail).",
)
@repository_option
def label_command(target: str, metric: str, samples: Path | None, directory: Path) -> None:
    """Labels what a language model judged, one keypress a sample: p passes, f fails, s skips, q stops.

    A metric of signal llm-judge counts only with at least 20 labelled samples and 80 % agreement.
    """
    from bot.label import label

    click.echo(label(repository_of(directory), target, metric, samples, click.getchar, click.echo))
