"""Conversions: is each of them counted once, when it happens, and with its own worth?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot, is_wide
from harness.scorers.gtm.audit.scripts import piece_of
from harness.scorers.gtm.entities import Entity, canonical
from harness.scorers.gtm.view import View

_ADS = frozenset({"awct", "sgtmadsct", "fls"})
_ORDERS = frozenset({"purchase", "refund", "Purchase"})
_WINS = _ORDERS | frozenset({
    "generate_lead", "sign_up", "subscribe", "start_trial", "Lead", "CompleteRegistration", "Subscribe",
    "StartTrial", "SubmitApplication", "Schedule",
})  # fmt: skip
_REPEATED = frozenset({
    "add_to_cart", "remove_from_cart", "select_item", "view_item", "view_item_list", "AddToCart", "ViewContent",
})  # fmt: skip
_LATE = frozenset({"WINDOW_LOADED", "TIMER"})
_META_ORDER = re.compile(r"""fbq\([^)]{0,400}['"]Purchase['"]([^)]{0,2000})\)""")
_META_VALUE = re.compile(r"""\bvalue['"]?\s*:\s*['"]?\d""")
_META_CURRENCY = re.compile(r"""\bcurrency['"]?\s*:\s*['"](\w*)['"]""")
# ISO 4217, the codes of money that is paid with; funds, metals and test codes are left out.
_CURRENCIES = frozenset({
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF",
    "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS",
    "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD",
    "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL",
    "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD",
    "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD",
    "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SLL", "SOS", "SRD", "SSP", "STN", "SVC",
    "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS",
    "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG", "ZWL",
})  # fmt: skip


def _wins(view: View) -> Iterator[Entity]:
    """Tags that report something that is worth money."""
    for tag in view.container.all("tag"):
        if tag.type in _ADS or view.senders.of(tag).events & _WINS:
            yield tag


def _worth(view: View, tag: Entity) -> Iterator[tuple[str, str, str]]:
    """What a tag says of an order: (order, value or currency, the text, the pointer)."""
    if tag.type in {"awct", "sgtmadsct"}:
        named = (("order", "orderId"), ("value", "conversionValue"), ("currency", "currencyCode"))
        yield from ((what, tag.text(key), tag.at(key)) for what, key in named)
    elif tag.type == "gaawe" and view.senders.of(tag).events & _ORDERS:
        fields = view.values.fields(tag)
        named = (("order", "transaction_id"), ("value", "value"), ("currency", "currency"))
        yield from ((what, fields.get(key, ""), tag.at("eventSettingsTable")) for what, key in named)
    elif tag.type == "html":
        for call in _META_ORDER.findall(piece_of(tag.text("html")).bare):
            yield "value", "1" if _META_VALUE.search(call) else "", tag.at("html")
            currency = _META_CURRENCY.search(call)
            yield "currency", currency.group(1) if currency and "named" not in currency.group(1) else "", tag.at("html")


def _fixed(view: View, wanted: str) -> Iterator[tuple[Entity, str, str]]:
    """Tags for which a part of an order's worth is the same for every order: tag, that text, its pointer."""
    for tag in view.container.all("tag"):
        for what, text, pointer in _worth(view, tag):
            constant = view.values.constant(text) if what == wanted else ""
            if constant and constant.strip():
                yield tag, constant.strip(), pointer


def _order_fixed(view: View) -> Iterator[Spot]:
    for tag, _text, pointer in _fixed(view, "order"):
        yield Spot(tag, "its order id is always the same, so that all orders but one are taken for copies", pointer)


def _value_fixed(view: View) -> Iterator[Spot]:
    """What an enquiry is worth may be a guess that stands; what was paid may not."""
    for tag, _text, pointer in _fixed(view, "value"):
        if view.business == "shop" or view.senders.of(tag).events & _ORDERS:
            yield Spot(tag, "its value is always the same, whatever was paid", pointer)


def _currency_fixed(view: View) -> Iterator[Spot]:
    for tag, text, pointer in _fixed(view, "currency"):
        if text in _CURRENCIES and (view.business == "shop" or view.senders.of(tag).events & _ORDERS):
            yield Spot(tag, f"its currency is always {text}, whatever was paid with", pointer)


def _currency_unknown(view: View) -> Iterator[Spot]:
    for tag, text, pointer in _fixed(view, "currency"):
        if text not in _CURRENCIES:
            yield Spot(tag, f"{text[:20]} is no currency code (ISO 4217): three capital letters such as EUR", pointer)


def _everywhere(view: View) -> Iterator[Spot]:
    for tag in _wins(view):
        if "ads" in view.senders.of(tag).purposes and any(map(is_wide, view.reaching.of(tag).firings)):
            yield Spot(tag, "reports a conversion on every page or every event")


def _late(view: View) -> Iterator[Spot]:
    for tag in _wins(view):
        types = {firing.trigger.type for firing in view.reaching.of(tag).firings if firing.trigger}
        if types & _LATE:
            yield Spot(tag, "waits until the page has loaded or a timer has run: who leaves before is not counted")


def _option(tag: Entity) -> str:
    return canonical(tag.data.get("tagFiringOption"))


def _unlimited(view: View) -> Iterator[Spot]:
    for tag in _wins(view):
        if _option(tag) == "UNLIMITED":
            yield Spot(tag, "may fire several times for one event", f"{tag.pointer}/tagFiringOption")


def _only_once(view: View) -> Iterator[Spot]:
    for tag in view.container.all("tag"):
        repeated = sorted(view.senders.of(tag).events & _REPEATED)
        if repeated and _option(tag) == "ONCE_PER_LOAD":
            yield Spot(tag, f"fires once a page, but {repeated[0]} can happen often", f"{tag.pointer}/tagFiringOption")


RULES = (
    Rule("order-id-fixed", "error", _order_fixed),
    Rule("value-fixed", "error", _value_fixed),
    Rule("currency-fixed", "warning", _currency_fixed),
    Rule("currency-unknown", "error", _currency_unknown),
    Rule("conversion-everywhere", "error", _everywhere),
    Rule("conversion-late", "warning", _late),
    Rule("conversion-unlimited", "error", _unlimited),
    Rule("repeatable-once", "warning", _only_once),
)
