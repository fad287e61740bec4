"""Our own containers: a shop, a lead-generation site and a server, each without a fault, and a shop that is a mess."""

from __future__ import annotations

from typing import Any

from tests.gtm.build import ALL_PAGES, CONSENT_INIT, INIT, Builder, Json, condition, consent, rows, set_parameter

STEPS = (
    "view_item_list", "select_item", "view_item", "add_to_cart", "remove_from_cart", "view_cart", "begin_checkout",
    "add_shipping_info", "add_payment_info", "purchase",
)  # fmt: skip
META = {
    "view_item": "ViewContent", "add_to_cart": "AddToCart",
    "begin_checkout": "InitiateCheckout", "purchase": "Purchase",
}  # fmt: skip
BANNER = "setDefaultConsentState({ad_storage: 'denied', analytics_storage: 'denied'});\ndata.gtmOnSuccess();"
LINKEDIN_CODE = "require('injectScript')('https://snap.licdn.com/li.lms-analytics/insight.min.js');"
CAPI_CODE = "require('sendHttpRequest')('https://graph.facebook.com/v20.0/' + data.pixelId);"
NOT_EMPTY = [{"type": "NON_EMPTY"}]
SHOP_ADS: Json = {
    "meta": {
        "conversions": [
            {"event": "Purchase", "count": 40, "value": 4000},
            {"event": "AddToCart", "count": 300, "value": 400},
        ]
    },
    "google": {
        "conversions": [{"name": "Order", "id": "AW-111222333", "label": "orderLabel", "count": 30, "value": 3000}]
    },
}
LEAD_ADS: Json = {
    "meta": {"conversions": [{"event": "Lead", "count": 25}]},
    "google": {
        "conversions": [{"name": "Enquiry", "id": "444555666", "label": "enquiryLabel", "count": 12, "value": 0}]
    },
}


def fbq(event: str, more: str = "") -> str:
    return f"<script>fbq('track', '{event}', {{{more}}}, {{eventID: '{{{{CJS - event id}}}}'}});</script>"


def shop() -> Json:
    """A shop with GA4, Google Ads, Meta, LinkedIn and Hotjar behind a consent banner."""
    web = Builder("Own shop")
    web.built_in(
        PAGE_URL="Page URL", PAGE_PATH="Page Path", EVENT="Event", CLICK_URL="Click URL", CLICK_TEXT="Click Text"
    )
    ga4, ads, meta, other, tools = (
        web.folder(name) for name in ("GA4", "Google Ads", "Meta", "Other vendors", "Tools")
    )
    banner = web.template("Consent banner", "BANNR", BANNER)
    web.tag("Banner - consent defaults", banner, [CONSENT_INIT], tools)
    measurement = web.constant("GA4 measurement id", "G-OWNSHOP01", ga4)
    event_id = web.variable("CJS - event id", "jsm", meta, javascript="function() { return {{DLV - event_id}}; }")
    web.layer("event_id", meta)
    config = web.variable(
        "Settings - Google tag",
        "gtcs",
        ga4,
        configSettingsTable=rows({"server_container_url": "https://sst.own-shop.example"}),
    )
    shared = web.variable("Settings - GA4 events", "gtes", ga4, eventSettingsTable=rows({"event_id": event_id}))
    web.tag("GA4 - Google tag", "googtag", [INIT], ga4, tagId=measurement, configSettingsVariable=config)
    steps = {step: web.event(step, ga4) for step in STEPS}
    for step, trigger in steps.items():
        web.tag(
            f"GA4 - {step}", "gaawe", [trigger], ga4, sendEcommerceData=True, getEcommerceDataFrom="dataLayer",
            eventName=step, measurementIdOverride=measurement, eventSettingsVariable=shared,
        )  # fmt: skip
    _extra_events(web, ga4, measurement)
    _google_ads(web, ads, steps["purchase"])
    _meta_pixel(web, meta, steps)
    _others(web, other, tools, steps, banner)
    return web.export()


