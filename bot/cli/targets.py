"""Commands about one target: new, check, setup, audit, label."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, go_quiet, json_option, prepare, repository_of, repository_option


def _assigned(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """--outcome OURS=COLUMN, each of our words once."""
    from harness.scorers.saas.columns import OUTCOMES

    found: dict[str, str] = {}
    for one in given:
        ours, _, column = one.partition("=")
        if ours not in OUTCOMES or not column or ours in found:
            raise click.BadParameter(f"{one}: expected once each, such as retained=stayed; ours: {', '.join(OUTCOMES)}")
        found[ours] = column
    return found


def _percent(_context: click.Context, _option: click.Parameter, given: str) -> int:
    number = given.removesuffix("%")
    if not number.isdecimal() or not 10 <= int(number) <= 90:
        raise click.BadParameter(f"{given}: expected a whole percentage from 10% to 90%")
    return int(number)


def _origin(data: Path | None, query: str, database: Path | None, variable: str) -> Any:
    """Where the table comes from; None for no table. Raises click.UsageError for a mixture."""
    from bot.new.table.command import Origin

    if data and query:
        raise click.UsageError("--data and --query: the rows come from one of them")
    if query and bool(database) == bool(variable):
        raise click.UsageError("--query asks either --database FILE or the database whose URL --database-env names")
    if (database or variable) and not query:
        raise click.UsageError('--database needs --query "select ..."')
    return Origin(data, query, database, variable) if data or query else None


@cli.command("new")
@click.argument("name")
@click.option("--container", type=click.Path(path_type=Path), help="An export of Google Tag Manager, .json.")
@click.option("--business", default="", help="Of a container: shop, lead-generation, publisher, saas or site.")
@click.option("--ads", type=click.Path(path_type=Path), help="Of a container: conversions that ads were paid for.")
@click.option("--data", type=click.Path(path_type=Path), help="A table of accounts, .csv or .parquet, a row each.")
@click.option("--query", default="", metavar="SQL", help="Or a query that returns one.")
@click.option("--database", type=click.Path(path_type=Path), metavar="FILE", help="The DuckDB file that it asks.")
@click.option("--database-env", "variable", default="", metavar="NAME", help="Or the variable with PostgreSQL's URL.")
@click.option("--score", type=click.Choice(["health", "risk"]), help="What a high score says; default: by the outcome.")
@click.option("--outcome", "outcomes", multiple=True, metavar="OURS=COLUMN", callback=_assigned, help="Repeatable.")
@click.option("--feature", "features", multiple=True, metavar="COLUMN", help="Score by it, whatever it looks like.")
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave it out.")
@click.option("--segment", "segments", multiple=True, metavar="COLUMN", help="Measure its groups one by one.")
@click.option("--id", "identity", default="", metavar="COLUMN", help="What names the account.")
@click.option("--holdout", default="30%", show_default=True, callback=_percent, help="Share that only confirm reads.")
@click.option("--private", is_flag=True, help="The rows stay outside the repository.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and why; write nothing.")
@repository_option
def new_command(
    name: str, container: Path | None, business: str, ads: Path | None, data: Path | None, query: str,
    database: Path | None, variable: str, score: str | None,
    outcomes: dict[str, str], features: tuple[str, ...], ignore: tuple[str, ...], segments: tuple[str, ...],
    identity: str, holdout: int, private: bool, dry_run: bool, directory: Path,
) -> None:  # fmt: skip
    """Writes a target that runs as it is: a file to change, an evaluator, a README that says what to replace.

    With --data or --query it is a score of your own accounts: columns are recognised by name and content, each with
    the reason, and whatever cannot be meant is refused before anything is written. With --container it puts your own
    Tag Manager container in order.
    """
    from bot import new

    repository, origin = repository_of(directory), _origin(data, query, database, variable)
    if container and origin:
        raise click.UsageError("--container and a table: a target is of one of them")
    if (business or ads) and not container:
        raise click.UsageError("--business and --ads are about a container: name it with --container")
    if not origin:
        if score or outcomes or features or ignore or segments or identity or private or dry_run:
            raise click.UsageError("these options are about a table: name it with --data or --query")
        if container:
            from bot.new.container import from_container

            for line in from_container(repository, name, container, business, ads):
                click.echo(line)
            return
        for path in new.new(repository, name):
            click.echo(f"wrote {path}")
        click.echo(f"next: autoresearch check {name}")
        return
    from bot.new.table.asked import Asked
    from bot.new.table.command import scored

    asked = Asked(identity, score or "", outcomes, features, ignore, segments, holdout)
    for line in scored(repository, name, origin, asked, private=private, dry_run=dry_run):
        click.echo(line)


@cli.command("check")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@json_option
@repository_option
def check_command(names: tuple[str, ...], as_json: bool, directory: Path) -> None:
    """Validates targets in the working tree, runs each baseline twice, prints the lock and how far to trust the score.

    Changes nothing. Reads files as they are now, committed or not.
    """
    from bot.night.brokered import broker_of_files, take_keys
    from harness.repository import WorkingSource

    repository = repository_of(directory)
    source = WorkingSource(repository)
    keys = take_keys(source)
    prepare(repository, names)
    with broker_of_files(repository, source, names, keys) as broker:
        go_quiet()  # as in a night: an evaluator that needs a network fails here, not there
        from bot.check import check
        from bot.check.text import as_text

        reports = check(repository, names, keys, broker)
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
