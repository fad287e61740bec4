"""Commands of a night: night, and its verbs plan, run, confirm, propose."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bot.cli.app import cli, forge_option, go_quiet, json_option, prepare, repository_of, repository_option, say

_HANDED = click.option(
    "--handed", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Take the night over from what earlier jobs handed over: a folder of their artifacts.",
)  # fmt: skip
_HAND_OVER = click.option(
    "--hand-over", "into", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Write what the next job needs to this folder.",
)  # fmt: skip


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
    from bot.night.brokered import take_keys
    from bot.night.folder import mutex
    from bot.night.gates import theirs
    from bot.night.plan import Wishes, answerable, plan
    from harness.repository import CommitSource

    repository = repository_of(directory)
    keys = take_keys(CommitSource(repository, repository.commit()))
    wishes = Wishes(names, experiments, _seconds(wall_clock), seed)
    if dry_run:
        made = plan(repository, wishes, write=False)[1]
        locks = {share.name: share.lock for share in made.targets}
        stopped = theirs(CommitSource(repository, made.base), locks, LocalForge(repository.state))
        _print_plan(repository, made, stopped, as_json=as_json, keys=keys)
        return
    if anew or not nightly.unfinished(repository):
        wishes = answerable(repository, wishes, keys, say)
        plan(repository, wishes, write=False, keys=keys)  # what cannot be planned leaves nothing, not even the mutex
    with mutex(repository) as held:
        night = nightly.begin(repository, wishes, new=anew, say=say)
        prepare(repository, [share.name for share in night.plan.targets], night.plan.base)
        _warn_uncommitted(repository, nightly.targets_of(night))
        result = nightly.go(night, LocalForge(night.path), held, quiet=quiet, keys=keys)
    _print_night(result, as_json=as_json)
    sys.exit(nightly.exit_code(result))


@cli.command("plan")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option("-n", "--experiments", type=click.IntRange(1, 1_000_000))
@click.option("--wall-clock", metavar="DURATION")
@click.option("--seed", type=click.IntRange(0))
@click.option("--once", is_flag=True, help="Plan nothing if this evening's night was had: what a schedule asks for.")
@click.option("--runner", type=click.Choice(["hosted", "self-hosted"]), help="Only targets of such runners.")
@_HAND_OVER
@forge_option
@json_option
@repository_option
def plan_command(
    names: tuple[str, ...], experiments: int | None, wall_clock: str | None, seed: int | None, once: bool,
    runner: str | None, into: Path | None, forge_name: str, as_json: bool, directory: Path,
) -> None:  # fmt: skip
    """Writes the plan of a new night: base commit, targets, seeds, budgets. The first verb of `night`.

    With --once, --runner or --forge github it is a workflow's: a target may end before it begins (sleeping,
    reviewers-behind, minutes), and the step's outputs `night` and `matrix` say what is left to do.
    """
    from bot.night import workflow
    from bot.night.brokered import take_keys
    from bot.night.folder import mutex
    from bot.night.gates import NothingTonight
    from bot.night.handed.handing import hand_over
    from bot.night.plan import Wishes, plan
    from harness.repository import CommitSource

    repository = repository_of(directory)
    keys: Collection[str] | None = take_keys(CommitSource(repository, repository.commit()))
    wishes = Wishes(names, experiments, _seconds(wall_clock), seed)
    left_out: list[str] = []

    def leave_out(line: str) -> None:
        left_out.append(line)
        say(line)

    with mutex(repository):
        forge, gates = workflow.gates(repository, forge_name, runner or "", once=once)
        keys = None if gates else keys  # another job has them
        try:
            night, made = plan(repository, wishes, forge=forge, gates=gates, say=leave_out)
        except NothingTonight as nothing:
            say(f"no night: {nothing}")
            workflow.tell_nothing(nothing)
            return
        if into:
            hand_over(night, into, [share.name for share in made.targets], plan=True)
    workflow.tell(night, left_out)
    seals = {share.name: found[-1].events[-1] for share in made.targets if (found := night.segments(share.name))}
    _print_plan(
        repository, made, {name: (seal["end"], seal["why"]) for name, seal in seals.items()}, as_json=as_json, keys=keys
    )


def _verb_options(command: Any) -> Any:
    for option in (
        repository_option,
        click.option("--quiet", is_flag=True, help="No progress line."),
        _HANDED,
        click.option("--target", default="", help="Only this target."),
        click.option("--night", "night_name", default="", help="Which night. Default: the last."),
    ):
        command = option(command)
    return command


@cli.command("run")
@_verb_options
@_HAND_OVER
def run_command(
    night_name: str, target: str, handed: Path | None, quiet: bool, directory: Path, into: Path | None
) -> None:
    """Runs the loop of a planned night. The second verb of `night`."""
    from bot.night import brokered

    code = brokered.run_by_hand(repository_of(directory), target, night_name, handed)
    if code is not None:
        sys.exit(code)
    go_quiet()
    from bot.night import preflight
    from bot.night.paying import teller
    from bot.night.run import run

    with _taken(directory, night_name, target, handed, "run") as (night, targets, _silent):
        for found in targets:
            with _handing_over(night, found.name, into):
                if preflight.ended(night, found, say):
                    continue
                run(night, found, quiet=quiet, model=brokered.model(found), teller=teller(night, found, "run"))


@cli.command("confirm")
@_verb_options
@_HAND_OVER
def confirm_command(
    night_name: str, target: str, handed: Path | None, quiet: bool, directory: Path, into: Path | None
) -> None:
    """Measures a night's result again from scratch, on rows that no decision has seen. The third verb of `night`."""
    from bot.night import brokered

    code = brokered.run_by_hand(repository_of(directory), target, night_name, handed, brokered.judged)
    if code is not None:
        sys.exit(code)
    go_quiet()
    from bot.night import preflight
    from bot.night.confirm import confirm

    with _taken(directory, night_name, target, handed, "confirm") as (night, targets, silent):
        for found in targets:
            if found.name not in silent:
                with _handing_over(night, found.name, into):
                    preflight.require(night, found, say)
                    end = confirm(night, found)
                if not quiet:
                    say(f"{found.name}: {end}")
    _complain(silent)


