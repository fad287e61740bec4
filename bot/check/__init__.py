"""`autoresearch check`: would a night on this target work, how long would it take, and how far to trust its number?

Reads the working tree and writes nothing into the repository.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from bot import config, proposers
from bot.check import baseline, judging, scoring, tools, trust
from bot.check.baseline import Baseline, Bench
from bot.check.report import CheckReport
from bot.new import SCHEMAS
from bot.night import brokered, preflight
from bot.night.plan import uncommitted
from bot.promote import chain
from harness import lock
from harness.documents import leaves, load_bytes
from harness.errors import InvalidCandidate, SandboxError
from harness.repository import Repository, WorkingSource
from harness.target import Target


def check(
    repository: Repository, names: Sequence[str], keys: Collection[str] | None = None, broker: Path | None = None
) -> list[CheckReport]:  # fmt: skip
    """A report per target of these names, or of all. keys: variables that hold the key of a model; None: nobody looked.
    broker: the socket of one that evaluators may ask. Raises ConfigError(s), NotFound."""
    source = WorkingSource(repository)
    settings = config.load(source)
    targets = config.load_targets(source, names)
    with baseline.folder() as folder:
        places = {target.name: Path(folder, target.name) for target in targets}
        return [_check(repository, source, one, places[one.name], settings, keys, broker) for one in targets]


def _check(
    repository: Repository, source: WorkingSource, target: Target, folder: Path, settings: config.Config,
    keys: Collection[str] | None, broker: Path | None,
) -> CheckReport:  # fmt: skip
    brokered.check(target, settings.models)
    proposers.check(target, source)
    sandbox, card = _sandbox(target), preflight.look(target, source)
    measured, held_out = Baseline({}), None
    lacking = brokered.keyless([target], settings.models, keys) if keys is not None else {}
    missing = tuple(lacking.get(target.name, ()))
    teller = judging.teller(target, folder, None if missing else broker)
    if target.evaluate.model and not teller:
        measured = judging.unasked(target, missing)
    elif not (sandbox and target.isolated) and not any(line.problem for line in card):
        bench = Bench(repository, target, folder, teller)
        measured = bench.baseline()
        if target.sample and not measured.problem:
            held_out = bench.holdout()
    if teller and not measured.problem:
        measured = replace(measured, problem=judging.unpaid(target, teller))
    failed = [why for why in (measured.problem, held_out.problem if held_out else "") if why]
    whole = lock.compute(source.read(target.locked))
    values, free, combinations = _space(target, source.read([target.file])[target.file])
    return CheckReport(
        target=target,
        baseline=measured,
        holdout=held_out,
        lock=whole,
        values=values,
        free=free,
        combinations=combinations,
        trust=tuple(trust.judge(source, target)),
        scoring=scoring.look(source, target, folder / "accounts", measured.metrics, failed),
        uncommitted=tuple(_uncommitted(repository, target)),
        sandbox=sandbox,
        night_seconds=settings.wall_clock,
        paused=chain.paused(repository, {target.name: whole.id}).get(target.name, ""),
        tools=tools.missing(target),
        card=card,
        models=brokered.says(target, settings.models, target.budget.usd),
        keyless=missing,
        judging=judging.told(target, teller, measured) if teller else (),
    )


def _sandbox(target: Target) -> str:
    """Why the sandbox that a target or its proposer's tool needs does not work here, with the cure; nothing if it does
    or none is needed."""
    if not target.isolated and not tools.names(target):
        return ""
    from harness.sandbox.selftest import self_test

    try:
        self_test()
    except SandboxError as error:
        return str(error)
    return ""


def _space(target: Target, content: bytes) -> tuple[int, int, float]:
    """How many values the file holds, how many may change, and in how many ways; all 0 without a space."""
    if not target.space:
        return 0, 0, 0
    try:
        data = load_bytes(content, target.file)
    except InvalidCandidate:
        return 0, 0, 0
    free = target.space.free(data)
    sizes = [allowed.size() for allowed in free.values()]
    ways = math.inf if math.inf in sizes else math.prod(sizes)  # beyond every float, where all are whole
    return sum(1 for _ in leaves(data)), len(free), ways


def _uncommitted(repository: Repository, target: Target) -> list[str]:
    """Everything of the target that a night would not see as it is now, its folder and the configuration included."""
    whole = [path for path in (target.folder, target.program, config.CONFIG_FILE, SCHEMAS) if path]
    return uncommitted(repository, [replace(target, locked=(*target.locked, *whole))])