def _extra_events(web: Builder, folder: str, measurement: str) -> None:
    """Events that are no step of buying."""
    for name, key in (
        ("search", "search_term"),
        ("sign_up", "method"),
        ("login", "method"),
        ("newsletter_signup", "form_name"),
    ):
        field = f"{{{{DLV - {key}}}}}" if f"DLV - {key}" in _names(web) else web.layer(key, folder)
        web.tag(
            f"GA4 - {name}", "gaawe", [web.event(name, folder)], folder, sendEcommerceData=False, eventName=name,
            measurementIdOverride=measurement, eventSettingsTable=rows({key: field}),
        )  # fmt: skip
    mail = web.trigger(
        "Link - mail", "LINK_CLICK", folder, filter=[condition("STARTS_WITH", "{{Click URL}}", "mailto:")],
    )  # fmt: skip
    web.tag(
        "GA4 - email click", "gaawe", [mail], folder, sendEcommerceData=False, eventName="email_click",
        measurementIdOverride=measurement, eventSettingsTable=rows({"link_text": "{{Click Text}}"}),
    )  # fmt: skip
    refund = web.event("refund", folder)
    web.tag(
        "GA4 - refund", "gaawe", [refund], folder, sendEcommerceData=True, getEcommerceDataFrom="dataLayer",
        eventName="refund", measurementIdOverride=measurement,
    )  # fmt: skip


def _names(web: Builder) -> set[str]:
    return {one["name"] for one in web.arrays.get("variable", [])}


def _google_ads(web: Builder, folder: str, purchase: str) -> None:
    account = web.constant("Google Ads account", "111222333", folder)
    value, currency, order = (web.layer(f"ecommerce.{key}", folder) for key in ("value", "currency", "transaction_id"))
    web.tag("GAds - conversion linker", "gclidw", [ALL_PAGES], folder, enableCrossDomain=False)
    web.tag(
        "GAds - order", "awct", [purchase], folder, conversionId=account, conversionLabel="orderLabel",
        conversionValue=value, currencyCode=currency, orderId=order,
    )  # fmt: skip
    web.tag("GAds - remarketing", "sp", [ALL_PAGES], folder, conversionId=account)
    user = web.variable("Settings - user data", "awec", folder, mode="AUTO")
    web.tag("GAds - user data", "awud", [purchase], folder, conversionId=account, userDataVariable=user)


def _meta_pixel(web: Builder, folder: str, steps: dict[str, str]) -> None:
    pixel = web.constant("Meta pixel", "900800700600", folder)
    base = f"<script>fbq('init', '{pixel}'); fbq('track', 'PageView');</script><img src='https://www.facebook.com/tr'>"
    allowed = {"consentSettings": consent("ad_storage", "ad_user_data")}
    once = {**allowed, "tagFiringOption": "ONCE_PER_LOAD"}  # it is a setup tag, too
    web.tag("Meta - base", "html", [ALL_PAGES], folder, once, html=base, supportDocumentWrite=False)
    for step, event in META.items():
        more = "value: {{DLV - ecommerce.value}}, currency: {{DLV - ecommerce.currency}}"
        fields = {**allowed, "setupTag": [{"tagName": "Meta - base", "stopOnSetupFailure": True}]}
        web.tag(
            f"Meta - {event}", "html", [steps[step]], folder, fields, html=fbq(event, more), supportDocumentWrite=False
        )


def _others(web: Builder, other: str, tools: str, steps: dict[str, str], banner: str) -> None:
    analytics = {"consentSettings": consent("analytics_storage")}
    web.tag("Hotjar - base", "hjtc", [ALL_PAGES], other, analytics, hotjar_site_id="1234567")
    asked = [{"type": "TEXT", "name": "partnerId", "valueValidators": NOT_EMPTY}]
    linkedin = web.template("LinkedIn insight", "LNKDN", LINKEDIN_CODE, asked)
    web.tag(
        "LinkedIn - insight",
        linkedin,
        [ALL_PAGES],
        other,
        {"consentSettings": consent("ad_storage")},
        partnerId="424242",
    )
    checkout = web.trigger(
        "PV - checkout", "PAGEVIEW", other, filter=[condition("CONTAINS", "{{Page Path}}", "/checkout")]
    )
    uet = "<script>window.uetq = window.uetq || []; uetq.push('event', 'checkout');</script>"
    web.tag("Microsoft - checkout", "html", [checkout], other, {"consentSettings": consent("ad_storage")}, html=uet)
    pinterest = "<script>pintrk('track', 'checkout', {});</script>"
    web.tag(
        "Pinterest - purchase",
        "html",
        [steps["purchase"]],
        other,
        {"consentSettings": consent("ad_storage")},
        html=pinterest,
    )
    tiktok = "<script>ttq.track('CompletePayment', {});</script>"
    web.tag(
        "TikTok - purchase", "html", [steps["purchase"]], other, {"consentSettings": consent("ad_storage")}, html=tiktok
    )
    granted = web.trigger(
        "CE - consent given",
        "CUSTOM_EVENT",
        tools,
        customEventFilter=[condition("EQUALS", "{{_event}}", "consent_given")],
    )
    web.tag("Clarity - base", "html", [granted], other, html="<script src='https://www.clarity.ms/tag/own'></script>")
    log = "<script>console.log('step {{Event}} on {{Page URL}}');</script>"
    both = web.trigger(
        "Group - listed and bought",
        "TRIGGER_GROUP",
        tools,
        parameter=[_members(steps["view_item_list"], steps["purchase"])],
    )
    web.tag("Tools - log", "html", [both], tools, html=log)
    web.tag("Banner - consent update", banner, [granted], tools)


