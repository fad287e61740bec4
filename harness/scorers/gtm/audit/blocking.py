"""Exceptions: does a blocking trigger keep something apart, or nothing, or everything?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot
from harness.scorers.gtm.conditions import Events
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.reach import Firing
from harness.scorers.gtm.view import View


def _exceptions(view: View, tag: Entity) -> list[tuple[str, Firing]]:
    found = []
    for reference in view.references.of(tag):
        if reference.how == "blocking" and reference.target:
            found.append((reference.pointer, view.reaching.trigger(reference.target)))
    return found


def _own(view: View, tag: Entity) -> list[Firing]:
    """The ways in which a tag's own triggers would let it fire."""
    targets = [ref.target for ref in view.references.of(tag) if ref.how == "firing" and ref.target]
    system = any(ref.how == "firing" and ref.state == "system" for ref in view.references.of(tag))
    found = [view.reaching.trigger(one) for one in targets]
    return found + ([one for one in view.reaching.of(tag).firings if one.trigger is None] if system else [])


def _meet(one: Events, other: Events) -> bool:
    """Whether one event can pass both; what nobody can say can."""
    if one.name and other.name:
        return one.name == other.name
    for mine, theirs in ((one, other), (other, one)):
        if mine.names:
            return any(theirs.allows(name) for name in mine.names)
    return True


def _without_effect(view: View) -> Iterator[Spot]:
    for tag in view.container.all("tag"):
        exceptions = _exceptions(view, tag)
        ways = _own(view, tag) if exceptions else []
        for pointer, exception in exceptions:
            if ways and not any(_meet(exception.events, way.events) for way in ways):
                yield Spot(
                    tag, "one of its exceptions waits for another event than its triggers: it never blocks", pointer
                )


def _indistinct(view: View) -> Iterator[Spot]:
    """An exception without any condition of its own, on an event that the tag fires on."""
    for tag in view.container.all("tag"):
        exceptions = _exceptions(view, tag)
        ways = _own(view, tag) if exceptions else []
        for pointer, exception in exceptions:
            if not exception.conditions and len(ways) > 1 and any(_meet(exception.events, way.events) for way in ways):
                yield Spot(
                    tag, "one of its exceptions has no condition: it shuts one of its triggers out for good", pointer
                )


RULES = (
    Rule("exception-without-effect", "warning", _without_effect),
    Rule("exception-indistinct", "warning", _indistinct),
)
