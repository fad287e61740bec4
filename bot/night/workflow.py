"""What a night is in a workflow: who may start it, what its jobs are, and what became of those that left nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bot import actions, config
from bot.forge import Forge
from bot.forge.choice import chosen
from bot.forge.patience import ForgeError
from bot.night.folder import Night
from bot.night.gates import AROUND, Gates, NothingTonight, end_before_it_began, minutes_of_jobs
from bot.night.handed.handing import NOTHING
from bot.pages.facts import Minutes
from bot.pages.wording.text import code, count
from harness import folds
from harness.errors import RepositoryError
from harness.handover.shapes import GATED
from harness.repository import CommitSource, Repository
from harness.target import Target


def gates(repository: Repository, forge_name: str, runner: str, *, once: bool) -> tuple[Forge, Gates | None]:
    """The forge, and what may keep the night from beginning; nothing may where a human plans on a machine of theirs."""
    forge = chosen(forge_name, repository, repository.state)
    if forge_name == "local":
        return forge, Gates(forge, once, runner) if once or runner else None
    from bot.forge.github.forge import GitHubForge
    from bot.forge.github.runs import Runs

    if not isinstance(forge, GitHubForge):
        return forge, Gates(forge, once, runner)
    _check_base(repository, forge)
    runs = Runs(forge.client)
    if runner == "self-hosted":
        runs.cancel_waiting()
    return forge, Gates(forge, once, runner, runs.since)


def _check_base(repository: Repository, forge: Forge) -> None:
    """A pull request holds every commit that its base has not: none but the night's own. Raises RepositoryError."""
    here, base = repository.commit(), forge.base(repository)
    if base and repository.git("rev-list", "--count", here, f"^{base}").strip() != b"0":
        raise RepositoryError(
            f"{here[:12]} is not on the branch that merges go onto, which is at {base[:12]}",
            why="the workflow was started on another branch, or pull_request.base is not the default branch",
            next_step="start it on the branch that merges go onto: gh workflow run nightly.yml --ref BRANCH",
        )


def minutes(night: Night, targets: Sequence[Target], forge: Forge) -> Minutes | None:
    """Of this run, on machines that GitHub lends; the reserve is what its jobs may take at most.

    None elsewhere, and where the token may not ask: no night fails for it.
    """
    from bot.forge.github.forge import GitHubForge
    from bot.forge.github.runs import Runs

    if not (actions.running() and isinstance(forge, GitHubForge)):
        return None
    try:
        used = Runs(forge.client).lent()
    except ForgeError:
        return None
    source = CommitSource(night.repository, night.plan.base)
    begun = [t for t in targets if not t.self_hosted and folds.run_end(night.segments(t.name)) not in GATED]
    reserved = minutes_of_jobs(source, config.load(source), begun) * len(begun) if begun else 0
    return None if used is None else Minutes(used, AROUND + reserved)


def tell(night: Night, left_out: Sequence[str] = ()) -> None:
    """The step's outputs and the job's summary: the night, and the targets that have anything to run. left_out: lines
    on targets that are no part of it."""
    source = CommitSource(night.repository, night.plan.base)
    targets = config.load_targets(source, [t.name for t in night.plan.targets])
    ended = {target.name: found[-1].events[-1] for target in targets if (found := night.segments(target.name))}
    jobs = [
        {"target": target.name, "runner": target.runner[0] if len(target.runner) == 1 else list(target.runner)}
        for target in targets
        if target.name not in ended
    ]
    actions.output({"night": night.name, "matrix": json.dumps(jobs)})
    lines = [f"**Night {code(night.name)}**: {count(len(jobs), 'target')} to run."]
    lines += [f"- {code(name)}: {end['end']}: {code(end['why'], 300)}" for name, end in ended.items()]
    lines += [
        f"- {code(name)}: does not load: {code(why, 300)}" for name, why in config.declared(source).broken.items()
    ]
    lines += [f"- left out: {code(line, 300)}" for line in left_out]
    actions.summary("\n".join(lines))


def tell_nothing(nothing: NothingTonight) -> None:
    """The same where there is no night."""
    actions.output({"night": "", "matrix": "[]"})
    actions.summary(f"**No night**: {nothing.reason}: {code(nothing.why, 300)}")


def end_absent(night: Night, targets: Sequence[Target], silent: Mapping[str, str]) -> None:
    """Ends the targets of machines of one's own that never took their job."""
    for target in targets:
        if target.self_hosted and silent.get(target.name) == NOTHING:
            end_before_it_began(night, target, "runner-absent", f"no machine took its job, or {NOTHING}")


__all__ = ["end_absent", "gates", "minutes", "tell", "tell_nothing"]