def _members(*triggers: str) -> Json:
    listed = [{"type": "TRIGGER_REFERENCE", "value": one} for one in triggers]
    return {"type": "LIST", "key": "triggerIds", "list": listed}


def leads() -> Json:
    """An office that lives on enquiries."""
    web = Builder("Own office")
    web.built_in(PAGE_PATH="Page Path", FORM_ID="Form ID", CLICK_URL="Click URL")
    ga4, ads, meta = web.folder("GA4"), web.folder("Google Ads"), web.folder("Meta")
    banner = web.template("Consent banner", "BANNR", BANNER)
    web.tag("Banner - consent defaults", banner, [CONSENT_INIT], ga4)
    measurement = web.constant("GA4 measurement id", "G-OWNLEAD01", ga4)
    web.tag("GA4 - Google tag", "googtag", [INIT], ga4, tagId=measurement)
    form = web.trigger("Form - enquiry", "FORM_SUBMISSION", ga4, filter=[condition("EQUALS", "{{Form ID}}", "enquiry")])
    call = web.trigger("Link - call", "LINK_CLICK", ga4, filter=[condition("STARTS_WITH", "{{Click URL}}", "tel:")])
    pdf = web.trigger("Link - pdf", "LINK_CLICK", ga4, filter=[condition("MATCH_REGEX", "{{Click URL}}", r"\.pdf$")])
    topic = web.layer("topic", ga4)
    for event, trigger in (("generate_lead", form), ("contact", call), ("file_download", pdf)):
        web.tag(
            f"GA4 - {event}", "gaawe", [trigger], ga4, eventName=event, measurementIdOverride=measurement,
            eventSettingsTable=rows({"topic": topic}),
        )  # fmt: skip
    account = web.constant("Google Ads account", "444555666", ads)
    web.tag("GAds - conversion linker", "gclidw", [ALL_PAGES], ads)
    web.tag("GAds - enquiry", "awct", [form], ads, conversionId=account, conversionLabel="enquiryLabel")
    allowed = {"consentSettings": consent("ad_storage")}
    pixel = "<script>fbq('init', '700600500400'); fbq('track', 'PageView');</script>"
    web.tag("Meta - base", "html", [ALL_PAGES], meta, allowed, html=pixel)
    web.tag("Meta - lead", "html", [form], meta, allowed, html="<script>fbq('track', 'Lead', {});</script>")
    return web.export()


def server() -> Json:
    """What the shop's browser sends to, on a server of its own."""
    box = Builder("Own server", "SERVER")
    box.built_in(CLIENT_NAME="Client Name", EVENT_NAME="Event Name")
    ga4, ads, meta = box.folder("GA4"), box.folder("Google Ads"), box.folder("Meta")
    box.client("GA4", "gaaw_client", ga4)
    from_ga4 = condition("EQUALS", "{{Client Name}}", "GA4")
    bought = condition("EQUALS", "{{Event Name}}", "purchase")
    every = box.trigger("GA4 - all events", "ALWAYS", ga4, filter=[from_ga4])
    allowed = box.variable("ED - consent", "ed", meta, keyPath="x-ga-gcs", setDefaultValue=False)
    purchase = box.trigger("GA4 - purchase", "ALWAYS", ads, filter=[from_ga4, bought])
    agreed = box.trigger(
        "Meta - agreed steps", "ALWAYS", meta,
        filter=[
            from_ga4, condition("MATCH_REGEX", "{{Event Name}}", "^(purchase|add_to_cart)$"),
            condition("CONTAINS", allowed, "G11"),
        ],
    )  # fmt: skip
    box.tag("GA4 - forward", "sgtmgaaw", [every], ga4, redactVisitorIp=True)
    account = box.constant("Google Ads account", "111222333", ads)
    box.tag("GAds - linker", "sgtmadscl", [every], ads)
    box.tag("GAds - order", "sgtmadsct", [purchase], ads, conversionId=account, conversionLabel="orderLabel")
    asked = [{"type": "TEXT", "name": "pixelId", "valueValidators": NOT_EMPTY}]
    capi = box.template("Conversions API", "MCAPI", CAPI_CODE, asked)
    box.tag("Meta - steps", capi, [agreed], meta, pixelId="900800700600")
    currency = box.variable("ED - currency", "ed", ga4, keyPath="currency", setDefaultValue=False)
    box.add("transformation", {
        "transformationId": "90", "name": "Currency", "type": "tf_augment_event", "parentFolderId": ga4,
        "parameter": [{"type": "LIST", "key": "augmentEventTable", "list": [{"type": "MAP", "map": [
            {"type": "TEMPLATE", "key": "paramName", "value": "currency"},
            {"type": "TEMPLATE", "key": "paramValue", "value": currency},
        ]}]}],
    })  # fmt: skip
    return box.export()


