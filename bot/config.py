"""What a repository configures: .github/autoresearch.yml, and the targets that it names."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.models import settings as models
from bot.models.settings import Settings
from harness import configfile, targetfile
from harness.complaints import nearest, show
from harness.configfile import ConfigFile, Faults
from harness.errors import ConfigError, NotFound
from harness.repository import CommitSource, Source
from harness.target import TARGET_FILE, Target, glob_pattern, seconds
from harness.targetfile.overlaps import overlaps

CONFIG_FILE = ".github/autoresearch.yml"
DEFAULT_TARGETS = ("targets/experiments/*",)
MOST_TOLD = 50
_CRON = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))


@dataclass(frozen=True)
class Schedule:
    """When scheduled nights begin, and the time zone of their dates."""

    cron: str = "17 2 * * *"
    timezone: str = "UTC"

    @property
    def zone(self) -> tzinfo:
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)


@dataclass(frozen=True)
class PullRequests:
    """How pull requests are opened. unreviewed: supersede or refresh; labels: besides the bot's own; base: the branch
    to merge into, "" is the default branch."""

    max_open: int = 3
    unreviewed: str = "supersede"
    draft: bool = False
    labels: tuple[str, ...] = ()
    base: str = ""


@dataclass(frozen=True)
class Config:
    """wall_clock in seconds, usd and actions_minutes bound the whole night, all targets together; None is no limit.
    sleep_after: nights without a confirmed change after which a target is left out; models: where they are asked."""

    targets: tuple[str, ...] = DEFAULT_TARGETS
    defaults: ConfigFile | None = None
    wall_clock: float | None = None
    usd: float | None = None
    actions_minutes: int | None = None
    schedule: Schedule = Schedule()
    pull_request: PullRequests = PullRequests()
    sleep_after: int = 5
    models: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Declared:
    """targets: those that load, in name order; wrong: folder of each other one -> its faults; idle: faults of what the
    configuration names; faults: all of them."""

    targets: list[Target]
    wrong: Mapping[str, Sequence[ConfigError]]
    idle: Sequence[ConfigError]
    faults: Faults

    @property
    def broken(self) -> dict[str, str]:
        """Each target that does not load, by the name of its folder -> the first fault in words."""
        return {posixpath.basename(folder) or folder: _first(found) for folder, found in sorted(self.wrong.items())}


def _first(found: Sequence[ConfigError]) -> str:
    more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0].what}{more}"


def load(source: Source) -> Config:
    """The repository's configuration; all defaults where it has none. Raises ConfigError(s)."""
    if CONFIG_FILE not in source.modes():
        return Config()
    config = configfile.load(source, CONFIG_FILE, "autoresearch")
    data = config.data or {}
    budget = data.get("budget", {})
    return Config(
        targets=tuple(data.get("targets", DEFAULT_TARGETS)),
        defaults=config,
        wall_clock=seconds(budget["wall_clock"]) if "wall_clock" in budget else None,
        usd=budget.get("usd"),
        actions_minutes=budget.get("actions_minutes"),
        schedule=_schedule(config, data.get("schedule", {})),
        pull_request=_pull_requests(data.get("pull_request", {})),
        sleep_after=data.get("sleep_after", Config.sleep_after),
        models=models.read(config, source),
    )


def _schedule(config: ConfigFile, entry: Mapping[str, Any]) -> Schedule:
    found = Schedule(**entry)
    try:
        _ = found.zone
    except (ZoneInfoNotFoundError, ValueError):
        known = available_timezones()
        what = f"no time zone is called {show(found.timezone)}"
        if not known:
            what = f"this machine has no time zones, so {show(found.timezone)} cannot be found"
        step = "UTC, or a name such as Europe/Berlin" if known else "install the package tzdata, or say UTC"
        complaint = f"{what}{nearest(found.timezone, sorted(known))}"
        raise config.error("/schedule/timezone", complaint, next_step=step) from None
    _check_cron(config, found.cron)
    return found


def _check_cron(config: ConfigFile, cron: str) -> None:
    """GitHub takes a workflow with an hour 25 out of service, and says so where nobody looks."""
    for part, (name, low, high) in zip(cron.split(), _CRON, strict=True):
        for number in re.findall(r"(?<![/\d])\d+", part):
            if not low <= int(number) <= high:
                step = f"{show(Schedule.cron)} is every night at 2:17"
                what = f"the {name} {number} is not in {low} to {high}"
                raise config.error("/schedule/cron", what, next_step=step)


