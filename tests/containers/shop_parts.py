"""Fernhollow since 2023: the variables and triggers of the agency Bluebird, and what was added to them in a hurry."""

from __future__ import annotations

from tests.containers.export import condition, fields, parameter, table
from tests.containers.shop import Shop

LAYER = {  # variables of the data layer as Bluebird named them, by their short name
    "value": "ecommerce.value",
    "currency": "ecommerce.currency",
    "order": "ecommerce.transaction_id",
    "items": "ecommerce.items",
    "coupon": "ecommerce.coupon",
    "event_id": "event_id",
    "user": "user.id",
    "customer": "user.kind",
    "term": "search_term",
    "form": "form_name",
    "method": "method",
    "list": "item_list_name",
    "promotion": "promotion_name",
    "page": "page.kind",
}
STEPS = (
    "view_item_list",
    "select_item",
    "view_item",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "refund",
    "search",
    "sign_up",
    "login",
    "newsletter_signup",
    "add_to_wishlist",
    "view_promotion",
    "select_promotion",
    "store_finder",
    "chat_open",
    "filter_used",
)
SORTED = {"select_item", "remove_from_cart", "add_shipping_info", "purchase", "search", "sign_up", "login", "refund"}


def variables(shop: Shop) -> None:
    """2023: GA4, with a convention that was kept for some weeks."""
    box, value = shop.box, shop.value
    box.year("2023-02-06")
    ga4, ads, tools = (
        shop.folder.setdefault(key, box.folder(name))
        for key, name in (("ga4", "GA4"), ("ads", "Google Ads"), ("tools", "Tools"))
    )
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
    value["local currency"] = box.lookup(
        "LT - currency",
        "{{Page Hostname}}",
        {"uk.fernhollow.example": "GBP", "ch.fernhollow.example": "CHF"},
        "EUR",
        ads,
    )
    value["worth"] = box.lookup("LT - worth of a subscriber", value["language"], {"fr": "4", "nl": "6"}, "5", ads)
    value["first visit"] = box.script("CJS - is first visit", "return {{pw_cookie_first_visit}} ? 'no' : 'yes';", ga4)
    value["device"] = box.script("device", "return window.innerWidth < 700 ? 'small' : 'large';")
    value["stock"] = box.layer("DLV - product.stock", "product.stock", ga4)
    value["variant"] = box.layer("variant of product", "product.variant")
    value["user data"] = box.variable("Settings - user data", "awec", ads, mode="AUTO", autoEmailEnabled=True)
    value["gclid"] = box.variable("URL - gclid", "u", ads, component="QUERY", queryKey="gclid")
    value["kind"] = box.variable(
        "RT - kind of page",
        "remm",
        ga4,
        setDefaultValue=True,
        defaultValue="other",
        input="{{Page Path}}",
        fullMatch=True,
        replaceAfterMatch=True,
        ignoreCase=True,
        map=table("key", "value", {"/c/.+": "list", "/p/.+": "product", "/checkout.*": "checkout"}),
    )
    for label, key in (
        ("DLV - ecommerce.tax", "ecommerce.tax"),
        ("DLV - ecommerce.shipping", "ecommerce.shipping"),
        ("DLV - user.segment", "user.segment"),
        ("DLV - cart.id", "cart.id"),
        ("affiliation", "ecommerce.affiliation"),
        ("DLV - customer", "user.kind"),
        ("Data layer currency", "ecommerce.currency"),
    ):
        value[label] = box.layer(label, key)
    box.script("CJS - today", "return new Date().toISOString().slice(0, 10);")
    box.script("CJS - hashed mail", f"var who = {value['user']}; if (who) {{ window.whoIs = who; }}")
    box.variable("JS - viewport", "j", name="innerWidth")
    box.variable("AEV - click target", "aev", varType="ATTRIBUTE", attribute="target")
    box.constant("Const - old measurement id", "G-EXAMPLE0X9")
    box.constant("Const - currency", "EUR")


def settings(shop: Shop) -> None:
    box, value, ga4 = shop.box, shop.value, shop.folder["ga4"]
    value["config"] = box.variable(
        "Settings - Google tag",
        "gtcs",
        ga4,
        configSettingsTable=fields(
            server_container_url="https://sgtm.fernhollow.example",
            user_id=value["user"],
            content_group=value["kind"],
            click_id=value["gclid"],
        ),
    )
    value["shared"] = box.variable(
        "Settings - GA4 events",
        "gtes",
        ga4,
        eventSettingsTable=fields(
            event_id=value["event_id"],
            customer_kind=value["customer"],
            page_kind=value["page"],
            language=value["language"],
            first_visit=value["first visit"],
            device=value["device"],
        ),
    )


def triggers(shop: Shop) -> None:
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
        "Block - staging",
        "CUSTOM_EVENT",
        shop.folder["tools"],
        customEventFilter=[condition("MATCH_REGEX", "{{_event}}", ".*")],
        filter=[condition("STARTS_WITH", "{{Page Hostname}}", "staging.")],
    )
    shop.blocked = {"blockingTriggerId": [on["internal"]]}
    on["deep"] = box.trigger(
        "Scroll - three quarters",
        "SCROLL_DEPTH",
        ga4,
        parameter=[
            parameter("verticalThresholdUnits", "PERCENT"),
            parameter("verticalThresholdsPercent", "75"),
            parameter("verticalThresholdOn", True),
            parameter("triggerStartOption", "WINDOW_LOAD"),
        ],
    )
    on["read"] = box.group("Group - listed and read", [on["view_item_list"], on["deep"]], ga4)
    on["mail"] = box.link("Link - mail", [condition("STARTS_WITH", "{{Click URL}}", "mailto:")], ga4)
    on["call"] = box.link("Link - call", [condition("STARTS_WITH", "{{Click URL}}", "tel:")], ga4)
    on["video"] = box.trigger("product video", "YOU_TUBE_VIDEO", filter=[condition("CONTAINS", "{{Page Path}}", "/p/")])
    on["waited"] = box.trigger(
        "Timer - half a minute",
        "TIMER",
        ga4,
        eventName={"type": "TEMPLATE", "value": "gtm.timer"},
        autoEventFilter=[condition("CONTAINS", "{{Page Path}}", "/p/")],
        interval={"type": "TEMPLATE", "value": "30000"},
        limit={"type": "TEMPLATE", "value": "1"},
    )
    on["checkout"] = box.trigger(
        "checkout pages", "DOM_READY", filter=[condition("STARTS_WITH", "{{Page Path}}", "/checkout")]
    )
    for label, event in (("CE - quick_view", "quick_view"), ("CE - b2b_login", "b2b_login")):
        box.event(label, event)
    box.trigger("Error page", "PAGEVIEW", filter=[condition("EQUALS", "{{DLV - page.kind}}", "not found")])
