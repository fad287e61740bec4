"""Promotions that other jobs measured: folders `promote-<target>-<attempt>/<target>/`, read as data, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot import actions
from bot.night.folder import write_atomically
from bot.night.handed.artifacts import folders
from bot.promote.remeasure import folder
from bot.records import PROMOTIONS
from harness.errors import IntegrityError
from harness.handover.files import read_folder
from harness.handover.plans import TARGET_NAME
from harness.handover.promotions import MOST_BYTES, VERB
from harness.handover.shapes import shown
from harness.repository import Repository

_ARTIFACT = re.compile(r"promote-(?P<target>[a-z0-9][a-z0-9-]*)-(?P<attempt>[1-9][0-9]{0,3})")
_WANTED = re.compile(rf"{PROMOTIONS}\.[1-9][0-9]{{0,5}}-{VERB}\.(?:jsonl|pack)")
_NOTHING = re.compile(r"(?!)")


@dataclass
class Handed:
    """found: target -> what its jobs handed over, the newest first (where it lay, files); refused: what was not read,
    with why."""

    found: dict[str, list[tuple[str, Mapping[str, bytes]]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def hand_over(repository: Repository, target: str, into: Path) -> None:
    """Writes what was measured of a target to a folder that the workflow carries."""
    for path in sorted(folder(repository, target).iterdir()):
        write_atomically(into / target / path.name, path.read_bytes())


def here(repository: Repository, targets: list[str]) -> Handed:
    """What was measured on this machine."""
    handed = Handed()
    for target in targets:
        _read(folder(repository, target), target, target, handed)
    return handed


def listed(place: Path) -> Handed:
    """What lies in a folder of downloaded artifacts."""
    handed = Handed()
    for attempt, target, path in sorted(_artifacts(place, handed), reverse=True):
        del attempt
        _read(path / target, target, path.name, handed)
    return handed


def _artifacts(place: Path, handed: Handed) -> Iterator[tuple[int, str, Path]]:
    for name, path in folders(place).items() if place.is_dir() else ():
        parts = _ARTIFACT.fullmatch(name)
        if not parts or not TARGET_NAME.fullmatch(parts["target"]):
            handed.refused[shown(name)] = "not the name of anything that a job hands over"
        elif path.is_symlink() or not path.is_dir():
            handed.refused[name] = "a link, or no folder"
        elif why := actions.ahead(int(parts["attempt"])):
            handed.refused[name] = why
        else:
            yield int(parts["attempt"]), parts["target"], path


def _read(place: Path, target: str, label: str, handed: Handed) -> None:
    try:
        files = read_folder(place, _WANTED, _NOTHING, {".jsonl": MOST_BYTES, ".pack": MOST_BYTES})
    except IntegrityError as error:
        handed.refused[label] = error.what
        return
    handed.refused |= {f"{label}/{shown(name)}": why for name, why in files.left_out.items()}
    if files.contents:
        handed.found.setdefault(target, []).append((label, files.contents))
