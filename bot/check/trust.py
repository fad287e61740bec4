"""How far the number of a metric can be trusted, by what it rests on. Most trustworthy first."""

from __future__ import annotations

from dataclasses import dataclass

from harness import labels
from harness.repository import Source
from harness.rule import Metric
from harness.target import Target

_SENTENCES = {
    "analytics-event": "it counts what people did, so a gain is a gain on recorded behaviour; it cannot say what they "
    "would have done, nor that the file is the cause",
    "file-property": "it is computed from the file, exact and the same every time; it holds for the file alone and "
    "cannot say that anybody is better off",
    "rubric": "fixed rules judge every candidate alike; it shows that the rules are met, and a file can meet them "
    "without being any better",
    "ab-test": "it compares two versions on real traffic; it can show a cause, for that audience and that time, but it "
    "is noisy and cannot choose among hundreds of candidates",
    "llm-judge": "it is a model's opinion; it can be trusted as far as people agreed with it on labelled samples, and "
    "never to decide alone",
}
ORDER = tuple(_SENTENCES)


@dataclass(frozen=True)
class Trust:
    """One metric's place in the order of trust; place 0 and no sentence where its signal is not declared.

    problem: why the night would refuse it; labels: what people said about the judge.
    """

    metric: str
    signal: str
    place: int
    sentence: str
    labels: str = ""
    problem: str = ""


def judge(source: Source, target: Target) -> list[Trust]:
    """Every declared metric, in the target's order."""
    problems = labels.problems(source, target)
    return [_trust(source, target, metric, problems.get(metric.name, "")) for metric in target.rule.metrics]


def _trust(source: Source, target: Target, metric: Metric, problem: str) -> Trust:
    if not metric.signal:
        return Trust(metric.name, "", 0, "")
    place, sentence = ORDER.index(metric.signal) + 1, _SENTENCES[metric.signal]
    said = _labels(source, target, metric) if metric.signal == "llm-judge" else ""
    return Trust(metric.name, metric.signal, place, sentence, said, problem)


def _labels(source: Source, target: Target, metric: Metric) -> str:
    where = labels.path(target.folder, metric.labels)
    try:
        found = labels.agreement(labels.read(source.read([where])[where].split(b"\n")))
    except labels.BadLabel:
        return ""
    if not found.failed:
        return f"{found}; people failed none, so nothing says that it notices a bad one"
    return f"{found}; of {found.failed} that people failed it failed {found.caught}"
