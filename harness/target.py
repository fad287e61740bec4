"""A target as its target.yaml declares it, with every path resolved and every promise checked."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import configfile, space
from harness.decide import Rule
from harness.documents import is_data
from harness.errors import ConfigError, NotFound, Place
from harness.repository import Source

TARGET_FILE = "target.yaml"
LLM_JUDGE_MOST = 0.3
LLM_JUDGE_SAMPLES = 20
LLM_JUDGE_AGREEMENT = 0.8


@dataclass(frozen=True)
class Evaluate:
    """How the evaluator is started. form: process or serve; timeout in seconds per measurement or batch."""

    form: str
    argv: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class Confirm:
    """budget in seconds; groups: rows at most; unit: leaf or hunk."""

    budget: float
    groups: int
    unit: str


@dataclass(frozen=True)
class Budget:
    """What ends the loop. Seconds, US dollars, experiments; None is no limit."""

    experiments: int
    wall_clock: float | None
    usd: float
    plateau: int | None


@dataclass(frozen=True)
class Target:
    """Paths are from the repository's root, with /. locked holds hidden files too."""

    name: str
    folder: str
    file: str
    program: str | None
    space: space.Space
    evaluate: Evaluate
    locked: tuple[str, ...]
    hidden: tuple[str, ...]
    signal: str
    rule: Rule
    sample: bool
    confirm: Confirm
    proposer: str
    budget: Budget
    isolated: bool
    owner: str | None

    @property
    def is_data(self) -> bool:
        return is_data(self.file)


def load(source: Source, folder: str, defaults: Mapping[str, Any] | None = None) -> Target:
    """The target in a folder of `source`. Raises ConfigError(s), NotFound."""
    where = posixpath.join(folder, TARGET_FILE) if folder else TARGET_FILE
    modes = source.modes()
    if where not in modes:
        raise NotFound(f"{where} is not in {source.label}", next_step="autoresearch new NAME writes one")
    config = configfile.read(source.read([where])[where], where, "target")
    from harness import targetfile

    return targetfile.build(source, folder, config, defaults or {})


def refuse_overlaps(targets: Sequence[Target]) -> None:
    """Two targets may not share a name or a file, nor may one's file be what another locks."""
    for index, one in enumerate(targets):
        for other in targets[index + 1 :]:
            place = Place(posixpath.join(other.folder, TARGET_FILE), key="file")
            if one.name == other.name:
                raise ConfigError(Place(place.file, key="name"), f'"{one.name}" is also the name of {one.folder}')
            if one.file == other.file:
                raise ConfigError(place, f"{one.file} is also the file of {one.name}", next_step="one file, one target")
            for first, second in ((one, other), (other, one)):
                if first.file in second.locked:
                    raise ConfigError(
                        Place(posixpath.join(first.folder, TARGET_FILE), key="file"),
                        f"{first.file} is locked by {second.name}: what one night changes would compute another's score",
                    )


def seconds(duration: str) -> float:
    """500ms, 60s, 20m or 1h in seconds; the schema has checked the form."""
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h)", duration).groups()  # type: ignore[union-attr]  # checked by the schema
    return float(number) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}[unit]


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """A glob over whole paths: ** any folders, * and ? within one name; a folder's name means all below it."""
    escaped = re.escape(pattern.rstrip("/"))
    escaped = (
        escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    )
    return re.compile(f"{escaped}(?:/.*)?")
