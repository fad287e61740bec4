"""Metrics and the keep rule of a target.yaml, and what a language model's judgement may weigh in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import configfile
from harness.configfile import ConfigFile
from harness.decide import Metric, Rule, Tolerance
from harness.target import LLM_JUDGE_MOST


class Scoring:
    """Reads metrics and rule of one target.yaml."""

    def __init__(self, config: ConfigFile, data: Mapping[str, Any]) -> None:
        self.config, self.data = config, data

    def metrics(self) -> tuple[Metric, ...]:
        found: dict[str, Metric] = {}
        for index, entry in enumerate(self.data["metrics"]):
            if entry["name"] in found:
                raise self.config.error(f"/metrics/{index}/name", f'"{entry["name"]}" stands twice')
            guard = _tolerance(entry["guard"].get("tolerance", 0)) if "guard" in entry else None
            found[entry["name"]] = Metric(
                name=entry["name"],
                goal=entry["goal"],
                min_effect=float(entry.get("min_effect", 0)),
                guard=guard,
                tolerance=_tolerance(entry.get("tolerance", 0)),
                signal=entry.get("signal", self.data.get("signal", "")),
                labels=entry.get("labels", ""),
            )
        self._check_judges(list(found.values()))
        return tuple(found.values())

    def _check_judges(self, metrics: list[Metric]) -> None:
        for index, metric in enumerate(metrics):
            if metric.signal != "llm-judge":
                continue
            if index == 0 and self.data.get("keep", {}).get("rule") != "weighted":
                raise self.config.error(
                    f"/metrics/{index}",
                    "a metric that a language model judges may not be the primary one",
                    next_step="put a metric of another signal first",
                )
            if not metric.labels:
                raise self.config.error(
                    f"/metrics/{index}",
                    "a metric of signal llm-judge needs labels",
                    next_step=f"autoresearch label {self.data['name']} {metric.name} makes the file",
                )

    def rule(self, metrics: tuple[Metric, ...]) -> Rule:
        keep = self.data.get("keep", {})
        name = keep.get("rule", "primary")
        weights, scales = keep.get("weights", {}), keep.get("scales", {})
        if name == "weighted" and not weights:
            raise self.config.error("/keep", "weighted needs weights (metric: weight)")
        if name != "weighted" and (weights or scales or "min_effect" in keep):
            raise self.config.error("/keep", f"weights, scales and min_effect belong to the rule weighted, not {name}")
        names = [metric.name for metric in metrics]
        for part, given in (("weights", weights), ("scales", scales)):
            for metric in given:
                if metric not in names:
                    hint = configfile.nearest(metric, names) or f"; declared: {', '.join(names)}"
                    raise self.config.error(f"/keep/{part}/{metric}", f"no such metric{hint}")
        rule = Rule(name, metrics, weights, scales, float(keep.get("min_effect", 0)))
        self._check_judge_share(rule)
        return rule

    def _check_judge_share(self, rule: Rule) -> None:
        judged = sum(rule.weights.get(metric.name, 0) for metric in rule.metrics if metric.signal == "llm-judge")
        total = sum(rule.weights.values())
        if total and judged / total > LLM_JUDGE_MOST:
            raise self.config.error(
                "/keep/weights",
                f"metrics of signal llm-judge make {judged / total:.0%} of the score; at most {LLM_JUDGE_MOST:.0%}",
            )


def _tolerance(value: float | str) -> Tolerance:
    if isinstance(value, str):
        return Tolerance(float(value.rstrip("%")) / 100, relative=True)
    return Tolerance(float(value))
