"""Can a tag fire, on which events, and under which consent? By its triggers and what blocks them, never by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from harness.scorers.gtm.conditions import Condition, Events, conditions_of
from harness.scorers.gtm.consenting import Wanted, wanted
from harness.scorers.gtm.container import Container
from harness.scorers.gtm.contradictions import always, contradiction, everywhere
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.lookalike import disguised
from harness.scorers.gtm.references import Reference, References
from harness.scorers.gtm.values import Values


@dataclass(frozen=True)
class Firing:
    """One way to fire. trigger: None for the system's, and for a tag that runs before or after another one.

    conditions: all but those on the event's name. never: why it cannot happen, "" if it can.
    everywhere: no condition narrows it to some pages. Being anything but one value narrows nothing.
    """

    trigger: Entity | None
    events: Events
    conditions: frozenset[Condition] = frozenset()
    never: str = ""
    everywhere: bool = True

    @property
    def on_every_page(self) -> bool:
        """It happens at least once a page, whatever the page: nothing narrows it."""
        return self.everywhere and any(self.events.surely(event) for event in catalogue()["page_events"])


@dataclass(frozen=True)
class Reach:
    """How a tag can fire. can: it could if it were not paused. why: the reason if it cannot."""

    can: bool
    paused: bool
    why: str
    firings: tuple[Firing, ...]
    consent: Wanted

    @property
    def fires(self) -> bool:
        return self.can and not self.paused


class Reaching:
    """Reachability of every tag of a container."""

    def __init__(self, container: Container, references: References, values: Values) -> None:
        self._container, self._references, self._values = container, references, values
        self._found: dict[Entity, Reach] = {}
        self._triggers: dict[Entity, Firing] = {}
        for tag in container.all("tag"):
            self._found[tag] = self._by_triggers(tag)
        self._sequence()

    def of(self, tag: Entity) -> Reach:
        return self._found[tag]

    @cached_property
    def active(self) -> tuple[Entity, ...]:
        """Tags that fire, or would if they were not paused: pausing hides no fault."""
        return tuple(tag for tag in self._by_name if self._found[tag].can)

    @cached_property
    def firing(self) -> tuple[Entity, ...]:
        return tuple(tag for tag in self._by_name if self._found[tag].fires)

    @cached_property
    def _by_name(self) -> list[Entity]:
        """Tags in an order that does not hang on the file's."""
        return sorted(self._found, key=lambda tag: tag.name)

    def trigger(self, trigger: Entity) -> Firing:
        """What a trigger lets through, and whether it ever can."""
        if trigger not in self._triggers:
            self._triggers[trigger] = self._let_through(trigger)
        return self._triggers[trigger]

    def _let_through(self, trigger: Entity) -> Firing:
        named: list[Condition] = []
        other: list[Condition] = []
        for one in conditions_of(trigger):
            if not always(one, self._values):
                (named if self._values.is_event_name(one.left) else other).append(one)
        events = _events(catalogue()["triggers"].get(trigger.type, ""), named)
        is_everywhere = all(one.excludes_little or everywhere(one, self._values) for one in other)
        return Firing(trigger, events, frozenset(other), self._never(trigger, events, other), is_everywhere)

    def _never(self, trigger: Entity, events: Events, other: list[Condition]) -> str:
        if events.name and not events.allows(events.name):
            return f"it waits for {events.name}, which its conditions shut out"
        if never := contradiction([*events.conditions, *other], self._values):
            return never
        if events.names and all(map(disguised, events.names)):
            return f'it waits for "{min(events.names)[:60]}", which only looks like that word'
        for reference in self._references.of(trigger):
            if reference.how == "client" and reference.state == "missing":
                return f'no client is named "{reference.says}"'
        return self._never_grouped(trigger) if trigger.type == "TRIGGER_GROUP" else ""

    def _never_grouped(self, trigger: Entity) -> str:
        members = self._members(trigger)
        if not members:
            return "its group is empty"
        waiting, seen = list(members), set(members)
        for one in waiting:  # which grows
            if one.target is trigger:
                return "it waits for itself"
            if not one.target and one.state == "missing":
                return f"it waits for trigger {one.says}, which does not exist"
            if one.target and one.target.type == "TRIGGER_GROUP":
                more = [each for each in self._members(one.target) if each not in seen]
                waiting += more
                seen |= set(more)
            elif one.target and (never := self.trigger(one.target).never):
                return f'it waits for "{one.target.name}", and {never}'
        return ""

    def _members(self, group: Entity) -> list[Reference]:
        return [ref for ref in self._references.of(group) if ref.how == "trigger"]

    def _by_triggers(self, tag: Entity) -> Reach:
        found, reasons = [], []
        blockers = [
            self.trigger(ref.target) for ref in self._references.of(tag) if ref.how == "blocking" and ref.target
        ]
        for firing in self._firings(tag):
            shut = firing.never or _blocked(firing, blockers)
            if shut:
                reasons.append(shut)
            else:
                found.append(firing)
        why = "" if found else reasons[0] if reasons else "it has no trigger"
        if found and self._container.context == "server" and not self._container.all("client"):
            found, why = [], "the container has no client, so that no request becomes an event"
        return Reach(bool(found), tag.paused or self._is_over(tag), why, tuple(found), wanted(tag))

    def _is_over(self, tag: Entity) -> bool:
        """Its schedule ended before it began, or before the file was written."""
        start, end = (_number(tag.data.get(f"schedule{word}Ms")) for word in ("Start", "End"))
        written = self._container.data.get("exportTime") if isinstance(self._container.data, dict) else None
        return bool(end) and (end <= start or end < _milliseconds(written))

    def _firings(self, tag: Entity) -> Iterator[Firing]:
        for reference in self._references.of(tag):
            if reference.how != "firing":
                continue
            if reference.target:
                yield self.trigger(reference.target)
            elif reference.state == "system":
                known = catalogue()["system_triggers"].get(reference.says)
                yield Firing(None, Events(known["event"] if known else ""))
            else:
                yield Firing(None, Events(), never=f"its trigger {reference.says} does not exist")

    def _sequence(self) -> None:
        """Tags that run before or after others fire when those do; after paused ones alone, they are as if paused."""
        self._spread([tag for tag, reach in self._found.items() if reach.fires], with_paused=False)
        self._spread([tag for tag, reach in self._found.items() if reach.can], with_paused=True)

    def _spread(self, waiting: list[Entity], *, with_paused: bool) -> None:
        while waiting:
            parent = self._found[tag := waiting.pop()]
            for reference in self._references.of(tag):
                if reference.how not in {"setup", "teardown"} or not reference.target:
                    continue
                own = self._found[reference.target]
                more = tuple(firing for firing in parent.firings if firing not in own.firings)
                if more and not (with_paused and own.can):
                    paused = own.paused or with_paused
                    self._found[reference.target] = replace(
                        own, can=True, paused=paused, why="", firings=own.firings + more
                    )
                    waiting += [] if reference.target.paused else [reference.target]


