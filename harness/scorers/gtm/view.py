"""A container with everything that dimensions ask of it, worked out once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from harness.scorers.gtm.checks import Check
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import profiles, tag_facts
from harness.scorers.gtm.lookalike import disguised
from harness.scorers.gtm.purpose import fits, known_events, may_be_page
from harness.scorers.gtm.reach import Reaching
from harness.scorers.gtm.references import References
from harness.scorers.gtm.senders import Senders
from harness.scorers.gtm.values import Values

NO_BUSINESS = "site"
_MANY_SIGNS = 3
PAGE_VIEWS = frozenset({"page_view", "PageView"})


class View:
    def __init__(self, container: Container, declared: Declared) -> None:
        self.container, self.declared = container, declared
        self.references = References(container)
        self.values = Values(self.references)
        self.reaching = Reaching(container, self.references, self.values)
        self.senders = Senders(container, self.values)

    @cached_property
    def active(self) -> tuple[Entity, ...]:
        """Tags that fire, or would if they were not paused."""
        return self.reaching.active

    @cached_property
    def sending(self) -> tuple[Entity, ...]:
        """Active tags that send something."""
        return tuple(tag for tag in self.active if self.senders.of(tag).sends)

    @cached_property
    def telling(self) -> tuple[Entity, ...]:
        """Active tags of which it is known what they do, and that do it when it happens. Of names and folders, only
        theirs are judged: what does nothing, or nobody knows what, can be added at will.
        """
        return tuple(tag for tag in self.active if self._tells(tag))

    def _tells(self, tag: Entity) -> bool:
        sender, reach = self.senders.of(tag), self.reaching.of(tag)
        if sender.sets_default or tag_facts(tag.type).get("linker"):
            return True
        if not sender.sends or not sender.vendors or sender.dead:
            return False
        happenings = sender.events - PAGE_VIEWS
        if any(map(disguised, sender.events)):
            return False
        if happenings or (tag_facts(tag.type).get("conversion") and self.container.context != "server"):
            return any(fits(firing, happenings) for firing in reach.firings)
        return not sender.events or any(may_be_page(firing) for firing in reach.firings)

    @cached_property
    def earning(self) -> frozenset[Entity]:
        """What telling tags that fire use, and they themselves. What is paused can be added at will, too."""
        return self._used_by(tag for tag in self.telling if self.reaching.of(tag).fires)

    @cached_property
    def judged(self) -> frozenset[Entity]:
        return self._used_by(self.telling)

    def _used_by(self, tags: Iterable[Entity]) -> frozenset[Entity]:
        """Tags, a server's clients and transformations, with everything that they use, however indirectly."""
        found: set[Entity] = set()
        served = ("client", "transformation") if self.container.context == "server" else ()
        waiting = [*tags, *(one for kind in served for one in self.container.all(kind))]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += [ref.target for ref in self.references.of(one) if ref.target and ref.target.kind != "folder"]
        return frozenset(found)

    @cached_property
    def shared_fields(self) -> dict[tuple[str, ...], dict[str, str]]:
        """What Google tags send with every event, by destination."""
        found: dict[tuple[str, ...], dict[str, str]] = {}
        for tag in self.active:
            if tag.type in {"googtag", "gaawc"}:
                fields = found.setdefault(self.senders.of(tag).destination, {})
                fields |= self.values.fields(tag)
        return found

    def passes(self, one: Entity, weight: float = 1.0) -> Check:
        """A check that is met. It counts where the entity earns anything; a check that is not met always counts."""
        return Check(1, weight if one in self.earning else 0.0)

    def used(self, kind: str) -> list[Entity]:
        """Entities of a kind that something telling uses."""
        return [one for one in self.container.all(kind) if one in self.judged]

    @cached_property
    def jobs(self) -> int:
        """How much the container does: each known event to each receiver, and half as many others at most."""
        done = {
            (vendor, event)
            for tag in self.telling
            if self.reaching.of(tag).fires
            for vendor in self.senders.of(tag).vendors
            for event in self._reported(tag)
        }
        known = sum(event in known_events() or not event for _vendor, event in done)
        return known + min(known // 2, len(done) - known)

    def most(self, dimension: str) -> float:
        """The weight that checks of a dimension which are met can have together, by how much the container does."""
        rule = profiles()["most"]
        return float(rule["least"] + rule["for_each_job"][dimension] * self.jobs)

    def _reported(self, tag: Entity) -> frozenset[str]:
        sender = self.senders.of(tag)
        names = [firing.events.names for firing in self.reaching.of(tag).firings] if sender.follows else []
        return sender.events.union(*names) or frozenset({""})

    @cached_property
    def business(self) -> str:
        """As declared; else the one that what is sent speaks for, most signs first, the order of the file on ties.

        Where much speaks for another one too, it is the one that is measured worse: adding signs of another business
        wins nothing.
        """
        if self.declared.business:
            return self.declared.business
        every: dict[str, Any] = profiles()["businesses"]
        said = self._said
        counted = {name: len(said & set(one["signs"])) for name, one in every.items()}
        most = max(counted.values())
        if not most:
            return NO_BUSINESS
        close = [name for name, count in counted.items() if count == most or count >= max(_MANY_SIGNS, most / 2)]
        first = next(name for name in close if counted[name] == most)
        return min(close, key=lambda name: (self._met(every[name]["outcomes"], said), name != first))

    @cached_property
    def _said(self) -> frozenset[str]:
        """Events that tags which fire send, and that their triggers wait for."""
        sent = [self.senders.of(tag).events for tag in self.active]
        heard = [firing.events.names for tag in self.active for firing in self.reaching.of(tag).firings]
        return frozenset().union(*sent, *heard)

    def _met(self, outcomes: dict[str, float], said: frozenset[str]) -> float:
        own = {name: weight for name, weight in outcomes.items() if name not in {"page", "*"}}
        others: dict[str, list[str]] = profiles()["same_outcome"]
        met = [weight for name, weight in own.items() if said & {name, *others.get(name, [])}]
        return math.fsum(met) / math.fsum(own.values()) if own else 1.0

    @cached_property
    def outcomes(self) -> dict[str, float]:
        found: dict[str, float] = profiles()["businesses"][self.business]["outcomes"]
        return found
