"""The folders that earlier jobs handed over, one per artifact, and the plan in one of them.

Nothing here follows a link, and nothing is read beyond its bound.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import actions
from harness.errors import IntegrityError, NotFound
from harness.handover import plans
from harness.handover.files import MOST_ENTRIES, read_bounded
from harness.handover.shapes import shown

PLAN = "plan.json"
MOST_PLAN_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"(?P<verb>plan|run|confirm)(?:-(?P<target>[a-z0-9][a-z0-9-]{0,62}))?-(?P<attempt>[1-9][0-9]{0,3})")


@dataclass(frozen=True)
class Artifact:
    path: Path
    verb: str
    target: str
    attempt: int

    @property
    def name(self) -> str:
        return self.path.name


@dataclass
class Handed:
    """The artifacts of a folder, newest first; refused: everything else, and what turned out not to hold; aside: what
    this machine had of the very night, where a job of it was cut off before it could hand over."""

    artifacts: list[Artifact]
    refused: dict[str, str] = field(default_factory=dict)
    aside: Path | None = None

    def of(self, verb: str, target: str = "") -> list[Artifact]:
        return [found for found in self.artifacts if (found.verb, found.target) == (verb, target)]

    def names(self, verb: str, target: str) -> list[str]:
        """Of what was handed over under this name, taken or refused."""
        known = [*(found.name for found in self.artifacts), *self.refused]
        return [name for name in known if name.rpartition("-")[0] == f"{verb}-{target}"]

    def refuse_foreign(self, targets: Sequence[str]) -> None:
        foreign = [found.name for found in self.artifacts if found.target and found.target not in targets]
        self.refused |= dict.fromkeys(foreign, "not of a target of the plan")


def folders(handed: Path) -> dict[str, Path]:
    """What was handed over under each name.

    GitHub names a folder after each artifact, so that no job can hand over what is another's; one artifact alone lies
    without it. Inside is the folder that the job made, of the same name.

    Raises NotFound, IntegrityError.
    """
    found = {}
    for name in entries(handed):
        path, inner = handed / name, handed / name / name
        nested = plain(path) and plain(inner) and entries(path) == [name]
        found[name] = inner if nested else path
    return found


def plain(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def listed(handed: Path) -> Handed:
    found = Handed([])
    for name, path in folders(handed).items():
        parts = _NAME.fullmatch(name)
        if not parts or (parts["verb"] == "plan") != (parts["target"] is None):
            found.refused[shown(name)] = "not the name of anything that a job hands over"
        elif not plain(path):
            found.refused[name] = "a link, or no folder"
        elif why := actions.ahead(int(parts["attempt"])):
            found.refused[name] = why
        else:
            found.artifacts.append(Artifact(path, parts["verb"], parts["target"] or "", int(parts["attempt"])))
    found.artifacts.sort(key=lambda artifact: -artifact.attempt)
    return found


def entries(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = []
            for entry in entries:
                names.append(entry.name)
                if len(names) > MOST_ENTRIES:
                    raise IntegrityError(f"{folder.name} holds more than {MOST_ENTRIES:,} files")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"there is no folder {folder}, so nothing was handed over",
            next_step="look at the job before this one: what it hands over is an artifact of its own name",
        ) from None
    return sorted(names)


def read_plan(folder: Path) -> tuple[bytes, Mapping[str, Any]]:
    """A plan as it was handed over, and what it says. Raises ValueError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        content = read_bounded(handle, PLAN, MOST_PLAN_BYTES)
    except OSError as error:
        raise ValueError(error.strerror or "cannot be read") from None
    finally:
        os.close(handle)
    if content is None:
        raise ValueError("too large")
    try:
        plan = json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if wrong := plans.problem(plan, plan.get("night", "") if isinstance(plan, dict) else ""):
        raise ValueError(wrong)
    return content, plan
