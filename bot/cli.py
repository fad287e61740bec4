"""`autoresearch`: one command per verb. Each teaches itself with --help."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import harness
from harness.errors import AutoresearchError

EPILOG = """\b
Exit codes: 0 done, 1 a bug, 2 wrong usage, 3 configuration or data, 4 evaluator,
5 integrity, 6 another night is running, 7 sandbox, 8 git, 9 not found, 130 stopped.
"""


class _Ordered(click.Group):
    """Lists commands in the order of a first week, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(self.commands)


@click.group(
    cls=_Ordered, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(harness.__version__, prog_name="autoresearch")
def cli() -> None:
    """Improves a repository overnight: change one file, measure it with a locked evaluator, keep it only if the
    number really moved. In the morning you merge, or not.

    \b
    A first target in five commands:
      autoresearch new my-target          writes targets/experiments/my-target/
      autoresearch check my-target        is it valid, deterministic, how fast?
      git add -A && git commit -m "Add my-target"
      autoresearch night                  ends with a page and the command that merges
      autoresearch report                 the last night once more
    """


_repository_option = click.option(
    "-C", "directory", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".",
    help="Run as if started in this folder.",
)  # fmt: skip
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def _repository(directory: Path) -> Any:
    from harness.repository import Repository

    return Repository.find(directory)


def _say(text: str) -> None:
    click.echo(text, err=True)


@cli.command("new")
@click.argument("name")
@_repository_option
def new_command(name: str, directory: Path) -> None:
    """Writes a target that runs as it is: a file to change, an evaluator, a README that says what to replace."""
    from bot.new import new

    for path in new(_repository(directory), name):
        click.echo(f"wrote {path}")
    click.echo(f"next: autoresearch check {name}")


@cli.command("check")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@_json_option
@_repository_option
def check_command(names: tuple[str, ...], as_json: bool, directory: Path) -> None:
    """Validates targets in the working tree, runs each baseline twice, prints the lock and how far to trust the score.

    Changes nothing. Reads files as they are now, committed or not.
    """
    _go_quiet()  # as in a night: an evaluator that needs a network fails here, not there
    from bot.check import check
    from bot.check.text import as_text

    reports = check(_repository(directory), names)
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], indent=2))
    else:
        click.echo("\n\n".join(map(as_text, reports)))
    if any(not report.ready for report in reports):
        sys.exit(4)


@cli.command("label")
@click.argument("target")
@click.argument("metric")
@click.option(
    "--samples",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON lines: id, text, judge (pass or fail).",
)
@_repository_option
def label_command(target: str, metric: str, samples: Path | None, directory: Path) -> None:
    """Labels what a language model judged, one keypress a sample: p passes, f fails, s skips, q stops.

    A metric of signal llm-judge counts only with at least 20 labelled samples and 80 % agreement.
    """
    from bot.label import label

    click.echo(label(_repository(directory), target, metric, samples, click.getchar, click.echo))


@cli.command("night")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option(
    "-n", "--experiments", type=click.IntRange(1, 1_000_000), help="Experiments per target, instead of target.yaml's."
)
@click.option("--wall-clock", metavar="DURATION", help="Time per target (90s, 20m, 8h), instead of target.yaml's.")
@click.option("--seed", type=click.IntRange(0), help="The same seed, base and targets give the same night.")
@click.option("--new", "anew", is_flag=True, help="Start a new night even if the last one was interrupted.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, write nothing.")
@click.option("--quiet", is_flag=True, help="No progress line.")
@_json_option
@_repository_option
def night_command(
    names: tuple[str, ...], experiments: int | None, wall_clock: str | None, seed: int | None,
    anew: bool, dry_run: bool, quiet: bool, as_json: bool, directory: Path,
) -> None:  # fmt: skip
    """Runs a night: plan, run, confirm, propose. An interrupted night goes on where it was.

    Works on the last commit in a scratch checkout; your working tree is never touched. Ctrl-C ends the loop in
    order: what was found is still confirmed and proposed. A second Ctrl-C stops at once.
    """
    from bot.night import night as nightly
    from bot.night.folder import mutex
    from bot.night.plan import Wishes, plan

    repository = _repository(directory)
    wishes = Wishes(names, experiments, _seconds(wall_clock), seed)
    if dry_run:
        night, made = plan(repository, wishes, write=False)
        _print_plan(made, as_json=as_json)
        return
    if anew or not nightly.unfinished(repository):
        plan(repository, wishes, write=False)  # what cannot be planned leaves nothing behind, not even the mutex
    with mutex(repository) as held:
        night = nightly.begin(repository, wishes, new=anew, say=_say)
        _warn_uncommitted(repository, nightly.targets_of(night))
        result = nightly.go(night, _forge(night), held, quiet=quiet)
    _print_night(result, as_json=as_json)
    sys.exit(nightly.exit_code(result))


