"""A container with everything that dimensions ask of it, worked out once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from harness.scorers.gtm.checks import Check
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.declared import Declared
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import profiles, tag_facts
from harness.scorers.gtm.reach import Reaching
from harness.scorers.gtm.references import References
from harness.scorers.gtm.senders import Senders
from harness.scorers.gtm.values import Values

NO_BUSINESS = "site"
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
        """Active tags of which it is known what they do, and that do it when it happens. Only they earn anything:
        what does nothing, or nobody knows what, can be added at will.
        """
        return tuple(tag for tag in self.active if self._tells(tag))

    def _tells(self, tag: Entity) -> bool:
        sender, reach = self.senders.of(tag), self.reaching.of(tag)
        if sender.sets_default or tag_facts(tag.type).get("linker"):
            return True
        if not sender.sends or not sender.vendors or sender.dead:
            return False
        happenings = sender.events - PAGE_VIEWS
        return not happenings or not all(firing.on_every_page for firing in reach.firings)

    @cached_property
    def earning(self) -> frozenset[Entity]:
        """Telling tags, clients, transformations and zones, with everything that they use, however indirectly."""
        found: set[Entity] = set()
        roots = [self.container.all(kind) for kind in ("client", "transformation", "zone", "tag configuration")]
        waiting = [*self.telling, *(one for those in roots for one in those)]
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
        return [one for one in self.container.all(kind) if one in self.earning]

    @cached_property
    def business(self) -> str:
        """As declared; else the one that what is sent speaks for, most signs first, the order of the file on ties."""
        if self.declared.business:
            return self.declared.business
        every: dict[str, Any] = profiles()["businesses"]
        signs = frozenset(sign for one in every.values() for sign in one["signs"])
        sent = frozenset(name for tag in self.container.all("tag") for name in self.senders.of(tag).events) & signs
        heard = frozenset(
            name for trigger in self.container.all("trigger") for name in self.reaching.trigger(trigger).events.names
        )
        counted = {name: len((sent | heard) & set(one["signs"])) for name, one in every.items()}
        best = max(counted, key=lambda name: counted[name])
        return best if counted[best] else NO_BUSINESS

    @cached_property
    def outcomes(self) -> dict[str, float]:
        found: dict[str, float] = profiles()["businesses"][self.business]["outcomes"]
        return found
