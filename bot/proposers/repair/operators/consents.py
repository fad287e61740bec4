"""Consent: each tag waits for what it really sends, in Tag Manager's own words."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft, Json
from bot.proposers.repair.operators.fixes import UNTOUCHABLE, Family, Fix
from bot.proposers.repair.operators.making import condition, free_name
from bot.proposers.repair.operators.site import CONSENT_INITIALIZATION, content_of, may_add
from bot.proposers.repair.operators.words import Scheme
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.entities import Entity, text_of
from harness.scorers.gtm.known import catalogue

_TYPED = frozenset({"consent-type-missing", "consent-without-types", "consent-word"})


def needed(bench: Bench, tag: Entity) -> tuple[str, ...] | None:
    """What the tag must wait for, with what it waits for already; () for nothing; None where nobody can say."""
    sender, wanted = bench.view.senders.of(tag), bench.view.reaching.of(tag).consent
    own = {one for purpose in sender.purposes for one in catalogue()["purposes"][purpose]}
    if not sender.sends or (sender.reads_consent and bench.view.declared.consent_mode == "advanced"):
        return ()
    types = own | wanted.types
    return tuple(sorted(types)) if types else None


def _find_types(bench: Bench) -> Iterator[Fix]:
    probe = Draft(bench.view.container.data)
    contents = {content_of("tag", one.data): one for one in bench.view.container.all("tag")}
    for issue in bench.issues(*_TYPED):
        tag = bench.entity_of(issue)
        types = needed(bench, tag) if tag else None
        if not tag or types is None or not bench.touchable(tag):
            continue
        _wait(probe, id_=tag.id, types=types)
        after = content_of("tag", probe.entity("tag", tag.id))
        other = contents.setdefault(after, tag)
        if other is tag or content_of("tag", other.data) == content_of("tag", tag.data):  # else it would become a copy
            what = f"{', '.join(types) or 'nothing'} for {tag.name}"
            yield Fix(what, (issue,), partial(_wait, id_=tag.id, types=types))


def _find_blocks(bench: Bench) -> Iterator[Fix]:
    if not bench.policy.unblock:
        return
    for issue in bench.issues("consent-hard-block"):
        tag = bench.entity_of(issue)
        if tag and bench.touchable(tag):
            yield Fix(tag.name, (issue,), partial(_wait, id_=tag.id, types=()))


def _wait(draft: Draft, *, id_: str, types: tuple[str, ...]) -> None:
    draft.consent(draft.entity("tag", id_), types)


def _find_default(bench: Bench) -> Iterator[Fix]:
    for issue in bench.issues("consent-default-late"):
        tag = bench.entity_of(issue)
        if not tag or not bench.touchable(tag):
            continue
        pages = set(catalogue()["page_events"])
        firings = bench.view.reaching.of(tag).firings
        if all(firing.events.name in pages for firing in firings):
            yield Fix(tag.name, (issue,), partial(_first, id_=tag.id))
        elif may_add(bench, "tag"):  # it also answers to a choice: it stays, and one of its kind comes first
            yield Fix(f"another of {tag.name}", (issue,), partial(_another, bench=bench, id_=tag.id))


def _first(draft: Draft, *, id_: str) -> None:
    draft.entity("tag", id_)["firingTriggerId"] = [CONSENT_INITIALIZATION]


def _another(draft: Draft, *, bench: Bench, id_: str) -> None:
    like = draft.entity("tag", id_)
    name = free_name(draft, "tag", Scheme.of(bench).joined("tag", "Consent", "default"))
    kept: Json = {
        key: like[key]
        for key in ("type", "parameter", "parentFolderId", "tagFiringOption", "consentSettings")
        if key in like
    }
    draft.new("tag", {**kept, "name": name, "firingTriggerId": [CONSENT_INITIALIZATION]})


def _find_asking(bench: Bench) -> Iterator[Fix]:
    """On a server: triggers of tags that ask nobody ask the event, if the container reads consent from it anywhere."""
    said = _event_consent(bench)
    for issue in bench.issues("consent-not-asked") if said else ():
        tag = bench.entity_of(issue)
        triggers = [ref.target for ref in bench.view.references.of(tag) if ref.how == "firing"] if tag else []
        if tag and bench.touchable(tag) and triggers and all(triggers):
            own = all(one and _is_his_alone(bench, one, tag) and bench.touchable(one) for one in triggers)
            if own or may_add(bench, "trigger"):
                ask = _ask if own else partial(_ask_apart, bench=bench, tag=tag.id)
                ids = tuple(one.id for one in triggers if one)
                yield Fix(tag.name, (issue,), partial(ask, ids=ids, said=said))


def _event_consent(bench: Bench) -> str:
    """The variable that holds what the visitor chose, as Google's tags send it; "" without one."""
    for one in bench.view.container.all("variable"):
        if one.type == "ed" and one.text("keyPath") == "x-ga-gcs":
            return f"{{{{{one.name}}}}}"
    return ""


