"""A night as its reader needs it: a pure fold of each target's segments."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import folds
from harness.decide import Metric, Rule
from harness.events import Event, Segment

NEAR_MISSES = 5


@dataclass(frozen=True)
class Row:
    """One part of the final diff that a human can read, judge and take out."""

    number: int
    change: str
    adds: float
    added: int
    removed: int
    experiments: tuple[int, ...]
    blob: str


@dataclass(frozen=True)
class Point:
    """One experiment on the chart: its number, the primary's value, whether it was kept."""

    experiment: int
    value: float
    kept: bool


@dataclass(frozen=True)
class TargetReport:
    """What one night came to for one target. end: why the loop ended; verdict: what confirm said ("" before it)."""

    name: str
    file: str
    night: str
    commit: str
    owner: str
    proposer: str
    rule: Rule
    sample: bool
    base: Mapping[str, float]
    claimed: Mapping[str, float]
    confirm: Event | None
    rows: tuple[Row, ...]
    tries: int
    kept: int
    reasons: Mapping[str, int]
    near_misses: tuple[Event, ...]
    points: tuple[Point, ...]
    cost: float
    usd: float
    seconds: float
    end: str
    verdict: str
    why: str
    lock: str
    harness: str
    seal: str
    interruptions: int

    @property
    def primary(self) -> Metric:
        return self.rule.primary

    @property
    def confirmed(self) -> bool:
        return self.verdict == "confirmed"

    @property
    def holdout(self) -> Mapping[str, Any] | None:
        return self.confirm.get("holdout") if self.confirm else None


def summarise(segments: Sequence[Segment]) -> TargetReport:
    """The report of one target. The loop may still be running: then there is no end yet."""
    head = segments[0].header
    rule = folds.rule_of(head)
    tally = _Tally(rule.primary)
    for event in folds.all_events(segments):
        tally.take(event)
    return TargetReport(
        name=head["target"],
        file=head["file"],
        night=head["night"],
        commit=head["base"],
        owner=head["owner"] or "",
        proposer=head["proposer"],
        rule=rule,
        sample=head["sample"],
        base=tally.base,
        claimed=tally.claimed,
        confirm=tally.confirm,
        rows=tuple(_row(entry) for entry in (tally.confirm or {}).get("rows", [])),
        tries=tally.tries,
        kept=tally.kept,
        reasons=dict(tally.reasons.most_common()),
        near_misses=tally.near_misses(),
        points=tuple(tally.points),
        cost=tally.cost,
        usd=head["usd"],
        seconds=tally.elapsed + (tally.confirm or {}).get("seconds", 0.0),
        end=folds.run_end(segments) or "",
        verdict=folds.confirm_end(segments) or "",
        why=(tally.confirm or {}).get("why", ""),
        lock=head["lock"],
        harness=head["harness"],
        seal=next((s.chain for s in reversed(segments) if s.header["verb"] == "confirm"), segments[-1].chain),
        interruptions=sum(s.sealed and s.events[-1]["end"] == "interrupted" for s in segments),
    )


class _Tally:
    """What a page counts, one event at a time."""

    def __init__(self, primary: Metric) -> None:
        self._primary = primary
        self.base: Mapping[str, float] = {}
        self.claimed: Mapping[str, float] = {}
        self.confirm: Event | None = None
        self.tries = self.kept = 0
        self.reasons: Counter[str] = Counter()
        self.points: list[Point] = []
        self.cost = self.elapsed = 0.0
        self._near: list[tuple[float, int, Event]] = []

    def take(self, event: Event) -> None:
        kind = event["event"]
        if kind == "baseline" and not self.base:
            self.base = self.claimed = event["metrics"]
        elif kind == "experiment":
            self._experiment(event)
        elif kind == "confirm":
            self.confirm = event

    def _experiment(self, event: Event) -> None:
        self.tries += 1
        self.cost += event["cost_usd"]
        self.elapsed = event["elapsed"]
        keep = event["status"] == "keep"
        if keep:
            self.kept += 1
            self.claimed = event["metrics"]
        else:
            self.reasons[event["reason"] if event["status"] == "discard" else "crash"] += 1
        if event["metrics"]:
            value = event["metrics"][self._primary.name]
            self.points.append(Point(event["id"], value, keep))
            if not keep:
                closeness = self._primary.gain(self.claimed[self._primary.name], value)
                heapq.heappush(self._near, (closeness, event["id"], event))
                if len(self._near) > NEAR_MISSES:
                    heapq.heappop(self._near)

    def near_misses(self) -> tuple[Event, ...]:
        return tuple(entry[2] for entry in sorted(self._near, key=lambda entry: (-entry[0], entry[1])))


def _row(entry: Mapping[str, Any]) -> Row:
    added, removed = entry["lines"]
    return Row(
        entry["number"], entry["change"], entry["adds"], added, removed, tuple(entry["experiments"]), entry["blob"]
    )
