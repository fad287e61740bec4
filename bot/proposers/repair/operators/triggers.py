"""When tags fire: references to no trigger dropped, tags put on the event that they report, triggers narrowed to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.site import (
    ALL_PAGES,
    INITIALIZATION,
    custom_event,
    has_no_trigger,
    hears,
    is_documented,
    link_click,
    link_condition,
    link_pattern,
    may_add,
    standard_of,
)  # fmt: skip
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import tag_facts

_PAGE = {"page_view"}


def trigger_of(draft: Draft, bench: Bench, event: str) -> str:
    """The id of a trigger that is met when this happens, a new one where the event's name says enough; else ""."""
    found = hears(draft, [event])
    if found or not may_add(bench, "trigger"):
        return found
    if is_documented(event):
        return custom_event(draft, bench, event)
    return link_click(draft, bench, event) if link_pattern(event) else ""


def can_be_told(bench: Bench, event: str) -> bool:
    """Whether trigger_of finds or makes one."""
    probe = Draft(bench.view.container.data)
    return bool(event) and bool(trigger_of(probe, bench, event))


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
        if not bench.view.reaching.of(tag).can and not (has_no_trigger(bench, tag) and _is_googles(tag)):
            continue
        if page := _page_trigger(bench, tag):
            yield Fix(tag.name, tuple(issues), partial(_fire_on, id_=tag.id, trigger=page))
        elif (event := the_event(bench, tag)) and can_be_told(bench, event):
            yield Fix(
                f"{tag.name} on {event}", tuple(issues), partial(_fire_when, bench=bench, id_=tag.id, event=event)
            )


def _is_googles(tag: Entity) -> bool:
    """Of what has no trigger at all only Google's own tags are let loose: they act on consent mode."""
    return bool(tag_facts(tag.type).get("reads_consent")) and not tag_facts(tag.type).get("needs_linker")


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
    draft.entity("tag", id_)["firingTriggerId"] = [trigger_of(draft, bench, event)]


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
    parts = [
        {"type": draft.word("TEMPLATE"), "key": "arg0", "value": "{{_event}}"},
        {"type": draft.word("TEMPLATE"), "key": "arg1", "value": event},
    ]
    draft.entity("trigger", id_)["customEventFilter"] = [{"type": draft.word("EQUALS"), "parameter": parts}]


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
