"""Where confirm measures: within its budget, and never again what a confirm that was killed has written down."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.duel import sound
from harness.events import Event
from harness.measure import Ask, Measurer
from harness.reports import CUT, Measurement
from harness.schedule import Schedule
from harness.target import Target

NOTE = "confirm measured"


class Unconfirmed(Exception):
    """A gate that does not open: the reason is for the page, the end reason for the record."""

    def __init__(self, why: str, end: str = "not-confirmed") -> None:
        super().__init__(why)
        self.end = end


class BudgetSpent(Unconfirmed):
    """The confirm budget ended before this could be measured."""

    def __init__(self, budget: float) -> None:
        super().__init__(f"the confirm budget of {budget:g} s was spent", "underpowered")


@dataclass(frozen=True)
class Drawn:
    """Contents that were measured under one seed. order: their indexes in the order of measuring, which ends with the
    first that crashed: whatever a crash decides needs no more."""

    seed: int
    order: tuple[int, ...]
    found: tuple[Measurement, ...]

    @property
    def crashed(self) -> int | None:
        """The index of the content that crashed."""
        return next((index for index in self.order if self.found[index].crash), None)


@dataclass
class Bench:
    """check: raises if a locked file has changed; record: writes an event; before: what a killed confirm of this night
    has written; usual: seconds of one measurement in the loop; pays: whether so many measurements can be paid for, None
    where they cost nothing."""

    target: Target
    measurer: Measurer
    schedule: Schedule
    seed: int
    blob_id: Callable[[bytes], str]
    check: Callable[[], None]
    record: Callable[[Event], None]
    before: Sequence[Event]
    usual: float
    pays: Callable[[int], bool] | None = None

    def __post_init__(self) -> None:
        notes = [event for event in self.before if event["event"] == "note" and event.get("about") == NOTE]
        self._known = {_key(event): event for event in notes}
        self._took: list[float] = []
        self._seen: set[bytes] = set()
        self._scores: dict[tuple[bytes, str], Measurement] = {}
        self._deadline: float = time.monotonic() + self.target.confirm.budget - sum(event["seconds"] for event in notes)

    @property
    def left(self) -> float:
        """Seconds of the confirm budget."""
        return self._deadline - time.monotonic()

    @property
    def seconds(self) -> float:
        """What one measurement takes: as in the loop, until confirm has a few of its own.

        The first of a content may have paid for more (a compiler, a cache), and says nothing of the next.
        """
        return statistics.fmean(self._took) if len(self._took) > 3 else max([self.usual, *self._took])

    def affords(self, measurements: int) -> bool:
        paid = self.pays is None or self.pays(measurements)
        return paid and measurements * self.seconds < self.left

    def score(self, content: bytes, split: str = "search", *, crash_allowed: bool = False) -> Measurement:
        """The score of a content on a split of a deterministic target; measured once for the search split."""
        if split == "search" and (content, split) in self._scores:
            found = self._scores[content, split]
        else:
            found = self._scores[content, split] = self._scored(content, split)
        if found.crash and not crash_allowed:
            raise Unconfirmed(f"the evaluator fails on the {split} split ({found.crash}): {found.why[:300]}")
        return found

    def _scored(self, content: bytes, split: str) -> Measurement:
        """Written down too, unless it is of the holdout or comes with rows, which are more than a record holds."""
        place = {"block": "score", "round": 0, "n": 0, "attempt": 1, "blobs": [self.blob_id(content)]}
        if split == "search" and (event := self._known.get(_key(place))):
            return _measurement(event["found"][0])
        found = self._measured(content, Ask(split=split, seed=self.seed))
        if split == "search" and not found.rows:
            self.record({
                "event": "note", "about": NOTE, **place, "seed": self.seed, "order": [0], "found": [_entry(found)],
                "seconds": found.seconds, "of": 0,
            })  # fmt: skip
        return found

    def draw(
        self, block: str, round_: int, number: int, contents: Sequence[bytes], attempt: int = 1, of: int = 0,
        fidelity: float = 1.0,
    ) -> Drawn:  # fmt: skip
        """Contents under the seed of this number, in an order that a coin drew; from the record where it has them.

        of: how many numbers are planned, for a confirm that has to go on after this one is killed; fidelity: the share
        of the full cost.
        """
        place = {"block": block, "round": round_, "n": number, "attempt": attempt}
        blobs = [self.blob_id(content) for content in contents]
        known = self._known.get(_key({**place, "blobs": blobs}))
        event = known or self._drawn({**place, "of": of, "fidelity": fidelity}, blobs, contents)
        empty = Measurement()
        found = {index: _measurement(entry) for index, entry in zip(event["order"], event["found"], strict=True)}
        measured = tuple(found.get(index, empty) for index in range(len(contents)))
        return Drawn(event["seed"], tuple(event["order"]), measured)

    def has(self, block: str, round_: int, number: int, contents: Sequence[bytes]) -> bool:
        """Whether these were measured under this number before a kill."""
        return (block, round_, number, 1, tuple(map(self.blob_id, contents))) in self._known

    def known(self, block: str) -> list[Event]:
        """What a confirm that was killed has measured in a block."""
        return [event for event in self._known.values() if event["block"] == block]

    def _drawn(self, place: dict[str, Any], blobs: list[str], contents: Sequence[bytes]) -> Event:
        block, round_, number = place["block"], place["round"], place["n"]
        draw = self.schedule.pair(block, round_, number)
        pair = [0, 1] if draw.incumbent_first else [1, 0]
        order = pair if len(contents) == 2 else self.schedule.shuffled(block, round_, number, len(contents))
        found: list[Measurement] = []
        for index in order:
            ask = Ask(seed=draw.seed, fidelity=place["fidelity"])
            found.append(sound(self._measured(contents[index], ask), self.target.rule))
            if found[-1].crash:
                break
        event: Event = {
            "event": "note", "about": NOTE, **place, "seed": draw.seed, "blobs": blobs, "order": order[: len(found)],
            "found": [_entry(measurement) for measurement in found], "seconds": sum(m.seconds for m in found),
        }  # fmt: skip
        self.record(event)
        return event

    def _measured(self, content: bytes, ask: Ask) -> Measurement:
        if self.left <= 0:
            raise BudgetSpent(self.target.confirm.budget)
        found = self.measurer.measure([content], ask)[0]
        if found.crash == CUT:  # nobody's crash: a model gave no answer
            payable = self.pays is None or self.pays(1)
            raise Unconfirmed(f"it could not be measured: {found.why}", "infra" if payable else "underpowered")
        if content in self._seen and ask.fidelity == 1:
            self._took.append(found.seconds)
        self._seen.add(content)
        self.check()
        return found


def _key(event: Event) -> tuple[Any, ...]:
    return event["block"], event["round"], event["n"], event["attempt"], tuple(event["blobs"])


def _entry(found: Measurement) -> dict[str, Any]:
    if found.crash:
        return {"crash": found.crash, "why": found.why[:500]}
    return {"metrics": found.metrics, **({"notes": list(found.notes)} if found.notes else {})}


def _measurement(entry: dict[str, Any]) -> Measurement:
    notes = tuple(entry.get("notes", ()))
    return Measurement(entry.get("metrics", {}), crash=entry.get("crash", ""), why=entry.get("why", ""), notes=notes)
