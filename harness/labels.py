"""What people said about samples that a language model judged, and whether the model may count because of it.

A file of labels is JSON lines: {"id", "text", "judge": "pass" | "fail", "human": "pass" | "fail"}. A line without
`human` waits for its label and counts for nothing.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.repository import Source
from harness.target import LLM_JUDGE_AGREEMENT, LLM_JUDGE_SAMPLES, Target

VERDICTS = ("pass", "fail")


class BadLabel(Exception):
    """A line that is no sample. Lines count from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


@dataclass(frozen=True)
class Sample:
    """One judged text. human is empty where nobody has labelled it; fields: the line's object, other keys too."""

    id: str
    text: str
    judge: str
    human: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Agreement:
    """labelled: samples with a human's label; agreed: where the judge says the same. failed: what the human failed;
    caught: of those, what the judge failed too."""

    labelled: int
    agreed: int
    failed: int
    caught: int

    @property
    def share(self) -> float:
        return self.agreed / self.labelled if self.labelled else 0.0

    def __str__(self) -> str:
        if not self.labelled:
            return "no sample labelled"
        return f"{self.agreed} of {self.labelled} labelled samples agree ({self.share:.0%})"


def read(lines: Iterable[bytes | str]) -> list[Sample]:
    """The samples of a file, in order; blank lines are skipped. Raises BadLabel."""
    found: dict[str, Sample] = {}
    seen_at: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        sample = _sample(line, number)
        if sample.id in found:
            raise BadLabel(number, f'the id "{sample.id}" stands on line {seen_at[sample.id]} already')
        found[sample.id], seen_at[sample.id] = sample, number
    return list(found.values())


def agreement(samples: Sequence[Sample]) -> Agreement:
    labelled = [sample for sample in samples if sample.human]
    failed = [sample for sample in labelled if sample.human == "fail"]
    return Agreement(
        labelled=len(labelled),
        agreed=sum(sample.judge == sample.human for sample in labelled),
        failed=len(failed),
        caught=sum(sample.judge == "fail" for sample in failed),
    )


def problem(lines: Iterable[bytes | str]) -> str:
    """Why a judge with these labels may not count, in words; nothing if it may."""
    try:
        found = agreement(read(lines))
    except BadLabel as bad:
        return str(bad)
    if found.labelled < LLM_JUDGE_SAMPLES:
        return f"{found.labelled} samples are labelled; at least {LLM_JUDGE_SAMPLES} are needed"
    if found.share < LLM_JUDGE_AGREEMENT:
        return f"only {found}; at least {LLM_JUDGE_AGREEMENT:.0%} are needed"
    return ""


def problems(source: Source, target: Target) -> dict[str, str]:
    """metric -> why its judge may not count, for each metric of signal llm-judge that has such a problem."""
    found = {}
    for metric in target.rule.metrics:
        if metric.signal == "llm-judge":
            where = path(target.folder, metric.labels)
            if said := problem(source.read([where])[where].split(b"\n")):
                found[metric.name] = f"{where}: {said}"
    return found


def path(folder: str, written: str) -> str:
    """A path as target.yaml writes it, from the repository's root."""
    return posixpath.normpath(written.lstrip("/") if written.startswith("/") else posixpath.join(folder, written))


def _sample(line: bytes | str, number: int) -> Sample:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLabel(number, "is no JSON object on one line") from None
    if not isinstance(fields, dict):
        raise BadLabel(number, "is no JSON object")
    for key in ("id", "text", "judge"):
        if key not in fields:
            raise BadLabel(number, f'the key "{key}" is missing; a line is {{"id", "text", "judge"}}')
    found = Sample(_id(fields["id"], number), _text(fields["text"], number), "", "", fields)
    for key in ("judge", "human"):
        if key in fields and fields[key] not in VERDICTS:
            raise BadLabel(number, f'"{key}" is {json.dumps(fields[key])[:40]}; valid: pass, fail')
    return Sample(found.id, found.text, fields["judge"], fields.get("human", ""), fields)


def _id(value: Any, number: int) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise BadLabel(number, '"id" must be text or a whole number')
    return str(value)


def _text(value: Any, number: int) -> str:
    if not isinstance(value, str):
        raise BadLabel(number, '"text" must be text')
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadLabel(number, '"text" holds half a character (a lone surrogate)') from None
    return value
