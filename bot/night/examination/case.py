"""What both examinations share: the result to be confirmed, where they measure, and what they write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.night.examination.bench import Bench, Unconfirmed
from harness import rows
from harness.ablate import Ablation, Effect, Round
from harness.admission import Admission, Admitted
from harness.events import Event
from harness.folds import LoopState
from harness.reports import Measurement
from harness.reserve import Reserve
from harness.rows import Diff, Group
from harness.rule import combined
from harness.target import Target
from harness.tripwires import suspect_change


@dataclass(frozen=True)
class Case:
    """A loop's result. history: each kept experiment's number and content; event: the confirm event, which grows as
    things are found out; held: how a content stands in an event, given the one before it; look: says that the holdout
    is about to be measured for a head, and gives the number of that look; repeat: which time, from 1, a command repeats
    the test; 0 is confirm's own."""

    target: Target
    state: LoopState
    base: bytes
    history: Sequence[tuple[int, bytes]]
    bench: Bench
    admission: Admission
    event: Event
    before: Sequence[Event]
    record: Callable[[Event], None]
    held: Callable[[bytes, bytes], dict[str, Any]]
    look: Callable[[str], Mapping[str, Any]]
    repeat: int = 0

    @cached_property
    def diff(self) -> Diff:
        target = self.target
        return rows.difference(self.base, self.state.content, target.file, target.confirm.unit, self.history)

    def groups(self, reserve: Reserve) -> list[Group]:
        """The final change in as many parts as can be paid for."""
        return rows.groups(self.diff, self.history, self.base, reserve.groups)

    def untripped(self, groups: Sequence[Group]) -> tuple[list[Group], list[dict[str, Any]]]:
        """Without the parts that alone are suspect; and those, as the confirm event holds them."""
        sound, tripped = list[Group](), list[dict[str, Any]]()
        for group in groups:
            if why := suspect_change(self.base, self.content([group]), self.target.file):
                tripped.append({
                    "change": group.change[:500], "experiments": group.experiments, "gain": 0.0, "low": 0.0,
                    "why": f"suspect: {why}",
                })  # fmt: skip
            else:
                sound.append(group)
        if not sound:
            raise Unconfirmed(f"nothing but suspect changes: {tripped[0]['why']}")
        return sound, tripped

    def content(self, stack: Sequence[Group]) -> bytes:
        """The base with these groups alone."""
        return self.diff.content(unit for group in stack for unit in group.units)

    def without(self, stack: Sequence[Group], part: Group) -> bytes | None:
        """The stack less a part of it; None where that may not be measured."""
        content = self.content([group for group in stack if not set(group.units) <= set(part.units)])
        return content if self.admits(content) else None

    def admits(self, content: bytes) -> bool:
        """Whether it may be measured, by the base commit's own rules."""
        return isinstance(self.admission.judge(content), Admitted)

    def value(self, metrics: Mapping[str, float]) -> float:
        """The headline number, as it was measured."""
        rule = self.target.rule
        return combined(metrics, rule) if rule.name == "weighted" else metrics[rule.primary.name]

    def searched(self, base: Measurement, head: Measurement) -> None:
        """Both sides, into the confirm event; and what their scores say nothing of, where they say so."""
        self.event["search"] = {"base": base.metrics, "head": head.metrics}
        self.event.pop("notes", None)
        if base.notes or head.notes:
            self.event["notes"] = {"base": list(base.notes), "head": list(head.notes)}

    def round(self, taken: Round) -> None:
        """Writes a round down, if a confirm that was killed has not."""
        if not any(event["event"] == "ablate" and event["round"] == taken.number for event in self.before):
            self.record({
                "event": "ablate", "round": taken.number, "how": taken.how, "seeds": taken.examined.seeds,
                "head": taken.examined.head, "effects": [_effect(effect) for effect in taken.examined.effects],
                "removed": taken.removed,
            })  # fmt: skip

    def summary(
        self, reserve: Reserve, groups: Sequence[Group], ablation: Ablation, tripped: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """The ablation as the confirm event holds it. groups: that were left out one by one at first."""
        if len(groups) > 1:
            how, measured = "leave-one-out", len(groups)
        else:
            units = sum(len(group.units) for group in groups)
            how, measured = "measured as a set" if units > 1 else "none", 0
        removed = [
            {
                "change": effect.group.change[:500], "experiments": effect.group.experiments, "gain": effect.gain,
                "low": effect.low, "why": f"unproven in the stack: adds {effect.gain:+.4g}, perhaps {effect.low:+.4g}",
            }
            for effect in ablation.removed
        ]  # fmt: skip
        return {
            "how": how, "rounds": ablation.rounds, "measured": measured, "removed": [*tripped, *removed],
            "says": _says(how, measured, ablation, reserve),
        }  # fmt: skip

    def row(
        self, number: int, group: Group, content: bytes, before: bytes, adds: float, metrics: Mapping[str, float]
    ) -> dict[str, Any]:
        """A row as the confirm event holds it; metrics: of its cumulative content, empty where it was not measured."""
        return {
            "number": number, "change": group.change[:500], "experiments": group.experiments,
            "blob": self.bench.blob_id(content), "content": self.held(content, before), "adds": adds,
            "metrics": metrics, "lines": rows.line_counts(before, content),
        }  # fmt: skip


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "group": effect.group.change[:500], "experiments": effect.group.experiments, "gain": effect.gain,
        "low": effect.low, "values": effect.values,
    }  # fmt: skip


def _says(how: str, measured: int, ablation: Ablation, reserve: Reserve) -> str:
    if how == "none":
        return "one change, confirmed as it is"
    if how == "measured as a set":
        return "no ablation fits into the confirm budget" if reserve.underpowered else reserve.says
    removed = len(ablation.removed)
    lost = "every part pays" if not removed else f"{removed} removed as unproven in the stack"
    if not ablation.finished:
        lost += "; the confirm budget ended it there, what is left was measured as a set"
    elif measured == reserve.groups < reserve.wanted:
        lost += f"; {reserve.says}"
    return f"{measured} parts left out one by one, {ablation.rounds} rounds: {lost}"
