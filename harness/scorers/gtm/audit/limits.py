"""GA4's published limits: does Google keep what is sent, and may it be sent at all?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.scorers.gtm.audit.findings import Rule, Spot, by_age
from harness.scorers.gtm.audit.scripts import piece_of
from harness.scorers.gtm.entities import Entity, remembered, table
from harness.scorers.gtm.references import NAMED
from harness.scorers.gtm.view import View

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED_PREFIX = re.compile(r"_|firebase_|ga_|google_|gtag\.")
_LONGEST, _LONGEST_PROPERTY, _MOST = 40, 24, 25
_LONGEST_VALUE = {"page_location": 1000, "page_referrer": 420, "page_title": 300}
_RESERVED_EVENTS = frozenset({
    "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data",
    "app_exception", "app_install", "app_remove", "app_store_refund", "app_store_subscription_cancel",
    "app_store_subscription_convert", "app_store_subscription_renew", "app_update", "app_upgrade",
    "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error", "first_open",
    "first_visit", "in_app_purchase", "notification_dismiss", "notification_foreground", "notification_open",
    "notification_receive", "notification_send", "os_update", "session_start", "session_start_with_rollout",
    "user_engagement",
})  # fmt: skip
_RESERVED_PROPERTIES = frozenset({
    "first_open_time", "first_open_after_install", "first_visit_time", "last_deep_link_referrer", "user_id",
})  # fmt: skip
_PERSON = re.compile(
    r"(?:.*[._-])?(?:e[_-]?mail(?:[_-]?address)?|phone(?:[_-]?number)?|mobile(?:[_-]?number)?|telephone|"
    r"(?:first|last|full|sur)[_-]?name|street(?:[_-]?address)?|birth(?:day|[_-]?date)|date[_-]?of[_-]?birth|password|iban|ssn)",
    re.IGNORECASE,
)
_HASHED = re.compile(r"sha-?_?256|hash|crypto|md5", re.IGNORECASE)
_IN_CODE = re.compile(r"""["']?([\w.-]{3,40})["']?\s*:\s*(?!true|false|["'](?:true|false))\S""")
_GOOGLES_FORM = "user_data."  # Google's own form for data that visitors gave
_EVENT_TABLES = ("eventSettingsTable", "eventParameters")


def _is_name(name: str, longest: int = _LONGEST) -> bool:
    return len(name) <= longest and bool(_NAME.fullmatch(name)) and not _RESERVED_PREFIX.match(name)


def _sending(view: View) -> Iterator[Entity]:
    """GA4's tags, and whatever else reports to it."""
    for tag in view.container.all("tag"):
        if "ga4" in view.senders.of(tag).vendors:
            yield tag


def _event_names(view: View) -> Iterator[Spot]:
    for tag in _sending(view):
        for name in sorted(view.senders.of(tag).events - {"page_view"}):
            if name in _RESERVED_EVENTS:
                yield Spot(
                    tag, f"{name} is an event of Google's own; those that are sent are dropped", tag.at("eventName")
                )
            elif not _is_name(name):
                yield Spot(
                    tag,
                    f"{name[:60]}: no event name that GA4 takes: letters, digits and _, {_LONGEST} at most",
                    tag.at("eventName"),
                )


def _event_case(view: View) -> Iterator[Spot]:
    """GA4 counts Purchase and purchase apart. The spelling of most tags stands, then the older one."""
    spelt: dict[str, dict[str, list[Entity]]] = {}
    for tag in by_age(_sending(view)):
        for name in view.senders.of(tag).events:
            spelt.setdefault(name.lower(), {}).setdefault(name, []).append(tag)
    for ways in spelt.values():
        usual = max(ways, key=lambda name: (len(ways[name]), name))
        for name in sorted(set(ways) - {usual}):
            for tag in ways[name]:
                yield Spot(
                    tag, f"sends {name[:60]}, others send {usual[:60]}: GA4 counts them apart", tag.at("eventName")
                )


@remembered
def _own_rows(one: Entity) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key in _EVENT_TABLES:
        found |= table(one.parameters.get(key))
    return found


def _holders(view: View) -> Iterator[Entity]:
    yield from (tag for tag in view.container.all("tag") if tag.type in {"gaawe", "sgtmgaaw"})
    yield from (one for one in view.container.all("variable") if one.type == "gtes")