@cli.command("plan")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option("-n", "--experiments", type=click.IntRange(1, 1_000_000))
@click.option("--wall-clock", metavar="DURATION")
@click.option("--seed", type=click.IntRange(0))
@_json_option
@_repository_option
def plan_command(
    names: tuple[str, ...],
    experiments: int | None,
    wall_clock: str | None,
    seed: int | None,
    as_json: bool,
    directory: Path,
) -> None:
    """Writes the plan of a new night: base commit, targets, seeds, budgets. The first verb of `night`."""
    from bot.night.folder import mutex
    from bot.night.plan import Wishes, plan

    repository = _repository(directory)
    with mutex(repository):
        _night, made = plan(repository, Wishes(names, experiments, _seconds(wall_clock), seed))
    _print_plan(made, as_json=as_json)


def _verb_options(command: Any) -> Any:
    for option in (
        _repository_option,
        click.option("--quiet", is_flag=True, help="No progress line."),
        click.option("--target", default="", help="Only this target."),
        click.option("--night", "night_name", default="", help="Which night. Default: the last."),
    ):
        command = option(command)
    return command


@cli.command("run")
@_verb_options
def run_command(night_name: str, target: str, quiet: bool, directory: Path) -> None:
    """Runs the loop of a planned night. The second verb of `night`."""
    _go_quiet()
    from bot.night.run import run

    for night, found in _each_target(directory, night_name, target):
        run(night, found, quiet=quiet)


@cli.command("confirm")
@_verb_options
def confirm_command(night_name: str, target: str, quiet: bool, directory: Path) -> None:
    """Measures a night's result again from scratch, on rows that no decision has seen. The third verb of `night`."""
    _go_quiet()
    from bot.night.confirm import confirm

    for night, found in _each_target(directory, night_name, target):
        end = confirm(night, found)
        if not quiet:
            _say(f"{found.name}: {end}")


@cli.command("propose")
@_verb_options
def propose_command(night_name: str, target: str, quiet: bool, directory: Path) -> None:
    """Records a night and opens its pull request. The last verb of `night`; running it again changes nothing."""
    from bot.night.night import NightResult, targets_of
    from bot.night.propose import propose

    night, _ = next(_each_target(directory, night_name, target))
    result = NightResult(night, propose(night, targets_of(night), _forge(night)), {})
    if not quiet:
        _print_night(result, as_json=False)


@cli.command("report")
@click.argument("night_name", metavar="[NIGHT]", default="")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write page, chart and results.tsv into this folder.",
)
@_json_option
@_repository_option
def report_command(night_name: str, out: Path | None, as_json: bool, directory: Path) -> None:
    """Shows a night, confirmed or not, from its records."""
    from bot.report import report

    click.echo(report(_repository(directory), night_name, out, as_json=as_json))


