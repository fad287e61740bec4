"""Commands about what happened: report, log, reproduce."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from bot.cli.app import cli, go_quiet, json_option, repository_of, repository_option


@cli.command("report")
@click.argument("which", metavar="[NIGHT | TARGET]", default="")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write page, charts and tables into this folder.",
)
@click.option("--night", "night_name", default="", help="With a TARGET: of which night. Default: the last.")
@click.option("--against", default="", metavar="NIGHT", help="With a TARGET: compare with its result of that night.")
@json_option
@repository_option
def report_command(which: str, out: Path | None, night_name: str, against: str, as_json: bool, directory: Path) -> None:
    """Shows a night, confirmed or not, from its records; or explains the result of a scoring TARGET.

    \b
    autoresearch report                    the last night
    autoresearch report 2026-11-21         that night
    autoresearch report health-score       what each feature is worth, who changes tier, how stable it is
    """
    from bot.report import report

    repository = repository_of(directory)
    if night_name or against or (which and not re.match(r"\d{4}-\d{2}-\d{2}", which)):
        from bot.review import review

        click.echo(review(repository, which, night_name, against, out))
        return
    click.echo(report(repository, which, out, as_json=as_json))


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
               2026-11-21/my-target#2      row 2, as its page numbers it
               2026-11-21/my-target#head   the whole result

    A metric that varies is measured in fresh pairs, and held against the interval that was recorded. A model that an
    evaluator needs is asked anew, which may cost something.
    """
    from bot.night.brokered import broker_of_files, take_keys
    from bot.reproduce import reproduce, target_of
    from harness.repository import CommitSource

    repository = repository_of(directory)
    source = CommitSource(repository, repository.commit())
    keys, named = {} if write else take_keys(source), target_of(which)
    with broker_of_files(repository, source, [named] if named else [], keys, known=True) as broker:
        go_quiet()  # as the night was: the same evaluator, without a network
        result = reproduce(repository, which, broker)
    if write:
        sys.stdout.buffer.write(result.content)
        return
    click.echo(json.dumps(result.as_json(), indent=2) if as_json else result.as_text())
    if not result.same and not getattr(result, "anew", False):
        sys.exit(5)


@cli.command("refresh")
@click.argument("target")
@click.option(
    "--later",
    "table",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV or Parquet: accounts of a later period, with the columns that columns.yaml names.",
)
@click.option("--features-as-of", "features", required=True, metavar="DAY", help="When its features were taken.")
@click.option("--outcomes-as-of", "outcomes", required=True, metavar="DAY", help="The last day its outcomes were seen.")
@click.option("--night", "night_name", default="", help="Whose result is compared with its base. Default: the last.")
@click.option("--min-gain", default=0.01, show_default=True, help="The least gain of the primary metric.")
@click.option("--most-moved", default=0.25, show_default=True, help="The largest share of accounts that change tier.")
@click.option("--most-segment-loss", default=0.02, show_default=True, help="The most that any segment may lose.")
@click.option(
    "--into", type=click.Path(path_type=Path), help="A new folder for the report. Default: beside the nights."
)
@repository_option
def refresh_command(
    target: str, table: Path, features: str, outcomes: str, night_name: str, min_gain: float, most_moved: float,
    most_segment_loss: float, into: Path | None, directory: Path,
) -> None:  # fmt: skip
    """Holds a night's result against its base on accounts of a later period: READY_FOR_REVIEW or KEEP_INCUMBENT.

    For scoring targets. Shows the gain with its interval, who changes tier and why, what each segment loses, how the
    features moved. Promotes nothing.
    """
    from bot.refresh import refresh
    from bot.refresh.inputs import Policy, Wishes, day
    from harness.scorers.saas.columns import Period

    period = Period(day(features), day(outcomes))
    policy = Policy(min_gain, most_moved, most_segment_loss)
    wishes = Wishes(target, table, period, night_name, policy, into)
    click.echo(refresh(repository_of(directory), wishes).as_text())
