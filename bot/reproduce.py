"""Restores any experiment or row of a night and measures it again, from the night's base commit alone."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import config
from bot.night import archive, handover
from bot.night.confirm import outcome
from bot.night.folder import Night
from harness import folds, measure, view
from harness.errors import NotFound
from harness.events import Event
from harness.handover import Received
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import CommitSource, Repository
from harness.target import Target

NEVER_MEASURED = ("invalid", "duplicate")
_FORM = re.compile(r"(?:(?P<night>[^/#]+)/)?(?:(?P<target>[^/#]+)(?P<mark>[/#]))?(?P<number>\d+)")


@dataclass(frozen=True)
class Reproduction:
    """What was recorded and what was measured now. same: every recorded number again, to the last digit.

    recorded_crash: why there is no recorded number, a crash or a reason of NEVER_MEASURED.
    """

    name: str
    content: bytes
    recorded: Mapping[str, float]
    recorded_crash: str
    measured: Measurement
    lock_same: bool

    @property
    def same(self) -> bool:
        if self.recorded_crash:
            return bool(self.measured.crash)
        return dict(self.measured.metrics) == dict(self.recorded)

    def as_json(self) -> dict[str, Any]:
        return {
            "experiment": self.name, "same": self.same, "lock_same": self.lock_same,
            "recorded": self.recorded or {"crash": self.recorded_crash},
            "measured": self.measured.metrics or {"crash": self.measured.crash, "why": self.measured.why},
        }  # fmt: skip

    def as_text(self) -> str:
        lines = [self.name]
        if not self.lock_same:
            lines.append("note: the lock differs from the night's (harness, Python or a library changed since)")
        if self.recorded_crash or self.measured.crash:
            lines.append(f"  recorded: {self.recorded_crash or 'a score'}; now: {self.measured.crash or 'a score'}")
        for name, was in self.recorded.items():
            now = self.measured.metrics.get(name)
            lines.append(f"  {name}: recorded {was!r}, now {now!r}{'' if now == was else '  DIFFERENT'}")
        lines.append("the same, to the last digit" if self.same else "NOT the same")
        return "\n".join(lines)


def reproduce(repository: Repository, which: str) -> Reproduction:
    """Raises NotFound for what was never recorded, IntegrityError for a record that does not hold."""
    asked = _FORM.fullmatch(which)
    if not asked:
        raise NotFound(f'"{which}" names no experiment', next_step="17, NIGHT/TARGET/17 or NIGHT/TARGET#2 for a row")
    with archive.opened(repository, asked["night"] or "") as night:
        return _reproduced(night, asked["target"] or "", int(asked["number"]), is_row=asked["mark"] == "#")


def _reproduced(night: Night, name: str, number: int, *, is_row: bool) -> Reproduction:
    names = [share.name for share in night.plan.targets]
    if not name and len(names) > 1:
        raise NotFound(f"the night {night.name} has several targets", next_step=f"{night.name}/{names[0]}/{number}")
    target = name or names[0]
    night.target_plan(target)
    found = config.load_targets(CommitSource(night.repository, night.plan.base), [target])[0]
    received = handover.read(night, found).received
    event, content = _restored(f"{night.name}/{target}", received, number, is_row=is_row)
    measured, digest = _measured(night, found, content, event)
    return Reproduction(
        name=f"{night.name}/{target}{'#' if is_row else '/'}{number}",
        content=content,
        recorded=event["metrics"],
        recorded_crash="" if event["metrics"] else event["reason"],
        measured=measured,
        lock_same=digest == received.segments[0].header["lock"],
    )


def _restored(where: str, received: Received, number: int, *, is_row: bool) -> tuple[Event, bytes]:
    if not is_row:
        try:
            return folds.restore(received.segments, number, received.packs)
        except KeyError:
            raise NotFound(
                f"{where} has no experiment {number}", next_step=f"autoresearch log {where.partition('/')[0]}"
            ) from None
    rows = (outcome(received.segments) or {}).get("rows", [])
    if not 1 <= number <= len(rows):
        raise NotFound(f"{where} has {len(rows)} rows, not a row {number}")
    return rows[number - 1], received.rows[number - 1]


def _measured(night: Night, target: Target, content: bytes, event: Event) -> tuple[Measurement, str]:
    source = CommitSource(night.repository, night.plan.base)
    with tempfile.TemporaryDirectory(prefix="autoresearch-reproduce-") as folder:
        checkout = view.build(source, target, Path(folder) / "checkout", hidden=False)
        measurer = measure.measurer(target, checkout, Path(folder) / "scratch", night.repository)
        try:
            if event.get("reason") in NEVER_MEASURED:
                return Measurement(crash=event["reason"]), checkout.lock.id
            return measurer.measure([content], Ask(seed=night.target_plan(target.name).seed))[0], checkout.lock.id
        finally:
            measurer.close()