@cli.command("log")
@click.argument("night_name", metavar="[NIGHT]", default="")
@click.option("--verify", is_flag=True, help="Check every recorded byte against its chain; name the first bad line.")
@click.option("--status", type=click.Choice(["keep", "discard", "crash"]), help="Only experiments of this status.")
@_json_option
@_repository_option
def log_command(night_name: str, verify: bool, status: str | None, as_json: bool, directory: Path) -> None:
    """Lists a night's experiments, kept or not; without a night, all nights."""
    from bot.log import log_lines, verify_lines

    repository = _repository(directory)
    lines = (
        verify_lines(repository, night_name) if verify else log_lines(repository, night_name, status, as_json=as_json)
    )
    for line in lines:
        click.echo(line)


@cli.command("reproduce")
@click.argument("which")
@click.option("--write", is_flag=True, help="Print the restored content instead of measuring it.")
@_json_option
@_repository_option
def reproduce_command(which: str, write: bool, as_json: bool, directory: Path) -> None:
    """Restores an experiment, kept or not, in a scratch checkout of its night's base and measures it again.

    \b
    WHICH is   17                          experiment 17 of the last night (one target)
               2026-11-21/my-target/17     experiment 17 of that night
               2026-11-21/my-target#2      row 2 of its pull request
    """
    _go_quiet()  # as the night was: the same evaluator, without a network
    from bot.reproduce import reproduce

    result = reproduce(_repository(directory), which)
    if write:
        sys.stdout.buffer.write(result.content)
        return
    click.echo(json.dumps(result.as_json(), indent=2) if as_json else result.as_text())
    if not result.same:
        sys.exit(5)


def _go_quiet() -> None:
    """No network and no life without the night, arranged before numpy starts threads."""
    from bot.night.lifeline import die_with_the_night
    from harness.sandbox.network import leave_network

    leave_network()
    die_with_the_night()


def _seconds(duration: str | None) -> float | None:
    from harness.target import seconds

    if duration is None:
        return None
    try:
        return seconds(duration)
    except AttributeError:
        raise click.BadParameter(
            f'"{duration}" is no duration; try 90s, 20m or 8h', param_hint="--wall-clock"
        ) from None


def _forge(night: Any) -> Any:
    from bot.forge.local import LocalForge

    return LocalForge(night.path)


def _each_target(directory: Path, night_name: str, target: str) -> Any:
    """(night, target) of each wanted target, with the mutex held."""
    from bot.night.folder import mutex, night_named
    from bot.night.night import targets_of

    repository = _repository(directory)
    with mutex(repository):
        night = night_named(repository, night_name)
        if target:
            night.target_plan(target)
        for found in targets_of(night):
            if not target or found.name == target:
                yield night, found


def _warn_uncommitted(repository: Any, targets: Sequence[Any]) -> None:
    from bot.night.plan import uncommitted

    changed = uncommitted(repository, targets)
    if changed:
        _say(f"note: {', '.join(changed[:5])} differ from the last commit; a night works on the commit")


def _print_plan(made: Any, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        click.echo(json.dumps(asdict(made), indent=2))
        return
    click.echo(f"night {made.night} from commit {made.base[:12]}")
    for share in made.targets:
        limits = [f"{share.experiments:,} experiments"]
        limits += [f"{share.wall_clock:g} s"] if share.wall_clock else []
        limits += [f"${share.usd:.2f}"] if share.usd else []
        carried = f"; starts from {share.carried_from}, not reviewed yet" if share.carried_from else ""
        click.echo(f"  {share.name}: at most {', '.join(limits)}; seed {share.seed}; lock {share.lock[:12]}{carried}")


def _print_night(result: Any, *, as_json: bool) -> None:
    from bot.report import night_json, night_text

    click.echo(json.dumps(night_json(result), indent=2) if as_json else night_text(result))


def main() -> None:
    """The console script: errors that a user can meet are told without a traceback, with their exit code."""
    try:
        cli.main(standalone_mode=False)
    except AutoresearchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; autoresearch night goes on where it was", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT}:
            raise
        click.echo(f"error: {error.filename or 'the disk'}: {error.strerror}", err=True)
        click.echo("  next: make room or mend the rights; autoresearch night then goes on where it was", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
