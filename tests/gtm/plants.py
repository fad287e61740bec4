"""Faults that are planted into containers without one, with the repair of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.gtm.build import ALL_PAGES, CONSENT_INIT, INIT, Json, condition, consent, parameter, set_parameter, the

Change = Callable[[Json], object]


@dataclass(frozen=True)
class Plant:
    """code and entity: what the issue must say. declared: what is declared beside the site's own."""

    name: str
    site: str
    dimension: str
    code: str
    entity: str
    plant: Change
    repair: Change
    declared: tuple[tuple[str, str], ...] = ()


def put(array: str, name: str, key: str, value: object) -> Change:
    """A parameter set; None takes it out."""
    return lambda data: set_parameter(the(data, array, name), key, value)


def field(array: str, name: str, key: str, value: object) -> Change:
    """A field of the entity itself set; None takes it out."""

    def change(data: Json) -> None:
        entity = the(data, array, name)
        entity.pop(key, None)
        if value is not None:
            entity[key] = value

    return change


def fires_on(name: str, trigger: str) -> Change:
    """A tag wired to the trigger of that name, or to a system trigger by id."""

    def change(data: Json) -> None:
        found = trigger if trigger.isdecimal() else the(data, "trigger", trigger)["triggerId"]
        the(data, "tag", name)["firingTriggerId"] = [found]

    return change


def more(array: str, entity: Json) -> Change:
    return lambda data: data["containerVersion"].setdefault(array, []).append(dict(entity))


def less(array: str, name: str) -> Change:
    def change(data: Json) -> None:
        version = data["containerVersion"]
        version[array] = [one for one in version[array] if one["name"] != name]

    return change


def copy_of(array: str, name: str, new: str, key: str) -> Change:
    return lambda data: data["containerVersion"][array].append({**the(data, array, name), "name": new, key: "990"})


def with_conditions(name: str, *conditions: Json) -> Change:
    return field("trigger", name, "filter", list(conditions))


def folder_of(array: str, name: str, folder: str) -> Change:
    def change(data: Json) -> None:
        the(data, array, name)["parentFolderId"] = the(data, "folder", folder)["folderId"]

    return change


def both(*changes: Change) -> Change:
    return lambda data: [change(data) for change in changes]


def text_in(array: str, name: str, key: str, old: str, new: str) -> Change:
    def change(data: Json) -> None:
        entity = the(data, array, name)
        (found,) = (one for one in entity["parameter"] if one["key"] == key)
        assert old in found["value"]
        found["value"] = found["value"].replace(old, new)

    return change


def rename_last(array: str, name: str, new: str) -> Change:
    return lambda data: [one for one in data["containerVersion"][array] if one["name"] == name][-1].update(name=new)


ACCOUNT = "{{Const - Google Ads account}}"
MEASURE, LINK = "{{Const - GA4 measurement id}}", "Link - mail"
MAILTO = condition("STARTS_WITH", "{{Click URL}}", "mailto:")
ORDER_ID = "{{DLV - ecommerce.transaction_id}}"
AD = consent("ad_storage")
UA = {
    "tagId": "991", "name": "UA - pageview", "type": "ua", "firingTriggerId": [ALL_PAGES],
    "parameter": [parameter("trackingId", "UA-1-1")],
}  # fmt: skip
IDLE = {"triggerId": "992", "name": "CE - idle", "type": "CUSTOM_EVENT",
        "customEventFilter": [condition("EQUALS", "{{_event}}", "idle")]}  # fmt: skip
UNUSED = {"variableId": "993", "name": "DLV - unused", "type": "v", "parameter": [parameter("name", "unused")]}
SECRET = "EAA" + "Qx7" * 12  # the shape of a token, and no token
TABLE = [
    {"parameter": key, "parameterValue": f"{{{{DLV - ecommerce.{key}}}}}"}
    for key in ("value", "currency", "transaction_id")
]
ITEMS = {"parameter": "items", "parameterValue": "{{DLV - search_term}}"}
FULL = [*TABLE, ITEMS]

