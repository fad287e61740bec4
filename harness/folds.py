"""What follows from events, and from nothing else: the incumbent, where a night stands, any experiment's content.

The loop applies each event to its state in the moment it is made, and a resume folds the same events from disk: one
function makes both, so they cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import standing
from harness.contents import content_of
from harness.events import Event, Segment
from harness.rule import Metric, Rule, Tolerance

Packs = Mapping[str, bytes]


@dataclass
class LoopState:
    """Where the loop stands after some events; `apply` is the only way it changes.

    content, blob, metrics, parts, complexity are the incumbent's; kept_by is the experiment that made it (None: base).
    elapsed in seconds of running, cost in US dollars, tried holds canonical ids. largest: the largest gain or loss of
    any experiment, of a screened one the least that it lost; measured: how many had one; claimed: the sum of the gains
    that were kept.

    Of noisy metrics: calibration holds the pairs of the unchanged file, begun the try that is not decided yet, fought
    its pairs, screen its measurement at a share of the cost; pairs and void count those of the whole night.
    """

    base_metrics: Mapping[str, float] = field(default_factory=dict)
    base_blob: str = ""
    base_complexity: int = 0
    blob: str = ""
    content: bytes = b""
    metrics: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    complexity: int = 0
    kept_by: int | None = None
    experiments: int = 0
    kept: int = 0
    since_keep: int = 0
    elapsed: float = 0.0
    cost: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    tried: set[str] = field(default_factory=set)
    largest: float = 0.0
    measured: int = 0
    claimed: float = 0.0
    calibration: list[Event] = field(default_factory=list)
    begun: Event | None = None
    fought: list[Event] = field(default_factory=list)
    screen: Event | None = None
    pairs: int = 0
    void: int = 0

    @property
    def started(self) -> bool:
        return bool(self.base_blob)

    def apply(self, event: Event, packs: Packs | None = None) -> None:
        """Takes in one event."""
        if event["event"] == "baseline" and not self.started:
            self.base_blob = self.blob = event["blob"]
            self.base_metrics = self.metrics = event["metrics"]
            self.base_complexity = self.complexity = event["complexity"]
            self.parts = event.get("parts", {})
            self.content = content_of(event, None, packs)
            self.tried.add(event["canon"])
            self.elapsed, self.cost = event["elapsed"], self.cost + event.get("cost_usd", 0.0)
        elif event["event"] == "try":
            self.begun, self.fought, self.screen = event, [], None
        elif event["event"] == "screen":
            self.screen, self.elapsed = event, event["elapsed"]
        elif event["event"] == "pair":
            self._pair(event)
        elif event["event"] == "experiment":
            self._experiment(event, packs)

    def _pair(self, event: Event) -> None:
        (self.fought if event["id"] else self.calibration).append(event)
        self.pairs, self.void = self.pairs + 1, self.void + bool(event["void"])
        self.elapsed = event["elapsed"]

    def _experiment(self, event: Event, packs: Packs | None) -> None:
        self.experiments = event["id"]
        self.elapsed, self.cost = event["elapsed"], self.cost + event["cost_usd"]
        self.reasons[event["reason"]] += 1
        self.since_keep += 1
        self.tried.add(event["canon"])
        self.begun = None
        if (event["metrics"] or "bound" in event) and event["reason"] != "suspect":
            self.measured += 1
            self.largest = max(self.largest, abs(event.get("gain", 0.0)))
        if event["status"] == "keep":
            self.claimed += event.get("gain", 0.0)
            self.content = content_of(event, self.content, packs)
            self.blob, self.metrics, self.complexity = event["blob"], event["metrics"], event["complexity"]
            self.kept_by, self.kept, self.since_keep = event["id"], self.kept + 1, 0
            self.parts = event.get("parts") or self.parts


def loop_state(segments: Iterable[Segment], packs: Packs | None = None) -> LoopState:
    """The state after every event of these segments."""
    state = LoopState()
    for event in all_events(segments):
        state.apply(event, packs)
    return state


def all_events(segments: Iterable[Segment]) -> Iterator[Event]:
    for segment in segments:
        yield from segment.events


def run_end(segments: Sequence[Segment]) -> str | None:
    """Why the loop ended, or None while it has not (an interruption by a kill is no end)."""
    for segment in reversed(segments):
        if segment.header["verb"] == "run" and segment.sealed and segment.events[-1]["end"] != "interrupted":
            return str(segment.events[-1]["end"])
    return None


def confirm_end(segments: Sequence[Segment]) -> str | None:
    """What confirm came to, or None before it; what a human asked for later counts (`harness.standing`)."""
    return standing.end(segments)


def of_kind(segments: Sequence[Segment], kind: str) -> list[Event]:
    return [event for event in all_events(segments) if event["event"] == kind]


def restore(segments: Sequence[Segment], experiment: int, packs: Packs | None = None) -> tuple[Event, bytes]:
    """An experiment's event and its content, kept or not; 0 is the baseline. Raises KeyError."""
    content = b""
    for event in all_events(segments):
        if event["event"] == "baseline" and not content:
            content = content_of(event, None, packs)
            if experiment == 0:
                return event, content
        elif event["event"] == "experiment":
            if event["id"] == experiment:
                return event, content_of(event, content, packs)
            if event["status"] == "keep":
                content = content_of(event, content, packs)
    raise KeyError(experiment)


def rule_of(header: Event) -> Rule:
    """The rule that a night decided by, as its header recorded it."""
    metrics = tuple(
        Metric(
            name=entry["name"],
            goal=entry["goal"],
            min_effect=entry["min_effect"],
            guard=_tolerance_of(entry["guard"]),
            tolerance=_tolerance_of(entry["tolerance"]) or Tolerance(),
            signal=entry["signal"],
            compare=entry.get("compare", "difference"),
            floor=entry.get("floor"),
            ceiling=entry.get("ceiling"),
        )
        for entry in header["metrics"]
    )
    keep = header["keep"]
    return Rule(keep["rule"], metrics, keep["weights"], keep["scales"], keep["min_effect"])


def rule_fields(rule: Rule) -> dict[str, Any]:
    """A rule as a header holds it; the inverse of `rule_of`."""
    metrics = [
        {
            "name": metric.name,
            "goal": metric.goal,
            "min_effect": metric.min_effect,
            "guard": _tolerance_fields(metric.guard),
            "tolerance": _tolerance_fields(metric.tolerance),
            "signal": metric.signal,
            "compare": metric.compare,
            "floor": metric.floor,
            "ceiling": metric.ceiling,
        }
        for metric in rule.metrics
    ]
    keep = {
        "rule": rule.name,
        "weights": dict(rule.weights),
        "scales": dict(rule.scales),
        "min_effect": rule.min_effect,
    }
    return {"metrics": metrics, "keep": keep}


def _tolerance_of(fields: Mapping[str, Any] | None) -> Tolerance | None:
    return Tolerance(fields["amount"], fields["relative"]) if fields else None


def _tolerance_fields(tolerance: Tolerance | None) -> dict[str, Any] | None:
    return {"amount": tolerance.amount, "relative": tolerance.relative} if tolerance else None
