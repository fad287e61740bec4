"""When tags fire: references to no trigger dropped, tags put on the event that they report, triggers narrowed to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import condition, custom_event, link_condition, new_link_click
from bot.proposers.repair.operators.site import (
    ALL_PAGES,
    INITIALIZATION,
    has_no_trigger,
    hears,
    is_documented,
    link_clicks,
    link_pattern,
    may_add,
    standard_of,
)
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.dimensions.coverage import same
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import tag_facts
from harness.scorers.gtm.purpose import ecommerce_events, fits

_PAGE = {"page_view"}


def triggers_of(draft: Draft, bench: Bench, event: str) -> tuple[str, ...]:
    """The ids of triggers that are met when this happens: one that hears the event, those on which Meta is told of it,
    those for such links, or a new one where the event's name says enough; () where nothing tells of it."""
    heard = hears(draft, [event]) or hears(draft, same(event))
    known = (heard,) if heard else told_to_meta(bench, event) or link_clicks(draft, event)
    if known or not may_add(bench, "trigger"):
        return known
    if is_documented(event):
        return (custom_event(draft, bench, event),)
    return (new_link_click(draft, bench, event),) if link_pattern(event) else ()


def can_be_told(bench: Bench, event: str) -> bool:
    return bool(event) and bool(triggers_of(Draft(bench.view.container.data), bench, event))


def told_to_meta(bench: Bench, event: str) -> tuple[str, ...]:
    """Triggers of a tag that tells Meta of this very happening, whatever the site's own word for it is: somebody has
    decided that this is it. None that hear an event which means something else, or every page."""
    others = ecommerce_events() - same(event)
    for tag in bench.view.reaching.firing:
        sender, firings = bench.view.senders.of(tag), bench.view.reaching.of(tag).firings
        if "meta" not in sender.vendors or the_event(bench, tag) != event:
            continue
        ids = [
            one.trigger.id
            for one in firings
            if one.trigger and fits(one, same(event)) and not one.events.names & others
        ]
        if ids and len(ids) == len(firings):
            return tuple(ids)
    return ()


def the_event(bench: Bench, tag: Entity) -> str:
    """The one happening that a tag reports, by GA4's name; "" where it reports several, or what nobody knows."""
    sender = bench.view.senders.of(tag)
    events = {standard_of(event) for event in sender.events}
    return events.pop() if len(events) == 1 and not sender.follows and not sender.unsure else ""


def _find_undefined(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("trigger-undefined"):
        tag = bench.entity_of(issue)
        if tag and bench.touchable(tag):
            refs = [
                ref
                for ref in bench.view.references.of(tag)
                if ref.how in {"firing", "blocking"} and ref.state == "missing"
            ]
            gone = frozenset(ref.says for ref in refs)
            yield Fix(tag.name, (issue,), partial(_drop, id_=tag.id, gone=gone))


def _drop(draft: Draft, *, id_: str, gone: frozenset[str]) -> None:
    tag = draft.entity("tag", id_)
    for key in ("firingTriggerId", "blockingTriggerId"):
        if isinstance(listed := tag.get(key), list):
            tag[key] = [one for one in listed if text_of(one) not in gone]
            if not tag[key]:
                del tag[key]


def _find_timing(bench: Bench) -> Iterator[Fix]:
    """Tags that cannot fire, or fire when something else happens."""
    seen: dict[Entity, list[Issue]] = {}
    for issue in bench.issues("outcome-impaired", "tag-cannot-fire"):
        tag = bench.entity_of(issue)
        if tag and bench.touchable(tag) and not (tag.paused and issue.code == "outcome-impaired"):
            seen.setdefault(tag, []).append(issue)
    for tag, issues in seen.items():
        if not bench.view.reaching.of(tag).can and not _may_fire(bench, tag):
            continue
        if page := _page_trigger(bench, tag):
            yield Fix(tag.name, tuple(issues), partial(_fire_on, id_=tag.id, trigger=page))
        elif (event := the_event(bench, tag)) and can_be_told(bench, event):
            yield Fix(
                f"{tag.name} on {event}", tuple(issues), partial(_fire_when, bench=bench, id_=tag.id, event=event)
            )


def _may_fire(bench: Bench, tag: Entity) -> bool:
    """Of tags that cannot fire: Google's own, which act on consent mode, and those that fired once, by a trigger that
    is gone or broken, and whose event another one hears. What never had a trigger, is shut out, or starts a pixel of
    its own is let be."""
    event = the_event(bench, tag)
    heard = event and (hears(Draft(bench.view.container.data), [event]) or told_to_meta(bench, event))
    facts = tag_facts(tag.type)
    if has_no_trigger(bench, tag) and facts.get("reads_consent") and not facts.get("needs_linker"):
        return True
    triggers = [ref.target for ref in bench.view.references.of(tag) if ref.how == "firing"]
    broken = all(one is None or bench.view.reaching.trigger(one).never for one in triggers)
    starts = "content" in facts and any(bench.view.senders.of(tag).destination)
    return bool(triggers) and broken and not starts and (bool(heard) or facts.get("vendor") == "ga4")


def _page_trigger(bench: Bench, tag: Entity) -> str:
    """The trigger of tags that belong on every page."""
    facts, sender = tag_facts(tag.type), bench.view.senders.of(tag)
    if facts.get("linker"):
        return ALL_PAGES
    if facts.get("page_view") and bench.view.container.context == "web":
        return INITIALIZATION
    return ALL_PAGES if sender.events == frozenset(_PAGE) and bench.view.container.context == "web" else ""


def _fire_on(draft: Draft, *, id_: str, trigger: str) -> None:
    draft.entity("tag", id_)["firingTriggerId"] = [trigger]


def _fire_when(draft: Draft, *, bench: Bench, id_: str, event: str) -> None:
    draft.entity("tag", id_)["firingTriggerId"] = list(triggers_of(draft, bench, event))


def _find_broad(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("trigger-broad"):
        one = bench.entity_of(issue)
        if not one or not bench.touchable(one):
            continue
        users = [ref.source for ref in bench.view.references.to(one)]
        events = {the_event(bench, tag) if tag.kind == "tag" else "" for tag in users}
        event = events.pop() if len(events) == 1 else ""
        if event and one.type == "CUSTOM_EVENT":
            yield Fix(f"{one.name} to {event}", (issue,), partial(_narrow, id_=one.id, event=event))
        elif event and one.type in {"LINK_CLICK", "CLICK"} and link_pattern(event):
            yield Fix(f"{one.name} to {event}", (issue,), partial(_narrow_click, id_=one.id, event=event))


def _narrow(draft: Draft, *, id_: str, event: str) -> None:
    draft.entity("trigger", id_)["customEventFilter"] = [condition(draft, "EQUALS", "{{_event}}", event)]


def _narrow_click(draft: Draft, *, id_: str, event: str) -> None:
    draft.entity("trigger", id_)["filter"] = [link_condition(draft, event)]


def _reason(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if entity and entity.paused and issue.code == "outcome-impaired":
        return "somebody paused it: see waking"
    return "when it should fire does not follow from the container: only the site's owner knows"


UNDEFINED = Family(
    "undefined-triggers", frozenset({"trigger-undefined"}), "drop triggers that do not exist", _find_undefined,
    lambda _bench, _issue: UNTOUCHABLE,
)  # fmt: skip
TIMING = Family(
    "timing", frozenset({"outcome-impaired", "tag-cannot-fire"}), "fire when it happens", _find_timing, _reason
)
BROAD = Family(
    "broad-triggers", frozenset({"trigger-broad"}), "narrow triggers to the event of their tags", _find_broad, _reason
)
