"""What is missing altogether: tags for outcomes, the conversion linker, conversions that ads were paid for."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft, Json
from bot.proposers.repair.operators.fixes import Family, Fix
from bot.proposers.repair.operators.making import beside, free_name
from bot.proposers.repair.operators.site import ALL_PAGES, INITIALIZATION, is_documented, may_add, measurement, most
from bot.proposers.repair.operators.triggers import can_be_told, triggers_of
from bot.proposers.repair.operators.words import Scheme
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity
from harness.scorers.gtm.known import tag_facts

_PAGE, _ANY = "page", "*"
_PLAIN: Mapping[str, Any] = {"tagFiringOption": "ONCE_PER_EVENT", "consentSettings": {"consentStatus": "NOT_SET"}}
_SAID_OF = {  # what people call a conversion that is this event, and nothing more than it
    "purchase": {"order", "orders", "sale", "sales", "transaction"},
    "generate_lead": {"lead", "leads", "enquiry", "inquiry"},
    "sign_up": {"registration", "signup"},
}  # fmt: skip
_LINKERS = {"web": "gclidw", "server": "sgtmadscl"}


def outcome_of(bench: Bench, issue: Issue) -> str:
    """The outcome that an issue is about; "" where it names none."""
    said = issue.message.partition(":")[0]
    return _PAGE if said == "page views" else said if said in bench.view.outcomes else ""


def _find_outcomes(bench: Bench) -> Iterator[Fix]:
    to = measurement(bench)
    if not to or not may_add(bench, "tag") or bench.view.container.context != "web":
        return
    for issue in bench.issues("outcome-missing"):
        outcome = outcome_of(bench, issue)
        if outcome == _PAGE and not _google_tags(bench, to):
            yield Fix("page views", (issue,), partial(_google_tag, bench=bench, to=to))
        elif outcome != _PAGE and can_be_told(bench, outcome):
            add = partial(_event_tag, bench=bench, event=outcome, to=to)
            yield Fix(outcome, (issue,), add)


def _google_tags(bench: Bench, to: str) -> list[Entity]:
    """Google tags for the same place: if there is one, page views were switched off, or it cannot fire."""
    ids = {bench.view.values.constant(to) or to, to}
    return [one for one in bench.view.container.all("tag")
            if one.type in {"googtag", "gaawc"} and ids & set(bench.view.senders.of(one).destination)]  # fmt: skip


def _event_tag(draft: Draft, *, bench: Bench, event: str, to: str) -> None:
    like = _sibling(bench, event)
    parameters = {"eventName": event, "measurementIdOverride": to}
    ids = list(triggers_of(draft, bench, event))
    made = _tag(draft, bench, "ga4", event, {"type": "gaawe", "firingTriggerId": ids})
    if is_documented(event):
        draft.set_parameter(made, "sendEcommerceData", value=True)
        draft.set_parameter(made, "getEcommerceDataFrom", "dataLayer")
    else:
        draft.set_parameter(made, "sendEcommerceData", value=False)
    for key, value in parameters.items():
        draft.set_parameter(made, key, value)
    if like and (shared := like.text("eventSettingsVariable")):
        draft.set_parameter(made, "eventSettingsVariable", shared)
    if like and isinstance(settings := like.data.get("consentSettings"), dict):
        made["consentSettings"] = copy.deepcopy(settings)


def _sibling(bench: Bench, event: str) -> Entity | None:
    """The GA4 event tag that is most like the others: what most of them have, a new one gets."""
    those = [tag for tag in bench.view.telling if tag.type == "gaawe" and not tag.paused]
    alike = [tag for tag in those if is_documented(event) == any(map(is_documented, bench.view.senders.of(tag).events))]
    shared = most(Counter(tag.text("eventSettingsVariable") for tag in alike or those))
    return next(
        (
            tag
            for tag in sorted(alike or those, key=lambda one: one.name)
            if tag.text("eventSettingsVariable") == shared
        ),
        None,
    )


def _tag(draft: Draft, bench: Bench, vendor: str, what: str, fields: Json) -> Json:
    name = free_name(draft, "tag", Scheme.of(bench).tag(vendor, what))
    made = draft.entity("tag", draft.new("tag", {"name": name, **_PLAIN, **fields}))
    beside(bench, made, "tag", lambda one: bench.view.senders.of(one).vendor == vendor)
    return made


def _google_tag(draft: Draft, *, bench: Bench, to: str) -> None:
    made = _tag(draft, bench, "ga4", "Google tag", {"type": "googtag", "firingTriggerId": [INITIALIZATION]})
    draft.set_parameter(made, "tagId", to)


def _find_linker(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("linker-missing") if may_add(bench, "tag") else ():
        triggers = _linked(bench)
        if triggers:
            yield Fix("a conversion linker", (issue,), partial(_linker, bench=bench, triggers=triggers))


def _linked(bench: Bench) -> tuple[str, ...]:
    """All pages; on a server, where there are none, the triggers of the tags that need the linker."""
    if bench.view.container.context != "server":
        return (ALL_PAGES,)
    needing = [tag for tag in bench.view.reaching.firing if tag_facts(tag.type).get("needs_linker")]
    return tuple(sorted({ref.says for tag in needing for ref in bench.view.references.of(tag) if ref.how == "firing"}))


def _linker(draft: Draft, *, bench: Bench, triggers: tuple[str, ...]) -> None:
    kind = _LINKERS["server" if bench.view.container.context == "server" else "web"]
    _tag(draft, bench, "google_ads", "conversion linker", {"type": kind, "firingTriggerId": list(triggers)})


def _find_conversions(bench: Bench) -> Iterator[Fix]:
    """A conversion of an account that the container sends to, under a label that no tag sends: beside the one tag of
    that account, where its name says what that tag waits for."""
    for issue in bench.issues("conversion-not-sent") if may_add(bench, "tag") else ():
        near, label = bench.entity_of(issue), re.search(r"the label of this tag: (.+)$", issue.repair)
        others = [tag for tag in bench.view.reaching.firing if near and tag.type == near.type]
        if near and label and len(others) == 1:
            name = re.search(r'Google Ads counts "(.*?)", but', issue.message)
            what = name.group(1) if name else label.group(1)
            if _is_waited_for(bench, near, what):
                add = partial(_conversion, bench=bench, id_=near.id, label=label.group(1), what=what)
                yield Fix(what, (issue,), add)


def _is_waited_for(bench: Bench, tag: Entity, what: str) -> bool:
    """Whether a conversion's name is the event that fires this tag: a first order is not every order."""
    word = "_".join(what.lower().split())
    heard = {name for firing in bench.view.reaching.of(tag).firings for name in firing.events.names}
    return len(heard) == 1 and all(word == name or word in _SAID_OF.get(name, ()) for name in heard)


