"""The loop's events once more: numbers, parents, contents and decisions must follow from what came before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import screening
from harness.admission import Refused
from harness.contents import content_of
from harness.decide import Discard, Keep, Measured, Pair, State, decide, step
from harness.events import Event
from harness.folds import LoopState, Packs
from harness.handover.expected import Expected
from harness.rows import Diff, difference
from harness.rule import headline_gain
from harness.tripwires import suspect_change, suspect_values

_UNMEASURED = frozenset({"invalid", "duplicate", "unfinished"})


class Contradiction(Exception):
    """An event that cannot have followed; the words are for the refusal."""


class Replay:
    """Takes the events of the run segments in order. Raises Contradiction at the first that does not follow.

    measured: blob -> metrics; duel: the evidence of the try at hand; crashed: what its candidate crashed of.
    """

    def __init__(self, expected: Expected, packs: Packs) -> None:
        self.expected, self.packs = expected, packs
        self.state = LoopState()
        self.history: list[tuple[int, bytes]] = []
        self.measured: dict[str, Mapping[str, float]] = {}
        self.duel, self.crashed = State({}), ""
        self._difference: tuple[bytes, Diff] | None = None

    @property
    def difference(self) -> Diff:
        """Of the base and the incumbent, in the units that the target's rows are made of."""
        target, head = self.expected.target, self.state.content
        if self._difference is None or self._difference[0] != head:
            found = difference(self.expected.base, head, target.file, target.confirm.unit, self.history)
            self._difference = head, found
        return self._difference[1]

    def baseline(self, event: Event) -> None:
        check_baseline(self, event)
        check_metrics(self, event["metrics"])

    def experiment(self, event: Event) -> bytes:
        """Its content."""
        check_started(self, event)
        check_number(self, event)
        check_parent(self, event)
        check_time(self, event)
        content = restored(self, event)
        check_tried(self, event)
        if event["reason"] == "screened":
            check_screened(self, event)
        if self.expected.judged:
            check_admission(self, event, content)
        return content

    def apply(self, event: Event) -> None:
        """Moves on."""
        self.state.apply(event, self.packs)
        if event["event"] in {"baseline", "experiment"} and event["metrics"]:
            self.measured[event["blob"]] = event["metrics"]
        if event["event"] == "experiment" and event["status"] == "keep":
            self.history.append((event["id"], self.state.content))


def check_started(replay: Replay, event: Event) -> None:
    if not replay.state.started:
        raise Contradiction(f"a {event['event']} before the baseline")


def check_baseline(replay: Replay, event: Event) -> None:
    """The unchanged file, once."""
    if replay.state.started:
        raise Contradiction("a second baseline")
    blob = replay.expected.blob_id(replay.expected.base)
    if event["blob"] != blob or content(event, None, replay.packs) != replay.expected.base:
        raise Contradiction("the baseline is not the base commit's file")


def check_metrics(replay: Replay, metrics: dict[str, Any]) -> None:
    """Every declared metric, and values that it can be compared by."""
    for metric in replay.expected.target.rule.metrics:
        if metric.name not in metrics:
            raise Contradiction(f"the metric {metric.name} is missing")
        if metric.compare == "ratio" and metrics[metric.name] <= 0:
            raise Contradiction(f"the metric {metric.name} is compared by ratio, and is not above 0")


def check_number(replay: Replay, event: Event) -> None:
    if event["id"] != replay.state.experiments + 1:
        raise Contradiction(f"experiment {event['id']} where {replay.state.experiments + 1} was due")
    if event["id"] > replay.expected.planned:
        raise Contradiction(f"experiment {event['id']}, and {replay.expected.planned} were planned")


def check_parent(replay: Replay, event: Event) -> None:
    if event["parent"] != replay.state.blob:
        raise Contradiction("its parent is not the incumbent of that moment")


def check_time(replay: Replay, event: Event) -> None:
    if event["elapsed"] < replay.state.elapsed:
        raise Contradiction("its time lies before the experiment ahead of it")


def restored(replay: Replay, event: Event) -> bytes:
    """The content that an event holds, if it is the one it names."""
    found = content(event, replay.state.content, replay.packs)
    if replay.expected.blob_id(found) != event["blob"]:
        raise Contradiction(f"its content is not the blob {event['blob'][:12]} that it names")
    return found


