"""What keeps a night, or a target of it, from beginning: asked before anything is spent.

A scheduled night asks whether it was had already. Then each target may end before it begins: `reviewers-behind`,
`paused`, `sleeping`, `minutes`, `config`. Such an end is a segment of the target like any other, with nothing between
header and seal. A state that lasts is recorded when it begins; the nights after it leave the target out and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from bot.config import Config
from bot.forge import Forge
from bot.install import needs
from bot.night.earlier.history import Past, Recorded
from bot.night.earlier.past import taken_over, touched
from bot.night.folder import Night
from bot.night.header import header_fields
from bot.pages.wording.text import count
from bot.promote import chain
from harness import lock
from harness.handover.shapes import GATED
from harness.repository import CommitSource, Repository
from harness.target import Target

AROUND = 50  # minutes that the jobs which plan and propose may take
MOST_JOBS = 256  # of a matrix, on GitHub
HALF_A_DAY = timedelta(hours=12)
_UNTRIED = GATED | {"infra", "integrity", "interrupt"}  # of a loop that says nothing about its target
_LASTING = frozenset({"sleeping", "paused", "reviewers-behind", "config"})


class NothingTonight(Exception):  # no error: there is just nothing to do
    """No night is planned. reason: one typed word; why in words."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(f"{reason}: {why}")
        self.reason, self.why = reason, why


@dataclass(frozen=True)
class WorkflowRun:
    """An earlier run of this workflow. minutes: of its jobs so far; measured: whether any job went beyond planning."""

    id: str
    minutes: int
    measured: bool


@dataclass(frozen=True)
class Gates:
    """Who asks for a night. once: the schedule does, which may tick late, twice or never; runner: hosted, self-hosted
    or "" for all targets; runs: the runs of this workflow since a moment."""

    forge: Forge
    once: bool = False
    runner: str = ""
    runs: Callable[[datetime], Sequence[WorkflowRun]] = lambda _since: ()
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


def evening(settings: Config, now: datetime) -> date:
    """The date of a night: that of the evening it belongs to, by the schedule's own clock."""
    return (now.astimezone(settings.schedule.zone).replace(tzinfo=None) - turn(settings)).date()


def turn(settings: Config) -> timedelta:
    """When one evening ends and the next begins, after midnight: half a day from the schedule's tick, which may then
    come hours late. Where it ticks at more than one hour: noon."""
    minute, hour = settings.schedule.cron.split()[:2]
    if not hour.isdecimal():
        return HALF_A_DAY
    ticks = timedelta(hours=int(hour), minutes=int(minute) if minute.isdecimal() else 0)
    return (ticks + HALF_A_DAY) % (2 * HALF_A_DAY)


def name(gates: Gates, settings: Config, taken: Collection[str]) -> str:
    """Of the night to plan. The plain date belongs to the schedule, which a night between must not use up.

    Raises NothingTonight where the scheduled night was had already.
    """
    day = evening(settings, gates.now()).isoformat() + ("-gpu" if gates.runner == "self-hosted" else "")
    if gates.once:
        if day in taken:
            raise NothingTonight("already-done", f"the night {day} is recorded or planned already")
        return day
    number = 2
    while f"{day}-{number}" in taken:
        number += 1
    return f"{day}-{number}"


def of_runner(gates: Gates, targets: Sequence[Target]) -> list[Target]:
    """The targets that this workflow runs. Raises NothingTonight where there are none."""
    wanted = [one for one in targets if not gates.runner or one.self_hosted == (gates.runner == "self-hosted")]
    if not wanted:
        raise NothingTonight(
            "no-target", f"no target runs on a {gates.runner} runner: `runner` in target.yaml says where"
        )
    return wanted


@dataclass(frozen=True)
class Held:
    """Targets that end before they begin -> (end, why), and those that are left out since an earlier night said so."""

    ends: Mapping[str, tuple[str, str]]
    silent: Mapping[str, tuple[str, str]]


