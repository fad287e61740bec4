"""Commands of a night: night, and its verbs plan, run, confirm, propose."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, forge_option, go_quiet, json_option, prepare, repository_of, repository_option, say


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
@json_option
@repository_option
def night_command(
    names: tuple[str, ...], experiments: int | None, wall_clock: str | None, seed: int | None,
    anew: bool, dry_run: bool, quiet: bool, as_json: bool, directory: Path,
) -> None:  # fmt: skip
    """Runs a night: plan, run, confirm, propose. An interrupted night goes on where it was.

    Works on the last commit in a scratch checkout; your working tree is never touched. Ctrl-C ends the loop in
    order: what was found is still confirmed and proposed. A second Ctrl-C stops at once.
    """
    from bot.forge.local import LocalForge
    from bot.night import night as nightly
    from bot.night.folder import mutex
    from bot.night.plan import Wishes, plan

    repository = repository_of(directory)
    wishes = Wishes(names, experiments, _seconds(wall_clock), seed)
    if dry_run:
        night, made = plan(repository, wishes, write=False)
        _print_plan(made, as_json=as_json)
        return
    if anew or not nightly.unfinished(repository):
        plan(repository, wishes, write=False)  # what cannot be planned leaves nothing behind, not even the mutex
    with mutex(repository) as held:
        night = nightly.begin(repository, wishes, new=anew, say=say)
        prepare(repository, [share.name for share in night.plan.targets], night.plan.base)
        _warn_uncommitted(repository, nightly.targets_of(night))
        result = nightly.go(night, LocalForge(night.path), held, quiet=quiet)
    _print_night(result, as_json=as_json)
    sys.exit(nightly.exit_code(result))


@cli.command("plan")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option("-n", "--experiments", type=click.IntRange(1, 1_000_000))
@click.option("--wall-clock", metavar="DURATION")
@click.option("--seed", type=click.IntRange(0))
@forge_option
@json_option
@repository_option
def plan_command(
    names: tuple[str, ...],
    experiments: int | None,
    wall_clock: str | None,
    seed: int | None,
    forge_name: str,
    as_json: bool,
    directory: Path,
) -> None:
    """Writes the plan of a new night: base commit, targets, seeds, budgets. The first verb of `night`."""
    from bot.forge.choice import chosen
    from bot.night.folder import mutex
    from bot.night.plan import Wishes, plan

    repository = repository_of(directory)
    with mutex(repository):
        forge = chosen(forge_name, repository, repository.state)
        _night, made = plan(repository, Wishes(names, experiments, _seconds(wall_clock), seed), forge=forge)
    _print_plan(made, as_json=as_json)


def _verb_options(command: Any) -> Any:
    for option in (
        repository_option,
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
    go_quiet()
    from bot.night.run import run

    for night, found in _each_target(directory, night_name, target):
        run(night, found, quiet=quiet)


@cli.command("confirm")
@_verb_options
def confirm_command(night_name: str, target: str, quiet: bool, directory: Path) -> None:
    """Measures a night's result again from scratch, on rows that no decision has seen. The third verb of `night`."""
    go_quiet()
    from bot.night.confirm import confirm

    for night, found in _each_target(directory, night_name, target):
        end = confirm(night, found)
        if not quiet:
            say(f"{found.name}: {end}")


@cli.command("propose")
@forge_option
@_verb_options
def propose_command(night_name: str, target: str, quiet: bool, forge_name: str, directory: Path) -> None:
    """Records a night and opens its pull request. The last verb of `night`; running it again changes nothing."""
    from bot.forge.choice import chosen
    from bot.night.night import NightResult, targets_of
    from bot.night.propose import propose

    night, _ = next(each := _each_target(directory, night_name, target))  # the mutex is held as long as this lives
    wanted = [found for found in targets_of(night) if target in {"", found.name}]
    result = NightResult(night, propose(night, wanted, chosen(forge_name, night.repository, night.path)), {})
    each.close()
    if not quiet:
        _print_night(result, as_json=False)


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


def _each_target(directory: Path, night_name: str, target: str) -> Any:
    """(night, target) of each wanted target, with the mutex held."""
    from bot.night.folder import mutex, night_named
    from bot.night.night import targets_of

    repository = repository_of(directory)
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
        say(f"note: {', '.join(changed[:5])} differ from the last commit; a night works on the commit")


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
        if share.reserve:
            click.echo(f"    {share.reserve}")


def _print_night(result: Any, *, as_json: bool) -> None:
    from bot.report import night_json, night_text

    click.echo(json.dumps(night_json(result), indent=2) if as_json else night_text(result))
