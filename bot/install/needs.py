"""What the targets of a repository ask of a runner: which extras of the bot, a sandbox, how many minutes."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.config import Config
from bot.proposers.wants import Want, all_wants, judges, wants
from bot.setup import SECONDS as SETUP_SECONDS
from harness.repository import Source
from harness.target import Target

HOSTED_JOB = 350  # minutes: GitHub ends a hosted job after 360
OWN_JOB = 7_000  # GitHub ends a job on a machine of one's own after five days
NO_LIMIT = 24 * 60  # minutes of a target on such a machine that names no wall_clock
STARTING = 10  # the checkout, the bot, the hand-over
MARGIN = 15  # what a loop or confirm does before and after what its own budget counts
SETUP = math.ceil(SETUP_SECONDS / 60) + 5

GPT = "gpt"  # gigabytes: installed by the jobs of the targets that need it, by no other unless `--extra gpt` is named
_EXTRAS = {  # what an evaluator or a setup imports -> the extra that brings it
    "harness.scorers.gpt": GPT,
    "harness.scorers.retrieval": "retrieval",
    "harness.scorers.saas": "saas",
    "duckdb": "saas",
    "pyarrow": "saas",
    "harness.browser": "browser",
    "playwright": "browser",
    "psycopg": "postgres",
    "dask": "dask",
    "distributed": "dask",
}


@dataclass(frozen=True)
class Minutes:
    """Of the steps that measure, and of the jobs around them."""

    run: int
    confirm: int
    run_job: int
    confirm_job: int


@dataclass(frozen=True)
class Needs:
    """hosted, self_hosted: targets by whose machine runs them. extras: of the bot, in every job. gpt: targets whose
    jobs need the extra gpt beside them. isolated: whether any candidate is code. night: seconds that a whole night
    may take, None for no limit. keys: variable of a model's key -> targets that ask by it; judging: those whose
    evaluator does. notes: what does not fit."""

    hosted: tuple[Target, ...]
    self_hosted: tuple[Target, ...]
    extras: tuple[str, ...]
    gpt: tuple[Target, ...]
    night: float | None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judging: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.hosted + self.self_hosted

    @property
    def isolated(self) -> bool:
        return any(target.isolated for target in self.targets)

    @property
    def notes(self) -> tuple[str, ...]:
        most = HOSTED_JOB - STARTING - MARGIN
        return tuple(
            f"{target.name}: wall_clock {target.budget.wall_clock / 60:g} minutes is more than a job on GitHub's own "
            f"machines lasts; its run is ended after {most} or less, and what it found is confirmed"
            for target in self.hosted
            if target.budget.wall_clock and target.budget.wall_clock / 60 > most
        )

    def minutes(self, targets: Collection[Target]) -> Minutes:
        """The most that any of these targets may take."""
        own = all(target.self_hosted for target in targets)
        around = STARTING + (SETUP if any(target.evaluate.setup for target in targets) else 0)
        most = (OWN_JOB if own else HOSTED_JOB) - around
        run = min(most, max(self._loop(target) for target in targets) + MARGIN)
        confirm = min(most, max(math.ceil(target.confirm.budget / 60) for target in targets) + MARGIN)
        return Minutes(run, confirm, run + around, confirm + around)

    def _loop(self, target: Target) -> int:
        limits = [limit for limit in (target.budget.wall_clock, self.night) if limit is not None]
        return math.ceil(min(limits) / 60) if limits else NO_LIMIT


def of(source: Source, targets: Sequence[Target], config: Config, extra: Collection[str] = ()) -> Needs:
    """extra: what every job is to have whatever the targets need."""
    own = tuple(target for target in targets if target.self_hosted)
    hosted = tuple(target for target in targets if not target.self_hosted)
    everywhere = {each for target in targets for each in _extras(source, target)} - {GPT} | {"github", *extra}
    return Needs(
        hosted,
        own,
        tuple(sorted(everywhere)),
        () if GPT in everywhere else tuple(target for target in targets if needs_gpt(source, target)),
        config.wall_clock,
        _keys(targets, config, all_wants),
        _keys(targets, config, judges),
    )


def needs_gpt(source: Source, target: Target) -> bool:
    return GPT in _extras(source, target)


def _keys(
    targets: Sequence[Target], config: Config, of: Callable[[Target], tuple[Want, ...]]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for target in targets:
        for want in of(target):
            provider = config.models.providers.get(want.provider)
            if provider and provider.key:
                found.setdefault(provider.key, set()).add(target.name)
    return {variable: tuple(sorted(found[variable])) for variable in sorted(found)}


def _extras(source: Source, target: Target) -> Iterator[str]:
    if _optimises(target):
        yield "search"
    if wants(target):
        yield "mind"
    if all_wants(target):
        yield "models"
    for module in _imports(source, [path for path in target.locked if path.endswith(".py")]):
        for name, extra in _EXTRAS.items():
            if module == name or module.startswith(f"{name}."):
                yield extra


def _optimises(target: Target) -> bool:
    """Whether it proposes by the optimiser of `search`, as `tune` does where no catalogue says what to choose from."""
    arms = [(arm["kind"], arm.get("catalogue")) for arm in target.options.get("arms", ())]
    asked = [(target.proposer, target.catalogue), *arms]
    return any(kind == "search" or (kind == "tune" and not catalogue) for kind, catalogue in asked)


def _imports(source: Source, paths: Collection[str]) -> Iterator[str]:
    """Every module that these files import, anywhere in them; `from a import b` is a and a.b."""
    for content in source.read(paths).values():
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # `check` says so; no workflow depends on it
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
