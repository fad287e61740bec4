"""`plan`: decides what a night will do, before anything is spent, and writes it down as plan.json."""

from __future__ import annotations

import hashlib
import posixpath
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from bot import config, proposers, records
from bot.config import Config
from bot.forge import Forge
from bot.forge.local import LocalForge
from bot.night import brokered
from bot.night.earlier import history, looks, past
from bot.night.earlier.history import History, Past
from bot.night.folder import Night, Plan, TargetPlan, nights, write_atomically
from bot.night.gates import Gates, Held, NothingTonight, end_before_it_began, held, of_runner, theirs
from bot.night.gates import name as name_of
from bot.setup import prepare
from harness import labels, lock, prepared, reserve
from harness.errors import ConfigError, NotFound, Place
from harness.lock import Lock
from harness.repository import CommitSource, Repository, WorkingSource
from harness.target import TARGET_FILE, Target


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for; None leaves it to the configuration."""

    targets: tuple[str, ...] = ()
    experiments: int | None = None
    wall_clock: float | None = None
    seed: int | None = None


def plan(
    repository: Repository, wishes: Wishes, *, write: bool = True, forge: Forge | None = None,
    gates: Gates | None = None, say: Callable[[str], None] = lambda _line: None,
    keys: Mapping[str, str] | None = None,
) -> tuple[Night, Plan]:  # fmt: skip
    """Plans a new night from the last commit.

    write: whether anything is left on disk; forge: knows what became of earlier nights, by default this repository
    itself; gates: what may keep the night from beginning, by default nothing; keys: of models, which must be all that
    its targets need, None where others will have them. Raises ConfigError(s), NothingTonight.
    """
    forge = forge or LocalForge(repository.state)
    forge.fetch(repository)
    with repository.at_rest():
        night, made = _planned(repository, wishes, forge, gates, say, write=write)
    if keys is not None:
        source = CommitSource(repository, made.base)
        brokered.require_keys(_of(source, made), config.load(source).models, keys)
    return night, made


def costs(repository: Repository, made: Plan) -> dict[str, str]:
    """Target -> what its models can cost in this night, in words; only of targets that ask one."""
    source = CommitSource(repository, made.base)
    settings, shares = config.load(source).models, {share.name: share for share in made.targets}
    found = {target.name: brokered.says(target, settings, shares[target.name].usd) for target in _of(source, made)}
    return {name: line for name, line in found.items() if line}


def keyless(repository: Repository, made: Plan, keys: Collection[str]) -> dict[str, list[str]]:
    """Target -> variables of keys that its models need and that are not among these; only targets that lack one."""
    source = CommitSource(repository, made.base)
    return brokered.keyless(_of(source, made), config.load(source).models, keys)


def answerable(repository: Repository, wishes: Wishes, keys: Collection[str], say: Callable[[str], None]) -> Wishes:
    """Without the targets that could ask nobody, where nobody named any and others are left."""
    source = CommitSource(repository, repository.commit())
    if wishes.targets:
        return wishes
    targets = config.load_targets(source, ())
    lacking = brokered.keyless(targets, config.load(source).models, keys)
    left = tuple(target.name for target in targets if target.name not in lacking)
    if len(left) in {0, len(targets)}:
        return wishes
    for name, variables in lacking.items():
        say(f"{name}: left out: it asks a model, and its key is not in the environment: {', '.join(variables)}")
    return replace(wishes, targets=left)


def _of(source: CommitSource, made: Plan) -> list[Target]:
    return config.load_targets(source, [share.name for share in made.targets])


def _planned(
    repository: Repository,
    wishes: Wishes,
    forge: Forge,
    gates: Gates | None,
    say: Callable[[str], None],
    *,
    write: bool,
) -> tuple[Night, Plan]:
    base = repository.commit()
    source = CommitSource(repository, base)
    settings = config.load(source)
    if gates and not wishes.targets:
        sound = config.load_sound(source)
        targets = sound.targets
        for name, why in sound.broken.items():
            say(f"{name}: left out: {why}")
    else:
        targets = _committed_targets(repository, source, wishes.targets)
    if gates:
        targets = of_runner(gates, targets)
    night = Night(repository, repository.state / _name(repository, settings, gates))
    locks = {target.name: lock.compute(source.read(target.locked)) for target in targets}
    ids = {name: found.id for name, found in locks.items()}
    refused = {name: past.refusals(repository, name, digest, base, forge) for name, digest in ids.items()}
    before = history.read(repository, ids, refused)
    pasts = before.pasts
    unfit = _unfit(source, targets)
    if unfit and not gates:
        raise next(iter(unfit.values()))
    stopped = Held({} if gates else theirs(source, ids, forge), {})
    if gates:
        wrong = {name: error.what for name, error in unfit.items()}
        stopped = held(gates, source, settings, targets, ids, pasts, wrong, named=bool(wishes.targets))
        for name, (end, why) in stopped.silent.items():
            say(f"{name}: {end}: {why}")
        targets = _left(targets, stopped)
    shares = []
    for target in targets:
        share = _share(target, source, night, wishes, forge, locks[target.name], before)
        begins = target.name not in stopped.ends
        shares.append(_within(share, target, settings, len(targets) - len(stopped.ends)) if begins else share)
    made = Plan(night.name, base, int(time.time()), tuple(shares), settings.wall_clock, settings.usd)
    if write:
        if not gates:
            prepare(source, targets)  # what a night cannot prepare leaves no plan behind
        _write(night, made, targets, pasts, stopped)
    return night, made


def _write(night: Night, made: Plan, targets: Sequence[Target], pasts: Mapping[str, Past], stopped: Held) -> None:
    for share in made.targets:
        tried = "\n".join([*sorted(pasts[share.name].tried), ""])
        write_atomically(night.folder(share.name) / "tried.txt", tried)
    night.write_plan(made)
    for target in targets:
        if target.name in stopped.ends:
            end_before_it_began(night, target, *stopped.ends[target.name])


def _left(targets: Sequence[Target], stopped: Held) -> list[Target]:
    """Targets that are part of the night, if only to end. Raises NothingTonight where there are none."""
    left = [target for target in targets if target.name not in stopped.silent]
    if not left:
        end, why = next(iter(stopped.silent.values()))
        raise NothingTonight(end, f"{why}; so it is with every target")
    return left


def _committed_targets(repository: Repository, source: CommitSource, names: tuple[str, ...]) -> list[Target]:
    try:
        return config.load_targets(source, names)
    except NotFound:
        working = WorkingSource(repository)
        for target in config.load_targets(working, names):
            if posixpath.join(target.folder, TARGET_FILE) not in source.modes():
                raise NotFound(
                    f"{target.name} is not committed yet, and a night works on the last commit",
                    next_step=f'git add {target.folder} && git commit -m "Add {target.name}"',
                ) from None
        raise


def _unfit(source: CommitSource, targets: Sequence[Target]) -> dict[str, ConfigError]:
    """Targets that load, and that no night can work on as they are -> why."""
    found: dict[str, ConfigError] = {}
    for target in targets:
        try:
            _check_fit(target, source)
        except ConfigError as error:
            found[target.name] = error
    return found


def _check_fit(target: Target, source: CommitSource) -> None:
    if not proposers.exists(target.proposer):
        what, step = f"the proposer {target.proposer} is not available yet", "proposer: {kind: perturb}"
        if not target.proposer:
            what = f"no proposer for {target.file} is available yet: code needs one that reads it"
            step = "autoresearch check measures the target as it is"
        raise ConfigError(Place(posixpath.join(target.folder, TARGET_FILE), key="proposer"), what, next_step=step)
    brokered.check(target, config.load(source).models)
    proposers.check(target, source)
    for metric, problem in labels.problems(source, target).items():
        raise ConfigError(
            Place(posixpath.join(target.folder, TARGET_FILE), key=f"metrics.{metric}.labels"),
            f"the judge of {metric} cannot be trusted yet: {problem}",
            next_step=f"autoresearch label {target.name} {metric}",
        )


def _within(share: TargetPlan, target: Target, settings: Config, targets: int) -> TargetPlan:
    """A target's share of the night's own budgets: an even part, so that the sum can never exceed them.

    What confirm may take is set aside first.
    """
    if settings.wall_clock is not None:
        part = settings.wall_clock / targets - target.confirm.budget
        if part <= 0:
            raise ConfigError(
                Place(posixpath.join(target.folder, TARGET_FILE), key="confirm.budget"),
                f"confirm may take {target.confirm.budget:g} s, and the night's own wall_clock of "
                f"{settings.wall_clock:g} s leaves {settings.wall_clock / targets:g} s for each of {targets} targets",
                next_step="confirm: {budget: 5m} or less here, or more wall_clock in .github/autoresearch.yml",
            )
        share = replace(share, wall_clock=min(part, share.wall_clock or part))
    caps = [cap for cap in (settings.usd, settings.models.caps.night) if cap is not None]
    # On GitHub each target has a broker of its own, which knows nothing of what the others spend.
    return replace(share, usd=min([share.usd, *(float(cap) / targets for cap in caps)]))


def uncommitted(repository: Repository, targets: Sequence[Target]) -> list[str]:
    """Paths of these targets whose working copy differs from the last commit: a night would not see the change.

    A path may be a folder: then it stands for everything in it.
    """
    committed, working = repository.tree(repository.commit()), WorkingSource(repository)
    there = working.modes()
    wanted = {path for target in targets for path in (*target.locked, target.file)}
    changed = set()
    for path in {*committed, *there}:
        if wanted.isdisjoint((path, *map(str, PurePosixPath(path).parents))):
            continue
        # Blob ids rather than git status, which would start the filters that the repository's configuration names.
        now = repository.blob_id(working.read([path])[path]) if path in there else None
        if path not in committed or committed[path][1] != now:
            changed.add(path)
    return sorted(changed)


def _name(repository: Repository, settings: Config, gates: Gates | None) -> str:
    """Today's date; -2, -3 and so on where today has had its night. gates: those of a workflow name their nights."""
    today = datetime.now(UTC).astimezone().date().isoformat()
    taken = {night.name for night in nights(repository)}
    taken |= {path.name for path in repository.state.glob("[0-9]*")}
    taken |= {path.rpartition("/")[2].partition(".")[0] for path in records.tree(repository)}
    if gates:
        return name_of(gates, settings, taken)
    number = 1
    while (name := today if number == 1 else f"{today}-{number}") in taken:
        number += 1
    return name