def _pull_requests(entry: Mapping[str, Any]) -> PullRequests:
    return PullRequests(**{**entry, "labels": tuple(entry.get("labels", ()))})


def target_folders(source: Source, config: Config) -> list[str]:
    """Every folder that holds a target.yaml and that a glob names."""
    patterns = [_pattern(glob) for glob in config.targets]
    return [folder for folder in _folders(source) if any(p.fullmatch(folder or ".") for p in patterns)]


def load_targets(source: Source, names: Sequence[str] = ()) -> list[Target]:
    """The targets of these names, or all, in name order; what is wrong with others than these stands in nobody's way.
    Raises ConfigError(s), NotFound."""
    found = declared(source)
    if not names or not {one.name for one in found.targets}.issuperset(names):
        found.faults.tell()
    return _select(found.targets, names)


def load_sound(source: Source) -> Declared:
    """All targets that load, and why the others do not: one mistake does not stop what is done for all of them.
    Raises ConfigError(s) where none loads, or the configuration itself is wrong; NotFound."""
    found = declared(source)
    if found.idle or not found.targets:
        found.faults.tell()
    return found


def declared(source: Source) -> Declared:
    """Every target that the configuration names. Raises ConfigError(s) of the configuration, NotFound."""
    return _declared_by(source) if isinstance(source, CommitSource) else _declared(source)


@functools.lru_cache(maxsize=2)
def _declared_by(source: CommitSource) -> Declared:
    """A commit declares the same whenever it is asked, and many targets take seconds to load."""
    return _declared(source)


def _declared(source: Source) -> Declared:
    config = load(source)
    folders = target_folders(source, config)
    if not folders:
        raise _no_targets(source, config)
    faults = Faults(most=MOST_TOLD)
    idle = tuple(_idle_globs(source, config))
    faults.found += idle
    found, wrong = list[Target](), dict[str, list[ConfigError]]()
    for folder in folders:
        before = len(faults.found)
        with faults.part():
            found.append(targetfile.load(source, folder, config.defaults))
        if len(faults.found) > before:
            wrong[folder] = faults.found[before:]
    found.sort(key=lambda one: one.name)
    for one, other, error in overlaps(found):
        faults.found.append(error)
        for folder in (one.folder, other.folder):
            wrong.setdefault(folder, []).append(error)
    return Declared([one for one in found if one.folder not in wrong], wrong, idle, faults)


def _folders(source: Source) -> list[str]:
    return sorted(posixpath.dirname(path) for path in source.modes() if posixpath.basename(path) == TARGET_FILE)


def _pattern(glob: str) -> re.Pattern[str]:
    return glob_pattern(posixpath.normpath(glob.lstrip("/")))


def _idle_globs(source: Source, config: Config) -> Iterator[ConfigError]:
    """Globs that find no target beside others that do: a target that the night would leave out in silence."""
    if not config.defaults or config.targets == DEFAULT_TARGETS:
        return
    folders = _folders(source)
    for index, glob in enumerate(config.targets):
        if not any(_pattern(glob).fullmatch(folder or ".") for folder in folders):
            what = f"{show(glob)} matches no folder with a {TARGET_FILE} in {source.label}"
            yield config.defaults.error(f"/targets/{index}", f"{what}{nearest(glob, folders)}")


def _no_targets(source: Source, config: Config) -> NotFound:
    elsewhere = [folder or "." for folder in _folders(source)]
    step = "autoresearch new NAME makes a first target; commit it before the first night"
    if elsewhere:
        step = f"there is one in {', '.join(elsewhere[:3])}: name that folder under targets in {CONFIG_FILE}"
    return NotFound(f"no {TARGET_FILE} matches {', '.join(config.targets)} in {source.label}", next_step=step)


def _select(found: list[Target], names: Sequence[str]) -> list[Target]:
    known = [candidate.name for candidate in found]
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f"; there are: {', '.join(known)}"
            raise NotFound(f"no target is called {show(name)}{hint}")
    return [candidate for candidate in found if not names or candidate.name in names]