COVERAGE = [
    Plant("another event's name", "shop", "tag_coverage", "outcome-missing", "",
          put("tag", "GA4 - view_cart", "eventName", "cart_seen"),
          put("tag", "GA4 - view_cart", "eventName", "view_cart")),
    Plant("an event on another event", "shop", "tag_coverage", "outcome-impaired", "GA4 - begin_checkout",
          fires_on("GA4 - begin_checkout", "CE - view_cart"), fires_on("GA4 - begin_checkout", "CE - begin_checkout")),
    Plant("a tag paused", "shop", "tag_coverage", "outcome-impaired", "GA4 - begin_checkout",
          field("tag", "GA4 - begin_checkout", "paused", True), field("tag", "GA4 - begin_checkout", "paused", None)),
    Plant("a lead on every page", "leads", "tag_coverage", "outcome-impaired", "GA4 - contact",
          both(fires_on("GA4 - contact", ALL_PAGES), less("trigger", "Link - call")),
          both(fires_on("GA4 - contact", "Form - enquiry"))),
    Plant("no page view", "shop", "tag_coverage", "outcome-missing", "",
          put("tag", "GA4 - Google tag", "sendPageView", "false"),
          put("tag", "GA4 - Google tag", "sendPageView", None)),
    Plant("a dead product", "shop", "tag_coverage", "dead-product", "UA - pageview",
          more("tag", UA | {"parentFolderId": "5"}),
          less("tag", "UA - pageview")),
    Plant("no conversion linker", "shop", "tag_coverage", "linker-missing", "GAds - order",
          less("tag", "GAds - conversion linker"),
          more("tag", {"tagId": "994", "name": "GAds - conversion linker", "type": "gclidw",
          "firingTriggerId": [ALL_PAGES],
                       "parentFolderId": "2"})),
    Plant("an event the server does not forward", "server", "tag_coverage", "outcome-missing", "",
          with_conditions("GA4 - all events", condition("EQUALS", "{{Client Name}}", "GA4"),
                          condition("MATCH_REGEX", "{{Event Name}}", "^purchase$", negate=True)),
          with_conditions("GA4 - all events", condition("EQUALS", "{{Client Name}}", "GA4"))),
]  # fmt: skip

PARAMETERS = [
    Plant("no measurement id", "shop", "parameter_completeness", "parameter-missing", "GA4 - search",
          put("tag", "GA4 - search", "measurementIdOverride", ""),
          put("tag", "GA4 - search", "measurementIdOverride", MEASURE)),
    Plant("a measurement id of nothing", "leads", "parameter_completeness", "parameter-missing", "GA4 - contact",
          both(more("variable", {"variableId": "995", "name": "Const - empty", "type": "c", "parentFolderId": "1",
                                 "parameter": [parameter("value", "")]}),
               put("tag", "GA4 - contact", "measurementIdOverride", "{{Const - empty}}")),
          both(less("variable", "Const - empty"), put("tag", "GA4 - contact", "measurementIdOverride", MEASURE))),
    Plant("no tag id", "shop", "parameter_completeness", "parameter-missing", "GA4 - Google tag",
          put("tag", "GA4 - Google tag", "tagId", None), put("tag", "GA4 - Google tag", "tagId", MEASURE)),
    Plant("a conversion without a value", "shop", "parameter_completeness", "parameter-missing", "GAds - order",
          put("tag", "GAds - order", "currencyCode", None), put("tag", "GAds - order", "currencyCode", "EUR")),
    Plant("a currency that is none", "shop", "parameter_completeness", "parameter-wrong", "GAds - order",
          put("tag", "GAds - order", "currencyCode", "Euro"),
          put("tag", "GAds - order", "currencyCode", "{{DLV - ecommerce.currency}}")),
    Plant("an account that is still to be filled in", "shop", "parameter_completeness", "parameter-missing",
          "GAds - remarketing",
          put("tag", "GAds - remarketing", "conversionId", "TODO"),
          put("tag", "GAds - remarketing", "conversionId", ACCOUNT)),
    Plant("a template's field", "shop", "parameter_completeness", "parameter-missing", "LinkedIn - insight",
          put("tag", "LinkedIn - insight", "partnerId", ""), put("tag", "LinkedIn - insight", "partnerId", "424242")),
    Plant("a template's field on the server", "server", "parameter_completeness", "parameter-missing", "Meta - steps",
          put("tag", "Meta - steps", "pixelId", None), put("tag", "Meta - steps", "pixelId", "900800700600")),
    Plant("an event without its items", "shop", "parameter_completeness", "event-parameter-missing",
          "GA4 - add_to_cart",
          put("tag", "GA4 - add_to_cart", "sendEcommerceData", False),
          put("tag", "GA4 - add_to_cart", "eventSettingsTable", FULL)),
    Plant("a purchase whose own table lacks items", "shop", "parameter_completeness", "event-parameter-missing",
          "GA4 - purchase",
          both(put("tag", "GA4 - purchase", "sendEcommerceData", False),
          put("tag", "GA4 - purchase", "eventSettingsTable", TABLE)),
          put("tag", "GA4 - purchase", "eventSettingsTable", FULL)),
    Plant("Meta's purchase without a currency", "shop", "parameter_completeness", "event-parameter-missing",
          "Meta - Purchase",
          text_in("tag", "Meta - Purchase", "html",
          "value: {{DLV - ecommerce.value}}, currency: {{DLV - ecommerce.currency}}", "value: 1"),
          text_in("tag", "Meta - Purchase", "html", "value: 1",
                  "value: {{DLV - ecommerce.value}}, currency: {{DLV - ecommerce.currency}}")),
    Plant("no user data", "shop", "parameter_completeness", "parameter-missing", "GAds - user data",
          both(put("tag", "GAds - user data", "userDataVariable", ""),
          put("tag", "GAds - order", "note", "{{Settings - user data}}")),
          put("tag", "GAds - user data", "userDataVariable", "{{Settings - user data}}")),
]  # fmt: skip

