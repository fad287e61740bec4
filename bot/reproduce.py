"""Restores any experiment or row of a night and measures it again, from the night's base commit alone."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot import config
from bot.check.judging import teller as asked_anew
from bot.night import preflight
from bot.night.confirm import outcome
from bot.night.earlier import archive
from bot.night.folder import Night
from bot.night.handed import handover
from bot.night.proposing import numbers
from bot.promote import words as promotions
from bot.promote.folds import Realised
from bot.remeasure import Remeasured, remeasure
from harness import folds, measure, view
from harness.errors import NotFound
from harness.events import Event
from harness.handover import Received
from harness.measure import Ask
from harness.reports import Measurement
from harness.repository import CommitSource, Repository
from harness.rule import Metric
from harness.screening import holds, in_words
from harness.target import Target

NEVER_MEASURED = ("invalid", "duplicate")
_FORM = re.compile(r"(?:(?P<night>[^/#]+)/)?(?:(?P<target>[^/#]+)(?P<mark>[/#]))?(?P<number>\d+|(?<=#)head)")


@dataclass(frozen=True)
class Reproduction:
    """What was recorded and what was measured now. same: every recorded number again, to the last digit; of what was
    screened a value of the primary metric that is no better than the bound. anew: a model was asked for it anew. moved:
    onto which other kind of card.

    recorded_crash: why there is no recorded number: a crash, `screened` or a reason of NEVER_MEASURED. bound: of the
    primary metric, where that is all that was recorded. merges: what main gained by a row, since it was merged.
    """

    name: str
    content: bytes
    recorded: Mapping[str, float]
    recorded_crash: str
    measured: Measurement
    lock_same: bool
    primary: Metric
    bound: float | None = None
    merges: tuple[Realised, ...] = ()
    anew: bool = False
    moved: str = ""

    @property
    def same(self) -> bool:
        if self.bound is not None:
            found = self.measured.metrics.get(self.primary.name)
            return found is not None and holds(self.primary, self.bound, found)
        if self.recorded_crash:
            return bool(self.measured.crash)
        return dict(self.measured.metrics) == dict(self.recorded)

    def as_json(self) -> dict[str, Any]:
        return {
            "experiment": self.name, "same": self.same, "lock_same": self.lock_same,
            "recorded": self._recorded(),
            "measured": self.measured.metrics or {"crash": self.measured.crash, "why": self.measured.why},
            "realised": [promotions.as_json(merge) for merge in self.merges],
            **({"asked_anew": True} if self.anew else {}),
            **({"moved": self.moved} if self.moved else {}),
        }  # fmt: skip

    def as_text(self) -> str:
        lines = [self.name]
        if not self.lock_same:
            lines.append("note: the lock differs from the night's (harness, Python or a library changed since)")
        lines += preflight.note(self.moved)
        if self.bound is not None:
            return "\n".join([*lines, *self._screened(self.bound)])
        if self.recorded_crash or self.measured.crash:
            lines.append(f"  recorded: {self.recorded_crash or 'a score'}; now: {self.measured.crash or 'a score'}")
        for name, was in self.recorded.items():
            now = self.measured.metrics.get(name)
            lines.append(f"  {name}: recorded {was!r}, now {now!r}{'' if now == was else '  DIFFERENT'}")
        lines += [f"  realised: {promotions.merged(merge)}" for merge in self.merges]
        if self.anew:
            lines.append("the evaluator's model was asked anew, and may answer otherwise than it did")
        lines.append("the same, to the last digit" if self.same else "NOT the same")
        return "\n".join(lines)

    def _recorded(self) -> dict[str, Any]:
        if self.bound is not None:
            return {"screened": {"metric": self.primary.name, "bound": self.bound}}
        return dict(self.recorded) or {"crash": self.recorded_crash}

    def _screened(self, bound: float) -> Iterator[str]:
        """No bar is sent now, so everything is measured."""
        yield f"  recorded: screened, {self.primary.name} {in_words(self.primary, bound)}"
        if self.measured.crash:
            yield f"  now: {self.measured.crash}"
        for name, now in self.measured.metrics.items():
            yield f"  {name}: now {now!r}"
        yield "the same: no better than the bound" if self.same else "NOT the same"


def target_of(which: str) -> str:
    """The target that it names, "" where it names none."""
    asked = _FORM.fullmatch(which)
    return (asked["target"] or "") if asked else ""


def reproduce(repository: Repository, which: str, broker: Path | None = None) -> Reproduction | Remeasured:
    """broker: the socket of one, for an evaluator that asks a model. Raises NotFound for what was never recorded,
    IntegrityError for a record that does not hold."""
    asked = _FORM.fullmatch(which)
    if not asked:
        raise NotFound(
            f'"{which}" names no experiment',
            next_step="17, NIGHT/TARGET/17, NIGHT/TARGET#2 for a row, NIGHT/TARGET#head for the whole result",
        )
    number = None if asked["number"] == "head" else int(asked["number"])
    with archive.opened(repository, asked["night"] or "") as night:
        found = _reproduced(night, asked["target"] or "", number, asked["mark"] or "/", broker)
        return replace(found, merges=_merges(night, found)) if asked["mark"] == "#" else found


def _merges(night: Night, found: Reproduction | Remeasured) -> tuple[Realised, ...]:
    """What main gained by this very content."""
    target, blob = found.name.partition("/")[2].partition("#")[0], night.repository.blob_id(found.content)
    merges = promotions.of_night(night.repository, target, night.name)
    return tuple(merge for merge, _line in merges if merge.blob == blob)


def _reproduced(
    night: Night, name: str, number: int | None, mark: str, broker: Path | None
) -> Reproduction | Remeasured:
    names = [share.name for share in night.plan.targets]
    if not name and len(names) > 1:
        raise NotFound(f"the night {night.name} has several targets", next_step=f"{night.name}/{names[0]}/17")
    target = name or names[0]
    night.target_plan(target)
    targets = config.load_targets(CommitSource(night.repository, night.plan.base), names)
    found = next(one for one in targets if one.name == target)
    received = handover.read(night, found).received
    before = _before(night, targets, target) if mark == "#" else 0
    name = f"{night.name}/{target}{mark}{'head' if number is None else number}"
    number = number if number is None else number - before
    if found.noise:
        try:
            return remeasure(night, found, received, name, number, mark)
        except KeyError:
            raise _not_there(name, received, before, mark) from None
    event, content = _restored(name, received, number, before, mark)
    measured, digest = _measured(night, found, content, event, broker)
    return Reproduction(
        name=name,
        content=content,
        recorded=event["metrics"],
        recorded_crash="" if event["metrics"] else event["reason"],
        measured=measured,
        lock_same=digest == received.segments[0].header["lock"],
        primary=found.rule.primary,
        bound=event.get("bound"),
        anew=found.evaluate.model is not None,
        moved=preflight.elsewhere(found, received.segments),
    )


def _before(night: Night, targets: Sequence[Target], name: str) -> int:
    """What is added to a target's row numbers to give those that its page shows."""
    return numbers.of_night(handover.held(night, targets)[0]).get(name, 0)


