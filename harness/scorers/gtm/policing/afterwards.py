"""What a candidate does as a whole: nobody is meant in vain, nothing falls silent, no token is lost, consent holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.complaints import show
from harness.scorers.gtm.conditions import Condition, Events
from harness.scorers.gtm.consenting import wanted
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import catalogue
from harness.scorers.gtm.policing.base import Base, called, said_by, tokens, unresolved
from harness.scorers.gtm.policing.pairing import Pair, Pairing
from harness.scorers.gtm.reach import Firing
from harness.scorers.gtm.view import View

if TYPE_CHECKING:
    from harness.scorers.gtm.policy import Policy


def problems(policy: Policy, base: Base, view: View, pairing: Pairing) -> Iterator[str]:
    yield from _in_vain(base, view)
    for pair in pairing.pairs:
        if pair.after.kind == "tag":
            yield from _consent(policy, base, pair)
            if not policy.pause:
                yield from _silenced(base, view, pair)
    yield from _lost(base, view)


def _in_vain(base: Base, view: View) -> Iterator[str]:
    for one in unresolved(view):
        if said_by(one) in base.loose:
            continue
        if one.state == "off":
            yield f"{called(one.source)} uses the built-in variable {show(one.says)}, which is not switched on"
        else:
            yield f"{called(one.source)} refers to {_meant(one.how)} {show(one.says)}, which does not exist"


def _meant(how: str) -> str:
    return {"firing": "the trigger", "blocking": "the trigger", "setup": "the tag", "teardown": "the tag",
            "template": "a template by the type", "zone": "the trigger"}.get(how, f"the {how}")  # fmt: skip


def _silenced(base: Base, view: View, pair: Pair) -> Iterator[str]:
    """A tag that nobody paused and that cannot fire any more is as good as paused."""
    was, now = base.view.reaching.of(pair.before), view.reaching.of(pair.after)
    if was.can and not now.can:
        yield f"{called(pair.before)} could fire and no longer can ({now.why}): nothing falls silent here"


def _consent(policy: Policy, base: Base, pair: Pair) -> Iterator[str]:
    was, now = wanted(pair.before), wanted(pair.after)
    if was == now:
        return
    if policy.types == "known" and (not now.status or set(now.wrong) - set(was.wrong)):
        words = ", ".join(catalogue()["consent_types"])
        yield f"{called(pair.before)}: a consent status or type is no word of Tag Manager; types are {words}"
    asks_itself = policy.unblock and base.view.senders.of(pair.before).reads_consent
    if was.blocks and not (now.blocks and was.types <= now.types) and not asks_itself:
        yield f"{called(pair.before)} waited for consent and no longer does: it goes on waiting for what it did"


def _lost(base: Base, view: View) -> Iterator[str]:
    """What is sent to may be an id or a secret: the tag is named, the token is not."""
    if not base.tokens.keys() <= (now := tokens(view)).keys():
        for token in sorted(base.tokens.keys() - now.keys()):
            yield f"no firing tag sends any more to where tag {show(base.tokens[token])} did: no id or token is lost"


def replaceable(view: View, tag: Entity, after: View) -> bool:
    """Whether a tag may go: it cannot fire, its product is dead, or another one sends the same whenever it would."""
    reach, sender = view.reaching.of(tag), view.senders.of(tag)
    if not reach.can or sender.dead:
        return True
    firings = set(map(_moment, reach.firings))
    for other in after.reaching.firing:
        same = after.senders.of(other)
        alike = (same.vendors, same.events, same.destination) == (sender.vendors, sender.events, sender.destination)
        others = set(map(_moment, after.reaching.of(other).firings))
        if alike and sender.vendors and firings <= others and _asks_as_much(view, tag, other):
            return True
    return False


def _asks_as_much(view: View, gone: Entity, other: Entity) -> bool:
    """Whether another tag stood beside the one that goes, and waits as it does or sent without waiting anyway. A new
    copy is none: whatever it lacks, consent, an exception or a value, would be lost."""
    stood = view.container.by_id.get(("tag", other.id))
    if stood is None or stood is gone:
        return False
    was, now = wanted(gone), wanted(other)
    waits = not was.blocks or (now.blocks and was.types <= now.types)
    return waits or (stood in view.reaching.firing and not wanted(stood).blocks)


def _moment(one: Firing) -> tuple[Events, frozenset[Condition]]:
    """When something fires: that of every page has several events, which are the same to who counts pages."""
    return (Events("gtm.js") if one.on_every_page else one.events), one.conditions


def is_system(trigger: str) -> bool:
    return trigger.isdecimal() and int(trigger[:12]) >= int(catalogue()["system_trigger_floor"])


def system_events(trigger: str) -> Events:
    known = catalogue()["system_triggers"].get(trigger)
    return Events(known["event"] if known else "")
