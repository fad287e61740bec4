"""Fernhollow's other vendors: pixels of three generations, widgets, tests that stayed, a banner that comes too late."""

from __future__ import annotations

from tests.containers import codes
from tests.containers.export import ALL_PAGES, Json, needs
from tests.containers.shop import Shop

_ADS, _STATISTICS = needs("ad_storage"), needs("analytics_storage")


def add(shop: Shop) -> None:
    for part in (_meta_of_pixelwerk, _meta_of_bluebird, _tiktok, _pinterest, _smaller_networks, _watching, _tools):
        part(shop)


def _allowed(shop: Shop, consent: Json) -> Json:
    return {**shop.blocked, "consentSettings": consent}


def _meta_of_pixelwerk(shop: Shop) -> None:
    """Written out by hand; still running beside what came later."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2019-10-14")
    account = value["pw_pixel"]
    box.html("pw_fb_base", codes.pixel(account, "PageView"), [ALL_PAGES], shop.folder["pw"])
    box.html("Facebook Pixel Code", codes.pixel("100000000000001", "PageView"), [ALL_PAGES])
    box.html(
        "pw_fb_addtocart",
        codes.pixel(
            account, "AddToCart", "value: {{pw_dl_revenue}}, currency: {{pw_dl_currency}}", "{{DLV - event_id}}"
        ),
        [on["pw cart"]],
    )
    box.html("pw_fb_checkout", codes.pixel(account, "InitiateCheckout"), [on["pw checkout"]])
    box.html("pw_fb_wishlist", codes.pixel(account, "AddToWishlist"), [on["pw never"]])
    box.html(
        "pw_fb_stock",
        codes.script("if ({{pw_dl_stock}} === 0) { fbq('trackCustom', 'SoldOut', {sku: {{pw_dl_sku}}}); }"),
        [on["view_item"]],
    )


def _meta_of_bluebird(shop: Shop) -> None:
    """By a template of their own, which has a field for the event id that was forgotten more and more."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2023-06-05")
    meta = shop.folder["meta"] = box.folder("Meta")
    pixel = value["pixel"] = box.constant("Const - Meta pixel", "100000000000001", meta)
    asked = [codes.field("pixelId", needed=True), codes.field("eventName", needed=True)]
    asked += [codes.field(name) for name in ("eventId", "value", "currency", "contents")]
    kind = shop.kind["meta"] = box.template(
        "Meta pixel of Bluebird",
        codes.template("Meta pixel", codes.META_TEMPLATE, asked, may="inject_script access_globals"),
    )
    money = {"value": value["value"], "currency": value["currency"], "contents": value["contents"]}
    allowed = _allowed(shop, needs("ad_storage", "ad_user_data"))
    for event, trigger in (("ViewContent", "view_item"), ("Search", "search")):
        box.tag(
            f"Meta - {event}",
            kind,
            [on[trigger]],
            meta,
            allowed,
            pixelId=pixel,
            eventName=event,
            eventId=value["event_id"],
        )
    box.tag("FB Pixel", kind, [ALL_PAGES], pixelId=pixel, eventName="PageView")
    box.tag(
        "Facebook AddToCart", kind, [on["add_to_cart"]], pixelId=pixel, eventName="AddToCart", eventId="cart", **money
    )
    box.tag(
        "Meta - InitiateCheckout",
        kind,
        [on["begin_checkout"]],
        meta,
        {"consentSettings": needs()},
        pixelId=pixel,
        eventName="InitiateCheckout",
        **money,
    )
    box.tag(
        "Facebook Purchase",
        kind,
        [on["purchase"]],
        "",
        {"consentSettings": needs()},
        pixelId=pixel,
        eventName="Purchase",
        **money,
    )
    box.tag("Copy of Facebook Purchase", kind, [on["purchase"]], pixelId=pixel, eventName="Purchase", **money)
    box.tag("Meta Registration", kind, [on["sign_up"]], pixelId="", eventName="CompleteRegistration")
    waiting = {"consentSettings": needs("ad_storage", "ad_user_data")}
    box.tag("Facebook payment", kind, ["998"], "", waiting, pixelId=pixel, eventName="AddPaymentInfo", **money)
    box.tag("Meta lead", kind, [on["newsletter_signup"]], pixelId=pixel, eventName="Lead")