DUPLICATES = [
    Plant("a copied tag", "shop", "deduplication", "sent-twice", "GA4 - purchase (2)",
          copy_of("tag", "GA4 - purchase", "GA4 - purchase (2)", "tagId"), less("tag", "GA4 - purchase (2)")),
    Plant("two page views", "leads", "deduplication", "sent-twice", "GA4 - page view",
          more("tag", {"tagId": "996", "name": "GA4 - page view", "type": "gaawe", "firingTriggerId": [ALL_PAGES],
                       "parentFolderId": "1", "parameter": [parameter("eventName", "page_view"),
                                                            parameter("measurementIdOverride", "G-OWNLEAD01")]}),
          less("tag", "GA4 - page view")),
    Plant("a pixel twice", "shop", "deduplication", "sent-twice", "Hotjar - base again",
          copy_of("tag", "Hotjar - base", "Hotjar - base again", "tagId"), less("tag", "Hotjar - base again")),
    Plant("an order without its number", "shop", "deduplication", "order-id-missing", "GAds - order",
          both(put("tag", "GAds - order", "orderId", ""), put("tag", "GAds - order", "note", ORDER_ID)),
          put("tag", "GAds - order", "orderId", ORDER_ID)),
    Plant("a purchase without its number", "shop", "deduplication", "order-id-missing", "GA4 - purchase",
          both(put("tag", "GA4 - purchase", "sendEcommerceData", False),
               put("tag", "GA4 - purchase", "eventSettingsTable", [*TABLE[:2], ITEMS])),
          put("tag", "GA4 - purchase", "eventSettingsTable", FULL)),
    Plant("no event id", "shop", "deduplication", "event-id-missing", "Meta - Purchase",
          text_in("tag", "Meta - Purchase", "html", "eventID", "other"),
          text_in("tag", "Meta - Purchase", "html", "other", "eventID")),
    Plant("a constant event id", "shop", "deduplication", "event-id-constant", "Meta - AddToCart",
          text_in("tag", "Meta - AddToCart", "html", "{{CJS - event id}}", "order"),
          text_in("tag", "Meta - AddToCart", "html", "'order'", "'{{CJS - event id}}'")),
    Plant("another event id", "shop", "deduplication", "event-id-differs", "Meta - AddToCart",
          text_in("tag", "Meta - AddToCart", "html", "{{CJS - event id}}", "{{DLV - search_term}}"),
          text_in("tag", "Meta - AddToCart", "html", "{{DLV - search_term}}", "{{CJS - event id}}")),
]  # fmt: skip

