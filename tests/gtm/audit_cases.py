"""For each rule of the audit a container that breaks it, and the same done well; made from sites without a fault."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.gtm.build import ALL_PAGES, CONSENT_INIT, INIT, Json, condition, parameter, rows, the
from tests.gtm.plants import AD, MAILTO, MEASURE, TABLE, Change, both, copy_of, field, fires_on, more, put


@dataclass(frozen=True)
class Case:
    """ill breaks the rule at one entity, which is named ("" for the container); well does the same without harm."""

    code: str
    site: str
    entity: str
    ill: Change
    well: Change
    times: int = 1


def nothing(_data: Json) -> None:
    """The site as it is."""


def html(text: str, **fields: object) -> Change:
    """One more tag of the shop with this code, on every page."""
    return more(
        "tag",
        {
            "tagId": "980",
            "name": "Extra",
            "type": "html",
            "firingTriggerId": [ALL_PAGES],
            "parentFolderId": "4",
            "consentSettings": AD,
            "parameter": [parameter("html", text)],
            **fields,
        },
    )


def script(text: str, **fields: object) -> Change:
    return html(f"<script>{text}</script>", **fields)


def variable(kind: str, label: str = "Extra", /, **parameters: object) -> Change:
    listed = [parameter(key, value) for key, value in parameters.items()]
    return more("variable", {"variableId": "981", "name": label, "type": kind, "parameter": listed})


def client(number: int, name: str, kind: str, priority: int, **parameters: object) -> Change:
    listed = [parameter(key, value) for key, value in parameters.items()]
    entity = {"clientId": str(number), "name": name, "type": kind, "priority": priority, "parameter": listed}
    return more("client", {**entity, "parentFolderId": "1"})


def template(code: str, permission: str, **inside: object) -> Change:
    """One more template that some tag uses, with one permission."""
    asked = [{"instance": {"key": {"publicId": permission, "versionId": "1"}, "param": [inside]}}]
    text = (
        '___INFO___\n\n{"type": "TAG"}\n\n___SANDBOXED_JS_FOR_WEB_TEMPLATE___\n\n'
        f"{code}\n\n___WEB_PERMISSIONS___\n\n{json.dumps(asked)}\n"
    )
    made = {
        "templateId": "982",
        "name": "Extra kind",
        "templateData": text,
        "galleryReference": {"galleryTemplateId": "EXTRA"},
    }
    tag = {"tagId": "983", "name": "Extra use", "type": "cvt_EXTRA", "firingTriggerId": [ALL_PAGES]}
    return both(more("customTemplate", made), more("tag", tag))


def blocked(name: str, *triggers: Json) -> Change:
    """A tag with these blocking triggers, which are added."""
    return both(
        *(more("trigger", one) for one in triggers),
        field("tag", name, "blockingTriggerId", [one["triggerId"] for one in triggers]),
    )


def heard(number: int, name: str, event: str, *filters: Json) -> Json:
    named = [condition("EQUALS", "{{_event}}", event)]
    return {
        "triggerId": str(number),
        "name": name,
        "type": "CUSTOM_EVENT",
        "customEventFilter": named,
        "filter": list(filters),
    }


def event_rows(tag: str, **fields: str) -> Change:
    return put("tag", tag, "eventSettingsTable", rows(fields))


def consent_call(kind: str, state: str, more_: str = "") -> str:
    return f"gtag('consent', '{kind}', {{'ad_storage': '{state}', 'ad_user_data': '{state}'{more_}}});"


def table_of(*keys: str, **flags: object) -> dict[str, object]:
    return {"input": "{{Page Path}}", "map": [{"key": key, "value": f"v{n}"} for n, key in enumerate(keys)], **flags}


def by_table(kind: str, **flags: object) -> Change:
    """A conversion whose label hangs on a table."""
    return both(
        variable(kind, **table_of("/a", "/b", **flags)), put("tag", "GAds - order", "conversionLabel", "{{Extra}}")
    )


WINDOW = {
    "triggerId": "984",
    "name": "Window - thanks",
    "type": "WINDOW_LOADED",
    "filter": [condition("EQUALS", "{{Page Path}}", "/thanks")],
}
VIEWED = {**WINDOW, "name": "PV - thanks", "type": "PAGEVIEW"}
FBQ = "fbq('track', 'Purchase', {value: %s, currency: %s});"
WORTH = ("{{DLV - ecommerce.value}}", "'{{DLV - ecommerce.currency}}'")
GOOGLE_TAG = {
    "tagId": "985",
    "name": "GA4 - second",
    "type": "googtag",
    "firingTriggerId": [INIT],
    "parentFolderId": "1",
}
COPIED = copy_of("tag", "Hotjar - base", "Hotjar - once more", "tagId")
NO_MAIL = heard(987, "CE - staff", "login", condition("EQUALS", "{{Page Path}}", "/staff"))

LIMITS = [
    Case(
        "ga4-event-name",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "eventName", "session_start"),
        put("tag", "GA4 - login", "eventName", "member_login"),
    ),
    Case(
        "ga4-event-name",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "eventName", "log-in"),
        put("tag", "GA4 - login", "eventName", "log_in"),
    ),
    Case(
        "ga4-event-name",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "eventName", "l" * 41),
        put("tag", "GA4 - login", "eventName", "l" * 40),
    ),
    Case(
        "ga4-event-case",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "eventName", "Sign_up"),
        put("tag", "GA4 - login", "eventName", "sign_up"),
    ),
    Case(
        "ga4-parameter-name",
        "shop",
        "GA4 - login",
        event_rows("GA4 - login", **{"ga_method": "{{Page Path}}"}),
        event_rows("GA4 - login", login_method="{{Page Path}}"),
    ),
    Case(
        "ga4-too-many-parameters",
        "shop",
        "GA4 - login",
        event_rows("GA4 - login", **{f"p{n}": "{{Page Path}}" for n in range(26)}),
        event_rows("GA4 - login", **{f"p{n}": "{{Page Path}}" for n in range(25)}),
    ),
    Case(
        "ga4-value-too-long",
        "shop",
        "GA4 - login",
        event_rows("GA4 - login", method="m" * 101),
        event_rows("GA4 - login", method="m" * 100, page_title="t" * 300),
    ),
    Case(
        "ga4-user-property",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "userProperties", [{"name": "user_id", "value": "1"}]),
        put("tag", "GA4 - login", "userProperties", [{"name": "membership", "value": "1"}]),
    ),
    Case(
        "person-in-clear",
        "shop",
        "GA4 - login",
        event_rows("GA4 - login", user_email="{{Page Path}}"),
        event_rows("GA4 - login", user_email_sha256="{{Page Path}}", method="email"),
    ),
    Case(
        "person-in-clear",
        "shop",
        "GA4 - login",  # under a name that says nothing
        both(variable("v", name="customer.email"), event_rows("GA4 - login", who="{{Extra}}")),
        both(variable("v", name="customer.kind"), event_rows("GA4 - login", who="{{Extra}}")),
    ),
    Case(
        "person-in-clear",
        "shop",
        "Extra",
        script("hj('identify', 7, {'email': {{DLV - event_id}}});"),
        script("hj('identify', 7, {'plan': {{DLV - event_id}}}); /* no email: ever */"),
    ),
]

CODE = [
    Case(
        "code-insecure",
        "shop",
        "Extra",
        html("<img src='http://px.partner.example/i.gif'>"),
        html("<img src='https://px.partner.example/i.gif'><a href='http://partner.example'>x</a>"),
    ),
    Case(
        "code-writes-page", "shop", "Extra", script("document.write('x');"), script("// document.write('x');\nrun();")
    ),
    Case(
        "code-evaluates-text", "shop", "Extra", script("eval(named);"), script("retrieval(named); setTimeout(run, 9);")
    ),
    Case("code-evaluates-text", "shop", "Extra", script("setTimeout('run()', 9);"), script("setTimeout(run, 9);")),
    Case("code-unclosed", "shop", "Extra", html("<script>run();"), html("<script>run('<script>');</script>")),
    Case("code-unclosed", "shop", "Extra", html("<!-- note <script>run();</script>"), html("<!-- <script> -->")),
    Case(
        "code-unsound",
        "shop",
        "Extra",
        html('<script type="text/javascript">run({a: 1);</script>'),
        html("<script type='application/ld+json'>{\"a\": ]</script><script type=''>run();</script>"),
    ),
    Case("code-unsound", "shop", "Extra", script("run(); /* to the end"), script("run(); /* to the end */")),
    Case("code-unsound", "shop", "Extra", script("run({a: [1, 2};"), script("run({a: [1, '}']}); // (")),
    Case("code-unsound", "shop", "Extra", script("run('it's');"), script(r"run('it\'s', /[(/]['\"]/.test(x) / 2);")),
    Case(
        "code-unsound",
        "shop",
        "Extra",
        variable("jsm", javascript="function() { return 1; "),
        variable("jsm", javascript="function() { return {{DLV - event_id}}; }"),
    ),
    Case(
        "code-no-function",
        "shop",
        "Extra",
        variable("jsm", javascript="return document.title;"),
        variable("jsm", javascript="// the title\nfunction() { return document.title; }"),
    ),
    Case("code-debugging", "shop", "Extra", script("alert(1);"), script("my.alert(1); console.log(1);")),
    Case(
        "code-debugging",
        "shop",
        "GA4 - login",
        event_rows("GA4 - login", debug_mode="false"),
        event_rows("GA4 - login", mode="false"),
    ),
    Case(
        "code-credentials",
        "shop",
        "Extra",
        html("<!-- password: hunter2hunter2 --><p>"),
        html("<!-- the password is kept elsewhere --><p>"),
    ),
    Case(
        "code-credentials",
        "shop",
        "GA4 - login",
        field("tag", "GA4 - login", "notes", "api key = 12345678"),
        field("tag", "GA4 - login", "notes", "The api key is kept elsewhere? Ask."),
    ),
]

CONVERSIONS = [
    Case(
        "order-id-fixed",
        "shop",
        "GAds - order",
        put("tag", "GAds - order", "orderId", "1"),
        put("tag", "GAds - order", "orderId", "{{DLV - ecommerce.transaction_id}}"),
    ),
    Case(
        "order-id-fixed",
        "shop",
        "GA4 - purchase",
        event_rows("GA4 - purchase", transaction_id="T-1"),
        put("tag", "GA4 - purchase", "eventSettingsTable", rows({r["parameter"]: r["parameterValue"] for r in TABLE})),
    ),
    Case(
        "value-fixed",
        "shop",
        "GAds - order",
        put("tag", "GAds - order", "conversionValue", "50"),
        put("tag", "GAds - order", "conversionValue", "{{DLV - ecommerce.value}}"),
    ),
    Case("value-fixed", "shop", "Extra", script(FBQ % ("9.5", "{{Page Path}}")), script(FBQ % WORTH)),
    Case(
        "currency-fixed",
        "shop",
        "GAds - order",
        put("tag", "GAds - order", "currencyCode", "EUR"),
        put("tag", "GAds - order", "currencyCode", "{{DLV - ecommerce.currency}}"),
    ),
    Case(
        "currency-unknown",
        "shop",
        "GAds - order",
        put("tag", "GAds - order", "currencyCode", "Euro"),
        put("tag", "GAds - order", "currencyCode", "EUR"),
    ),
    Case(
        "currency-unknown",
        "leads",
        "GAds - enquiry",
        put("tag", "GAds - enquiry", "currencyCode", "eur"),
        both(
            put("tag", "GAds - enquiry", "currencyCode", "EUR"), put("tag", "GAds - enquiry", "conversionValue", "50")
        ),
    ),
    Case(
        "conversion-everywhere",
        "leads",
        "GAds - enquiry",
        fires_on("GAds - enquiry", ALL_PAGES),
        fires_on("GAds - enquiry", "Link - call"),
    ),
    Case(  # a condition that shuts little out may be meant
        "conversion-everywhere",
        "leads",
        "GAds - enquiry",
        both(more("trigger", {**VIEWED, "filter": []}), fires_on("GAds - enquiry", VIEWED["name"])),
        both(
            more("trigger", {**VIEWED, "filter": [condition("EQUALS", "{{Page Path}}", "/a", negate=True)]}),
            fires_on("GAds - enquiry", VIEWED["name"]),
        ),
    ),
    Case(
        "conversion-everywhere",
        "server",
        "GAds - order",
        fires_on("GAds - order", "GA4 - all events"),
        fires_on("GAds - order", "GA4 - purchase"),
    ),
    Case(
        "conversion-late",
        "shop",
        "GAds - order",
        both(more("trigger", WINDOW), fires_on("GAds - order", WINDOW["name"])),
        both(more("trigger", VIEWED), fires_on("GAds - order", VIEWED["name"])),
    ),
    Case(
        "conversion-unlimited",
        "shop",
        "GAds - order",
        field("tag", "GAds - order", "tagFiringOption", "UNLIMITED"),
        field("tag", "GAds - order", "tagFiringOption", "ONCE_PER_LOAD"),
    ),
    Case(
        "repeatable-once",
        "shop",
        "GA4 - add_to_cart",
        field("tag", "GA4 - add_to_cart", "tagFiringOption", "oncePerLoad"),
        field("tag", "GA4 - add_to_cart", "tagFiringOption", "UNLIMITED"),
    ),
]

DESTINATIONS = [
    Case(
        "destination-several",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "measurementIdOverride", "G-OTHER00001"),
        put("tag", "GA4 - login", "measurementIdOverride", "G-OWNSHOP01"),
    ),
    Case(
        "destination-started-twice",
        "shop",
        "GA4 - second",
        more("tag", GOOGLE_TAG | {"parameter": [parameter("tagId", MEASURE)]}),
        more("tag", GOOGLE_TAG | {"parameter": [parameter("tagId", "AW-111222333")]}),
    ),
    Case(
        "destination-started-twice",
        "shop",
        "Extra",
        script("fbq('init', '900800700600');"),
        script("fbq('trackSingle', '900800700600', 'Search');"),
    ),
    Case(
        "destination-placeholder",
        "shop",
        "Hotjar - base",
        put("tag", "Hotjar - base", "hotjar_site_id", "123456789"),
        put("tag", "Hotjar - base", "hotjar_site_id", "123456780"),
    ),
    Case(
        "destination-placeholder",
        "shop",
        "GA4 - Google tag",
        put("variable", "Const - GA4 measurement id", "value", "G-XXXXXXXXXX"),
        put("variable", "Const - GA4 measurement id", "value", "G-XYXYXYXYXY"),
        times=2,
    ),
    Case(
        "destination-misshapen",
        "shop",
        "GA4 - login",
        put("tag", "GA4 - login", "measurementIdOverride", "UA-1234-1"),
        put("tag", "GA4 - login", "measurementIdOverride", "G-1234"),
    ),
    Case(
        "destination-for-tests",
        "shop",
        "Settings - Google tag",
        put(
            "variable",
            "Settings - Google tag",
            "configSettingsTable",
            rows({"server_container_url": "https://sst.staging.own-shop.example"}),
        ),
        put(
            "variable",
            "Settings - Google tag",
            "configSettingsTable",
            rows({"server_container_url": "https://latest.own-shop.example"}),
        ),
    ),
    Case(
        "destination-for-tests",
        "shop",
        "Extra",
        html("<img src='//localhost:8080/x'>"),
        html("<img src='//localhosts.example/x'>"),
    ),
    Case(
        "destination-alone",
        "leads",
        "GA4 - contact",
        put("tag", "GA4 - contact", "measurementIdOverride", "G-OTHER00001"),
        put("tag", "GA4 - contact", "measurementIdOverride", "{{DLV - topic}}"),
    ),
]

SEQUENCE = [
    Case(
        "sequence-circle",
        "shop",
        "Hotjar - base",
        field("tag", "Hotjar - base", "setupTag", [{"tagName": "Hotjar - base"}]),
        field("tag", "Hotjar - base", "setupTag", [{"tagName": "Banner - consent defaults"}]),
    ),
    Case(
        "sequence-twice",
        "shop",
        "Meta - base",
        field("tag", "Meta - base", "tagFiringOption", "ONCE_PER_EVENT"),
        field("tag", "Meta - base", "firingTriggerId", None),
    ),
    Case(
        "schedule-over",
        "shop",
        "GA4 - login",
        field("tag", "GA4 - login", "scheduleEndMs", "1735689600000"),
        field("tag", "GA4 - login", "scheduleEndMs", "1893456000000"),
    ),
    Case(
        "schedule-backwards",
        "shop",
        "GA4 - login",
        both(
            field("tag", "GA4 - login", "scheduleStartMs", "1893456000001"),
            field("tag", "GA4 - login", "scheduleEndMs", "1893456000000"),
        ),
        both(
            field("tag", "GA4 - login", "scheduleStartMs", "1893456000000"),
            field("tag", "GA4 - login", "scheduleEndMs", "1893456000001"),
        ),
    ),
]

TABLES = [
    Case(
        "table-key-twice",
        "shop",
        "Extra",
        variable("smm", **table_of("/a", "/b", "/a")),
        variable("smm", **table_of("/a", "/b", "/A")),
    ),
    Case(
        "table-row-unreachable",
        "shop",
        "Extra",
        variable("remm", **table_of("/a", ".*", "/b")),
        variable("remm", **table_of("/a", "/b", ".*")),
    ),
    Case(
        "table-no-default",
        "shop",
        "Extra",
        by_table("smm"),
        by_table("smm", setDefaultValue=True, defaultValue="other"),
    ),
]

TEMPLATES = [
    Case(
        "template-too-wide",
        "shop",
        "Extra kind",
        template("data.gtmOnSuccess();", "set_cookies"),
        template("require('setCookie')('a', 'b');", "set_cookies"),
    ),
    Case(
        "template-loads-anything",
        "shop",
        "Extra kind",
        template("require('injectScript')(data.url);", "inject_script", type=1, string="https://*/*"),
        template("require('injectScript')(data.url);", "inject_script", type=1, string="https://cdn.own.example/*"),
    ),
    Case("template-unused", "shop", "LinkedIn insight", field("tag", "LinkedIn - insight", "type", "html"), nothing),
]

SERVER = [
    Case(
        "client-priority-shared",
        "server",
        "Other",
        client(70, "Other", "cvt_200_5", 100),
        client(70, "Other", "cvt_200_5", 90),
    ),
    Case(
        "client-claims-twice",
        "server",
        "GA4 again",
        client(70, "GA4 again", "gaaw_client", 50),
        client(70, "GA4 again", "gaaw_client", 50, activateDefaultPaths=False),
    ),
    Case(
        "request-preview-header",
        "server",
        "GA4 - forward",
        put("tag", "GA4 - forward", "headers", [{"key": "X-Gtm-Server-Preview", "value": "abc"}]),
        put("tag", "GA4 - forward", "headers", [{"key": "X-Own", "value": "abc"}]),
    ),
    Case(
        "request-insecure",
        "server",
        "GA4 - forward",
        put("tag", "GA4 - forward", "url", "http://api.own.example"),
        put("tag", "GA4 - forward", "url", "https://api.own.example"),
    ),
]

GRANTING = [
    Case(
        "consent-default-grants",
        "shop",
        "Extra",
        script(consent_call("default", "granted")),
        script(consent_call("default", "denied")),
    ),
    Case(
        "consent-default-grants",
        "shop",
        "Extra",
        script(consent_call("default", "granted")),
        script(consent_call("default", "granted", ", 'region': ['US']")),
    ),
    Case(
        "consent-default-grants",
        "shop",
        "Banner - consent defaults",
        put("tag", "Banner - consent defaults", "regions", [{"region": "", "ad_storage": "granted"}]),
        put("tag", "Banner - consent defaults", "regions", [{"region": "US", "ad_storage": "granted"}]),
    ),
    Case(
        "consent-update-unasked",
        "shop",
        "Extra",
        script(consent_call("update", "granted")),
        both(script(consent_call("update", "granted")), fires_on("Extra", "CE - consent given")),
    ),
    Case(
        "consent-sends-early",
        "shop",
        "GA4 - Google tag",
        fires_on("GA4 - Google tag", CONSENT_INIT),
        fires_on("GA4 - Google tag", INIT),
    ),
]

BLOCKING = [
    Case(
        "exception-without-effect",
        "shop",
        "GA4 - email click",
        blocked("GA4 - email click", NO_MAIL),
        blocked(
            "GA4 - email click",
            {
                "triggerId": "988",
                "name": "Link - staff",
                "type": "LINK_CLICK",
                "filter": [MAILTO, condition("CONTAINS", "{{Page Path}}", "/staff")],
            },
        ),
    ),
    Case(
        "exception-indistinct",
        "shop",
        "GA4 - login",
        both(
            lambda data: the(data, "tag", "GA4 - login")["firingTriggerId"].append(
                the(data, "trigger", "CE - sign_up")["triggerId"]
            ),
            blocked("GA4 - login", heard(988, "CE - not this", "login")),
        ),
        both(
            lambda data: the(data, "tag", "GA4 - login")["firingTriggerId"].append(
                the(data, "trigger", "CE - sign_up")["triggerId"]
            ),
            blocked("GA4 - login", NO_MAIL),
        ),
    ),
]

COPIES = [
    Case(
        "entity-copied",
        "shop",
        "Hotjar - once more",
        COPIED,
        both(COPIED, put("tag", "Hotjar - once more", "hotjar_site_id", "7654321")),
    ),
    Case(
        "folder-empty",
        "shop",
        "Nothing",
        more("folder", {"folderId": "989", "name": "Nothing"}),
        both(
            more("folder", {"folderId": "989", "name": "Nothing"}), field("tag", "GA4 - login", "parentFolderId", "989")
        ),
    ),
]

NAMES = [
    Case(
        "name-alike",
        "shop",
        "ga4 -  login",
        copy_of("tag", "GA4 - login", "ga4 -  login", "tagId"),
        copy_of("tag", "GA4 - login", "GA4 - logout", "tagId"),
    ),
    Case("name-invisible", "shop", "GA4 - login ", field("tag", "GA4 - login", "name", "GA4 - login "), nothing),
    Case(
        "name-shadows",
        "shop",
        "Page URL",
        variable("u", "Page URL", component="URL"),
        variable("u", "URL - whole", component="URL"),
    ),
]

CASES = [
    *LIMITS,
    *CODE,
    *CONVERSIONS,
    *DESTINATIONS,
    *SEQUENCE,
    *TABLES,
    *TEMPLATES,
    *SERVER,
    *GRANTING,
    *BLOCKING,
    *COPIES,
    *NAMES,
]
