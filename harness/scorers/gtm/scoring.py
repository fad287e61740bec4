"""Adds the dimensions up: a total, the nine of them, every issue, and what nobody could judge."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.scorers.gtm.checks import Issue, Judged
from harness.scorers.gtm.container import Container, NotJudged
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.dimensions import DIMENSIONS
from harness.scorers.gtm.known import profiles
from harness.scorers.gtm.view import View

_RANK = {"error": 0, "warning": 1, "info": 2}
_NOTHING_FIRES = "no tag of which it is known what it does fires"


@dataclass(frozen=True)
class Dimension:
    """score: from 0 to 1, None where it was left out, and why. weight: its share of the total, 0 if left out."""

    name: str
    score: float | None
    weight: float
    checks: int
    why: str


@dataclass(frozen=True)
class Scored:
    """total: from 0 to 1, the weighted mean of the dimensions that could be judged, coverage apart from the others.

    credit: the share of the others that counts, which falls where little of the business is measured.
    """

    total: float
    credit: float
    dimensions: tuple[Dimension, ...]
    issues: tuple[Issue, ...]
    not_judged: tuple[NotJudged, ...]
    container: str
    context: str
    business: str
    guessed: bool
    counts: dict[str, int]

    @property
    def nine(self) -> tuple[float | None, ...]:
        return tuple(one.score for one in self.dimensions)

    def of(self, name: str) -> float | None:
        return next(one.score for one in self.dimensions if one.name == name)

    def as_json(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "credit": self.credit,
            "dimensions": {one.name: {k: v for k, v in asdict(one).items() if k != "name"} for one in self.dimensions},
            "container": self.container,
            "context": self.context,
            "business": self.business,
            "business_guessed": self.guessed,
            "counts": self.counts,
            "issues": [asdict(one) for one in self.issues],
            "not_judged": [asdict(one) for one in self.not_judged],
        }


def score(container: Container, declared: Declared | None = None) -> Scored:
    """Every dimension of a container. Raises InvalidCandidate for an ads snapshot of another shape."""
    return score_of(View(container, declared or Declared()))


def score_of(view: View) -> Scored:
    """The score of a container that is worked out already."""
    container = view.container
    found = {name: judge(view) for name, judge in DIMENSIONS.items()}
    if not set(view.reaching.firing) & set(view.telling):
        found = {name: _left_out(name, one) for name, one in found.items()}
    issues = sorted(
        (issue for one in found.values() for issue in one.issues),
        key=lambda issue: (_RANK[issue.severity], list(DIMENSIONS).index(issue.dimension), issue.name, issue.pointer),
    )
    counts = {kind: len(those) for kind, those in container.entities.items() if those}
    dimensions, credit = _weighed(found), _credit(found["tag_coverage"].score)
    worth = [one.weight * one.score * (1 if one.name == "tag_coverage" else credit) for one in dimensions if one.score]
    return Scored(
        math.fsum(worth), credit,
        dimensions, tuple(issues), (*container.not_judged, *_unread(view)), container.title, container.context,
        view.business, not view.declared.business, counts,
    )  # fmt: skip


def _left_out(name: str, one: Judged) -> Judged:
    """Coverage alone stays: tidiness of what does nothing is worth nothing."""
    return one if name == "tag_coverage" else replace(one, score=None, why=_NOTHING_FIRES)


def _credit(coverage: float | None) -> float:
    """Order in what measures little is worth little: the others count in full from some coverage on."""
    rule = profiles()["credit"]
    return float(min(1.0, rule["least"] + (1 - rule["least"]) * (coverage or 0.0) / rule["full_from"]))


def _weighed(found: dict[str, Judged]) -> tuple[Dimension, ...]:
    weights: dict[str, float] = profiles()["weights"]
    total = math.fsum(weights[name] for name, one in found.items() if one.score is not None)
    return tuple(
        Dimension(name, one.score, weights[name] / total if one.score is not None else 0.0, one.checks, one.why)
        for name, one in found.items()
    )


def _unread(view: View) -> list[NotJudged]:
    """Tags of templates that the file does not carry, and tags of which nobody knows who hears them."""
    found = [
        NotJudged(ref.pointer, f"{ref.source.label()} ({ref.says})", "its template is not in the file")
        for ref in view.references.unresolved
        if ref.how == "template"
    ]
    return found + [
        NotJudged(tag.pointer, tag.label(), "it sends something, nobody knows to whom: it earns nothing")
        for tag in view.sending
        if not view.senders.of(tag).vendors and not view.senders.of(tag).sets_default
    ]