CONSENT = [
    Plant("no consent asked", "shop", "consent", "consent-type-missing", "Meta - Purchase",
          field("tag", "Meta - Purchase", "consentSettings", {"consentStatus": "NOT_SET"}),
          field("tag", "Meta - Purchase", "consentSettings", AD)),
    Plant("consent declared unneeded", "shop", "consent", "consent-type-missing", "Hotjar - base",
          field("tag", "Hotjar - base", "consentSettings", {"consentStatus": "NOT_NEEDED"}),
          field("tag", "Hotjar - base", "consentSettings", consent("analytics_storage"))),
    Plant("consent of the wrong type", "shop", "consent", "consent-type-missing", "LinkedIn - insight",
          field("tag", "LinkedIn - insight", "consentSettings", consent("analytics_storage")),
          field("tag", "LinkedIn - insight", "consentSettings", AD)),
    Plant("consent without types", "shop", "consent", "consent-without-types", "TikTok - purchase",
          field("tag", "TikTok - purchase", "consentSettings", {"consentStatus": "NEEDED"}),
          field("tag", "TikTok - purchase", "consentSettings", AD)),
    Plant("consent without types on a Google tag", "leads", "consent", "consent-without-types", "GA4 - Google tag",
          field("tag", "GA4 - Google tag", "consentSettings", consent()),
          field("tag", "GA4 - Google tag", "consentSettings", None)),
    Plant("an invented type", "shop", "consent", "consent-word", "Pinterest - purchase",
          field("tag", "Pinterest - purchase", "consentSettings", consent("marketing")),
          field("tag", "Pinterest - purchase", "consentSettings", AD)),
    Plant("an invented status", "leads", "consent", "consent-word", "Meta - lead",
          field("tag", "Meta - lead", "consentSettings", {**AD, "consentStatus": "GRANTED"}),
          field("tag", "Meta - lead", "consentSettings", AD)),
    Plant("a block under advanced consent mode", "leads", "consent", "consent-hard-block", "GA4 - contact",
          field("tag", "GA4 - contact", "consentSettings", consent("analytics_storage")),
          field("tag", "GA4 - contact", "consentSettings", None), (("consent_mode", "advanced"),)),
    Plant("a default that comes late", "leads", "consent", "consent-default-late", "Banner - consent defaults",
          fires_on("Banner - consent defaults", INIT), fires_on("Banner - consent defaults", CONSENT_INIT)),
    Plant("no default", "leads", "consent", "consent-default-missing", "",
          field("tag", "Banner - consent defaults", "paused", True),
          field("tag", "Banner - consent defaults", "paused", None)),
    Plant("a banner that nobody asks", "shop", "consent", "consent-type-missing", "Clarity - base",
          fires_on("Clarity - base", "CE - login"), fires_on("Clarity - base", "CE - consent given")),
    Plant("a server that asks nobody", "server", "consent", "consent-not-asked", "Meta - steps",
          both(put("tag", "Meta - steps", "note", "{{ED - consent}}"),
               with_conditions("Meta - agreed steps", condition("EQUALS", "{{Client Name}}", "GA4"),
                               condition("MATCH_REGEX", "{{Event Name}}", "^(purchase|add_to_cart)$"))),
          with_conditions("Meta - agreed steps", condition("EQUALS", "{{Client Name}}", "GA4"),
                          condition("MATCH_REGEX", "{{Event Name}}", "^(purchase|add_to_cart)$"),
                          condition("CONTAINS", "{{ED - consent}}", "G11"))),
]  # fmt: skip

