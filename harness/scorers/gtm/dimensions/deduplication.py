"""Deduplication: is anything counted twice, and can what arrives twice be recognised?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from harness.scorers.gtm.checks import Check, Complaints, Judged, judged
from harness.scorers.gtm.dimensions.parameters import carries_ecommerce, sent_with
from harness.scorers.gtm.entities import Entity, remembered
from harness.scorers.gtm.lookalike import skeleton
from harness.scorers.gtm.reach import Firing
from harness.scorers.gtm.view import View

_SAY = Complaints("deduplication")
_TO_SERVER = ("server_container_url", "transport_url")
_BY_TYPE = {"google_ads", "floodlight"}  # their types send different things to one id


def judge(view: View) -> Judged:
    checks = [*_twice(view), *_orders(view), *_shared(view)]
    return judged(checks, "no tag that can fire sends anything countable", most=view.most("deduplication"))


def _twice(view: View) -> Iterator[Check]:
    """Tags that send one thing to one place under equal conditions share one point; all but the first are named."""
    counted = [tag for tag in view.sending if view.senders.of(tag).vendors and not view.senders.of(tag).dead]
    keys = {tag: frozenset(_what(view, tag)) for tag in counted}
    firing = {key for tag in counted if view.reaching.of(tag).fires for key in keys[tag]}
    keys = {tag: own for tag, own in keys.items() if view.reaching.of(tag).fires or not own <= firing}
    counted = list(keys)  # a copy that is paused is sent once
    times = Counter(key for those in keys.values() for key in those)
    seen: dict[Hashable, Entity] = {}
    for tag in sorted(counted, key=lambda one: (one.name, one.type, _written(one))):
        value = 1 / max((times[key] for key in keys[tag]), default=1)
        first = seen[min(again, key=repr)] if (again := keys[tag] & seen.keys()) else None
        seen |= dict.fromkeys(keys[tag] - seen.keys(), tag)
        if value == 1:
            yield view.passes(tag)
        elif first is None:
            yield Check(value)
        else:
            yield _SAY.fails(
                "sent-twice", tag, f'sends what tag "{first.name}" sends, to the same place, under equal conditions',
                f'keep one of the two: pause this tag or "{first.name}"', value=value,
            )  # fmt: skip


@remembered
def _written(tag: Entity) -> str:
    return repr(sorted(tag.parameters.items()))


def _what(view: View, tag: Entity) -> Iterator[Hashable]:
    """What a tag sends, to whom, when: once for each event and way to fire."""
    sender = view.senders.of(tag)
    kind = tag.type if sender.vendors & _BY_TYPE else ""
    blockers = frozenset(
        _when(view.reaching.trigger(ref.target))
        for ref in view.references.of(tag)
        if ref.how == "blocking" and ref.target
    )
    for firing in view.reaching.of(tag).firings:
        followed = firing.events.names if sender.follows else frozenset()
        unnamed = _written(tag) if sender.unsure or (sender.follows and not followed) else ""
        for event in (sender.events | followed) or {""}:
            on_page = event == "page_view" and firing.on_every_page and not firing.conditions
            to = tuple(map(skeleton, sender.destination))
            yield sender.vendor, kind, to, event, unnamed, "page" if on_page else _when(firing), blockers


def _when(firing: Firing) -> Hashable:
    extra = () if firing.trigger is None else _timing(firing.trigger)
    return firing.events, firing.conditions, extra


@remembered
def _timing(trigger: Entity) -> Hashable:
    """What beside conditions makes triggers of one type fire at different moments."""
    known = {"interval", "limit", "parameter", "selector", "visibilitySelector", "verticalScrollPercentageList",
             "horizontalScrollPercentageList", "visiblePercentageMin", "totalTimeMinMilliseconds"}  # fmt: skip
    return repr(sorted((key, value) for key, value in trigger.data.items() if key in known))


def _orders(view: View) -> Iterator[Check]:
    """A purchase needs its order's id, by which a reloaded page is recognised."""
    for tag in view.active:
        if tag.type == "gaawe" and "purchase" in view.senders.of(tag).events:
            carried = sent_with(view, tag).get("transaction_id", "")
            good = carries_ecommerce(view, tag) or _varies(view, carried)
            yield _order(view, tag, "transaction_id", good=good)
        if tag.type == "awct" and view.business == "shop":
            yield _order(view, tag, "orderId", good=_varies(view, tag.text("orderId")))


def _varies(view: View, text: str) -> bool:
    """A number of an order is another one for each: a constant is none."""
    return bool(text) and not view.values.is_empty(text) and view.values.constant(text) is None


def _order(view: View, tag: Entity, key: str, *, good: bool) -> Check:
    if good:
        return view.passes(tag)
    return _SAY.fails(
        "order-id-missing", tag, f"no {key}: a reloaded page counts the order again", f"send the order's id as {key}",
        pointer=tag.at(key),
    )  # fmt: skip


def _shared(view: View) -> Iterator[Check]:
    """Meta hears of an event from the browser and from the server: both must name it by one id."""
    meta = [tag for tag in view.sending if "meta" in view.senders.of(tag).vendors]
    to_server = [tag for tag in view.active if any(view.values.fields(tag).get(key) for key in _TO_SERVER)]
    named = [tag for tag in meta if view.senders.of(tag).event_id]
    if view.container.context != "web" or not (to_server or named):
        return
    forwarded = {view.senders.of(tag).event_id for tag in view.sending if "ga4" in view.senders.of(tag).vendors} - {
        None
    }
    for tag in meta:
        if view.senders.of(tag).events - {"PageView"}:
            yield _event_id(view, tag, forwarded if to_server else set())


def _event_id(view: View, tag: Entity, forwarded: set[str | None]) -> Check:
    found = view.senders.of(tag).event_id
    if not found:
        return _SAY.fails(
            "event-id-missing", tag, "has no event id, so that Meta counts the server's copy as a second event",
            "send one variable as the event id here and with the event that goes to the server",
        )  # fmt: skip
    if _is_constant(view, tag, found):
        return _SAY.fails(
            "event-id-constant", tag, "its event id is always the same, so that Meta keeps one event of all",
            "send a variable that is new for each event",
        )  # fmt: skip
    if forwarded and found not in forwarded:
        return _SAY.fails(
            "event-id-differs", tag, "its event id is not the one that is sent to the server",
            f"send {min(map(str, forwarded))} in both places", severity="warning", value=0.5,
        )  # fmt: skip
    return view.passes(tag)


def _is_constant(view: View, tag: Entity, found: str) -> bool:
    """A text without variables, or with constant ones; a word of code that is no text may be anything."""
    if "{{" in found:
        return view.values.constant(found) is not None
    return tag.type != "html" or found[0] in "'\""
