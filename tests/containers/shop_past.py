"""Fernhollow until 2022: its own people with Universal Analytics, then the agency Pixelwerk, which writes pw_."""

from __future__ import annotations

from tests.containers import codes
from tests.containers.export import ALL_PAGES, condition
from tests.containers.shop import Shop


def years_in_house(shop: Shop) -> None:
    """2016: Universal Analytics, which nothing hears any more."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2016-04-11")
    old = shop.folder["old"] = box.folder("Google Analytics")
    value["ua"] = box.constant("gaProperty", "UA-10000001-1", old)
    settings = box.variable(
        "Google Analytics Settings", "gas", old, cookieDomain="auto", doubleClick=False, trackingId=value["ua"]
    )
    for label, key in (
        ("orderTotal", "order.total"),
        ("orderNumber", "order.number"),
        ("visitor group", "visitor.group"),
        ("orderValue", "order.total"),
        ("basketSize", "basket.size"),
    ):
        box.layer(label, key, version=1)
    box.script(
        "scrollPercent", "var page = document.body;\n  return Math.round(100 * window.pageYOffset / page.scrollHeight);"
    )
    box.variable("HotlineNumber", "d", elementId="hotline", selectorType="ID")
    for name in ("utm_source", "utm_campaign", "utm_medium", "utm_content"):
        box.variable(name, "u", component="QUERY", queryKey=name)
    on["pdf"] = box.link("PDF Downloads", [condition("MATCH_REGEX", "{{Click URL}}", r"\.pdf$", "ignore_case")])
    on["outbound"] = box.link(
        "Outbound Links",
        [
            condition("CONTAINS", "{{Click URL}}", "fernhollow.example", "negate"),
            condition("STARTS_WITH", "{{Click URL}}", "http"),
        ],
    )
    on["thanks"] = box.trigger(
        "Thank you page", "PAGEVIEW", filter=[condition("CONTAINS", "{{Page Path}}", "/checkout/thank-you")]
    )
    on["basket click"] = box.link(
        "Add to basket button", [condition("CONTAINS", "{{Click Classes}}", "btn-basket")], kind="CLICK"
    )
    box.link("Newsletter footer", [condition("EQUALS", "{{Form ID}}", "footer-newsletter")], kind="FORM_SUBMISSION")
    box.link("All Clicks", [], kind="CLICK")
    for label, trigger, action in (
        ("GA Event Basket", "basket click", "basket"),
        ("GA Event PDF", "pdf", "download"),
        ("GA Event Outbound", "outbound", "outbound"),
        ("GA Order", "thanks", "order"),
    ):
        box.tag(
            label,
            "ua",
            [on[trigger]],
            old,
            trackType="TRACK_EVENT",
            eventCategory="site",
            eventAction=action,
            gaSettings=settings,
            trackingId=value["ua"],
            overrideGaSettings=False,
        )
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
        "Phone number swap",
        codes.script("document.querySelector('#hotline').title = {{utm_source}} || 'direct';"),
        [ALL_PAGES],
    )


def pixelwerk(shop: Shop) -> None:
    """2019: an agency that writes pw_ before everything and leaves in a hurry."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2019-09-02")
    shop.folder["pw"] = box.folder("Pixelwerk")
    for label, key in (
        ("pw_dl_revenue", "ecommerce.value"),
        ("pw_dl_currency", "ecommerce.currency"),
        ("pw_dl_sku", "product.sku"),
        ("pw_dl_category", "product.category"),
        ("pw_dl_stock", "product.stock"),
        ("pw_dl_brand", "product.brand"),
        ("pw_dl_price", "product.price"),
    ):
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
        "pw_trigger_wishlist",
        "CUSTOM_EVENT",
        customEventFilter=[
            condition("EQUALS", "{{_event}}", "wishlist"),
            condition("EQUALS", "{{_event}}", "add_to_wishlist"),
        ],
    )
    box.tag(
        "pw_ua_scroll",
        "ua",
        [on["thanks"]],
        trackType="TRACK_EVENT",
        eventCategory="scroll",
        eventAction="thank you",
        trackingId=value["ua"],
    )
    box.tag("pw_optimize", "opt", [ALL_PAGES], optimizeContainerId="OPT-EXAMPLE")