NAMES = [
    Plant("a tag without parts", "shop", "naming", "name-without-parts", "Purchase",
          field("tag", "GA4 - purchase", "name", "Purchase"), field("tag", "Purchase", "name", "GA4 - purchase")),
    Plant("a tag that says another vendor", "shop", "naming", "name-misleads", "Meta - sign up",
          field("tag", "GA4 - sign_up", "name", "Meta - sign up"),
          field("tag", "Meta - sign up", "name", "GA4 - sign_up")),
    Plant("a lazy name", "leads", "naming", "name-says-nothing", "Untitled Tag",
          field("tag", "Meta - lead", "name", "Untitled Tag"), field("tag", "Untitled Tag", "name", "Meta - lead")),
    Plant("a name twice", "shop", "naming", "name-twice", "GA4 - search",
          field("tag", "GA4 - login", "name", "GA4 - search"), rename_last("tag", "GA4 - search", "GA4 - login")),
    Plant("a trigger without its kind", "leads", "naming", "name-without-kind", "Trigger - enquiry",
          field("trigger", "Form - enquiry", "name", "Trigger - enquiry"),
          field("trigger", "Trigger - enquiry", "name", "Form - enquiry")),
]  # fmt: skip

VARIABLES = [
    Plant("an unused variable", "shop", "variable_hygiene", "variable-unused", "DLV - unused", more("variable", UNUSED),
          less("variable", "DLV - unused")),
    Plant("an undefined variable", "shop", "variable_hygiene", "reference-undefined", "GA4 - search",
          put("tag", "GA4 - search", "note", "{{DLV - nobody}}"), put("tag", "GA4 - search", "note", None)),
    Plant("an undefined variable in a trigger", "leads", "variable_hygiene", "reference-undefined", "Form - enquiry",
          with_conditions("Form - enquiry", condition("EQUALS", "{{Form ID}}", "enquiry"),
          condition("EQUALS", "{{Nobody}}", "1")),
          with_conditions("Form - enquiry", condition("EQUALS", "{{Form ID}}", "enquiry"))),
    Plant("a tag before that does not exist", "shop", "variable_hygiene", "reference-undefined", "Meta - Purchase",
          field("tag", "Meta - Purchase", "setupTag", [{"tagName": "Meta - bass"}]),
          field("tag", "Meta - Purchase", "setupTag", [{"tagName": "Meta - base"}])),
    Plant("version 1 of a nested key", "shop", "variable_hygiene", "data-layer-version", "DLV - ecommerce.value",
          put("variable", "DLV - ecommerce.value", "dataLayerVersion", "1"),
          put("variable", "DLV - ecommerce.value", "dataLayerVersion", "2")),
    Plant("the same variable twice", "shop", "variable_hygiene", "variable-twice", "DLV - term",
          both(copy_of("variable", "DLV - search_term", "DLV - term", "variableId"),
          put("tag", "GA4 - login", "note", "{{DLV - term}}")),
          both(less("variable", "DLV - term"), put("tag", "GA4 - login", "note", None))),
    Plant("a circle", "leads", "variable_hygiene", "variable-circular", "DLV - topic",
          put("variable", "DLV - topic", "defaultValue", "{{DLV - topic}}"),
          put("variable", "DLV - topic", "defaultValue", None)),
    Plant("code that returns nothing", "shop", "variable_hygiene", "variable-empty", "CJS - event id",
          put("variable", "CJS - event id", "javascript", "function() { {{DLV - event_id}}; }"),
          put("variable", "CJS - event id", "javascript", "function() { return {{DLV - event_id}}; }")),
    Plant("a built-in that is off", "leads", "variable_hygiene", "built-in-off", "GA4 - contact",
          put("tag", "GA4 - contact", "note", "{{Click Text}}"), put("tag", "GA4 - contact", "note", None)),
    Plant("a secret in a tag", "leads", "variable_hygiene", "secret", "GA4 - contact",
          put("tag", "GA4 - contact", "note", SECRET), put("tag", "GA4 - contact", "note", None)),
    Plant("a secret in a constant", "shop", "variable_hygiene", "secret", "Const - Meta pixel",
          put("variable", "Const - Meta pixel", "note", SECRET), put("variable", "Const - Meta pixel", "note", None)),
]  # fmt: skip