def _parameter_names(view: View) -> Iterator[Spot]:
    for one in _holders(view):
        for name in _own_rows(one):
            if name and "{{" not in name and not name.startswith(_GOOGLES_FORM) and not _is_name(name):
                yield Spot(
                    one,
                    f"{name[:60]}: no parameter name that GA4 takes: letters, digits and _, {_LONGEST} at most",
                    one.at("eventSettingsTable"),
                )


def _too_many(view: View) -> Iterator[Spot]:
    for tag in view.container.all("tag"):
        if tag.type == "gaawe":
            shared = view.values.named(tag.text("eventSettingsVariable"))
            names = set(_own_rows(tag)) | set(_own_rows(shared) if shared else ())
            if len(names) > _MOST:
                yield Spot(tag, f"{len(names)} event parameters; GA4 keeps {_MOST}", tag.at("eventSettingsTable"))


def _long_values(view: View) -> Iterator[Spot]:
    for one in _holders(view):
        for name, value in _own_rows(one).items():
            most, known = _LONGEST_VALUE.get(name, 100), view.values.constant(value)
            if known is not None and len(known) > most:
                yield Spot(
                    one, f"{name[:60]} is {len(known)} characters long; GA4 keeps {most}", one.at("eventSettingsTable")
                )


def _user_properties(view: View) -> Iterator[Spot]:
    for one in (*view.container.all("tag"), *view.container.all("variable")):
        names = table(one.parameters.get("userProperties"))
        if len(names) > _MOST:
            yield Spot(one, f"{len(names)} user properties; GA4 keeps {_MOST}", one.at("userProperties"))
        for name in names:
            if name and "{{" not in name and (name in _RESERVED_PROPERTIES or not _is_name(name, _LONGEST_PROPERTY)):
                yield Spot(one, f"{name[:60]}: no user property that GA4 takes", one.at("userProperties"))


def _persons(view: View) -> Iterator[Spot]:
    """Names and addresses of persons, unhashed, to analytics: Google's terms forbid it, and so do laws."""
    told = "in the clear to analytics, which tells who the visitor is"
    for tag in view.container.all("tag"):
        if "analytics" not in view.senders.of(tag).purposes:
            continue
        for one in _with_settings(view, tag):
            for name, value in _all_rows(one).items():
                if _tells_person(view, name, value):
                    yield Spot(one, f"sends {name[:60]} {told}")
        for name in _IN_CODE.findall(piece_of(tag.text("html")).bare) if tag.type == "html" else ():
            if _PERSON.fullmatch(name) and not _HASHED.search(name):
                yield Spot(tag, f"sends {name[:60]} {told}", tag.at("html"))


def _with_settings(view: View, tag: Entity) -> Iterator[Entity]:
    """A tag, and the variables whose rows it sends with its own."""
    yield tag
    for key in ("eventSettingsVariable", "configSettingsVariable", "gaSettings"):
        if variable := view.values.named(tag.text(key)):
            yield variable


@remembered
def _all_rows(one: Entity) -> Mapping[str, str]:
    found = dict(_own_rows(one))
    for key in ("configSettingsTable", "fieldsToSet", "userProperties"):
        found |= table(one.parameters.get(key))
    return found


def _tells_person(view: View, name: str, value: str) -> bool:
    if (
        not value.strip()
        or name.startswith(_GOOGLES_FORM)
        or _HASHED.search(name)
        or view.values.constant(value) in {"true", "false", "0", "1"}
    ):
        return False
    sources = [found for each in NAMED.findall(value) if (found := view.references.variable(each)[0])]
    texts = [text for one in sources for text in one.parameters.values() if isinstance(text, str)]
    if any(_HASHED.search(text) for text in texts):
        return False
    keys = [
        one.text(key) for one in sources for key in ("name", "keyPath", "queryKey") if one.type in {"v", "ed", "u", "k"}
    ]
    return bool(_PERSON.fullmatch(name)) or any(key and _PERSON.fullmatch(key) for key in keys)


RULES = (
    Rule("ga4-event-name", "error", _event_names),
    Rule("ga4-event-case", "warning", _event_case),
    Rule("ga4-parameter-name", "error", _parameter_names),
    Rule("ga4-too-many-parameters", "warning", _too_many),
    Rule("ga4-value-too-long", "warning", _long_values),
    Rule("ga4-user-property", "error", _user_properties),
    Rule("person-in-clear", "error", _persons),
)