def content(event: Event, parent: bytes | None, packs: Packs) -> bytes:
    try:
        return content_of(event, parent, packs)
    except (KeyError, UnicodeDecodeError):
        raise Contradiction("its content cannot be restored") from None


def check_tried(replay: Replay, event: Event) -> None:
    """A carried content comes first; a score without noise is never measured twice in a night."""
    carried = replay.expected.carried_blob
    if carried and event["id"] == 1 and event["blob"] != carried:
        raise Contradiction("the first experiment is not what the plan carries over")
    counted = event["metrics"] or "bound" in event
    again = event["canon"] in replay.state.tried and counted and not (carried and event["id"] == 1)
    if again and not replay.expected.target.noise:
        raise Contradiction("its content was measured before in this night")


def check_admission(replay: Replay, event: Event, found: bytes) -> None:
    """Whether the content may be measured at all, and what it counts as, by the base commit's own rules."""
    judged = replay.expected.admission.judge(found)
    refused = isinstance(judged, Refused)
    if refused and event["reason"] != "invalid":
        raise Contradiction(f"its content is not admissible: {getattr(judged, 'why', '')[:200]}")
    if not refused and event["reason"] == "invalid" and event["blob"] != replay.state.blob:  # its own: no candidate
        raise Contradiction("it is recorded as invalid, and its content is admissible")
    if event["canon"] != judged.canon or event["complexity"] != getattr(judged, "complexity", 0):
        raise Contradiction("its content counts as something else than recorded")


def check_screened(replay: Replay, event: Event) -> None:
    """Only where falling short of the incumbent decides, and only what does. The bar that the evaluator was sent may
    have been an earlier incumbent's: none that follows is worse, so its bound must fall short of this one too."""
    primary, noise = replay.expected.target.rule.primary, replay.expected.target.noise
    if noise and noise.screen:
        return  # see harness/handover/screens.py
    bar = screening.bar_of(replay.expected.target, replay.state.metrics)
    if bar is None:
        raise Contradiction("it is screened, and the loop of this target measures everything")
    if event["metrics"] or event["parts"]:
        raise Contradiction("it is screened, and has numbers")
    if not screening.falls_short(primary, event["bound"], bar):
        raise Contradiction("it is screened, and its bound does not fall short of the incumbent")
    if event["gain"] != primary.gain(bar, event["bound"]):
        raise Contradiction("its gain is not that of its bound")


def check_decision(replay: Replay, event: Event, found: bytes) -> None:
    """Status, reason and gain of a deterministic experiment follow from the recorded numbers."""
    if event["status"] == "crash" or event["reason"] in _UNMEASURED:
        if event["metrics"] or event["parts"] or event["gain"]:
            raise Contradiction(f"it was not measured ({event['reason']}), and has numbers")
        return
    if event["reason"] == "screened":
        return  # see check_screened
    check_metrics(replay, event["metrics"])
    rule, state = replay.expected.target.rule, replay.state
    if event["gain"] != headline_gain(rule, state.metrics, event["metrics"]):
        raise Contradiction("its gain is not that of its numbers")
    pair = Pair(Measured(state.metrics, state.complexity), Measured(event["metrics"], event["complexity"]))
    check_verdict(event, verdict(decide(step(State(state.base_metrics), pair), rule), replay, event, found))


def check_verdict(event: Event, due: tuple[str, str]) -> None:
    if due != (event["status"], event["reason"]):
        recorded = f"{event['status']}, {event['reason']}"
        raise Contradiction(f"it is recorded as {recorded}; its numbers say {', '.join(due)}")


def verdict(decision: object, replay: Replay, event: Event, found: bytes) -> tuple[str, str]:
    """A decision as an event records it. A keep that trips a wire is none."""
    if isinstance(decision, Keep):
        state, target = replay.state, replay.expected.target
        suspect = suspect_values(
            target.rule, state.base_metrics, event["metrics"], event["gain"],
            largest=state.largest, measured=state.measured,
        ) or suspect_change(state.content, found, target.file)  # fmt: skip
        return ("discard", "suspect") if suspect else ("keep", decision.reason)
    return "discard", decision.reason if isinstance(decision, Discard) else "unfinished"
