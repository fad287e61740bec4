"""What an operator looks at, and what it offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from bot.proposers.repair.draft import Draft
from harness.scorers.gtm import Container, Declared, Scored
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import ARRAYS, Entity
from harness.scorers.gtm.policy import Policy
from harness.scorers.gtm.scoring import score_of
from harness.scorers.gtm.view import View


@dataclass(frozen=True, eq=False)
class Bench:
    """A container as it stands. scored: of the same container; policy: what may be touched."""

    view: View
    scored: Scored
    policy: Policy

    @classmethod
    def of(cls, container: Container, declared: Declared, policy: Policy) -> Bench:
        view = View(container, declared)
        return cls(view, score_of(view), policy)

    def issues(self, *codes: str) -> list[Issue]:
        """Those of these codes, the worst first."""
        return [issue for issue in self.scored.issues if issue.code in codes]

    def entity_of(self, issue: Issue) -> Entity | None:
        """Whom an issue names; None where it names the container, or somebody without a place."""
        inside = issue.pointer.removeprefix(self.view.container.base).split("/")
        return self._by_pointer.get(f"{self.view.container.base}/{'/'.join(inside[1:3])}") if issue.pointer else None

    def touchable(self, entity: Entity) -> bool:
        """Whether the policy lets anybody change it at all, and an id finds it and no other."""
        found = self.view.container.by_id.get((entity.kind, entity.id)) is entity
        return found and not self.policy.protects(entity.id, entity.name)

    @cached_property
    def _by_pointer(self) -> dict[str, Entity]:
        return {one.pointer: one for kind in ARRAYS for one in self.view.container.all(kind)}


@dataclass(frozen=True)
class Offer:
    """One operation, however many entities it touches. words: what it does, in one line, the same for the same
    operation; mends: the issues that it is expected to end; apply: does it."""

    words: str
    mends: tuple[Issue, ...]
    apply: Callable[[Draft], None]


class Operator(Protocol):
    """Mends issues of some codes. What it offers follows from the bench alone."""

    @property
    def name(self) -> str:
        """One word in small letters."""
        ...

    @property
    def codes(self) -> frozenset[str]:
        """The codes of issues that it knows something about."""
        ...

    def offers(self, bench: Bench) -> Iterator[Offer]:
        """What it would do, each by itself and against the container as it stands; nothing that the policy refuses."""
        ...

    def why_not(self, bench: Bench, issue: Issue) -> str:
        """Why it does not mend this issue, in words for a human; "" where it does."""
        ...
