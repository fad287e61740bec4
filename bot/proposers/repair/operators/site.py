"""What the container itself says of its site: where it sends, what it reads, which triggers hear which events."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from bot.proposers.repair.bench import Bench
from bot.proposers.repair.draft import Draft
from harness.scorers.gtm.conditions import conditions_of
from harness.scorers.gtm.entities import Entity, canonical, text_of
from harness.scorers.gtm.known import catalogue, profiles
from harness.scorers.gtm.references import NAMED

ALL_PAGES, CONSENT_INITIALIZATION, INITIALIZATION = "2147479553", "2147479572", "2147479573"
_SAYS = {"gaawe": "measurementIdOverride", "googtag": "tagId", "gaawc": "measurementId"}
# Keys that Google documents for the data layer's ecommerce object, by what needs them.
LAYERED = {
    "value": "value", "currency": "currency", "items": "items", "transaction_id": "transaction_id",
    "conversionValue": "value", "currencyCode": "currency", "orderId": "transaction_id",
}  # fmt: skip
_ID = re.compile(r"GT?-([A-Z0-9]{4,})")
# Of words in an event's name the links that it means: what a new trigger asks of them, and what one that exists does.
_LINKS = {
    "mail": ("^mailto:", ("mailto:",)), "call": ("^tel:", ("tel:",)), "phone": ("^tel:", ("tel:",)),
    "contact": ("^(mailto|tel):", ("mailto:", "tel:")), "download": ("", ("pdf", "docx", "xlsx", "zip")),
}  # fmt: skip


def measurement(bench: Bench) -> str:
    """What GA4 tags send to, as most of them say it; "" where that is nothing, or more than one place."""
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for tag in bench.view.active:
        text = tag.text(_SAYS.get(tag.type, "")) if bench.view.senders.of(tag).vendor == "ga4" else ""
        if text and not bench.view.values.is_empty(text):
            said[bench.view.values.constant(text) or text][text] += 1
    (place, texts), *others = said.items() or [("", Counter())]
    return "" if others or is_placeholder(place) else most(texts)


def is_placeholder(id_: str) -> bool:
    """Whether an id stands for one that somebody is to fill in: G-XXXXXXX, G-0000000000, %%GA4_ID%%."""
    match = _ID.fullmatch(id_)
    return "%%" in id_ or ("{{" not in id_ and (not match or len(set(match.group(1))) < 3 or "XXX" in match.group(1)))


def most(counted: Mapping[str, int]) -> str:
    """The most frequent text, the first by the alphabet among equals; "" of none."""
    return min(counted, key=lambda text: (-counted[text], text), default="")


def may_add(bench: Bench, *kinds: str) -> bool:
    return set(kinds) <= set(bench.policy.add)


def is_documented(event: str) -> bool:
    """Whether Google documents that a shop pushes this event, with its ecommerce object."""
    return event in profiles()["event_parameters"]


def layered(bench: Bench, key: str) -> str:
    """The variable that holds a key of the ecommerce object, as {{name}}; "" where the container has none.

    One that reads just that key, else the one that tags send under this key.
    """
    field = LAYERED[key]
    for one in sorted(bench.view.container.all("variable"), key=lambda variable: variable.name):
        if reads(one.type, one.parameters, f"ecommerce.{field}"):
            return f"{{{{{one.name}}}}}"
    said: Counter[str] = Counter()
    for tag in bench.view.active:
        fields = {**tag.parameters, **bench.view.values.fields(tag)}
        for name in (name for name, of in LAYERED.items() if of == field):
            text = fields.get(name, "")
            variable = bench.view.values.named(text) if isinstance(text, str) and text else None
            if variable and variable.type == "v" and NAMED.fullmatch(str(text)):
                said[str(text)] += 1
    return most(said)


def reads(kind: str, parameters: Mapping[str, Any], key: str) -> bool:
    return kind == "v" and parameters.get("name") == key and parameters.get("dataLayerVersion", "2") != "1"


def has_no_trigger(bench: Bench, tag: Entity) -> bool:
    """None that exists."""
    return not any(ref.how == "firing" and ref.state != "missing" for ref in bench.view.references.of(tag))


def content_of(kind: str, data: Mapping[str, Any]) -> str:
    """What an entity says, all but what is its own: equal for copies."""
    own = {"name", f"{kind}Id", "parentFolderId", "fingerprint", "notes", "tagManagerUrl", "path"}
    return json.dumps({key: value for key, value in data.items() if key not in own}, sort_keys=True)


def hears(draft: Draft, events: Iterable[str]) -> str:
    """The id of a trigger that is met by these custom events, by each of them and by nothing else; "" without one."""
    wanted = frozenset(events)
    for one in sorted(entities(draft, "trigger"), key=lambda trigger: (trigger.name, trigger.id)):
        conditions = list(conditions_of(one))
        if one.type == "CUSTOM_EVENT" and len(conditions) == 1 and one.id:
            (only,) = conditions
            names_event = only.left.strip() in {"{{_event}}", "{{Event}}"}
            if names_event and only.operator == "EQUALS" and not only.negated and only.right in wanted:
                return one.id
    return ""


def link_pattern(event: str) -> str:
    """Which links an event such as email_click means; "" where its name does not say."""
    return next((pattern for word, (pattern, _signs) in _LINKS.items() if word in event.lower()), "")


def link_clicks(draft: Draft, event: str) -> tuple[str, ...]:
    """The ids of triggers for clicks on links that an event means, and on nothing else."""
    signs = next((signs for word, (_pattern, signs) in _LINKS.items() if word in event.lower()), ())
    found = []
    for one in entities(draft, "trigger"):
        conditions = list(conditions_of(one))
        asks = [each for each in conditions if "Click URL" in each.left and not each.negated]
        if (
            one.type == "LINK_CLICK"
            and len(conditions) == len(asks) == 1
            and any(sign in asks[0].right for sign in signs)
        ):
            found.append(one.id)
    return tuple(found)


def entities(draft: Draft, kind: str) -> list[Entity]:
    """What stands in a draft, to be read."""
    found = []
    for one in draft.entities(kind):
        raw = text_of(one.get("type"))
        found.append(
            Entity(kind, text_of(one.get(f"{kind}Id")), text_of(one.get("name")),
                   canonical(raw) if kind == "trigger" else raw, "", one)
        )  # fmt: skip
    return found


def standard_of(meta_event: str) -> str:
    """GA4's name for what Meta calls otherwise; the same where it has none."""
    names: dict[str, str] = catalogue()["meta_events"]
    return names.get(meta_event, meta_event)