TRIGGERS = [
    Plant("an unused trigger", "shop", "trigger_quality", "trigger-unused", "CE - idle", more("trigger", IDLE),
          less("trigger", "CE - idle")),
    Plant("a tag without a trigger", "shop", "trigger_quality", "tag-cannot-fire", "GA4 - email click",
          both(field("tag", "GA4 - email click", "firingTriggerId", None), less("trigger", LINK)),
          both(more("trigger", {"triggerId": "997", "name": LINK, "type": "LINK_CLICK", "filter": [MAILTO],
          "parentFolderId": "1"}),
               fires_on("GA4 - email click", LINK))),
    Plant("a trigger that does not exist", "shop", "trigger_quality", "trigger-undefined", "GA4 - login",
          lambda data: the(data, "tag", "GA4 - login")["firingTriggerId"].append("4040"),
          fires_on("GA4 - login", "CE - login")),
    Plant("every click", "shop", "trigger_quality", "trigger-broad", LINK, with_conditions(LINK),
          with_conditions(LINK, MAILTO)),
    Plant("every event", "shop", "trigger_quality", "trigger-broad", "CE - login",
          field("trigger", "CE - login", "customEventFilter", [condition("MATCH_REGEX", "{{_event}}", ".*")]),
          field("trigger", "CE - login", "customEventFilter", [condition("EQUALS", "{{_event}}", "login")])),
    Plant("no regular expression", "leads", "trigger_quality", "trigger-pattern", "Link - pdf",
          with_conditions("Link - pdf", condition("MATCH_REGEX", "{{Click URL}}", "(pdf")),
          with_conditions("Link - pdf", condition("MATCH_REGEX", "{{Click URL}}", "pdf$"))),
    Plant("the same trigger twice", "shop", "trigger_quality", "trigger-twice", "CE - search again",
          both(copy_of("trigger", "CE - search", "CE - search again", "triggerId"),
               lambda data: the(data, "tag", "GA4 - login")["firingTriggerId"].append("990")),
          both(less("trigger", "CE - search again"), fires_on("GA4 - login", "CE - login"))),
    Plant("conditions that exclude each other", "shop", "trigger_quality", "trigger-never", LINK,
          with_conditions(LINK, MAILTO, condition("EQUALS", "{{Click URL}}", "https://own-shop.example")),
          with_conditions(LINK, MAILTO)),
]  # fmt: skip

FOLDERS = [
    Plant("a tag in no folder", "shop", "folders", "folder-missing", "GA4 - login",
          field("tag", "GA4 - login", "parentFolderId", None),
          folder_of("tag", "GA4 - login", "GA4")),
    Plant("a trigger in no folder", "leads", "folders", "folder-missing", "Form - enquiry",
          field("trigger", "Form - enquiry", "parentFolderId", None), folder_of("trigger", "Form - enquiry", "GA4")),
    Plant("a folder that does not exist", "shop", "folders", "folder-missing", "DLV - event_id",
          field("variable", "DLV - event_id", "parentFolderId", "4040"),
          folder_of("variable", "DLV - event_id", "Meta")),
    Plant("a tag among others' tags", "shop", "folders", "folder-mixed", "Meta - Purchase",
          folder_of("tag", "Meta - Purchase", "GA4"), folder_of("tag", "Meta - Purchase", "Meta")),
]  # fmt: skip

ADS = [
    Plant("another label", "shop", "ads_alignment", "conversion-not-sent", "GAds - order",
          put("tag", "GAds - order", "conversionLabel", "oldLabel"),
          put("tag", "GAds - order", "conversionLabel", "orderLabel")),
    Plant("a label that varies", "leads", "ads_alignment", "conversion-unsure", "GAds - enquiry",
          put("tag", "GAds - enquiry", "conversionLabel", "{{DLV - topic}}"),
          put("tag", "GAds - enquiry", "conversionLabel", "enquiryLabel")),
    Plant("another event of Meta", "leads", "ads_alignment", "conversion-not-sent", "",
          text_in("tag", "Meta - lead", "html", "'Lead'", "'Contact'"),
          text_in("tag", "Meta - lead", "html", "'Contact'", "'Lead'")),
    Plant("a paused tag", "leads", "ads_alignment", "conversion-not-sent", "",
          field("tag", "Meta - lead", "paused", True),
          field("tag", "Meta - lead", "paused", None)),
]  # fmt: skip

PLANTS = [*COVERAGE, *PARAMETERS, *DUPLICATES, *CONSENT, *NAMES, *VARIABLES, *TRIGGERS, *FOLDERS, *ADS]
