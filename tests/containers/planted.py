"""What was planted in Fernhollow's container, written down by hand: which fault at which entity, and what is clean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.scorers.gtm.checks import Issue


class Planted(NamedTuple):
    """A fault. name: the entity's; of a fault of the whole container "" and what its message begins with."""

    code: str
    kind: str
    name: str
    message: str = ""

    def is_told_by(self, issue: Issue) -> bool:
        same = (issue.code, issue.entity, issue.name) == (self.code, self.kind, self.name)
        return same and issue.message.startswith(self.message)


_BY_CODE = {
    ("dead-product", "tag"): [
        "GA Event Basket", "GA Event PDF", "GA Event Outbound", "GA Order", "GA Pageview", "pw_ua_scroll",
        "pw_optimize",
    ],
    ("outcome-impaired", "tag"): ["GA4 - begin_checkout", "GA4 Event purchase", "GA4 Event payment"],
    ("linker-missing", "tag"): ["AdWords Order"],
    ("parameter-missing", "tag"): ["AdWords Order", "Meta Registration", "enhanced conversions (old)", "test"],
    ("event-parameter-missing", "tag"): ["GA4 Event view item", "GA4 Event add to cart"],
    ("sent-twice", "tag"): ["Facebook Purchase", "GA4 Event add to cart", "GA4 Konfiguration", "pw_fb_base"],
    ("order-id-missing", "tag"): ["AdWords Order", "Google Ads first order", "GA4 purchase old"],
    ("event-id-missing", "tag"): [
        "Facebook Purchase", "Copy of Facebook Purchase", "Meta - InitiateCheckout", "Meta Registration", "Meta lead",
        "pw_fb_checkout", "pw_fb_stock",
    ],
    ("event-id-constant", "tag"): ["Facebook AddToCart"],
    ("consent-default-late", "tag"): ["Banner - consent default"],
    ("consent-without-types", "tag"): ["Facebook Purchase", "Meta - InitiateCheckout"],
    ("consent-word", "tag"): ["Snapchat purchase"],
    ("consent-hard-block", "tag"): ["Google Ads first order"],
    ("consent-type-missing", "tag"): [
        "pw_fb_base", "pw_fb_addtocart", "pw_fb_checkout", "pw_fb_stock", "Meta Registration", "Meta lead",
        "TikTok Basis", "TikTok cart", "TikTok checkout", "TikTok Kauf", "Pinterest base", "Pinterest cart",
        "Pinterest signup", "Bing UET", "bing order", "LinkedIn", "Snapchat base", "twitter order", "Taboola",
        "Hotjar", "Klaviyo", "adwords phone call",
    ],
    ("name-says-nothing", "tag"): ["test", "Copy of Facebook Purchase", "Copy of GA4 Event add to cart"],
    ("name-without-kind", "trigger"): ["view_item", "chat_open", "filter_used", "store_finder"],
    ("variable-unused", "variable"): [
        "orderNumber", "scrollPercent", "HotlineNumber", "utm_medium", "pw_referrer_host", "pw_lookup_shop",
        "pw_dl_brand", "CJS - today", "JS - viewport", "AEV - click target", "Const - old measurement id",
        "DLV - ecommerce.tax",
    ],
    ("variable-twice", "variable"): ["DLV - user.kind", "pw_dl_revenue", "pw_dl_currency", "pw_pixel"],
    ("data-layer-version", "variable"): ["pw_dl_stock", "pw_dl_sku", "orderTotal"],
    ("variable-empty", "variable"): ["CJS - hashed mail"],
    ("reference-undefined", "tag"): ["Matomo test"],
    ("secret", "variable"): ["pw_fb_token"],
    ("tag-cannot-fire", "tag"): ["GA4 Event purchase", "Facebook payment", "pw_fb_wishlist", "GA4 error page"],
    ("trigger-unused", "trigger"): [
        "All Clicks", "Newsletter footer", "CE - quick_view", "CE - b2b_login", "Error page", "pw_trigger_leadform",
    ],
    ("trigger-never", "trigger"): ["pw_trigger_wishlist"],
    ("trigger-twice", "trigger"): ["pw_trigger_addtocart"],
}  # fmt: skip
_OF_THE_WHOLE = [
    Planted("outcome-missing", "container", "", "view_item_list"),
    Planted("outcome-missing", "container", "", "view_cart"),
    Planted("conversion-not-sent", "container", "", "Meta counts AddPaymentInfo"),
    Planted("conversion-not-sent", "tag", "AdWords Order", 'Google Ads counts "Phone call"'),
    Planted("conversion-not-sent", "tag", "AdWords Order", 'Google Ads counts "Catalogue by post"'),
]


def planted() -> Iterator[Planted]:
    for (code, kind), names in _BY_CODE.items():
        yield from (Planted(code, kind, name) for name in names)
    yield from _OF_THE_WHOLE


CLEAN = {  # made with care; nothing of them may change, whatever is put right around them
    "tag": [
        "GA4 - Google tag", "GA4 - select_item", "GA4 - remove_from_cart", "GA4 - add_shipping_info", "GA4 - search",
        "GA4 - sign_up", "GA4 - login", "GA4 - refund", "GAds - newsletter", "GAds - user data", "Meta - ViewContent",
        "Meta - Search", "Hotjar - checkout", "Banner - consent update",
    ],
    "trigger": [
        "CE - purchase", "CE - select_item", "CE - purchase above 150", "CE - purchase of new customer", "CE - login",
        "CE - search", "CE - sign_up", "CE - consent given", "Link - mail", "Link - call", "Timer - half a minute",
        "Scroll - three quarters", "Group - listed and read",
    ],
    "variable": [
        "DLV - ecommerce.value", "DLV - ecommerce.currency", "DLV - event_id", "DLV - page.kind", "DLV - search_term",
        "LT - GA4 measurement id", "LT - language", "Const - Meta pixel", "Const - Google Ads account",
        "RT - kind of page", "Settings - Google tag", "CJS - number of items",
    ],
    "folder": ["GA4", "Google Ads", "Meta", "Tools", "Pixelwerk"],
    "template": ["Meta pixel of Bluebird", "LinkedIn insight", "Own consent banner"],
}  # fmt: skip