def _tiktok(shop: Shop) -> None:
    box, on, value = shop.box, shop.on, shop.value
    box.year("2023-11-20")
    money = f"value: {value['value']}, currency: {value['currency']}"
    box.html(
        "TikTok Basis",
        codes.loader("https://analytics.tiktok.com/i18n/pixel/events.js?sdkid=CEXAMPLE00000000000", "ttq"),
        [ALL_PAGES],
    )
    box.html(
        "TikTok - ViewContent",
        codes.script(f"ttq.track('ViewContent', {{{money}}});"),
        [on["view_item"]],
        "",
        _allowed(shop, _ADS),
    )
    box.html("TikTok cart", codes.script(f"ttq.track('AddToCart', {{{money}}});"), [on["add_to_cart"]])
    box.html("TikTok checkout", codes.script(f"ttq.track('InitiateCheckout', {{{money}}});"), [on["begin_checkout"]])
    box.html(
        "TikTok Kauf",
        codes.script(f"ttq.track('CompletePayment', {{{money}}});"),
        [on["purchase"]],
        "",
        {"consentSettings": _STATISTICS},
    )


def _pinterest(shop: Shop) -> None:
    box, on, value = shop.box, shop.on, shop.value
    box.year("2024-02-12")
    box.html(
        "Pinterest base",
        codes.loader("https://s.pinimg.com/ct/core.js", "pintrk") + codes.script("pintrk('load', '2600000000001');"),
        [ALL_PAGES],
    )
    box.html("Pinterest cart", codes.script("pintrk('track', 'addtocart', {});"), [on["add_to_cart"]])
    box.html(
        "Pinterest - checkout",
        codes.script(f"pintrk('track', 'checkout', {{value: {value['value']}, order_quantity: {value['count']}}});"),
        [on["purchase"]],
        "",
        _allowed(shop, _ADS),
    )
    box.html("Pinterest signup", codes.script("pintrk('track', 'signup', {});"), [on["sign_up"]])


def _smaller_networks(shop: Shop) -> None:
    """Whoever had a budget that quarter."""
    box, on, value = shop.box, shop.on, shop.value
    box.year("2024-05-06")
    ads = _allowed(shop, _ADS)
    box.tag("Bing UET", "baut", [ALL_PAGES], tagId="100000001")
    box.html(
        "bing order",
        codes.script(
            f"window.uetq = window.uetq || []; uetq.push('event', 'purchase', {{revenue_value: {value['value']}}});"
        ),
        [on["purchase"]],
    )
    box.html(
        "Microsoft - cart",
        codes.script("window.uetq = window.uetq || []; uetq.push('event', 'add_to_cart', {});"),
        [on["add_to_cart"]],
        "",
        ads,
    )
    kind = box.template(
        "LinkedIn insight",
        codes.template(
            "LinkedIn insight",
            codes.LINKEDIN_TEMPLATE,
            [codes.field("partnerId", needed=True)],
            may="inject_script access_globals",
        ),
        codes.gallery("example-templates", "insight-of-an-example", "EXLNK"),
    )
    box.tag("LinkedIn", kind, [ALL_PAGES], partnerId="1000001")
    box.html("Snapchat base", codes.loader("https://sc-static.net/scevent.min.js", "snaptr"), [ALL_PAGES])
    box.html(
        "Snapchat purchase",
        codes.script(f"snaptr('track', 'PURCHASE', {{price: {value['value']}}});"),
        [on["purchase"]],
        "",
        {"consentSettings": needs("marketing")},
    )
    box.html("X base", codes.loader("https://static.ads-twitter.com/uwt.js", "twq"), [ALL_PAGES], "", ads)
    box.html("twitter order", codes.script("twq('event', 'tw-example-0001', {});"), [on["purchase"]])
    box.html("Criteo Loader", codes.loader("https://dynamic.criteo.net/js/ld/ld.js?a=10001", "criteo_q"), [ALL_PAGES])
    box.html(
        "Criteo product",
        codes.script(
            f"window.criteo_q = window.criteo_q || []; criteo_q.push({{event: 'viewItem', item: {value['skus']}}});"
        ),
        [on["view_item"]],
    )
    box.html(
        "criteo basket",
        codes.script(
            f"window.criteo_q = window.criteo_q || []; criteo_q.push({{event: 'viewBasket', item: {value['skus']}}});"
        ),
        [on["view_cart"]],
    )
    box.html(
        "Taboola",
        codes.script("window._tfa = window._tfa || []; _tfa.push({notify: 'event', name: 'page_view', id: 1000001});"),
        [ALL_PAGES],
    )
    box.html("Reddit", codes.script("rdt('track', 'Purchase');"), [on["purchase"]], "", {"paused": True})
    box.tag(
        "Partner network order",
        "img",
        [on["purchase"]],
        "",
        None,
        url="https://orders.partner-network.example/t.gif?order={{DLV - ecommerce.transaction_id}}",
        useCacheBuster=True,
    )


