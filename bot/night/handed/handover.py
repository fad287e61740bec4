"""The hand-over between verbs: a night's folder, held against its plan and its base commit (`harness.handover`)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.night.folder import Night
from bot.night.header import header_fields
from harness import handover, lock
from harness.admission import Admission
from harness.errors import IntegrityError
from harness.events import Segment
from harness.handover import Expected, Received
from harness.handover.shapes import VERBS
from harness.repository import CommitSource
from harness.target import Target

_MACHINE = frozenset({"harness", "version", "machine", "at"})


@dataclass(frozen=True)
class Accepted:
    """left_out: what lay in the target's folder and was not read, with why. current: whether what computes the score
    is still what the night was planned with."""

    received: Received
    left_out: Mapping[str, str]
    current: bool


def accept(night: Night, target: Target, verbs: Collection[str] = VERBS) -> Accepted:
    """What the night's folder holds of a target, an interrupted last segment ended. Raises IntegrityError."""
    night.mend(target.name)
    return read(night, target, verbs)


def read(night: Night, target: Target, verbs: Collection[str] = VERBS) -> Accepted:
    """As `accept`, and writes nothing: the loop may still be running. Raises IntegrityError."""
    found = night.files(target.name)
    due = expected(night, target)
    return Accepted(handover.receive(found.contents, due, verbs), found.left_out, due.judged)


def held(night: Night, targets: Sequence[Target]) -> tuple[dict[str, Sequence[Segment]], dict[str, str]]:
    """The segments of each target whose record holds, and why the others are refused."""
    found: dict[str, Sequence[Segment]] = {}
    refused: dict[str, str] = {}
    for target in targets:
        try:
            found[target.name] = read(night, target).received.segments
        except IntegrityError as error:
            refused[target.name] = error.what
    return found, refused


def expected(night: Night, target: Target) -> Expected:
    """What the plan and the base commit say of a target's segments."""
    plan, share = night.plan, night.target_plan(target.name)
    source = CommitSource(night.repository, plan.base)
    fields = header_fields(night, target, share, lock.harness_hash())
    base = source.read([target.file])[target.file]
    return Expected(
        night=night.name,
        target=target,
        header=json.loads(json.dumps({key: value for key, value in fields.items() if key not in _MACHINE})),
        planned=share.experiments,
        seed=share.seed,
        coin=share.coin,
        base=base,
        admission=Admission(target, base, night.repository.blob_id),
        blob_id=night.repository.blob_id,
        carried_blob=share.carried_blob,
        judged=lock.compute(source.read(target.locked)).id == share.lock,
    )
