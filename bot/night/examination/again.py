"""The examination of what is proposed already, once more or without some of its rows.

Nothing is searched and nothing taken out: every row that is left keeps its number, its words and its place.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.night.examination import exact, heldout, longer, noisy
from bot.night.examination.bench import Unconfirmed
from bot.night.examination.case import Case
from harness.ablate import Crashed, Effect, Round
from harness.admission import Admitted
from harness.events import Event
from harness.intervals import in_percent
from harness.reports import Measurement
from harness.rows import Group
from harness.rule import declared, headline_gain, headline_name


@dataclass(frozen=True)
class Kept:
    """A row that is left: its number, and its part of the final diff."""

    number: int
    group: Group


@dataclass(frozen=True)
class Asked:
    """kept: the rows that are left, in order; dropped: the numbers of the others; before: the confirm event that they
    were proposed by, whose numbers must come out again wherever nothing changed; added: to the numbers of rows, to give
    the page's."""

    kept: tuple[Kept, ...]
    dropped: tuple[int, ...]
    before: Event
    added: int = 0

    @property
    def groups(self) -> list[Group]:
        return [kept.group for kept in self.kept]


def examine(case: Case, asked: Asked) -> str:
    """Why what is left is confirmed; raises Unconfirmed."""
    if len(asked.kept) < 1:
        raise Unconfirmed("no row would be left")
    if case.target.noise:
        return _Noisy(case, asked).run()
    return _Exact(case, asked).run()


@dataclass(frozen=True)
class _Exact(exact.Examination):
    asked: Asked

    def run(self) -> str:
        case, rule = self.case, self.case.target.rule
        base = case.bench.score(case.base)
        stacks = stacked(case, self.asked)
        found = [self._scored(index, content) for index, content in enumerate(stacks)]
        head, last = stacks[-1], found[-1]
        gain = headline_gain(rule, base.metrics, last.metrics)
        case.event.update({
            "head": case.bench.blob_id(head),
            "claimed_gain": headline_gain(rule, case.state.base_metrics, case.state.metrics),
            "repeat": self._repeated(base, stacks, found),
            "ablation": self.asked.before.get("ablation", {}),
        })  # fmt: skip
        case.searched(base, last)
        if case.event["repeat"] == "different":
            raise Unconfirmed("a clean run gives the proposed file other numbers than it was confirmed with")
        self._gain(base, last, head)
        if case.target.sample:
            heldout.look(case, head, gain)
            self._same_figures()
        case.event["rows"] = self._entries(base, stacks, found)
        return f"{headline_name(rule)} improves by {gain:.6g} on the search split"

    def _scored(self, index: int, content: bytes) -> Measurement:
        found = self.case.bench.score(content, crash_allowed=True)
        if found.crash:
            raise needed(self.asked, index, f"{found.crash}: {found.why[:200]}")
        return found

    def _repeated(self, base: Measurement, stacks: Sequence[bytes], found: Sequence[Measurement]) -> str:
        if self.case.target.evaluate.model:
            return "varies"
        return "identical" if self._same(base, stacks, found) else "different"

    def _same(self, base: Measurement, stacks: Sequence[bytes], found: Sequence[Measurement]) -> bool:
        """Whether what was measured before has the same numbers again."""
        rule, known = self.case.target.rule, {row["blob"]: row["metrics"] for row in self.asked.before["rows"]}
        known[self.case.state.base_blob] = self.case.state.base_metrics
        now = {self.case.bench.blob_id(content): one.metrics for content, one in zip(stacks, found, strict=True)}
        now[self.case.bench.blob_id(self.case.base)] = base.metrics
        return all(declared(now[blob], rule) == declared(known[blob], rule) for blob in now.keys() & known.keys())

    def _same_figures(self) -> None:
        """The held-out figures of an unchanged head come out again."""
        before, now = self.asked.before.get("holdout"), self.case.event["holdout"]
        unchanged = before and self.asked.before["head"] == self.case.event["head"]
        asked_anew = self.case.target.evaluate.model is not None
        if (
            before
            and unchanged
            and not asked_anew
            and (before["base"], before["head"]) != (dict(now["base"]), dict(now["head"]))
        ):
            raise Unconfirmed("a clean run gives other held-out numbers than were confirmed")

    def _entries(
        self, base: Measurement, stacks: Sequence[bytes], found: Sequence[Measurement]
    ) -> list[dict[str, Any]]:
        entries, before, metrics = list[dict[str, Any]](), self.case.base, base.metrics
        for kept, content, measured in zip(self.asked.kept, stacks, found, strict=True):
            adds = headline_gain(self.case.target.rule, metrics, measured.metrics)
            entries.append(self.case.row(kept.number, kept.group, content, before, adds, measured.metrics))
            before, metrics = content, measured.metrics
        return entries


@dataclass(frozen=True)
class _Noisy(noisy.Examination):
    asked: Asked

    def run(self) -> str:
        case, asked = self.case, self.asked
        stacks = stacked(case, asked)
        case.event.update({
            "head": case.bench.blob_id(stacks[-1]), "repeat": "varies", "claimed_gain": case.state.claimed,
            "ablation": asked.before.get("ablation", {}),
        })  # fmt: skip
        effects = self._effects() if len(asked.kept) > 1 else []
        mean = self._confirmed(stacks[-1])
        effects = effects or [Effect(asked.kept[0].group, mean.gain, mean.lower, pays=True)]
        entries, before = list[dict[str, Any]](), case.base
        for kept, effect, content in zip(asked.kept, effects, stacks, strict=True):
            metrics = case.event["search"]["head"] if content is stacks[-1] else {}
            row = case.row(kept.number, kept.group, content, before, effect.gain, metrics)
            entries.append({**row, "low": effect.low})
            before = content
        case.event["rows"] = entries
        longer.look(case, stacks[-1])
        return (
            f"{headline_name(self.rule)} improves by {mean.gain:.4g}, {in_percent(mean.confidence)} interval "
            f"{mean.low:.4g} to {mean.high:.4g}, in {mean.pairs} pairs"
        )

    def _effects(self) -> list[Effect]:
        """What each row adds, each left out once: said, and nothing is taken out for it."""
        groups = self.asked.groups
        found = self.without(1, groups, groups)
        if found is None:
            raise Unconfirmed("the confirm budget does not pay for leaving out each row once", "underpowered")
        if isinstance(found, Crashed):
            raise needed(self.asked, found.part, "without it the rest cannot be measured")
        self.case.round(Round(1, "leave-one-out", found, None))
        return list(found.effects)


def stacked(case: Case, asked: Asked) -> list[bytes]:
    """The contents that the rows add up to, one on top of the other. Raises Unconfirmed where one cannot stand."""
    contents = []
    for index in range(len(asked.kept)):
        contents.append(case.content(asked.groups[: index + 1]))
        judged = case.admission.judge(contents[-1])
        measured = not case.target.noise or index == len(asked.kept) - 1
        if measured and not isinstance(judged, Admitted):
            raise needed(asked, index, judged.why[:200])
    return contents


def needed(asked: Asked, index: int, why: str) -> Unconfirmed:
    """Row `index` of those that are left does not stand."""
    number = asked.added + asked.kept[index].number
    if not asked.dropped:
        return Unconfirmed(f"row {number} does not stand: {why}")
    gone = functools.reduce(lambda one, other: f"{one}, {other}", (str(asked.added + n) for n in asked.dropped))
    return Unconfirmed(f"row {number} cannot stand without row {gone}: {why}", "needed")