def _watching(shop: Shop) -> None:
    """Recordings and heat maps."""
    box, on = shop.box, shop.on
    box.year("2024-09-30")
    box.tag("Hotjar", "hjtc", [ALL_PAGES], hotjar_site_id="1000001")
    box.html("Hotjar script", codes.loader("https://static.hotjar.com/c/hotjar-1000001.js?sv=6", "hj"), [ALL_PAGES])
    box.html(
        "Hotjar - checkout",
        codes.script("hj('event', 'checkout');"),
        [on["begin_checkout"]],
        shop.folder["tools"],
        _allowed(shop, _STATISTICS),
    )
    box.html(
        "Clarity",
        codes.loader("https://www.clarity.ms/tag/examp1e001", "clarity"),
        [on["allowed"]],
        shop.folder["tools"],
    )
    box.html(
        "Crazy Egg",
        codes.loader("https://script.crazyegg.com/pages/scripts/0000/0001.js", "cegg"),
        [ALL_PAGES],
        "",
        {"paused": True, "notes": "until the new template is live"},
    )
    box.html(
        "Matomo test",
        codes.script("window._paq = window._paq || []; _paq.push(['trackEvent', 'shop', {{DLV - ecommerce.total}}]);"),
        [on["purchase"]],
    )


def _tools(shop: Shop) -> None:
    """What is not measuring: the banner, markup for search engines, widgets."""
    box, on, tools = shop.box, shop.on, shop.folder["tools"]
    box.year("2025-02-17")
    banner = box.template(
        "Own consent banner",
        codes.template(
            "Own consent banner", codes.BANNER, [codes.field("command", needed=True)], may="access_consent get_cookies"
        ),
    )
    box.tag(
        "Banner - consent default",
        banner,
        [ALL_PAGES],
        tools,
        {"priority": {"type": "INTEGER", "value": "900"}},
        command="default",
    )
    box.tag("Banner - consent update", banner, [on["allowed"]], tools, command="update")
    box.html(
        "Tools - markup of products",
        codes.script("var one = {'@type': 'Product', name: {{Page Path}}}; window.markup = JSON.stringify(one);"),
        [on["view_item"]],
        tools,
    )
    box.html(
        "Klaviyo",
        codes.loader("https://static.klaviyo.com/onsite/js/klaviyo.js?company_id=EXAMPL", "klaviyo"),
        [ALL_PAGES],
    )
    box.html("Reviews badge", codes.script("document.querySelector('#badge').hidden = false;"), [on["view_item"]])
    box.html("Untitled Tag", codes.script("console.log({{RT - kind of page}});"), [])
    box.html(
        "first visit cookie",
        codes.script("document.cookie = 'first_visit=' + {{CJS - number of items}} + '; path=/';"),
        [ALL_PAGES],
    )
