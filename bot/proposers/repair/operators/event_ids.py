"""One event id for what Meta hears twice, and what Meta's Purchase must carry. Code is changed only by a policy that
lets it be: then the calls of fbq alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators.fbq import with_event_id, with_field
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import layer
from bot.proposers.repair.operators.site import layered, may_add, most
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity, objects, text_of
from harness.scorers.gtm.senders import template_fields

_CODES = frozenset({"event-id-missing", "event-id-constant", "event-id-differs"})
_FIELD = re.compile(r"event_?id", re.IGNORECASE)


def shared_id(bench: Bench) -> str:
    """The event id that GA4's tags send, else the one that Meta's do, as {{name}}; "" without one that varies."""
    for vendor in ("ga4", "meta"):
        said = Counter(
            found for tag in bench.view.sending
            if vendor in bench.view.senders.of(tag).vendors and (found := bench.view.senders.of(tag).event_id)
            and bench.view.values.named(found) and bench.view.values.constant(found) is None
        )  # fmt: skip
        if said:
            return most(said)
    return ""


def _find_ids(bench: Bench) -> Iterator[Fix]:
    said = shared_id(bench)
    for issue in bench.issues(*_CODES) if said else ():
        tag = bench.entity_of(issue)
        if not tag or not bench.touchable(tag):
            continue
        if tag.type == "html" and bench.policy.code and with_event_id(tag.text("html"), said) != tag.text("html"):
            yield Fix(tag.name, (issue,), partial(_in_code, id_=tag.id, said=said))
        elif issue.code == "event-id-missing" and (key := _field(bench, tag)):
            yield Fix(tag.name, (issue,), partial(_in_field, id_=tag.id, key=key, said=said))


def _field(bench: Bench, tag: Entity) -> str:
    """The field of its template that asks for an event id, if it holds nothing."""
    names = (text_of(one.get("name")) for one in template_fields(bench.view.container.template_of(tag)))
    return next((name for name in names if _FIELD.search(name) and not tag.parameters.get(name)), "")


def _in_code(draft: Draft, *, id_: str, said: str) -> None:
    set_code(draft, id_, with_event_id(code_of(draft, id_), said))


def _in_field(draft: Draft, *, id_: str, key: str, said: str) -> None:
    draft.set_parameter(draft.entity("tag", id_), key, said)


def code_of(draft: Draft, id_: str) -> str:
    listed = objects(draft.entity("tag", id_).get("parameter"))
    return next((text_of(one.get("value")) for _n, one in listed if one.get("key") == "html"), "")


def set_code(draft: Draft, id_: str, code: str) -> None:
    draft.set_parameter(draft.entity("tag", id_), "html", code)


def _find_purchases(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("event-parameter-missing") if bench.policy.code else ():
        tag, key = bench.entity_of(issue), issue.repair.removeprefix("add ").partition(" ")[0]
        if tag and tag.type == "html" and bench.touchable(tag) and key in {"value", "currency"}:
            code = tag.text("html")
            held = layered(bench, key) or may_add(bench, "variable")
            if held and with_field(code, "Purchase", key, "0") != code:
                yield Fix(f"{key} of {tag.name}", (issue,), partial(_purchase, bench=bench, id_=tag.id, key=key))


def _purchase(draft: Draft, *, bench: Bench, id_: str, key: str) -> None:
    set_code(draft, id_, with_field(code_of(draft, id_), "Purchase", key, layer(draft, bench, key)))


def _reason_ids(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if not shared_id(bench):
        return "no variable of the container is an event id: the site is to push one with each event"
    if entity and entity.type == "html" and not bench.policy.code:
        return "it stands in the tag's own code, which the policy lets nobody change"
    return "where this tag says its event id cannot be told, or it says one already"


def _reason_purchases(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if not bench.policy.code:
        return "it stands in the tag's own code, which the policy lets nobody change"
    return "its call of fbq cannot be read"


EVENT_IDS = Family("event-ids", _CODES, "send the shared event id", _find_ids, _reason_ids)
PURCHASES = Family(
    "meta-purchases", frozenset({"event-parameter-missing"}), "tell Meta what a purchase was worth", _find_purchases,
    _reason_purchases,
)  # fmt: skip