def held(
    gates: Gates, source: CommitSource, settings: Config, targets: Sequence[Target], locks: Mapping[str, str],
    pasts: Mapping[str, Past], unfit: Mapping[str, str], *, named: bool,
) -> Held:  # fmt: skip
    """What stands against each target. unfit: those that no night can work on -> why; named: a human asked for these,
    so that none of them sleeps."""
    found: dict[str, tuple[str, str]] = {}
    if not named:
        asleep = _asleep(source, settings, targets, locks, pasts)
        found = {name: ("sleeping", why) for name, why in asleep.items()}
    found |= theirs(source, locks, gates.forge)
    found |= {name: ("config", why) for name, why in unfit.items()}
    awake = [target for target in targets if target.name not in found]
    short = _minutes(gates, source, settings, awake, pasts)
    tonight = [target for target in awake if target.name not in short]
    waiting = _too_many(tonight, pasts)
    if behind := _reviewers_behind(gates.forge, source, settings, tonight, locks):
        short = {target.name: ("reviewers-behind", behind) for target in awake}
    found |= short
    silent = {name: end for name, end in found.items() if _said(pasts[name], end[0])}
    silent |= {name: ("waiting", why) for name, why in waiting.items() if name not in found}
    return Held({name: end for name, end in found.items() if name not in silent}, silent)


def theirs(source: CommitSource, locks: Mapping[str, str], forge: Forge) -> dict[str, tuple[str, str]]:
    """Targets, of these, that wait for a human wherever the night runs, and though one names them."""
    found = {}
    for name, lock_id in locks.items():
        if one := touched(source.repository, name, lock_id, source.commit, forge):
            why = f"{forge.name(one)} is in a human's hands, and the target waits until that is decided"
            found[name] = ("reviewers-behind", why)
    return found | paused(source.repository, locks)


