"""Fernhollow's tags for Google: the core was made with care, what followed was copied."""

from __future__ import annotations

from tests.containers import codes
from tests.containers.export import ALL_PAGES, INIT, Json, fields, needs
from tests.containers.shop import Shop


def ga4(shop: Shop) -> None:
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
        "GA4 - back_in_stock",
        "gaawe",
        [on["back in stock"]],
        ga4,
        shop.blocked,
        sendEcommerceData=False,
        eventSettingsTable=fields(stock=value["stock"], variant=value["variant"]),
        eventName="back_in_stock",
        **shared,
    )
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
        ("search", "search", "search_term", "term"),
        ("sign_up", "sign_up", "method", "method"),
        ("login", "login", "method", "method"),
        ("view_promotion", "view_promotion", "promotion_name", "promotion"),
    ):
        box.tag(
            f"GA4 - {name}",
            "gaawe",
            [on[trigger]],
            ga4,
            shop.blocked,
            eventSettingsTable=fields(**{key: value[short]}),
            eventName=name,
            **plain,
        )
    for label, name, trigger in (
        ("Newsletter GA4", "newsletter_signup", "newsletter_signup"),
        ("Wishlist", "add_to_wishlist", "add_to_wishlist"),
        ("select promotion ga4", "select_promotion", "select_promotion"),
        ("Filialfinder", "store_finder", "store_finder"),
        ("Chat GA4", "chat_open", "chat_open"),
        ("Filter", "filter_used", "filter_used"),
        ("GA4 Event PDF", "file_download", "pdf"),
        ("GA4 Event mail", "email_click", "mail"),
        ("GA4 Event call", "phone_call", "call"),
        ("scroll GA4", "scroll", "deep"),
        ("Video", "product_video", "video"),
        ("engaged", "long_look", "waited"),
        ("list read", "list_read", "read"),
        ("Outbound GA4", "outbound", "outbound"),
        ("GA4 Event large order", "large_order", "large order"),
        ("first order GA4", "first_order", "first order"),
    ):
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


def google_ads(shop: Shop) -> None:
    box, on, value, ads = shop.box, shop.on, shop.value, shop.folder["ads"]
    box.year("2023-05-02")
    box.tag(
        "AdWords Order", "awct", [on["purchase"]], "", conversionId=value["ads"], conversionLabel="exampleOrder00001"
    )
    box.tag(
        "GAds - newsletter",
        "awct",
        [on["newsletter_signup"]],
        ads,
        shop.blocked,
        conversionId=value["ads"],
        conversionLabel="exampleNews000002",
        conversionValue=value["worth"],
        currencyCode=value["local currency"],
        orderId=value["event_id"],
    )
    box.tag(
        "Google Ads first order",
        "awct",
        [on["first order"]],
        "",
        {"consentSettings": needs("ad_storage")},
        conversionId=value["ads"],
        conversionLabel="exampleFirst00003",
        conversionValue=value["value"],
        currencyCode=value["currency"],
    )
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
        codes.script(
            "new Image().src = 'https://www.googleadservices.com/pagead/conversion/1000000001/?label=examplePhone00004';"
        ),
        [on["call"]],
    )
