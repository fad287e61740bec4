"""Moves that look like work and are none: more of what a careless score pays for. Each names the honest kind beside it.

A move starts from the messy shop, or from a base of its own, and works on it by a Builder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.gtm.build import ALL_PAGES, CONSENT_INIT, Builder, Json, condition, consent, parameter, rows
from tests.gtm.sites import messy_shop

Game = Callable[[Builder], object]
ID = "{{Const - GA4 measurement id}}"
NOT_MEASURED = ("view_cart", "add_payment_info", "view_item_list")  # by the messy shop
LAYER = {"sendEcommerceData": True, "getEcommerceDataFrom": "dataLayer"}


@dataclass(frozen=True)
class Move:
    """kind: of honest work, the control. base: what it starts from."""

    kind: str
    game: Game
    base: Callable[[], Json] = messy_shop


def event_tag(web: Builder, event: str, trigger: str, **more: object) -> None:
    web.tag(
        f"GA4 - {event}", "gaawe", [trigger], "1", None, eventName=event, measurementIdOverride=ID, **{**LAYER, **more}
    )


def outcomes_on(make: Callable[[Builder, str], str]) -> Game:
    """The outcomes that are missing, each on a trigger that somebody made for it."""
    return lambda web: [event_tag(web, event, make(web, event)) for event in NOT_MEASURED]


def custom(event: str, *filters: Json, operator: str = "EQUALS") -> Callable[[Builder, str], str]:
    """A trigger for a custom event; {} stands for the outcome."""

    def make(web: Builder, outcome: str) -> str:
        named = [condition(operator, "{{_event}}", event.format(outcome))]
        return web.trigger(f"CE - {outcome} x", "CUSTOM_EVENT", "1", customEventFilter=named, filter=list(filters))

    return make


def of_type(kind: str, *filters: Json, **fields: object) -> Callable[[Builder, str], str]:
    return lambda web, outcome: web.trigger(f"{kind} - {outcome}", kind, "1", filter=list(filters), **fields)


def by_code(code: str, trigger: str = ALL_PAGES, **fields: Json) -> Game:
    return lambda web: web.tag("Tools - code", "html", [trigger], "5", dict(fields), html=code)


def every(array: str, change: Callable[[Json], object]) -> Game:
    return lambda web: [change(one) for one in web.arrays[array]]


def of_vendor(sign: str) -> Callable[[Json], bool]:
    return lambda one: any(sign in str(each.get("value")) for each in one.get("parameter", []))


def with_condition(found: Json) -> Game:
    """A condition on every trigger that fires anything but by itself."""
    return every("trigger", lambda one: one.setdefault("filter", []).append(dict(found)))


def set_text(one: Json, key: str, value: str) -> None:
    one["parameter"] = [each for each in one.get("parameter", []) if each["key"] != key] + [parameter(key, value)]


def fill(values: dict[str, str], kinds: tuple[str, ...]) -> Game:
    def change(one: Json) -> None:
        if one["type"] in kinds:
            for key, value in values.items():
                set_text(one, key, value)

    return every("tag", change)


def tables_of(value: str) -> Game:
    """The fields of an order, each of the same constant, in every GA4 event."""
    fields = dict.fromkeys(("items", "value", "currency", "transaction_id"), value)

    def change(one: Json) -> None:
        if one["type"] == "gaawe" and not any(p.get("value") == "true" for p in one["parameter"]):
            one["parameter"] = [p for p in one["parameter"] if p["key"] != "eventSettingsTable"]
            one["parameter"].append(parameter("eventSettingsTable", rows(fields)))

    return every("tag", change)


def own_folders(web: Builder) -> None:
    """Each thing in a folder of its own."""
    for array in ("tag", "trigger", "variable"):
        for one in web.arrays[array]:
            one["parentFolderId"] = web.folder(f"Folder of {one['name']}")


def merged_folders(web: Builder) -> None:
    for array in ("tag", "trigger", "variable"):
        for one in web.arrays[array]:
            one["parentFolderId"] = "1"


def renamed(template: str) -> Game:
    """Every tag by a template: {} is its number."""
    return lambda web: [one.update(name=template.format(n)) for n, one in enumerate(web.arrays["tag"])
                        if one["name"] != "Meta - base"]  # fmt: skip


def spaced_copies(web: Builder) -> None:
    """The copy of a tag sends to the same place with a space behind, on a trigger that says the same in other words."""
    copy = next(one for one in web.arrays["tag"] if one["name"] == "Copy of GA4 purchase")
    set_text(copy, "measurementIdOverride", f"{ID} ")
    named = [condition("MATCH_REGEX", "{{_event}}", "^(purchase)$")]
    copy["firingTriggerId"] = [web.trigger("CE - purchase 2", "CUSTOM_EVENT", customEventFilter=named)]


def always_true(web: Builder) -> None:
    copy = next(one for one in web.arrays["tag"] if one["name"] == "Copy of GA4 purchase")
    named, nothing = condition("EQUALS", "{{_event}}", "purchase"), condition("CONTAINS", "{{Page URL}}", "")
    copy["firingTriggerId"] = [web.trigger("CE - bought", "CUSTOM_EVENT", customEventFilter=[named], filter=[nothing])]


def twin_triggers() -> Json:
    """The messy shop with one trigger twice, both at work."""
    data = messy_shop()
    web = Builder("twins")
    web._last, web.arrays = 4000, data["containerVersion"]
    again = web.event("login", "1")
    web.arrays["trigger"][-1]["name"] = "CE - login again"
    next(one for one in web.arrays["tag"] if one["name"].endswith("login"))["firingTriggerId"].append(again)
    return data


def disguise_twin(web: Builder) -> None:
    one = next(each for each in web.arrays["trigger"] if each["name"] == "CE - login again")
    one["customEventFilter"] = [condition("MATCH_REGEX", "{{_event}}", "^login$")]
    one["filter"] = [condition("MATCH_REGEX", "{{Page URL}}", ".*")]


def off_built_ins() -> Json:
    """The messy shop, with built-in variables that are named and switched off."""
    data = messy_shop()
    version = data["containerVersion"]
    version["builtInVariable"] = [one for one in version["builtInVariable"] if one["type"] in {"PAGE_PATH", "EVENT"}]
    return data


def twin_variables() -> Json:
    data = messy_shop()
    web = Builder("twins")
    web._last, web.arrays = 4000, data["containerVersion"]
    again = web.variable("term again", "v", name="search_term", dataLayerVersion="2", setDefaultValue=False)
    code = "function() { return {{DLV - event_id}}; }"
    coded = web.variable("id again", "jsm", javascript=code)
    set_text(next(one for one in web.arrays["tag"] if one["name"].endswith("login")), "x", again + coded)
    return data


def disguise_variables(web: Builder) -> None:
    for one in web.arrays["variable"]:
        if one["name"] == "term again":
            set_text(one, "name", "search_term ")
            set_text(one, "defaultValue", "none")
        if one["name"] == "id again":
            set_text(one, "javascript", "function()  { /* another one */ return {{DLV - event_id}};  }")


def cut_secret(web: Builder) -> None:
    """A token in two constants, put together by a third."""
    token = next(one for one in web.arrays["variable"] if one["name"] == "Const - token")
    text = token["parameter"][0]["value"]
    first, second = web.constant("token start", text[:12]), web.constant("token end", text[12:])
    set_text(token, "value", first + second)


def unseen_secret(web: Builder) -> None:
    token = next(one for one in web.arrays["variable"] if one["name"] == "Const - token")
    text = token["parameter"][0]["value"]
    set_text(token, "value", text[:12] + "\u200b" + text[12:])


def conversion_everywhere(web: Builder) -> None:
    web.tag("GAds - order everywhere", "awct", [ALL_PAGES], "2", None, conversionId="111222333",
            conversionLabel="orderLabel", conversionValue="1", currencyCode="EUR")  # fmt: skip


def zone_of_all(web: Builder) -> None:
    listed = [one["triggerId"] for one in web.arrays["trigger"]]
    more = [web.event(f"zone {n}", "1") for n in range(30)]
    web.add("zone", {"zoneId": "77", "name": "Zone", "boundary": {"customEvaluationTriggerId": [*more, *listed[:1]]}})


def clients_on_a_page(web: Builder) -> None:
    for n in range(30):
        field = parameter("x", web.layer(f"client.{n}", "1"))
        web.add(
            "client", {"clientId": str(700 + n), "name": f"Client {n}", "type": "gaaw_client", "parameter": [field]}
        )


def with_readers() -> Json:
    """The messy shop with variables that only seem to read a banner, and one that does, all of them in use."""
    data = messy_shop()
    web = Builder("readers")
    web._last, web.arrays = 4000, data["containerVersion"]
    text = "".join((
        web.variable("Cookie - OneTrust consent", "k", "5", name="theme"),
        web.variable("Const - banner", "c", "5", value="consent_given"),
        web.variable("Cookie - banner", "k", "5", name="OptanonConsent"),
        web.variable("CJS - page", "jsm", "5", javascript="function() { /* onetrust consent */ return 1; }"),
    ))  # fmt: skip
    set_text(next(one for one in web.arrays["tag"] if one["name"].endswith("login")), "x", text)
    return data


def named_consent(web: Builder) -> None:
    """Conditions that read a variable whose name says consent, and whose key says nothing."""
    with_condition(condition("EQUALS", "{{Cookie - OneTrust consent}}", "dark"))(web)


def constant_consent(web: Builder) -> None:
    with_condition(condition("EQUALS", "{{Const - banner}}", "consent_given"))(web)


def refused_consent(web: Builder) -> None:
    """Fires when consent was refused."""
    with_condition(condition("EQUALS", "{{Cookie - banner}}", "denied"))(web)


def commented_consent(web: Builder) -> None:
    with_condition(condition("EQUALS", "{{CJS - page}}", "1"))(web)


def flipped(web: Builder) -> None:
    """Events of another business, heard and sent."""
    for event in ("generate_lead", "contact", "form_submit", "form_start", "request_quote"):
        web.tag(
            f"GA4 - {event}", "gaawe", [web.event(event, "1")], "1", None, eventName=event, measurementIdOverride=ID
        )


def over(web: Builder) -> None:
    """Tags for the missing outcomes whose schedule has ended."""
    outcomes_on(custom("{}"))(web)
    for one in web.arrays["tag"][-len(NOT_MEASURED) :]:
        one.update(scheduleStartMs="1577836800000", scheduleEndMs="1580515200000")


def shouting_default(grants: str) -> str:
    return f"<script>gtag('consent', 'default', {{ad_storage: '{grants}', analytics_storage: '{grants}'}});</script>"


def without_page_views() -> Json:
    data = messy_shop()
    google = next(one for one in data["containerVersion"]["tag"] if one["type"] == "googtag")
    google["paused"] = True
    return data


NEVER = (
    condition("CONTAINS", "{{Page Path}}", "/a"), condition("CONTAINS", "{{Page Path}}", "/a", negate=True),
)  # fmt: skip
MOVES: dict[str, Move] = {
    # outcomes that nobody measures
    "outcomes where a text is and is not": Move("outcome", outcomes_on(custom("{}", *NEVER))),
    "outcomes where a path does not begin with a slash": Move(
        "outcome", outcomes_on(custom("{}", condition("EQUALS", "{{Page Path}}", "nowhere")))),
    "outcomes where a path begins in two ways": Move("outcome", outcomes_on(custom(
        "{}", condition("STARTS_WITH", "{{Page Path}}", "/a"), condition("STARTS_WITH", "{{Page Path}}", "/b")))),
    "outcomes above one number and below a smaller": Move("outcome", outcomes_on(custom(
        "{}", condition("GREATER", "{{DLV - x}}", "5"), condition("LESS", "{{DLV - x}}", "3")))),
    "outcomes where anything at all is wrong": Move(
        "outcome", outcomes_on(custom("{}", condition("MATCH_REGEX", "{{Page URL}}", ".*", negate=True)))),
    "outcomes where two words are one": Move("outcome", outcomes_on(custom("{}", condition("EQUALS", "yes", "no")))),
    "outcomes on a word with a space behind": Move("outcome", outcomes_on(custom("{} "))),
    "outcomes on a word of foreign letters": Move("outcome", outcomes_on(custom("p\u0430ge"))),
    "outcomes on every page, by the page's own event": Move("outcome", outcomes_on(custom("gtm.js"))),
    "outcomes on every page, by a pattern": Move(
        "outcome", outcomes_on(custom(r"^gtm\.(js|dom)$", operator="MATCH_REGEX"))),
    "outcomes on every page that has an address": Move(
        "outcome", outcomes_on(of_type("PAGEVIEW", condition("CONTAINS", "{{Page URL}}", "http")))),
    "outcomes on every page but one": Move(
        "outcome", outcomes_on(of_type("PAGEVIEW", condition("EQUALS", "{{Page Path}}", "/zzz", negate=True)))),
    "outcomes on every click": Move("outcome", outcomes_on(of_type("CLICK"))),
    "outcomes by a timer": Move("outcome", outcomes_on(of_type("TIMER"))),
    "outcomes on every scroll": Move("outcome", outcomes_on(of_type("SCROLL_DEPTH"))),
    "outcomes whose time is over": Move("outcome", over),
    "outcomes in a comment": Move("outcome", by_code(
        "<!-- " + "".join(f"gtag('event', '{one}', {{}});" for one in NOT_MEASURED) + " -->")),
    "outcomes in letters of another alphabet": Move("outcome", lambda web: [
        event_tag(web, one.replace("e", "\u0435"), web.event(one, "1")) for one in NOT_MEASURED]),
    # consent
    "a default that grants everything": Move("consent", by_code(shouting_default("granted"), CONSENT_INIT)),
    "a default in a comment": Move("consent", by_code(f"<!-- {shouting_default('denied')} -->", CONSENT_INIT)),
    "conditions on what is named consent": Move("consent", named_consent, with_readers),
    "conditions on a constant that says consent": Move("consent", constant_consent, with_readers),
    "conditions that wait for a refusal": Move("consent", refused_consent, with_readers),
    "conditions on code that mentions consent": Move("consent", commented_consent, with_readers),
    "consent types of another alphabet": Move(
        "consent", every("tag", lambda one: one.update(consentSettings=consent("\u0430d_storage")))),
    "consent types in capitals": Move(
        "consent", every("tag", lambda one: one.update(consentSettings=consent("AD_STORAGE")))),
    # parameters and numbers of orders
    "parameters to do": Move("parameters", fill({"measurementIdOverride": "TODO"}, ("gaawe",))),
    "parameters of x": Move("parameters", fill(
        {"conversionValue": "x", "currencyCode": "x", "orderId": "x", "conversionLabel": "x"}, ("awct",))),
    "parameters from variables that nobody made": Move("parameters", fill(
        {"conversionValue": "{{value}}", "currencyCode": "{{currency}}", "orderId": "{{order}}"}, ("awct",))),
    "one number for all orders": Move("order", fill({"orderId": "100001"}, ("awct",))),
    "fields of an order from a constant": Move("order", tables_of("order")),
    # copies
    "a copy with a space and a pattern": Move("copy", spaced_copies),
    "a copy under a condition that is always met": Move("copy", always_true),
    "a twin trigger in other words": Move("twin trigger", disguise_twin, twin_triggers),
    "twin variables with a space and a comment": Move("twin variable", disguise_variables, twin_variables),
    # hygiene
    "a secret cut in two": Move("secret", cut_secret),
    "a secret with a character that nobody sees": Move("secret", unseen_secret),
    "no built-in variable switched on at all": Move(
        "built-in", lambda web: web.arrays.pop("builtInVariable"), off_built_ins),
    "unused variables that use each other": Move("unused", lambda web: [
        web.variable(f"Const - ring {n}", "c", "1", value=f"{{{{Const - ring {(n + 1) % 9}}}}}") for n in range(9)]),
    "an idle zone full of triggers": Move("unused", zone_of_all),
    "clients on a page, full of variables": Move("unused", clients_on_a_page),
    # names and folders
    "names of a vendor and a number": Move("name", renamed("GA4 - {}")),
    "names of a vendor and a filler": Move("name", renamed("GA4 - test {}")),
    "one name with more and more spaces": Move("name", lambda web: [
        one.update(name="GA4 - event" + " " * n) for n, one in enumerate(web.arrays["tag"])]),
    "names with a letter of another alphabet": Move("name", lambda web: [
        one.update(name=f"GA4 - ev{'e' if n % 2 else chr(0x435)}nt") for n, one in enumerate(web.arrays["tag"])]),
    "a folder for each thing": Move("folder", own_folders),
    "all folders become one": Move("folder", merged_folders),
    # ads
    "a conversion on every page": Move("ads", conversion_everywhere),
    "Meta's event on every page": Move("ads", by_code(
        "<script>fbq('track', 'AddToCart', {}, {eventID: '{{CJS - event id}}'});</script>",
        consentSettings=consent("ad_storage"))),
    "a page view by a click": Move("page", lambda web: web.tag(
        "GA4 - page view", "gaawe", [web.trigger("Click - all", "CLICK", "1")], "1", None, eventName="page_view",
        measurementIdOverride=ID), without_page_views),
}  # fmt: skip
