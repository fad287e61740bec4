"""The container of Fernhollow Outdoor, an invented shop: ten years, its own people and two agencies.

2016 in-house with Universal Analytics; 2019 the agency Pixelwerk (pw_); 2023 the agency Bluebird with GA4; then in-house.
Variables, triggers and Google's products are here; what other vendors are sent is in shop_vendors.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.containers import codes
from tests.containers.export import ALL_PAGES, INIT, Export, Json, condition, fields, parameter, table

LAYER = {  # variables of the data layer as Bluebird named them, by their short name
    "value": "ecommerce.value", "currency": "ecommerce.currency", "order": "ecommerce.transaction_id",
    "items": "ecommerce.items", "coupon": "ecommerce.coupon", "event_id": "event_id", "user": "user.id",
    "customer": "user.kind", "term": "search_term", "form": "form_name", "method": "method", "list": "item_list_name",
    "promotion": "promotion_name", "page": "page.kind",
}  # fmt: skip


@dataclass
class Shop:
    """What is under construction. Each mapping: ids or references by a short name."""

    box: Export
    folder: dict[str, str] = field(default_factory=dict)
    value: dict[str, str] = field(default_factory=dict)
    on: dict[str, str] = field(default_factory=dict)
    kind: dict[str, str] = field(default_factory=dict)
    blocked: Json = field(default_factory=dict)


def own_parts(box: Export) -> Shop:
    """All but other vendors."""
    shop = Shop(box)
    box.built_in(
        PAGE_URL="Page URL", PAGE_HOSTNAME="Page Hostname", PAGE_PATH="Page Path", REFERRER="Referrer", EVENT="Event",
        CLICK_ELEMENT="Click Element", CLICK_CLASSES="Click Classes", CLICK_ID="Click ID", CLICK_URL="Click URL",
        CLICK_TEXT="Click Text", FORM_ID="Form ID", SCROLL_DEPTH_THRESHOLD="Scroll Depth Threshold",
        VIDEO_TITLE="Video Title", VIDEO_STATUS="Video Status",
    )  # fmt: skip
    for part in (
        _years_in_house,
        _pixelwerk,
        _bluebird_variables,
        _bluebird_settings,
        _bluebird_triggers,
        _ga4,
        _google_ads,
    ):
        part(shop)
    return shop


def _years_in_house(shop: Shop) -> None:
    """2016: Universal Analytics, which nothing hears any more."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2016-04-11")
    old = shop.folder["old"] = box.folder("Google Analytics")
    value["ua"] = box.constant("gaProperty", "UA-00000000-1", old)
    settings = box.variable(
        "Google Analytics Settings", "gas", old, cookieDomain="auto", doubleClick=False, trackingId=value["ua"]
    )
    for label, key in (("orderTotal", "order.total"), ("orderNumber", "order.number"), ("visitor group", "visitor.group"),
                       ("orderValue", "order.total"), ("basketSize", "basket.size")):  # fmt: skip
        box.layer(label, key, version=1)
    box.script(
        "scrollPercent", "var page = document.body;\n  return Math.round(100 * window.pageYOffset / page.scrollHeight);"
    )
    box.variable("HotlineNumber", "d", elementId="hotline", selectorType="ID")
    for name in ("utm_source", "utm_campaign", "utm_medium", "utm_content"):
        box.variable(name, "u", component="QUERY", queryKey=name)
    on["pdf"] = box.link("PDF Downloads", [condition("MATCH_REGEX", "{{Click URL}}", r"\.pdf$", "ignore_case")])
    on["outbound"] = box.link(
        "Outbound Links", [condition("CONTAINS", "{{Click URL}}", "fernhollow.example", "negate"),
                           condition("STARTS_WITH", "{{Click URL}}", "http")],
    )  # fmt: skip
    on["thanks"] = box.trigger(
        "Thank you page", "PAGEVIEW", filter=[condition("CONTAINS", "{{Page Path}}", "/checkout/thank-you")]
    )
    on["basket click"] = box.link(
        "Add to basket button", [condition("CONTAINS", "{{Click Classes}}", "btn-basket")], kind="CLICK"
    )
    box.link("Newsletter footer", [condition("EQUALS", "{{Form ID}}", "footer-newsletter")], kind="FORM_SUBMISSION")
    box.link("All Clicks", [], kind="CLICK")
    for label, trigger, action in (
        ("GA Event Basket", "basket click", "basket"), ("GA Event PDF", "pdf", "download"),
        ("GA Event Outbound", "outbound", "outbound"), ("GA Order", "thanks", "order"),
    ):  # fmt: skip
        box.tag(
            label, "ua", [on[trigger]], old, trackType="TRACK_EVENT", eventCategory="site", eventAction=action,
            gaSettings=settings, trackingId=value["ua"], overrideGaSettings=False,
        )  # fmt: skip
    box.tag(
        "GA Pageview", "ua", [ALL_PAGES], old, trackType="TRACK_PAGEVIEW", gaSettings=settings, trackingId=value["ua"]
    )
    box.tag(
        "GA Timing",
        "ua",
        [],
        old,
        {"paused": True},
        trackType="TRACK_TIMING",
        gaSettings=settings,
        trackingId=value["ua"],
    )
    box.html(
        "Phone number swap", codes.script("document.querySelector('#hotline').title = {{utm_source}} || 'direct';"),
        [ALL_PAGES],
    )  # fmt: skip


