"""What a dimension is made of: checks with a weight and a value, and the issues behind those that fall short."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.scorers.gtm.entities import Entity

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Issue:
    """code: the kind of fault, one word with dashes. pointer: where it stands. repair: what would mend it."""

    dimension: str
    code: str
    severity: Severity
    entity: str
    id: str
    name: str
    pointer: str
    message: str
    repair: str


@dataclass(frozen=True)
class Check:
    """value: from 0 to 1. issue: why it is below 1."""

    value: float
    weight: float = 1.0
    issue: Issue | None = None


@dataclass(frozen=True)
class Judged:
    """A dimension's score from 0 to 1, None without anything to judge; why says what was missing."""

    score: float | None
    issues: tuple[Issue, ...] = ()
    checks: int = 0
    why: str = ""


def judged(checks: Iterable[Check], why: str, notes: Iterable[Issue] = (), most: float = math.inf) -> Judged:
    """The weighted mean, the same in any order.

    why: what is missing if there is no check. notes: issues that cost nothing. most: what checks that are met can weigh
    together; more of them are no reason to forget those that are not.
    """
    those = list(checks)
    issues = tuple(one.issue for one in those if one.issue) + tuple(notes)
    short = [one for one in those if one.value < 1]
    met = min(most, math.fsum(one.weight for one in those if one.value >= 1))
    weight = math.fsum([met, *(one.weight for one in short)])
    if weight <= 0:
        return Judged(None, issues, 0, why)
    return Judged(math.fsum([met, *(one.weight * one.value for one in short)]) / weight, issues, len(those))


class Complaints:
    """Makes checks of one dimension."""

    def __init__(self, dimension: str) -> None:
        self._dimension = dimension

    def issue(
        self, code: str, severity: Severity, one: Entity | None, message: str, repair: str, pointer: str = ""
    ) -> Issue:
        at = pointer or (one.pointer if one else "")
        kind, id_, name = (one.kind, one.id, one.name) if one else ("container", "", "")
        return Issue(self._dimension, code, severity, kind, id_, name, at, message, repair)

    def fails(
        self, code: str, one: Entity | None, message: str, repair: str, *, pointer: str = "", weight: float = 1.0,
        value: float = 0.0, severity: Severity = "error",
    ) -> Check:  # fmt: skip
        return Check(value, weight, self.issue(code, severity, one, message, repair, pointer))