def _is_his_alone(bench: Bench, trigger: Entity, tag: Entity) -> bool:
    """Nobody else is fired by it but tags that must ask as well."""
    asking = {text_of(issue.id) for issue in bench.issues("consent-not-asked")}
    return all(ref.source is tag or ref.source.id in asking for ref in bench.view.references.to(trigger))


def _ask(draft: Draft, *, ids: tuple[str, ...], said: str) -> None:
    for id_ in ids:
        _add_condition(draft, draft.entity("trigger", id_), said)


def _ask_apart(draft: Draft, *, bench: Bench, tag: str, ids: tuple[str, ...], said: str) -> None:
    """Others are fired by the same triggers: the tag gets copies of them, which ask."""
    made = []
    for id_ in ids:
        like = draft.entity("trigger", id_)
        own = {"triggerId", "fingerprint", "uniqueTriggerId", "name"}
        name = free_name(
            draft, "trigger", f"{text_of(like.get('name'))}{Scheme.of(bench).separators['trigger']}with consent"
        )
        kept = {key: copy.deepcopy(value) for key, value in like.items() if key not in own}
        made.append(draft.new("trigger", {**kept, "name": name}))
        _add_condition(draft, draft.entity("trigger", made[-1]), said)
    draft.entity("tag", tag)["firingTriggerId"] = made


def _add_condition(draft: Draft, trigger: Json, said: str) -> None:
    """G11 and what follows: ads storage is granted."""
    wanted, listed = condition(draft, "STARTS_WITH", said, "G11"), trigger.get("filter")
    conditions = listed if isinstance(listed, list) else []
    if wanted not in conditions:
        trigger["filter"] = [*conditions, wanted]


def _reason_types(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    if entity and not bench.touchable(entity):
        return UNTOUCHABLE
    if entity and needed(bench, entity) is not None:
        return "it would be the copy of another tag: one of the two is to go first"
    return "nobody knows to whom it sends: which consent it needs is for a person to say"


def _reason_default(bench: Bench, issue: Issue) -> str:
    entity = bench.entity_of(issue)
    return UNTOUCHABLE if entity and not bench.touchable(entity) else "the policy lets nobody add a tag"


def _reason_asking(bench: Bench, _issue: Issue) -> str:
    if not _event_consent(bench):
        return (
            "nothing in the container reads the visitor's choice from the event, and whether events carry it is unknown"
        )
    return "other tags are fired by its trigger, and the policy lets nobody add one, or protects it"


CONSENTS = Family("consents", _TYPED, "wait for consent", _find_types, _reason_types)
BLOCKS = Family(
    "blocks", frozenset({"consent-hard-block"}), "let advanced consent mode send its pings", _find_blocks,
    lambda bench, _issue: UNTOUCHABLE if bench.policy.unblock else "the policy lets no tag stop waiting for consent",
)  # fmt: skip
DEFAULTS = Family(
    "defaults", frozenset({"consent-default-late"}), "set the consent default before anything else", _find_default,
    _reason_default,
)  # fmt: skip
ASKING = Family(
    "asking", frozenset({"consent-not-asked"}), "ask the event for consent", _find_asking, _reason_asking
)  # fmt: skip
