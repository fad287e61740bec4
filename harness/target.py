"""A target as its target.yaml declares it, with every path resolved and every promise checked."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness import configfile, space
from harness.configfile import ConfigFile, Faults
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
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_data(self) -> bool:
        return is_data(self.file)

    def place(self, key: str) -> Place:
        """Where target.yaml says this key, for complaints that concern more than one target."""
        return self.places.get(key) or Place(posixpath.join(self.folder, TARGET_FILE), key=key)


def load(source: Source, folder: str, defaults: ConfigFile | None = None) -> Target:
    """The target in a folder of `source`. Raises ConfigError(s), NotFound."""
    where = posixpath.join(folder, TARGET_FILE)
    if where not in source.modes():
        raise NotFound(f"{where} is not in {source.label}", next_step="autoresearch new NAME writes one")
    config = configfile.load(source, where, "target").under(defaults)
    from harness import targetfile

    return targetfile.build(source, folder, config)


def refuse_overlaps(targets: Sequence[Target]) -> None:
    """Two targets may not share a name or a file, nor may one's file be what another locks."""
    with Faults() as faults:
        for one, other in itertools.combinations(targets, 2):
            file = posixpath.join(one.folder, TARGET_FILE)
            if one.name == other.name:
                faults.found.append(ConfigError(other.place("name"), f'"{one.name}" is also the name in {file}'))
            if one.file == other.file:
                what = f'"{one.file}" is also the file of {one.name} ({file})'
                faults.found.append(ConfigError(other.place("file"), what, next_step="one file, one target"))
            faults.found += [*_locked_by(one, other), *_locked_by(other, one)]


def _locked_by(one: Target, other: Target) -> Iterator[ConfigError]:
    if one.file in other.locked:
        yield ConfigError(
            one.place("file"),
            f'"{one.file}" is locked by {other.name}',
            why="what one night changes would compute another's score",
            next_step=f"let {posixpath.join(other.folder, TARGET_FILE)} lock only what computes its score",
        )


def seconds(duration: str) -> float:
    """500ms, 60s, 20m or 1h in seconds; the schema has checked the form."""
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h)", duration).groups()  # type: ignore[union-attr]  # checked by the schema
    return float(number) * {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}[unit]


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """A glob over whole paths: ** any folders, * and ? within one name; a folder's name means all below it."""
    escaped = re.escape(re.sub(r"(\*\*/)+", "**/", re.sub(r"\*{2,}", "**", pattern.rstrip("/"))))
    escaped = (
        escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    )
    return re.compile(f"{escaped}(?:/.*)?")
