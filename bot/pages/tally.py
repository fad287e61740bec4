"""What a page counts, event by event: tries, reasons, near misses, the chart's points, the pairs of a noisy night."""

from __future__ import annotations

import heapq
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.course import Course, beside, course
from bot.pages.wording.gains import headline, number
from harness import folds
from harness.events import Event
from harness.rule import headline_gain

NEAR_MISSES = 5
LARGEST = 1e15  # of a part that is shown: what lies beyond has no room in a table, nor on an axis
MOST_SUSPECTS = 10
_PROVEN = {"guard", "suspect"}  # not kept, though the evidence was there


@dataclass(frozen=True)
class Point:
    """One experiment on the chart: its number, the headline's value, whether it was kept. screened: the value is only
    the bound that ruled it out.

    With noise, value is the mean headline gain over `pairs` pairs; error: its standard error, as the pairs tell it.
    """

    experiment: int
    value: float
    kept: bool
    error: float = 0.0
    pairs: int = 0
    screened: bool = False


@dataclass(frozen=True)
class Run:
    """A measurement whose evaluator told how it went: of the base (experiment 0), or of a kept experiment, one each.
    metrics: of all its measurements; beside: its parts, less the course."""

    experiment: int
    change: str
    metrics: Mapping[str, float]
    course: Course
    beside: Mapping[str, float]


@dataclass(frozen=True)
class Noise:
    """What a noisy night says of its noise; gains are headline gains.

    planned: the tries that alpha was split over; calibration: pairs of the unchanged file with itself; spread: the
    standard deviation of their gains; detectable: the gain beyond min_effect that a try keeps with 80 % power; tries:
    how many were measured; lucky: how many of them lacked the evidence to be kept and had enough, at some moment, for a
    single test of level alpha; pairs, void: of the whole loop, calibration included.
    """

    alpha: float
    planned: int
    max_pairs: int
    calibration: int
    spread: float
    detectable: float
    tries: int
    lucky: int
    pairs: int
    void: int

    @property
    def threshold(self) -> float:
        """The evidence that a keep needs."""
        return self.planned / self.alpha


class Tally:
    """Counts over the events of one target, whose header is `head`."""

    def __init__(self, head: Event) -> None:
        self._head, self._rule = head, folds.rule_of(head)
        self._settings: Mapping[str, Any] | None = head.get("noise")
        self.base: Mapping[str, float] = {}
        self.claimed: Mapping[str, float] = {}
        self.claimed_gain = 0.0
        self.confirm: Event | None = None
        self.parts: set[str] = set()
        self.tries = self.kept = 0
        self.reasons: Counter[str] = Counter()
        self.points: list[Point] = []
        self.suspects: list[Event] = []
        self.runs: list[Run] = []
        self.cost = self.elapsed = 0.0
        self._near: list[tuple[float, int, Event]] = []
        self._baseline: Event = {}
        self._gains: list[float] = []
        self._begun = self._lucky = self._pairs = self._void = 0

    def take(self, event: Event) -> None:
        """Counts one more event."""
        kind = event["event"]
        self.cost += event.get("cost_usd", 0.0) if kind != "try" else 0.0  # an experiment tells what its try cost
        if kind == "baseline" and not self.base:
            self.base = self.claimed = event["metrics"]
            self._baseline = event
            self.parts |= event["parts"].keys()
            self._run(0, "", event)
        elif kind == "try":
            self._begun, self._gains = self._begun + 1, []
        elif kind == "screen":
            self.elapsed = event["elapsed"]
        elif kind == "pair":
            self._pair(event)
        elif kind == "experiment":
            self._experiment(event)
        elif kind == "confirm":
            self.confirm = event

    def near_misses(self) -> tuple[Event, ...]:
        """Of what was not kept and was measured, the closest; nothing that was too good to be true, and nothing
        screened, of which only a bound is known."""
        return tuple(entry[2] for entry in sorted(self._near, key=lambda entry: (-entry[0], entry[1])))

    def noise(self) -> Noise | None:
        """None where the metrics do not vary."""
        if not self._settings:
            return None
        return Noise(
            alpha=self._settings["alpha"],
            planned=self._head["planned"],
            max_pairs=self._settings["max_pairs"],
            calibration=self._baseline.get("pairs", 0),
            spread=self._baseline.get("spread", 0.0),
            detectable=self._baseline.get("detectable", 0.0),
            tries=self._begun,
            lucky=self._lucky,
            pairs=self._pairs,
            void=self._void,
        )

    def _pair(self, event: Event) -> None:
        self._pairs += 1
        self._void += bool(event["void"])
        self.elapsed = event["elapsed"]
        if event["id"] and not event["void"] and not event["crash"]:
            self._gains.append(headline_gain(self._rule, event["incumbent"], event["candidate"]))

    def _experiment(self, event: Event) -> None:
        self.tries += 1
        self.elapsed = event["elapsed"]
        keep = event["status"] == "keep"
        if keep:
            self.kept += 1
            self.claimed = event["metrics"]
            self.parts |= event["parts"].keys()
            self._run(event["id"], event["description"], event)
            self.claimed_gain += event.get("gain", 0.0)
        else:
            self.reasons[event["reason"] if event["status"] == "discard" else "crash"] += 1
            self._lucky += self._passed_alone(event)
        if event["reason"] == "suspect" and len(self.suspects) < MOST_SUSPECTS:
            self.suspects.append(event)
        if event["reason"] == "screened":
            self.points.append(Point(event["id"], event["bound"], kept=False, screened=True))
        if event["metrics"]:
            self.points.append(self._point(event, kept=keep))
            if not keep and event["reason"] != "suspect":
                heapq.heappush(self._near, (self._closeness(event), event["id"], event))
                if len(self._near) > NEAR_MISSES:
                    heapq.heappop(self._near)

    def _run(self, number: int, change: str, event: Event) -> None:
        parts = {name: amount for name, amount in event["parts"].items() if abs(amount) <= LARGEST}
        if (found := course(parts)) and (self.runs or not number):
            self.runs.append(Run(number, change, event["metrics"], found, beside(parts)))

    def _passed_alone(self, event: Event) -> bool:
        if not self._settings or event["reason"] in _PROVEN:
            return False
        return bool(event.get("peak", 0.0) >= -math.log(self._settings["alpha"]))

    def _point(self, event: Event, *, kept: bool) -> Point:
        if not self._settings:
            return Point(event["id"], number(self._rule, headline(self._rule), event["metrics"]), kept)
        return Point(event["id"], event["gain"], kept, _standard_error(self._gains), event["pairs"])

    def _closeness(self, event: Event) -> float:
        if self._settings:
            return float(event["peak"])
        return headline_gain(self._rule, self.claimed, event["metrics"])


def _standard_error(gains: Sequence[float]) -> float:
    return statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