def _number(value: object) -> int:
    said = text_of(value)[:16]
    return int(said) if said.isdecimal() else 0


def _milliseconds(written: object) -> int:
    """Of an export's time, such as 2026-03-01 09:00:00; 0 for what is none."""
    try:
        return int(datetime.strptime(text_of(written), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


def _events(event: str, named: list[Condition]) -> Events:
    """One spelling: who waits for the event gtm.js by its name waits for page views."""
    found = Events(event, tuple(sorted({replace(one, left="{{_event}}") for one in named})))
    exact = {one.right for one in named if one.operator == "EQUALS" and not (one.negated or one.ignore_case)}
    if not event and len(exact) == 1 and "{{" not in (name := min(exact)) and found.surely(name):
        return Events(name)
    return found


def _blocked(firing: Firing, blockers: list[Firing]) -> str:
    """Whether a blocking trigger is met whenever this one is."""
    for one in blockers:
        if not one.never and one.conditions <= firing.conditions and _covers(one.events, firing.events):
            name = one.trigger.name if one.trigger else ""
            return f'its blocking trigger "{name}" is met whenever it would fire'
    return ""


def _covers(wide: Events, narrow: Events) -> bool:
    """Whether everything that passes the one surely passes the other."""
    if wide.is_any or wide == narrow:
        return True
    names = narrow.names
    return bool(names) and all(wide.surely(name) for name in names)