def _restored(name: str, received: Received, number: int | None, before: int, mark: str) -> tuple[Event, bytes]:
    rows = _rows(received)
    try:
        if mark != "#":
            return folds.restore(received.segments, number or 0, received.packs)
        place = [row["number"] for row in rows].index(number) if number is not None else len(rows) - 1
        return rows[place], received.rows[place]
    except (KeyError, ValueError, IndexError):
        raise _not_there(name, received, before, mark) from None


def _rows(received: Received) -> Sequence[Event]:
    found: Sequence[Event] = (outcome(received.segments) or {}).get("rows", [])
    return found


def _not_there(name: str, received: Received, before: int, mark: str) -> NotFound:
    night = name.partition("/")[0]
    if mark != "#":
        return NotFound(f"{name}: there is no such experiment", next_step=f"autoresearch log {night}")
    there = ", ".join(str(before + row["number"]) for row in _rows(received))
    return NotFound(
        f"{name}: there is no such row; {f'its rows are {there}' if there else 'it has none'}",
        next_step=f"autoresearch report {night} shows them as the page numbers them",
    )


def _measured(
    night: Night, target: Target, content: bytes, event: Event, broker: Path | None
) -> tuple[Measurement, str]:
    source = CommitSource(night.repository, night.plan.base)
    with tempfile.TemporaryDirectory(prefix="autoresearch-reproduce-") as folder:
        checkout = view.build(source, target, Path(folder) / "checkout", hidden=False)
        teller = asked_anew(target, Path(folder), broker)
        measurer = measure.measurer(target, checkout, Path(folder) / "scratch", night.repository, teller)
        try:
            if event.get("reason") in NEVER_MEASURED:
                return Measurement(crash=event["reason"]), checkout.lock.id
            return measurer.measure([content], Ask(seed=night.target_plan(target.name).seed))[0], checkout.lock.id
        finally:
            measurer.close()
