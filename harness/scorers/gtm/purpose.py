"""Is an event sent because of what it is called, or whatever the visitor does?"""

from __future__ import annotations

import functools

from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.reach import Firing


def fits(firing: Firing, names: frozenset[str]) -> float:
    """How far a way to fire says what these names say: 0 for what happens on every page, whatever the visitor does."""
    anyway: dict[str, list[str]] = profiles()["happens_anyway"]
    if firing.on_every_page:
        return 0.0
    if firing.everywhere and firing.events.name in anyway and not names & set(anyway[firing.events.name]):
        return 0.0
    heard = firing.events.names
    return 0.5 if heard and heard <= ecommerce_events() - names else 1.0


def may_be_page(firing: Firing) -> bool:
    """A page view is no click: whether this may be the moment at which a page, or a view of one, begins."""
    return firing.events.name not in set(profiles()["happens_anyway"]) - {"gtm.historyChange"}


@functools.cache
def ecommerce_events() -> frozenset[str]:
    """Names that mean one thing: who hears one of them and sends another mixes them up."""
    return frozenset(profiles()["event_parameters"])


@functools.cache
def known_events() -> frozenset[str]:
    """Every name that means something to somebody: GA4's and Meta's own, and what businesses ask for."""
    meta: dict[str, str] = catalogue()["meta_events"]
    found = {*meta, *meta.values(), *ecommerce_events()}
    for one in profiles()["businesses"].values():
        found |= {*one["outcomes"], *one["signs"]}
    return frozenset(found.union(*profiles()["same_outcome"].values()))
