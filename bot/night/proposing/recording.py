"""What a night has so far, held against its plan and appended to the records branch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot import records
from bot.forge import Forge
from bot.night.folder import RECORDED, Night, write_atomically
from bot.night.handed import handover
from bot.night.handed.handover import Accepted
from harness.errors import IntegrityError
from harness.standing import COMMANDS
from harness.target import Target

_LATER = "|".join(("propose", *COMMANDS))


def record(night: Night, targets: Sequence[Target], forge: Forge) -> dict[str, str]:
    """Appends what a night has so far to the records branch. What does not hold stays out: target -> why."""
    return recorded(night, targets, forge)[1]


def recorded(night: Night, targets: Sequence[Target], forge: Forge) -> tuple[dict[str, Accepted], dict[str, str]]:
    """What of each target holds and is on the records branch now, and why the others are refused."""
    accepted: dict[str, Accepted] = {}
    refused: dict[str, str] = {}
    files: dict[str, bytes] = {}
    there = records.tree(night.repository)
    for target in targets:
        _take_back(night, target, there)
        try:
            found = handover.accept(night, target)
            mine = {f"{target.name}/{name}": data for name, data in found.received.files.items()}
            records.check_same(night.repository, there, mine)
        except IntegrityError as error:
            refused[target.name] = error.what
            continue
        accepted[target.name] = found
        files |= mine
    records.append(night.repository, files, f"Record night {night.name}\n", night.plan.created)
    forge.publish_records(night.repository)
    _remember(night, files)
    return accepted, refused


def _take_back(night: Night, target: Target, there: records.Tree) -> None:
    """What `propose` and commands recorded of this night on machines that are gone: jobs hand over only what came
    before them."""
    name = rf"{re.escape(night.name)}\.[0-9]+-(?:{_LATER})\.(?:jsonl|pack)"
    wanted = re.compile(rf"{re.escape(target.name)}/(?P<name>{name})")
    for path, blob in there.items():
        found = wanted.fullmatch(path)
        if found and not (night.folder(target.name) / found["name"]).exists():
            content = records.fetch_night(night.repository, night.name)[path]
            if night.repository.blob_id(content) == blob:
                write_atomically(night.folder(target.name) / found["name"], content)


def _remember(night: Night, files: Mapping[str, bytes]) -> None:
    """What is on the records branch, so that it can be missed there."""
    known = night.recorded | {path: night.repository.blob_id(data) for path, data in files.items()}
    text = "".join(f"{blob} {path}\n" for path, blob in sorted(known.items()))
    if known != night.recorded:
        write_atomically(night.path / RECORDED, text)
