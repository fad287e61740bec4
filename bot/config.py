"""What a repository configures: .github/autoresearch.yml, and the targets that it names."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import configfile, target
from harness.errors import NotFound
from harness.repository import Source
from harness.target import TARGET_FILE, Target, glob_pattern, refuse_overlaps, seconds

CONFIG_FILE = ".github/autoresearch.yml"
DEFAULT_TARGETS = ("targets/experiments/*",)


@dataclass(frozen=True)
class Config:
    """wall_clock in seconds and usd bound the whole night, all targets together; None is no limit."""

    targets: tuple[str, ...] = DEFAULT_TARGETS
    defaults: Mapping[str, Any] = field(default_factory=dict)
    wall_clock: float | None = None
    usd: float | None = None


def load(source: Source) -> Config:
    """The repository's configuration; all defaults where it has none. Raises ConfigError(s)."""
    if CONFIG_FILE not in source.modes():
        return Config()
    data = configfile.read(source.read([CONFIG_FILE])[CONFIG_FILE], CONFIG_FILE, "autoresearch").data or {}
    budget = data.get("budget", {})
    return Config(
        targets=tuple(data.get("targets", DEFAULT_TARGETS)),
        defaults=data.get("defaults", {}),
        wall_clock=seconds(budget["wall_clock"]) if "wall_clock" in budget else None,
        usd=budget.get("usd"),
    )


def target_folders(source: Source, config: Config) -> list[str]:
    """Every folder that holds a target.yaml and that a glob names."""
    patterns = [glob_pattern(posixpath.normpath(pattern.lstrip("/"))) for pattern in config.targets]
    folders = [posixpath.dirname(path) for path in source.modes() if posixpath.basename(path) == TARGET_FILE]
    return sorted(folder for folder in folders if any(p.fullmatch(folder or ".") for p in patterns))


def load_targets(source: Source, names: Sequence[str] = ()) -> list[Target]:
    """The targets of these names, or all, in name order. Raises ConfigError(s), NotFound."""
    config = load(source)
    folders = target_folders(source, config)
    if not folders:
        raise NotFound(
            f"no {TARGET_FILE} matches {', '.join(config.targets)} in {source.label}",
            next_step="autoresearch new NAME makes a first target; commit it before the first night",
        )
    found = sorted((target.load(source, folder, config.defaults) for folder in folders), key=lambda t: t.name)
    refuse_overlaps(found)
    return _select(found, names)


def _select(found: list[Target], names: Sequence[str]) -> list[Target]:
    known = {candidate.name: candidate for candidate in found}
    for name in names:
        if name not in known:
            hint = configfile.nearest(name, known) or f"; there are: {', '.join(known)}"
            raise NotFound(f'no target is called "{name}"{hint}')
    return [known[name] for name in names] if names else found
