"""What two targets of one repository may not share."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Sequence

from harness.errors import ConfigError
from harness.target import TARGET_FILE, Target


def overlaps(targets: Sequence[Target]) -> Iterator[tuple[Target, Target, ConfigError]]:
    """Two targets may not share a name or a file, nor may one's file be what another locks."""
    for one, other in itertools.combinations(targets, 2):
        file = posixpath.join(one.folder, TARGET_FILE)
        if one.name == other.name:
            yield one, other, ConfigError(other.place("name"), f'"{one.name}" is also the name in {file}')
        if one.file == other.file:
            what = f'"{one.file}" is also the file of {one.name} ({file})'
            yield one, other, ConfigError(other.place("file"), what, next_step="one file, one target")
        if one.file in other.locked:
            yield one, other, _locked_by(one, other)
        if other.file in one.locked:
            yield one, other, _locked_by(other, one)


def _locked_by(one: Target, other: Target) -> ConfigError:
    return ConfigError(
        one.place("file"),
        f'"{one.file}" is locked by {other.name}',
        why="what one night changes would compute another's score",
        next_step=f"let {posixpath.join(other.folder, TARGET_FILE)} lock only what computes its score",
    )