def paused(repository: Repository, locks: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Targets whose merges kept too little of what was claimed; naming one does not wake it, `promote resume` does."""
    return {name: ("paused", why) for name, why in chain.paused(repository, locks).items()}


def end_before_it_began(night: Night, target: Target, end: str, why: str) -> None:
    """Records that a target's night ended for a reason that no loop was needed to find."""
    fields = header_fields(night, target, night.target_plan(target.name), lock.harness_hash())
    night.begin(target.name, "run", [], fields).seal(end, why=why)


def _reviewers_behind(
    forge: Forge, source: CommitSource, settings: Config, targets: Sequence[Target], locks: Mapping[str, str]
) -> str:
    """Why a night of these targets asks too much of the reviewers, or nothing. What it takes over waits no more."""
    most = settings.pull_request.max_open
    waiting = forge.open_branches()
    if len(waiting) >= most:
        waiting -= taken_over(source.repository, targets, locks, source.commit, forge)
    if len(waiting) < most:
        return ""
    told = count(len(waiting), "pull request waits", "pull requests wait")
    return f"{told} for a review, and max_open is {most}"


def _too_many(targets: Sequence[Target], pasts: Mapping[str, Past]) -> dict[str, str]:
    """Targets that wait for another night: those that ran last, by name where that says nothing."""

    def ran(target: Target) -> tuple[str, str]:
        begun = [night.night for night in pasts[target.name].nights.values() if night.ends.get("run") not in GATED]
        return max(begun, default=""), target.name

    why = f"{len(targets)} targets are due, a workflow has at most {MOST_JOBS} jobs of a kind, and who ran last waits"
    return {target.name: why for target in sorted(targets, key=ran)[MOST_JOBS:]}


def _said(past: Past, end: str) -> bool:
    """Whether the target's last night ended so, too."""
    last = next(reversed(past.nights.values()), None)
    return end in _LASTING and last is not None and last.ends.get("run") == end


def _asleep(
    source: CommitSource, settings: Config, targets: Sequence[Target], locks: Mapping[str, str],
    pasts: Mapping[str, Past],
) -> dict[str, str]:  # fmt: skip
    """Targets whose last nights found nothing, while neither file, program nor what computes the score changed."""
    due: dict[str, list[Recorded]] = {}
    for target in targets:
        nights = _in_vain(pasts[target.name], locks[target.name], settings.sleep_after)
        if len(nights) == settings.sleep_after:
            due[target.name] = nights
    asked = {t.name: [*dict.fromkeys(n.base for n in due[t.name]), source.commit] for t in targets if t.name in due}
    states = _states(source.repository, [t for t in targets if t.name in due], asked)
    return {
        name: f"{settings.sleep_after} nights without a confirmed change, and nothing of it has changed since"
        for name, found in states.items()
        if len(found) == 1 and None not in found
    }


def _in_vain(past: Past, digest: str, most: int) -> list[Recorded]:
    """The last nights of a target under this lock, as long as they tried and nothing was confirmed."""
    found: list[Recorded] = []
    for night in reversed(past.nights.values()):
        end = night.ends.get("run")
        if end is None or end in _UNTRIED or night.ends.get("confirm") in {"infra", "integrity"}:
            continue
        if night.lock != digest or night.ends.get("confirm") == "confirmed" or len(found) == most:
            break
        found.append(night)
    return found


def _states(
    repository: Repository, targets: Sequence[Target], commits: Mapping[str, Sequence[str]]
) -> dict[str, set[tuple[str, ...] | None]]:
    """Of each target the states that its file and program had in these commits; None for a commit that is not here."""
    asked = [(t.name, f"{c}:{path}") for t in targets for c in commits[t.name] for path in (t.file, t.program) if path]
    lines = "".join(f"{spoken}\n" for _, spoken in asked).encode()
    answers = (
        repository.git("cat-file", "--batch-check=%(objectname)", stdin=lines).decode().splitlines() if asked else []
    )
    known = dict(zip(asked, answers, strict=True))
    found: dict[str, set[tuple[str, ...] | None]] = {}
    for target in targets:
        for commit in commits[target.name]:
            blobs = tuple(known[target.name, f"{commit}:{path}"] for path in (target.file, target.program) if path)
            missing = any(blob.endswith("missing") for blob in blobs)
            found.setdefault(target.name, set()).add(None if missing else blobs)
    return found


def _minutes(
    gates: Gates, source: CommitSource, settings: Config, targets: Sequence[Target], pasts: Mapping[str, Past]
) -> dict[str, tuple[str, str]]:
    """Targets for whose jobs too few minutes are left, in name order. The time limits of all jobs are reserved."""
    most = settings.actions_minutes
    if most is None or gates.runner == "self-hosted" or not targets:
        return {}
    spent = _spent(gates, settings, pasts)
    left = most - spent - AROUND
    each = minutes_of_jobs(source, settings, targets)
    ends = {}
    for number, target in enumerate(targets):
        if each * (number + 1) > left:
            why = f"its jobs may take {each} minutes; {AROUND} are set aside for planning and proposing"
            why += f", {spent} were spent tonight" if spent else ""
            ends[target.name] = ("minutes", f"{why}, and actions_minutes is {most}; a shorter wall_clock reserves less")
    return ends


def minutes_of_jobs(source: CommitSource, settings: Config, targets: Sequence[Target]) -> int:
    """What the jobs of any one of these targets may take at most."""
    limits = needs.of(source, targets, settings).minutes(targets)
    return limits.run_job + limits.confirm_job


def _spent(gates: Gates, settings: Config, pasts: Mapping[str, Past]) -> int:
    """Minutes of tonight's earlier runs, which the forge knows, whatever became of them.

    One that measured and left no record counts as if it had spent all that it could.
    """
    zone = settings.schedule.zone
    began = (datetime.combine(evening(settings, gates.now()), time(0)) + turn(settings)).replace(tzinfo=zone)
    recorded = {night.run for past in pasts.values() for night in past.nights.values()}
    whole = settings.actions_minutes or 0
    runs = gates.runs(began.astimezone(UTC))
    return sum(whole if run.measured and run.id not in recorded else run.minutes for run in runs)


__all__ = ["Gates", "Held", "NothingTonight", "WorkflowRun", "end_before_it_began", "evening", "held", "name"]
