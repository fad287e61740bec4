"""What two targets of one repository may not share."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Sequence

from harness.complaints import Faults
from harness.errors import ConfigError
from harness.target import TARGET_FILE, Target


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