def _conversion(draft: Draft, *, bench: Bench, id_: str, label: str, what: str) -> None:
    like = draft.entity("tag", id_)
    kept: Json = {
        key: like[key]
        for key in ("type", "parameter", "firingTriggerId", "blockingTriggerId", "consentSettings")
        if key in like
    }
    made = _tag(draft, bench, "google_ads", what, kept)
    draft.set_parameter(made, "conversionLabel", label)


def _reason_outcome(bench: Bench, issue: Issue) -> str:
    outcome = outcome_of(bench, issue)
    if not may_add(bench, "tag"):
        return "the policy lets nobody add a tag"
    if bench.view.container.context != "web":
        return "a server forwards what the browser sends: the event is to be sent there first"
    if not measurement(bench):
        return "the container names no GA4 measurement id, or several: where it should be sent is for its owner to say"
    if outcome == _PAGE:
        return "somebody switched page views off: whether the site sends them itself is not in the container"
    if not outcome or outcome == _ANY:
        return "which event matters is for its owner to say"
    return f"nothing in the container tells when {outcome} happens, and what the site pushes for it is unknown"


def _reason_linker(bench: Bench, _issue: Issue) -> str:
    return "no tag that needs it has a trigger" if may_add(bench, "tag") else "the policy lets nobody add a tag"


def _reason_conversion(bench: Bench, issue: Issue) -> str:
    if issue.message.startswith("Meta counts"):
        return "a tag for Meta is code or a template of its own: what it sends is for a person to write"
    if not may_add(bench, "tag"):
        return "the policy lets nobody add a tag"
    return "no tag of that account, or several: when the conversion happens is not in the container"


OUTCOMES = Family(
    "outcomes", frozenset({"outcome-missing"}), "measure what is missing", _find_outcomes, _reason_outcome
)
LINKER = Family("linker", frozenset({"linker-missing"}), "keep the click ids of ads", _find_linker, _reason_linker)
CONVERSIONS = Family(
    "conversions", frozenset({"conversion-not-sent"}), "send conversions that ads were paid for", _find_conversions,
    _reason_conversion,
)  # fmt: skip
