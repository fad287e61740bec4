"""The examination of metrics without noise: every number again from scratch, to the last digit."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.night.examination import heldout
from bot.night.examination.bench import BudgetSpent, Unconfirmed
from bot.night.examination.case import Case
from harness import holdout, reserve, rows
from harness.ablate import CONFIDENCE, Crashed, Effect, Examined, ablate
from harness.admission import Admitted
from harness.decide import Measured, Pair, State, broken_guard, decide, step
from harness.reports import Measurement
from harness.reserve import HELD_OUT
from harness.rows import Group
from harness.rule import Rule, declared, headline_gain, headline_name


def examine(case: Case) -> str:
    """Why the result is confirmed; raises Unconfirmed."""
    return Examination(case).run()


@dataclass(frozen=True)
class Examination:
    case: Case

    def run(self) -> str:
        case, rule = self.case, self.case.target.rule
        base = self._claim()
        affordable = reserve.affordable(case.bench.seconds, case.target)
        groups, tripped = case.untripped(case.groups(affordable))
        ablation = ablate(groups, self, case.round)
        head = case.content(ablation.left) if ablation.removed or tripped else case.state.content
        found = case.bench.score(head)
        gain = headline_gain(rule, base.metrics, found.metrics)
        case.event.update({
            "head": case.bench.blob_id(head), "ablation": case.summary(affordable, groups, ablation, tripped),
        })  # fmt: skip
        case.searched(base, found)
        self._gain(base, found, head)
        if case.target.sample:
            heldout.look(case, head, gain)
        case.event["rows"] = self._rows(ablation.left, base, head, found)
        return f"{headline_name(rule)} improves by {gain:.6g} on the search split"

    def _claim(self) -> Measurement:
        """The base, once the claim has held against it and the loop's file, both measured anew."""
        case = self.case
        base, found = case.bench.score(case.base), case.bench.score(case.state.content)
        case.event.update({
            "head": case.state.blob,
            "claimed_gain": headline_gain(case.target.rule, case.state.base_metrics, case.state.metrics),
            "repeat": self._repeat(found),
        })  # fmt: skip
        case.searched(base, found)
        if case.event["repeat"] == "different":
            raise Unconfirmed("a clean run gives the kept file other numbers than the loop claimed")
        self._gain(base, found, case.state.content)
        return base

    def _repeat(self, found: Measurement) -> str:
        """What a model answered anew is held against the base of now alone."""
        if self.case.target.evaluate.model:
            return "varies"
        return "identical" if _same(found, self.case.state.metrics, self.case.target.rule) else "different"

    def _gain(self, base: Measurement, found: Measurement, content: bytes) -> None:
        rule = self.case.target.rule
        if broken := broken_guard(base.metrics, found.metrics, rule):
            raise Unconfirmed(f"a guard does not hold on the search split: {broken}")
        pair = Pair(
            Measured(base.metrics, self.case.state.base_complexity), Measured(found.metrics, self._complexity(content))
        )
        decision = decide(step(State(base.metrics), pair), rule)
        if getattr(decision, "reason", "") not in {"better", "simpler"}:
            raise Unconfirmed(f"against the night's base the result is no gain: {getattr(decision, 'why', '')}")

    def _complexity(self, content: bytes) -> int:
        judged = self.case.admission.judge(content)
        return judged.complexity if isinstance(judged, Admitted) else 0

    def without(self, _round: int, stack: Sequence[Group], parts: Sequence[Group]) -> Examined | Crashed | None:
        """See `harness.ablate.Bench`. The stack itself has been measured, as the whole or as what a removal left."""
        case, effects = self.case, list[Effect]()
        if not case.bench.affords(len(parts) + (HELD_OUT if case.target.sample else 0)):
            return None
        whole = case.content(stack)
        head = case.bench.score(whole)
        for index, part in enumerate(parts):
            content = case.without(stack, part)
            found = case.bench.score(content, crash_allowed=True) if content is not None else None
            if content is None or found is None or found.crash:
                return Crashed(index)
            effects.append(self._effect(part, found, content, head, whole))
        return Examined(tuple(effects), (), (case.value(head.metrics),))

    def stands(self, stack: Sequence[Group]) -> bool:
        """See `harness.ablate.Bench`."""
        content = self.case.content(stack)
        return self.case.admits(content) and not self.case.bench.score(content, crash_allowed=True).crash

    def _effect(self, part: Group, found: Measurement, content: bytes, head: Measurement, whole: bytes) -> Effect:
        """A part pays by its bound above 0; by being simpler at the same score; by a guard that needs it; and where
        no metric may get worse, by any that would."""
        rule = self.case.target.rule
        gain = headline_gain(rule, found.metrics, head.metrics)
        low = self._low(found, head, gain)
        gains = [metric.gain(found.metrics[metric.name], head.metrics[metric.name]) for metric in rule.metrics]
        held = rule.name == "pareto" and max(gains) > 0
        simpler = not any(gains) and self._complexity(whole) < self._complexity(content)
        guard = broken_guard(self.case.state.base_metrics, found.metrics, rule)
        return Effect(part, gain, low, low > 0 or held or simpler or bool(guard), (self.case.value(found.metrics),))

    def _low(self, found: Measurement, head: Measurement, gain: float) -> float:
        """Of what a part adds: over the search rows where the evaluator reports them, else the plain difference."""
        primary = self.case.target.rule.primary
        one, other = found.rows.get(primary.name), head.rows.get(primary.name)
        if not self.case.target.sample or one is None or other is None:
            return gain
        try:
            return holdout.paired(one, other, primary.goal).lower(CONFIDENCE)
        except ValueError:
            return gain

    def _rows(
        self, groups: Sequence[Group], base: Measurement, head: bytes, found: Measurement
    ) -> list[dict[str, Any]]:
        """The rows, largest effect first, each with what it adds on top of the ones before it."""
        case, entries = self.case, list[dict[str, Any]]()
        before, metrics = case.base, base.metrics
        for number, (group, content, measured) in enumerate(self._stacked(groups, base, head, found), start=1):
            adds = headline_gain(case.target.rule, metrics, measured.metrics)
            entries.append(case.row(number, group, content, before, adds, measured.metrics))
            before, metrics = content, measured.metrics
        return entries

    def _stacked(
        self, groups: Sequence[Group], base: Measurement, head: bytes, found: Measurement
    ) -> list[tuple[Group, bytes, Measurement]]:
        """Rows on top of each other: each time the one that adds most, or the next by path where that costs too much.

        Rows that cannot stand without each other (every choice crashes) become one, and so does what is left when the
        confirm budget is spent: the last content is the head, which is measured already.
        """
        left, stack = list(groups), list[Group]()
        stacked: list[tuple[Group, bytes, Measurement]] = []
        greedy = self.case.bench.affords(len(left) * (len(left) + 1))
        while len(left) > 1:
            try:
                best = self._best(stack, left if greedy else left[:1], base)
            except BudgetSpent:
                break
            if best is None:
                left[:2] = [rows.join(left[0], left[1])]
                continue
            index, content, measured = best
            stack.append(left.pop(index))
            stacked.append((stack[-1], content, measured))
        return [*stacked, (functools.reduce(rows.join, left), head, found)]

    def _best(
        self, stack: list[Group], choices: Sequence[Group], base: Measurement
    ) -> tuple[int, bytes, Measurement] | None:
        """Of these next rows the one that adds most: its index, what the stack is with it, and its measurement."""
        case = self.case
        contents = [case.content([*stack, group]) for group in choices]
        found = [case.bench.score(content, crash_allowed=True) for content in contents]
        sound = [index for index, measurement in enumerate(found) if not measurement.crash]
        sound.sort(key=lambda i: -headline_gain(case.target.rule, base.metrics, found[i].metrics))
        best = next((index for index in sound if case.admits(contents[index])), None)
        return None if best is None else (best, contents[best], found[best])


def _same(found: Measurement, claimed: Mapping[str, float], rule: Rule) -> bool:
    """Measured under another seed: what the rule knows of must not depend on it."""
    return declared(found.metrics, rule) == declared(claimed, rule)