def _share(
    target: Target, source: CommitSource, night: Night, wishes: Wishes, forge: Forge, whole: Lock, before: History
) -> TargetPlan:
    budget = target.budget
    seed = wishes.seed
    if seed is None:
        seed = int(hashlib.sha256(f"{source.commit}/{night.name}/{target.name}".encode()).hexdigest()[:8], 16)
    took = before.pasts[target.name].took
    carried_from, carried_blob = _unreviewed(source, target, whole.id, forge)
    repository = source.repository
    return TargetPlan(
        name=target.name,
        folder=target.folder,
        seed=seed,
        lock=whole.id,
        experiments=wishes.experiments or budget.experiments,
        wall_clock=budget.wall_clock if wishes.wall_clock is None else wishes.wall_clock,
        usd=budget.usd,
        plateau=budget.plateau,
        coin=secrets.token_hex(16) if wishes.seed is None else f"seed {seed}",
        carried_from=carried_from,
        carried_blob=carried_blob,
        reserve=reserve.affordable(took, target).says if took is not None else "",
        looks=looks.count(repository, _holdout(source, target, whole), before.looks) if target.sample else 0,
        declined=past.in_words(repository, target.name, whole.id, source.commit, forge),
    )


def _holdout(source: CommitSource, target: Target, whole: Lock) -> str:
    return looks.identity({**whole.files, **prepared.digests(source, target)}, target)


def _unreviewed(source: CommitSource, target: Target, digest: str, forge: Forge) -> tuple[str, str]:
    """The night whose result still waits and still applies, and the blob that it confirmed; two empty texts if none."""
    found = past.waiting(source.repository, target, digest, source.commit, forge)
    return (found.night, found.rows[-1]) if found else ("", "")
