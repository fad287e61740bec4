"""Metrics and the keep rule of a target.yaml, and what a language model's judgement may weigh in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.complaints import Faults, nearest
from harness.configfile import ConfigFile
from harness.documents import escape
from harness.errors import ConfigError
from harness.rule import Metric, Rule, Tolerance
from harness.target import LLM_JUDGE_MOST


class Scoring:
    """Reads metrics and rule of one target.yaml."""

    def __init__(self, config: ConfigFile) -> None:
        self.config, self.entries = config, config.data["metrics"]
        self.keep: Mapping[str, Any] = config.data.get("keep", {})
        self.rule_name: str = self.keep.get("rule", "primary")

    def metrics(self) -> tuple[Metric, ...]:
        found: dict[str, Metric] = {}
        with Faults() as faults:
            for index, entry in enumerate(self.entries):
                if entry["name"] in found:
                    error = self.config.error(f"/metrics/{index}/name", f'"{entry["name"]}" stands twice')
                    faults.found.append(error)
                metric = self._metric(entry)
                found[metric.name] = metric
                faults.found += self._misplaced(index, metric)
        return tuple(found.values())

    def _metric(self, entry: Mapping[str, Any]) -> Metric:
        return Metric(
            name=entry["name"],
            goal=entry["goal"],
            min_effect=float(entry.get("min_effect", 0)),
            guard=_tolerance(entry["guard"].get("tolerance", 0)) if "guard" in entry else None,
            tolerance=_tolerance(entry.get("tolerance", 0)),
            signal=entry.get("signal", self.config.data.get("signal", "")),
            labels=entry.get("labels", ""),
            compare=entry.get("compare", "difference"),
            floor=entry.get("floor"),
            ceiling=entry.get("ceiling"),
        )

    def _misplaced(self, index: int, metric: Metric) -> Iterator[ConfigError]:
        """What a metric says and this target could not honour."""
        pointer, entry = f"/metrics/{index}", self.entries[index]
        if "tolerance" in entry and self.rule_name != "every":
            what = f"belongs to the rule every, not {self.rule_name}"
            cure = f"guard: {{tolerance: {entry['tolerance']}}} holds under every rule"
            yield self.config.error(f"{pointer}/tolerance", what, next_step=cure, at_key=True)
        if metric.signal != "llm-judge":
            if metric.labels:
                what = f"belongs to signal llm-judge, not to {metric.signal or 'a metric without signal'}"
                yield self.config.error(f"{pointer}/labels", what, next_step="add signal: llm-judge", at_key=True)
            return
        said = f"{pointer}/signal" if "signal" in entry else "/signal"
        if index == 0 and self.rule_name != "weighted":
            what = f"{metric.name} is the primary metric, and a language model's judgement may not decide alone"
            yield self.config.error(said, what, next_step="put a metric of another signal first")
        if not metric.labels:
            cure = f"autoresearch label {self.config.data['name']} {metric.name} makes the file"
            yield self.config.error(pointer, 'a metric of signal llm-judge needs the key "labels"', next_step=cure)

    def rule(self, metrics: tuple[Metric, ...]) -> Rule:
        weights, scales = self.keep.get("weights", {}), self.keep.get("scales", {})
        if self.config.data.get("sample") == "rows" and self.rule_name in {"weighted", "pareto"}:
            what = f"sample: rows needs a held-out test, and there is none for the rule {self.rule_name} yet"
            raise self.config.error("/keep/rule", what, next_step="rule: primary or every, with guards on the rest")
        if self.rule_name == "weighted" and not weights:
            raise self.config.error("/keep/rule", 'the rule weighted needs the key "weights" (metric: weight)')
        with Faults() as faults:
            for part in ("weights", "scales", "min_effect"):
                if part in self.keep and self.rule_name != "weighted":
                    what = f"belongs to the rule weighted, not {self.rule_name}"
                    faults.found.append(self.config.error(f"/keep/{part}", what, at_key=True))
            faults.found += [*self._unknown("weights", weights, metrics), *self._unknown("scales", scales, metrics)]
        rule = Rule(self.rule_name, metrics, weights, scales, float(self.keep.get("min_effect", 0)))
        self._check_judge_share(rule)
        return rule

    def _unknown(self, part: str, given: Mapping[str, float], metrics: tuple[Metric, ...]) -> Iterator[ConfigError]:
        names = [metric.name for metric in metrics]
        for metric in given:
            if metric not in names:
                hint = nearest(metric, names) or f"; declared: {', '.join(names)}"
                yield self.config.error(f"/keep/{part}/{escape(metric)}", f"no such metric{hint}", at_key=True)

    def _check_judge_share(self, rule: Rule) -> None:
        judged = [
            metric.name for metric in rule.metrics if metric.signal == "llm-judge" and metric.name in rule.weights
        ]
        share = sum(rule.weights[name] for name in judged) / (sum(rule.weights.values()) or 1)
        if share > LLM_JUDGE_MOST:
            what = f"metrics of signal llm-judge make {share:.1%} of the score; at most {LLM_JUDGE_MOST:.0%}"
            raise self.config.error("/keep/weights", what, next_step=f"lower the weight of {', '.join(judged)}")


def _tolerance(value: float | str) -> Tolerance:
    if isinstance(value, str):
        return Tolerance(float(value.rstrip("%")) / 100, relative=True)
    return Tolerance(float(value))