def _pixelwerk(shop: Shop) -> None:
    """2019: an agency that writes pw_ before everything and leaves in a hurry."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2019-09-02")
    shop.folder["pw"] = box.folder("Pixelwerk")
    for label, key in (
        ("pw_dl_revenue", "ecommerce.value"), ("pw_dl_currency", "ecommerce.currency"), ("pw_dl_sku", "product.sku"),
        ("pw_dl_category", "product.category"), ("pw_dl_stock", "product.stock"), ("pw_dl_brand", "product.brand"),
        ("pw_dl_price", "product.price"),
    ):  # fmt: skip
        value[label] = box.layer(label, key, version=1 if "product" in key else 2)
    value["pw_pixel"] = box.constant("pw_pixel", "100000000000001", shop.folder["pw"])
    box.constant("pw_fb_token", "EAA" + "Example0" * 6)
    box.variable("pw_referrer_host", "f", component="HOST")
    box.variable("pw_cookie_first_visit", "k", decodeCookie=False, name="first_visit")
    box.lookup("pw_lookup_shop", "{{Page Hostname}}", {"www.fernhollow.example": "de", "fr.fernhollow.example": "fr"})
    on["pw cart"] = box.event("pw_trigger_addtocart", "add_to_cart")
    on["pw checkout"] = box.trigger(
        "pw_trigger_checkout", "PAGEVIEW", filter=[condition("EQUALS", "{{Page Path}}", "/checkout")]
    )
    box.event("pw_trigger_leadform", "lead_form_sent")
    on["pw never"] = box.trigger(
        "pw_trigger_wishlist", "CUSTOM_EVENT",
        customEventFilter=[condition("EQUALS", "{{_event}}", "wishlist"), condition("EQUALS", "{{_event}}", "add_to_wishlist")],
    )  # fmt: skip
    box.tag(
        "pw_ua_scroll", "ua", [on["thanks"]], trackType="TRACK_EVENT", eventCategory="scroll", eventAction="thank you",
        trackingId=value["ua"],
    )  # fmt: skip
    box.tag("pw_optimize", "opt", [ALL_PAGES], optimizeContainerId="OPT-EXAMPLE")


def _bluebird_variables(shop: Shop) -> None:
    """2023: GA4, with a convention that was kept for some weeks."""
    box, value = shop.box, shop.value
    box.year("2023-02-06")
    ga4, ads, tools = (shop.folder.setdefault(key, box.folder(name)) for key, name in
                       (("ga4", "GA4"), ("ads", "Google Ads"), ("tools", "Tools")))  # fmt: skip
    unsorted = {"coupon", "customer", "form", "promotion", "list"}
    for short, key in LAYER.items():
        value[short] = box.layer(f"DLV - {key}", key, "" if short in unsorted else ga4)
    value["ga4"] = box.lookup(
        "LT - GA4 measurement id",
        "{{Page Hostname}}",
        {"staging.fernhollow.example": "G-EXAMPLE0S1"},
        "G-EXAMPLE001",
        ga4,
    )
    value["ads"] = box.constant("Const - Google Ads account", "1000000001", ads)
    value["count"] = box.script("CJS - number of items", f"return ({value['items']} || []).length;", ga4)
    value["skus"] = box.script(
        "CJS - item ids", f"return ({value['items']} || []).map(function(one) {{ return one.item_id; }});"
    )
    value["contents"] = box.script(
        "contents for pixels", f"return ({value['items']} || []).map(function(one) {{ return {{id: one.item_id}}; }});"
    )
    value["choice"] = box.variable("Cookie - consent choice", "k", tools, decodeCookie=True, name="site_consent")
    value["language"] = box.lookup(
        "LT - language", "{{Page Hostname}}", {"fr.fernhollow.example": "fr", "nl.fernhollow.example": "nl"}, "de", ga4
    )
    value["first visit"] = box.script("CJS - is first visit", "return {{pw_cookie_first_visit}} ? 'no' : 'yes';", ga4)
    value["device"] = box.script("device", "return window.innerWidth < 700 ? 'small' : 'large';")
    value["stock"] = box.layer("DLV - product.stock", "product.stock", ga4)
    value["variant"] = box.layer("variant of product", "product.variant")
    value["user data"] = box.variable("Settings - user data", "awec", ads, mode="AUTO", autoEmailEnabled=True)
    value["gclid"] = box.variable("URL - gclid", "u", ads, component="QUERY", queryKey="gclid")
    value["kind"] = box.variable(
        "RT - kind of page", "remm", ga4, setDefaultValue=True, defaultValue="other", input="{{Page Path}}",
        fullMatch=True, replaceAfterMatch=True, ignoreCase=True,
        map=table("key", "value", {"/c/.+": "list", "/p/.+": "product", "/checkout.*": "checkout"}),
    )  # fmt: skip
    for label, key in (("DLV - ecommerce.tax", "ecommerce.tax"), ("DLV - ecommerce.shipping", "ecommerce.shipping"),
                       ("DLV - user.segment", "user.segment"), ("DLV - cart.id", "cart.id"), ("affiliation", "ecommerce.affiliation"),
                       ("DLV - customer", "user.kind"), ("Data layer currency", "ecommerce.currency")):  # fmt: skip
        value[label] = box.layer(label, key)
    box.script("CJS - today", "return new Date().toISOString().slice(0, 10);")
    box.script("CJS - hashed mail", f"var who = {value['user']}; if (who) {{ window.whoIs = who; }}")
    box.variable("JS - viewport", "j", name="innerWidth")
    box.variable("AEV - click target", "aev", varType="ATTRIBUTE", attribute="target")
    box.constant("Const - old measurement id", "G-EXAMPLE0X9")
    box.constant("Const - currency", "EUR")


def _bluebird_settings(shop: Shop) -> None:
    box, value, ga4 = shop.box, shop.value, shop.folder["ga4"]
    value["config"] = box.variable(
        "Settings - Google tag", "gtcs", ga4,
        configSettingsTable=fields(
            server_container_url="https://sgtm.fernhollow.example", user_id=value["user"], content_group=value["kind"],
            click_id=value["gclid"],
        ),
    )  # fmt: skip
    value["shared"] = box.variable(
        "Settings - GA4 events", "gtes", ga4,
        eventSettingsTable=fields(
            event_id=value["event_id"], customer_kind=value["customer"], page_kind=value["page"],
            language=value["language"], first_visit=value["first visit"], device=value["device"],
        ),
    )  # fmt: skip


STEPS = (
    "view_item_list", "select_item", "view_item", "add_to_cart", "remove_from_cart", "view_cart", "begin_checkout",
    "add_shipping_info", "add_payment_info", "purchase", "refund", "search", "sign_up", "login", "newsletter_signup",
    "add_to_wishlist", "view_promotion", "select_promotion", "store_finder", "chat_open", "filter_used",
)  # fmt: skip
SORTED = {"select_item", "remove_from_cart", "add_shipping_info", "purchase", "search", "sign_up", "login", "refund"}


def _bluebird_triggers(shop: Shop) -> None:
    box, on, ga4 = shop.box, shop.on, shop.folder["ga4"]
    for step in STEPS:
        if step in SORTED:
            on[step] = box.event(f"CE - {step}", step, ga4)
        else:
            on[step] = box.event(
                step if step in {"view_item", "chat_open", "filter_used", "store_finder"} else f"CE - {step}", step
            )
    on["large order"] = box.event(
        "CE - purchase above 150", "purchase", ga4, [condition("GREATER", "{{DLV - ecommerce.value}}", "150")]
    )
    on["first order"] = box.event(
        "CE - purchase of new customer", "purchase", ga4, [condition("EQUALS", "{{DLV - user.kind}}", "new")]
    )
    on["french order"] = box.event(
        "CE - purchase in France", "purchase", "", [condition("EQUALS", "{{Page Hostname}}", "fr.fernhollow.example")]
    )
    on["back in stock"] = box.event("CE - back_in_stock", "back_in_stock", ga4)
    on["allowed"] = box.event("CE - consent given", "site_consent_given", shop.folder["tools"])
    on["internal"] = box.trigger(
        "Block - staging", "CUSTOM_EVENT", shop.folder["tools"],
        customEventFilter=[condition("MATCH_REGEX", "{{_event}}", ".*")],
        filter=[condition("STARTS_WITH", "{{Page Hostname}}", "staging.")],
    )  # fmt: skip
    shop.blocked = {"blockingTriggerId": [on["internal"]]}
    on["deep"] = box.trigger(
        "Scroll - three quarters", "SCROLL_DEPTH", ga4,
        parameter=[parameter("verticalThresholdUnits", "PERCENT"), parameter("verticalThresholdsPercent", "75"),
                   parameter("verticalThresholdOn", True), parameter("triggerStartOption", "WINDOW_LOAD")],
    )  # fmt: skip
    on["read"] = box.group("Group - listed and read", [on["view_item_list"], on["deep"]], ga4)
    on["mail"] = box.link("Link - mail", [condition("STARTS_WITH", "{{Click URL}}", "mailto:")], ga4)
    on["call"] = box.link("Link - call", [condition("STARTS_WITH", "{{Click URL}}", "tel:")], ga4)
    on["video"] = box.trigger("product video", "YOU_TUBE_VIDEO", filter=[condition("CONTAINS", "{{Page Path}}", "/p/")])
    on["waited"] = box.trigger(
        "Timer - half a minute", "TIMER", ga4, eventName={"type": "TEMPLATE", "value": "gtm.timer"},
        autoEventFilter=[condition("CONTAINS", "{{Page Path}}", "/p/")],
        interval={"type": "TEMPLATE", "value": "30000"}, limit={"type": "TEMPLATE", "value": "1"},
    )  # fmt: skip
    on["checkout"] = box.trigger(
        "checkout pages", "DOM_READY", filter=[condition("STARTS_WITH", "{{Page Path}}", "/checkout")]
    )
    for label, event in (("CE - quick_view", "quick_view"), ("CE - b2b_login", "b2b_login")):
        box.event(label, event)
    box.trigger("Error page", "PAGEVIEW", filter=[condition("EQUALS", "{{DLV - page.kind}}", "not found")])


def _ga4(shop: Shop) -> None:
    """The core was made with care; what followed was copied."""
    box, on, value, ga4 = shop.box, shop.on, shop.value, shop.folder["ga4"]
    box.year("2023-03-13")
    whole: Json = {"sendEcommerceData": True, "getEcommerceDataFrom": "dataLayer"}
    shared = {"measurementIdOverride": value["ga4"], "eventSettingsVariable": value["shared"]}
    box.tag("GA4 - Google tag", "googtag", [INIT], ga4, tagId=value["ga4"], configSettingsVariable=value["config"])
    box.tag("GA4 Konfiguration", "gaawc", [ALL_PAGES], measurementId=value["ga4"], sendPageView=True)
    for step in ("select_item", "remove_from_cart", "add_shipping_info", "refund"):
        box.tag(f"GA4 - {step}", "gaawe", [on[step]], ga4, shop.blocked, **whole, eventName=step, **shared)
    box.tag(
        "GA4 - back_in_stock", "gaawe", [on["back in stock"]], ga4, shop.blocked, sendEcommerceData=False,
        eventSettingsTable=fields(stock=value["stock"], variant=value["variant"]), eventName="back_in_stock", **shared,
    )  # fmt: skip
    bare: Json = {"sendEcommerceData": False, "measurementIdOverride": value["ga4"]}
    box.tag("GA4 Event view item", "gaawe", [on["view_item"]], "", eventName="view_item", **bare)
    box.tag("GA4 Event add to cart", "gaawe", [on["add_to_cart"]], eventName="add_to_cart", **bare)
    box.tag("Copy of GA4 Event add to cart", "gaawe", [on["add_to_cart"]], eventName="add_to_cart", **bare)
    box.tag("GA4 - begin_checkout", "gaawe", [ALL_PAGES], ga4, **whole, eventName="begin_checkout", **shared)
    box.tag("GA4 Event payment", "gaawe", [on["begin_checkout"]], **whole, eventName="add_payment_info", **shared)
    box.tag("GA4 Event purchase", "gaawe", ["999"], eventName="purchase", **bare)
    box.tag("GA4 purchase old", "gaawe", [on["thanks"]], "", {"paused": True}, eventName="purchase", **bare)
    plain: Json = {"sendEcommerceData": False} | shared
    for name, trigger, key, short in (
        ("search", "search", "search_term", "term"), ("sign_up", "sign_up", "method", "method"),
        ("login", "login", "method", "method"), ("view_promotion", "view_promotion", "promotion_name", "promotion"),
    ):  # fmt: skip
        box.tag(
            f"GA4 - {name}", "gaawe", [on[trigger]], ga4, shop.blocked, eventSettingsTable=fields(**{key: value[short]}),
            eventName=name, **plain,
        )  # fmt: skip
    for label, name, trigger in (
        ("Newsletter GA4", "newsletter_signup", "newsletter_signup"), ("Wishlist", "add_to_wishlist", "add_to_wishlist"),
        ("select promotion ga4", "select_promotion", "select_promotion"), ("Filialfinder", "store_finder", "store_finder"),
        ("Chat GA4", "chat_open", "chat_open"), ("Filter", "filter_used", "filter_used"),
        ("GA4 Event PDF", "file_download", "pdf"), ("GA4 Event mail", "email_click", "mail"),
        ("GA4 Event call", "phone_call", "call"), ("scroll GA4", "scroll", "deep"), ("Video", "product_video", "video"),
        ("engaged", "long_look", "waited"), ("list read", "list_read", "read"), ("Outbound GA4", "outbound", "outbound"),
        ("GA4 Event large order", "large_order", "large order"), ("first order GA4", "first_order", "first order"),
    ):  # fmt: skip
        box.tag(
            label,
            "gaawe",
            [on[trigger]],
            "",
            sendEcommerceData=False,
            eventName=name,
            measurementIdOverride=value["ga4"],
        )
    box.tag(
        "GA4 error page",
        "gaawe",
        [],
        sendEcommerceData=False,
        eventName="page_not_found",
        measurementIdOverride=value["ga4"],
    )
    box.tag(
        "test", "gaawe", [on["checkout"]], sendEcommerceData=False, eventName="checkout_seen", measurementIdOverride=""
    )


def _google_ads(shop: Shop) -> None:
    box, on, value, ads = shop.box, shop.on, shop.value, shop.folder["ads"]
    box.year("2023-05-02")
    box.tag(
        "AdWords Order", "awct", [on["purchase"]], "", conversionId=value["ads"], conversionLabel="exampleOrder00001"
    )
    box.tag(
        "GAds - newsletter", "awct", [on["newsletter_signup"]], ads, shop.blocked, conversionId=value["ads"],
        conversionLabel="exampleNews000002", conversionValue="5", currencyCode="EUR", orderId=value["event_id"],
    )  # fmt: skip
    box.tag(
        "Google Ads first order", "awct", [on["first order"]], conversionId=value["ads"],
        conversionLabel="exampleFirst00003", conversionValue=value["value"], currencyCode=value["currency"],
    )  # fmt: skip
    box.tag("remarketing", "sp", [ALL_PAGES], conversionId=value["ads"])
    box.tag(
        "GAds - user data",
        "awud",
        [on["purchase"]],
        ads,
        conversionId=value["ads"],
        userDataVariable=value["user data"],
    )
    box.tag("enhanced conversions (old)", "awud", [on["french order"]], conversionId=value["ads"])
    box.html(
        "adwords phone call",
        codes.script("new Image().src = 'https://www.googleadservices.com/pagead/conversion/1000000001/?label=examplePhone00004';"),
        [on["call"]],
    )  # fmt: skip
