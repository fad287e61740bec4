"""What a rule of the audit is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any, Literal

from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.reach import Firing
from harness.scorers.gtm.view import View

Severity = Literal["error", "warning"]
_AGE = attrgetter("age")
WEIGHTS: dict[Severity, int] = {"error": 3, "warning": 1}


@dataclass(frozen=True)
class Spot:
    """One place where a rule is broken. one: None for the container. pointer: the entity's where nothing is said."""

    one: Entity | None
    message: str
    pointer: str = ""


@dataclass(frozen=True)
class Rule:
    """code: one word with dashes. find: every place of a container that breaks the rule, each of them once."""

    code: str
    severity: Severity
    find: Callable[[View], Iterator[Spot]]


@dataclass(frozen=True)
class Finding:
    """code: the rule's. entity: tag, trigger and so on, or container. pointer: where it stands (JSON pointer)."""

    code: str
    severity: Severity
    entity: str
    id: str
    name: str
    pointer: str
    message: str


@dataclass(frozen=True)
class Audited:
    """findings: errors first. weight: what they come to, an error three times a warning."""

    findings: tuple[Finding, ...]
    weight: int

    def as_json(self) -> dict[str, Any]:
        return {"weight": self.weight, "findings": [asdict(one) for one in self.findings]}


def found(view: View, rule: Rule) -> Iterator[Finding]:
    for spot in dict.fromkeys(rule.find(view)):
        one = spot.one
        kind, id_, name, at = (
            (one.kind, one.id, one.name, one.pointer) if one else ("container", "", "", view.container.base)
        )
        yield Finding(rule.code, rule.severity, kind, id_, name, spot.pointer or at, spot.message)


def is_wide(firing: Firing) -> bool:
    """It happens on every event, or on every page without any condition: even a strange one may be meant."""
    return firing.events.is_any or (firing.on_every_page and not firing.conditions)


def by_age(entities: Iterable[Entity]) -> list[Entity]:
    """In the order in which they were made."""
    return sorted(entities, key=_AGE)


def later_copies(entities: Iterable[Entity], key: Callable[[Entity], object]) -> Iterator[tuple[Entity, Entity]]:
    """Every entity whose key an older one has, with the oldest of them. Entities of the key None are left out."""
    first: dict[object, Entity] = {}
    for one in by_age(entities):
        known = key(one)
        if known is not None and first.setdefault(known, one) is not one:
            yield one, first[known]
