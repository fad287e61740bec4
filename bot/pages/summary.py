"""A night as its reader needs it: a pure fold of each target's segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.pages.tally import Noise, Point, Run, Tally
from bot.pages.target.arms import Yield, yields
from bot.pages.target.models import Asked, Failed, asked, failed
from bot.pages.wording import gains
from harness import folds, standing
from harness.events import Event, Segment
from harness.intervals import of_repeat
from harness.rule import Metric, Rule, headline_name
from harness.targetfile.proposing import KEYLESS


@dataclass(frozen=True)
class Row:
    """One part of the final diff that a human can read, judge and take out.

    adds: its headline gain; low: where that lies above with 90 % confidence, None where it was not measured so;
    metrics: of what all rows up to it come to, empty where that was not measured.
    """

    number: int
    change: str
    adds: float
    added: int
    removed: int
    experiments: tuple[int, ...]
    blob: str
    low: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Repeat:
    """A command that measured a result in pairs again. sure: the confidence that it was held to."""

    confirmed: bool
    sure: float


@dataclass(frozen=True)
class TargetReport:
    """What one night came to for one target.

    end: why the loop ended, end_why: what there is to say of it; verdict: what confirm said ("" before it). noise: None
    where the metrics do not vary; claimed_gain: the sum of the headline gains that were kept. suspects: the first of
    what was too good to be kept; reasons count them all. private: whether the rows are, so that amounts are not shown;
    arms: of a portfolio, what each proposer came to; models: what was asked of them; failed: what they, or a tool,
    proposed in vain; unit: what a row is made of; parts: names of what the loop measured apart, on the base or since;
    runs: of the base and of what was kept, where the evaluator told how they went; device: what they ran on, where the
    header names it.
    """

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
    claimed_gain: float
    confirm: Event | None
    rows: tuple[Row, ...]
    tries: int
    kept: int
    reasons: Mapping[str, int]
    near_misses: tuple[Event, ...]
    suspects: tuple[Event, ...]
    points: tuple[Point, ...]
    noise: Noise | None
    cost: float
    usd: float
    seconds: float
    end: str
    end_why: str
    verdict: str
    why: str
    lock: str
    harness: str
    seal: str
    private: bool = False
    repeats: tuple[Repeat, ...] = ()
    arms: tuple[Yield, ...] = ()
    models: tuple[Asked, ...] = ()
    failed: Failed = field(default_factory=Failed)
    unit: str = "leaf"
    parts: frozenset[str] = frozenset()
    runs: tuple[Run, ...] = ()
    device: str = ""

    @property
    def primary(self) -> Metric:
        return self.rule.primary

    @property
    def confirmed(self) -> bool:
        return self.verdict == "confirmed"

    @property
    def holdout(self) -> Mapping[str, Any] | None:
        return self.confirm.get("holdout") if self.confirm else None

    @property
    def interval(self) -> Mapping[str, Any] | None:
        """What confirm measured of a noisy target in pairs of its own, confirmed or not."""
        return self.confirm.get("confirmed") if self.confirm else None

    @property
    def compared(self) -> Metric:
        """What confirm compared base and result by; before it, what the claim rests on."""
        if self.interval:
            return gains.compared(self.rule, self.interval)
        searched = (self.confirm or {}).get("search", {"base": self.base, "head": self.claimed})
        return gains.deciding(self.rule, searched["base"], searched["head"])

    @property
    def claim(self) -> float:
        """The gain that the loop claims of a noisy target, by the same metric."""
        if self.compared.name == headline_name(self.rule):
            return self.claimed_gain
        return self.compared.gain(self.base[self.compared.name], self.claimed[self.compared.name])


def summarise(segments: Sequence[Segment]) -> TargetReport:
    """The report of one target. The loop may still be running: then there is no end yet."""
    head = segments[0].header
    tally = Tally(head)
    for event in folds.all_events(segments):
        tally.take(event)
    counted = standing.confirmation(segments)
    confirm = counted.event if counted else {}
    return TargetReport(
        name=head["target"],
        file=head["file"],
        night=head["night"],
        commit=head["base"],
        owner=head["owner"] or "",
        proposer=head["proposer"],
        rule=folds.rule_of(head),
        sample=head["sample"],
        base=tally.base,
        claimed=tally.claimed,
        claimed_gain=tally.claimed_gain,
        confirm=counted.event if counted else None,
        rows=tuple(_row(entry) for entry in confirm.get("rows", [])),
        tries=tally.tries,
        kept=tally.kept,
        reasons=dict(tally.reasons.most_common()),
        near_misses=tally.near_misses(),
        suspects=tuple(tally.suspects),
        points=tuple(tally.points),
        noise=tally.noise(),
        cost=tally.cost,
        usd=head["usd"],
        seconds=tally.elapsed + confirm.get("seconds", 0.0),
        end=folds.run_end(segments) or "",
        end_why=_end_why(segments),
        verdict=folds.confirm_end(segments) or "",
        why=confirm.get("why", ""),
        lock=head["lock"],
        harness=head["harness"],
        seal=counted.segment.chain if counted else segments[-1].chain,
        private=head.get("private", False),
        repeats=_repeats(segments) if tally.noise() else (),
        arms=yields(folds.all_events(segments)),
        models=asked(folds.all_events(segments)),
        unit=head.get("unit", "leaf"),
        parts=frozenset(tally.parts),
        runs=tuple(tally.runs),
        device=_device(head.get("machine")),
        failed=failed(folds.all_events(segments)) if head["proposer"] not in KEYLESS else Failed(),
    )


def _device(machine: object) -> str:
    """Nobody vouches for the shape of what a segment says of its machine."""
    found = machine.get("device", "") if isinstance(machine, dict) else ""
    return found if isinstance(found, str) else ""


def _repeats(segments: Sequence[Segment]) -> tuple[Repeat, ...]:
    found = [each.event for each in standing.repeats(segments)]
    return tuple(
        Repeat(event["verdict"] == "confirmed", event.get("confirmed", {}).get("confidence", of_repeat(number)))
        for number, event in enumerate(found, start=1)
    )


def _end_why(segments: Sequence[Segment]) -> str:
    seals = [s.events[-1] for s in segments if s.header["verb"] == "run" and s.sealed]
    return str(seals[-1].get("why", "")) if seals else ""


def _row(entry: Mapping[str, Any]) -> Row:
    added, removed = entry["lines"]
    experiments = tuple(entry["experiments"])
    return Row(
        entry["number"], entry["change"], entry["adds"], added, removed, experiments, entry["blob"], entry.get("low"),
        entry["metrics"],
    )  # fmt: skip
