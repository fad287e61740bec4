"""The examination of metrics with noise: on seeds that no decision of the loop was made on.

The final change is taken apart first, on seeds of the block "ablate"; then base and what is left of the change meet in
pairs on seeds of the block "confirm", as many as were fixed before the first, in one test that is never repeated.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bot.night.examination import longer
from bot.night.examination.bench import BudgetSpent, Drawn, Unconfirmed
from bot.night.examination.case import Case
from harness import intervals, reserve, rows
from harness.ablate import CONFIDENCE, SEEDS, Ablation, Crashed, Effect, Examined, ablate
from harness.intervals import LEAST_PAIRS, Mean
from harness.reports import Measurement
from harness.reserve import Reserve
from harness.rows import Group
from harness.rule import Metric, Rule, headline_gain, headline_name

MARGIN = 0.8  # of the budget that is left, when the pairs are planned: a pair may take longer than the ones before

Metrics = Mapping[str, float]


def examine(case: Case) -> str:
    """Why the result is confirmed; raises Unconfirmed."""
    return Examination(case).run()


@dataclass(frozen=True)
class Examination:
    case: Case

    @property
    def rule(self) -> Rule:
        return self.case.target.rule

    @property
    def confidence(self) -> float:
        return intervals.of_repeat(self.case.repeat)

    @cached_property
    def affordable(self) -> Reserve:
        """By what a measurement takes when confirm begins."""
        return reserve.affordable(self.case.bench.seconds, self.case.target)

    def run(self) -> str:
        case, affordable = self.case, self.affordable
        case.event.update({"head": case.state.blob, "repeat": "varies", "claimed_gain": case.state.claimed})
        if affordable.underpowered:
            raise Unconfirmed(affordable.says, "underpowered")
        groups, tripped = case.untripped(case.groups(affordable))
        ablation = ablate(groups, self, case.round)
        head = case.content(ablation.left) if ablation.removed or tripped else case.state.content
        case.event.update({
            "head": case.bench.blob_id(head), "ablation": case.summary(affordable, groups, ablation, tripped),
        })  # fmt: skip
        mean = self._confirmed(head)
        case.event["rows"] = self._rows(ablation, head, mean)
        longer.look(case, head)
        return (
            f"{headline_name(self.rule)} improves by {mean.gain:.4g}, {intervals.in_percent(mean.confidence)} interval "
            f"{mean.low:.4g} to {mean.high:.4g}, in {mean.pairs} pairs"
        )

    def without(self, round_: int, stack: Sequence[Group], parts: Sequence[Group]) -> Examined | Crashed | None:
        """See `harness.ablate.Bench`."""
        contents = [self.case.without(stack, part) for part in parts]
        if None in contents:
            return Crashed(contents.index(None))
        shown = [self.case.content(stack), *[content for content in contents if content is not None]]
        drawn: list[Drawn] = []
        for number in range(1, SEEDS + 1):
            if not self._time_for(round_, number, shown):
                return None
            drawn.append(self.case.bench.draw("ablate", round_, number, shown))
            crashed = drawn[-1].crashed
            if crashed == 0:
                raise Unconfirmed(f"the kept file crashes: {_reason(drawn[-1].found[0])}")
            if crashed is not None:
                return Crashed(crashed - 1)
        return self._examined(parts, drawn)

    def stands(self, stack: Sequence[Group]) -> bool:
        """See `harness.ablate.Bench`."""
        content = self.case.content(stack)
        return self.case.admits(content) and self.case.bench.draw("ablate", 0, 1, [content]).crashed is None

    def _time_for(self, round_: int, number: int, shown: Sequence[bytes]) -> bool:
        """Whether the rest of a round fits before the confirm block. Once that has begun, the stack is settled."""
        bench = self.case.bench
        if bench.has("ablate", round_, number, shown):
            return True
        left = (SEEDS - number + 1) * len(shown)
        return not bench.known("confirm") and bench.affords(left + self._after())

    def _after(self) -> int:
        """Measurements that the ablation leaves room for."""
        return 2 * LEAST_PAIRS + math.ceil(self.affordable.longer)

    def _examined(self, parts: Sequence[Group], drawn: Sequence[Drawn]) -> Examined:
        effects = []
        for index, part in enumerate(parts, start=1):
            gains = [headline_gain(self.rule, one.found[index].metrics, one.found[0].metrics) for one in drawn]
            low = intervals.lower_bound(gains, CONFIDENCE)
            values = tuple(self.case.value(one.found[index].metrics) for one in drawn)
            effects.append(Effect(part, statistics.fmean(gains), low, low > 0, values))
        head = tuple(self.case.value(one.found[0].metrics) for one in drawn)
        return Examined(tuple(effects), tuple(one.seed for one in drawn), head)

    def _confirmed(self, head: bytes) -> Mean:
        """The one test of the final stack."""
        case, planned = self.case, self._planned()
        pairs = self._pairs(head, planned)
        base, found = ([_metrics(drawn, side) for drawn in pairs] for side in (0, 1))
        gains = [headline_gain(self.rule, one, other) for one, other in zip(base, found, strict=True)]
        mean = intervals.paired(gains, self.confidence)
        case.searched(
            *(replace(pairs[0].found[side], metrics=_means(those)) for side, those in ((0, base), (1, found)))
        )
        case.event.update({
            "confirmed": {
                "metric": headline_name(self.rule), "gain": mean.gain, "low": mean.low, "high": mean.high,
                "confidence": mean.confidence, "lower": mean.lower, "min_effect": self.rule.headline_min_effect,
                "pairs": mean.pairs, "sd": mean.sd,
                "sign_flip_p": intervals.sign_flip_p(gains, self.rule.headline_min_effect),
            },
            "pairs": [
                {"seed": drawn.seed, "order": "bh" if drawn.order[0] == 0 else "hb", "base": one, "head": other}
                for drawn, one, other in zip(pairs, base, found, strict=True)
            ],
        })  # fmt: skip
        self._guards(base, found)
        if mean.lower <= self.rule.headline_min_effect:
            raise Unconfirmed(self._failed(mean))
        return mean

    def _failed(self, mean: Mean) -> str:
        return (
            f"the gain of {headline_name(self.rule)} is not confirmed: {mean.gain:+.4g}, "
            f"{intervals.in_percent(mean.confidence)} interval {mean.low:+.4g} to {mean.high:+.4g}, "
            f"in {mean.pairs} pairs; its one-sided bound is {mean.lower:+.4g}, and "
            f"must lie above {self.rule.headline_min_effect:g}"
        )

    def _planned(self) -> int:
        """How many pairs: enough for half the claim, if the budget pays for them. Fixed before the first."""
        bench, state = self.case.bench, self.case.state
        for event in bench.known("confirm"):
            return int(event["of"])
        paid = max(self._paid(self.affordable.longer), min(self._paid(), LEAST_PAIRS))
        if paid < LEAST_PAIRS:
            raise Unconfirmed(
                f"what is left of the confirm budget pays for {paid} pairs, and {LEAST_PAIRS} are the least",
                "underpowered",
            )
        gains = [headline_gain(self.rule, p["incumbent"], p["candidate"]) for p in state.calibration if not p["void"]]
        spread = statistics.stdev(gains) if len(gains) > 1 else 0.0
        return min(
            intervals.pairs_for(state.claimed, spread, self.rule.headline_min_effect, confidence=self.confidence), paid
        )

    def _paid(self, aside: float = 0.0) -> int:
        """Pairs that the rest of the budget pays for, where so many measurements are kept aside."""
        bench = self.case.bench
        left = bench.left - aside * bench.seconds
        return int(MARGIN * left / (2 * bench.seconds)) if bench.seconds else intervals.MOST_PAIRS

    def _pairs(self, head: bytes, planned: int) -> list[Drawn]:
        pairs: list[Drawn] = []
        try:
            while len(pairs) < planned:
                pairs.append(self._pair(len(pairs) + 1, head, planned))
        except BudgetSpent as spent:
            what = f"{spent}: {len(pairs)} of {planned} pairs were measured, and nothing follows from fewer"
            raise Unconfirmed(what, spent.end) from None
        return pairs

    def _pair(self, number: int, head: bytes, planned: int) -> Drawn:
        """Base and head under one seed. A base that crashes makes the pair void, and is tried once more."""
        for attempt in (1, 2):
            drawn = self.case.bench.draw("confirm", 0, number, [self.case.base, head], attempt, of=planned)
            if drawn.crashed is None:
                return drawn
            if drawn.crashed == 1:
                raise Unconfirmed(f"the final file crashes: {_reason(drawn.found[1])}")
        raise Unconfirmed(f"the unchanged file crashes, twice under one seed: {_reason(drawn.found[0])}", "infra")

    def _guards(self, base: Sequence[Metrics], head: Sequence[Metrics]) -> None:
        """No limit may be in doubt: the upper bound of the loss must lie within it."""
        entries, broken = [], ""
        for metric in self.case.target.rule.metrics:
            gains = [metric.gain(one[metric.name], other[metric.name]) for one, other in zip(base, head, strict=True)]
            mean = intervals.paired(gains, self.confidence)
            for allowed in self._allowed(metric, statistics.fmean(one[metric.name] for one in base)):
                entries.append({"metric": metric.name, "loss": -mean.gain, "upper": -mean.lower, "allowed": allowed})
                if -mean.lower > allowed:
                    broken = broken or (
                        f"{metric.name} may be worse by {-mean.lower:.4g}, and at most {allowed:.4g} is allowed"
                    )
        self.case.event["guards"] = entries
        if broken:
            raise Unconfirmed(f"a guard is not shown to hold: {broken}")

    def _allowed(self, metric: Metric, base: float) -> list[float]:
        limits = [metric.guard] if metric.guard else []
        limits += [metric.tolerance] if self.rule.name == "every" and metric is not self.rule.primary else []
        return [metric.allowed(limit, base) for limit in limits]

    def _rows(self, ablation: Ablation, head: bytes, mean: Mean) -> list[dict[str, Any]]:
        """The surviving groups, largest effect first. Where none was left out alone, the change is one row."""
        case = self.case
        effects = sorted(ablation.effects, key=lambda effect: -effect.gain) or [
            Effect(functools.reduce(rows.join, ablation.left), mean.gain, mean.lower, pays=True)
        ]
        entries, stack, before = list[dict[str, Any]](), list[Group](), case.base
        for number, effect in enumerate(effects, start=1):
            stack.append(effect.group)
            content = head if number == len(effects) else case.content(stack)
            metrics = case.event["search"]["head"] if number == len(effects) else {}
            row = case.row(number, effect.group, content, before, effect.gain, metrics)
            entries.append({**row, "low": effect.low})
            before = content
        return entries


def _metrics(drawn: Drawn, side: int) -> dict[str, float]:
    return dict(drawn.found[side].metrics)


def _means(found: Sequence[Metrics]) -> dict[str, float]:
    return {name: statistics.fmean(metrics[name] for metrics in found) for name in found[0]}


def _reason(found: Measurement) -> str:
    return f"{found.crash}: {found.why[:300]}"