@cli.command("propose")
@forge_option
@_verb_options
def propose_command(
    night_name: str, target: str, handed: Path | None, quiet: bool, forge_name: str, directory: Path
) -> None:
    """Records a night and opens its pull request. The last verb of `night`; running it again changes nothing."""
    from bot.forge.choice import chosen
    from bot.night import workflow
    from bot.night.night import NightResult
    from bot.night.propose import propose

    with _taken(directory, night_name, target, handed, "propose") as (night, targets, silent):
        for name, why in silent.items():
            say(f"{name}: {why}")
        workflow.end_absent(night, targets, silent)
        forge = chosen(forge_name, night.repository, night.path)
        minutes = workflow.minutes(night, targets, forge)
        result = NightResult(night, propose(night, targets, forge, silent, minutes), {})
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


@contextmanager
def _taken(
    directory: Path, night_name: str, target: str, handed: Path | None, verb: str
) -> Iterator[tuple[Any, Sequence[Any], Mapping[str, str]]]:
    """The night, its wanted targets, and those of which nothing was handed over; the mutex is held."""
    from bot.night.folder import mutex, night_named
    from bot.night.handed.handing import take_over
    from bot.night.night import targets_of

    if handed and night_name:
        raise click.UsageError("--handed says which night it is; leave --night out")
    repository = repository_of(directory)
    with mutex(repository):
        silent: Mapping[str, str] = {}
        if handed:
            taken = take_over(repository, handed, verb, target)
            night, silent = taken.night, taken.silent
            for what, why in taken.refused.items():
                say(f"not taken over: {what}: {why}")
        else:
            night = night_named(repository, night_name)
        if target:
            night.target_plan(target)
        yield night, [found for found in targets_of(night) if target in {"", found.name}], silent


@contextmanager
def _handing_over(night: Any, target: str, into: Path | None) -> Iterator[None]:
    """Whatever the verb came to, what it wrote goes to the next job."""
    from bot.night.handed.handing import hand_over

    try:
        yield
    finally:
        if into:
            hand_over(night, into, [target])


def _complain(silent: Mapping[str, str]) -> None:
    if silent:
        from harness.errors import NotFound

        told = "; ".join(f"{name}: {why}" for name, why in silent.items())
        raise NotFound(f"there is nothing to confirm: {told}", next_step="look at the job that ran before this one")


def _warn_uncommitted(repository: Any, targets: Sequence[Any]) -> None:
    from bot.night.plan import uncommitted

    changed = uncommitted(repository, targets)
    if changed:
        differ = "differs" if len(changed) == 1 else "differ"
        say(f"note: {', '.join(changed[:5])} {differ} from the last commit; a night works on the commit")


def _print_plan(
    repository: Any, made: Any, held: Mapping[str, tuple[str, str]], *, as_json: bool, keys: Collection[str] | None
) -> None:  # fmt: skip
    """held: targets that end before they begin -> (end, why); keys: variables with the key of a model, None where
    another job will have them."""
    from dataclasses import asdict

    from bot.night.plan import costs, keyless

    missing = {} if keys is None else keyless(repository, made, keys)

    if as_json:
        ends = {name: {"end": end, "why": why} for name, (end, why) in held.items()}
        click.echo(json.dumps({**asdict(made), "does_not_begin": ends, "keys_missing": missing}, indent=2))
        return
    prices = costs(repository, made)
    click.echo(f"night {made.night} from commit {made.base[:12]}")
    for share in made.targets:
        if share.name in held:
            end, why = held[share.name]
            click.echo(f"  {share.name}: does not begin: {end}: {why}")
            continue
        limits = [f"{share.experiments:,} experiments"]
        limits += [f"{share.wall_clock:g} s"] if share.wall_clock else []
        limits += [f"${share.usd:.2f}"] if share.usd else []
        carried = f"; starts from {share.carried_from}, not reviewed yet" if share.carried_from else ""
        click.echo(f"  {share.name}: at most {', '.join(limits)}; seed {share.seed}; lock {share.lock[:12]}{carried}")
        absent = ", ".join(missing.get(share.name, ()))
        absent = f"no key is in {absent}: export it first, without it this target does not begin" if absent else ""
        for line in (share.reserve, prices.get(share.name, ""), absent):
            if line:
                click.echo(f"    {line}")


def _print_night(result: Any, *, as_json: bool) -> None:
    from bot.report import night_json, night_text

    click.echo(json.dumps(night_json(result), indent=2) if as_json else night_text(result))