def messy_shop() -> Json:
    """The shop after years of many hands: old products, copies, half-finished work, no order."""
    data = shop()
    version = data["containerVersion"]
    _forget_folders(version)
    _rename_badly(version)
    _lose_consent(version)
    _half_measure(version)
    web = Builder("Messy")
    web._last = 900
    web.arrays = version
    old = web.trigger(
        "Trigger - old thanks page", "PAGEVIEW", filter=[condition("CONTAINS", "{{Page Path}}", "/danke")]
    )
    for n, action in enumerate(("purchase", "cart", "newsletter", "scroll")):
        web.tag(f"UA Event {n}", "ua", [old], trackType="TRACK_EVENT", eventAction=action, trackingId="UA-1234567-1")
    web.tag("UA Pageview", "ua", [ALL_PAGES], trackType="TRACK_PAGEVIEW", trackingId="UA-1234567-1")
    web.tag("Copy of GA4 purchase", "gaawe", [_id(version, "purchase")], eventName="purchase",
            sendEcommerceData=True, measurementIdOverride="{{Const - GA4 measurement id}}")  # fmt: skip
    web.tag("Untitled Tag", "html", [], html="<script>fbq('track', 'Contact');</script>")
    web.tag("Criteo", "html", [ALL_PAGES], html="<script src='//static.criteo.net/js/ld/ld.js'></script>")
    web.event("purchase_old")
    web.trigger("All Clicks", "CLICK")
    for key in ("old.value", "page.kind", "customer.group", "promo.name"):
        web.layer(key, version="1")
    web.variable("Const - token", "c", value="EAA" + "Bc9" * 12)
    return data


def _id(version: Json, event: str) -> str:
    found: str = next(
        one["triggerId"] for one in version["trigger"] if one["type"] == "CUSTOM_EVENT" and one["name"].endswith(event)
    )
    return found


def _forget_folders(version: Json) -> None:
    for array in ("tag", "trigger", "variable"):
        for n, one in enumerate(version[array]):
            if n % 4:
                one.pop("parentFolderId", None)


def _rename_badly(version: Json) -> None:
    used_by_name = {"Meta - base"}
    for n, one in enumerate([*version["tag"], *version["trigger"]]):
        if n % 3 and one["name"] not in used_by_name:
            one["name"] = one["name"].partition(" - ")[2]


def _half_measure(version: Json) -> None:
    """Steps that nobody measures, or measures wrongly; orders without a number, conversions without a value."""
    gone = {"add_payment_info", "view_cart", "select_item", "view_item_list"}
    version["tag"] = [one for one in version["tag"] if _event_of(one) not in gone and one["type"] != "gclidw"]
    for one in version["tag"]:
        if _event_of(one) in {"begin_checkout", "view_item"}:
            one["firingTriggerId"] = [ALL_PAGES]
        if _event_of(one) in {"purchase", "add_to_cart"}:
            set_parameter(one, "sendEcommerceData", False)
        if one["type"] == "awct":
            for key in ("orderId", "currencyCode", "conversionValue"):
                set_parameter(one, key, None)
            set_parameter(one, "conversionLabel", "lastYearsLabel")


def _event_of(tag: Json) -> str:
    return next((str(one["value"]) for one in tag.get("parameter", []) if one["key"] == "eventName"), "")


def _lose_consent(version: Json) -> None:
    version["tag"] = [one for one in version["tag"] if not one["name"].startswith("Banner")]
    for n, one in enumerate(version["tag"]):
        if n % 2 and one["type"] == "html":
            one["consentSettings"] = {"consentStatus": "NOT_SET"}


SITES: dict[str, tuple[Any, dict[str, Any]]] = {
    "shop": (shop, {"business": "shop", "ads": SHOP_ADS}),
    "leads": (leads, {"business": "lead-generation", "ads": LEAD_ADS}),
    "server": (server, {"business": "shop", "ads": SHOP_ADS}),
}
