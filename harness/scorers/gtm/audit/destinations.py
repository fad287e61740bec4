"""Destinations: does everything go to one place, and to a real one?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from harness.scorers.gtm.audit.findings import Rule, Spot, by_age, later_copies
from harness.scorers.gtm.entities import Entity, canonical, objects, remembered, text_of
from harness.scorers.gtm.known import catalogue, tag_facts
from harness.scorers.gtm.view import View

_GOOGLE_TAGS = frozenset({"googtag", "gaawc"})
_ONE_ACCOUNT = ("ga4", "meta", "hotjar", "microsoft_ads")  # ads networks of Google have several by nature
_PLACEHOLDER = re.compile(
    r"(?:G|GT|UA|AW|DC|GTM)-(?:X+|0+|1+|TEST\w*|YOUR\w*)(?:-[\dX]+)?|X{3,}|0{4,}|1{6,}|1?23456789(?:0(?:12345)?)?|"
    r".*(?:your[ _-]?|my[ _-]?)(?:id|pixel|tag|account|measurement|conversion|container)\b.*|"
    r".*(?:placeholder|change[ _-]?me|replace[ _-]?me).*|(?:[A-Z]+_)+ID|<.*>|todo|tbd|test|example",
    re.IGNORECASE,
)
_SHAPES = {  # by the parameter that holds the id
    "measurementId": re.compile(r"G-[A-Z0-9]+"),
    "measurementIdOverride": re.compile(r"G-[A-Z0-9]+"),
    "conversionId": re.compile(r"(?:AW-)?\d+"),
    "trackingId": re.compile(r"UA-\d+-\d+"),
    "hotjar_site_id": re.compile(r"\d+"),
}
_GOOGLE_TAG_ID = re.compile(r"(?:G|GT|AW|DC|UA|MC)-[A-Z0-9-]+")
_TEST_HOST = re.compile(
    r"(?:https?:)?//(?:[^/\s'\"@]{0,99}@)?(?:localhost|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|"
    r"(?:[\w-]{1,63}\.){0,9}(?:staging|stage|dev|uat|qa|preprod|test)\d?\.[\w.-]{1,253}|[\w.-]{1,253}\.(?:local|ngrok\.io|ngrok-free\.app|test))(?=[:/?#'\"\s]|$)",
    re.IGNORECASE,
)


def _ids(view: View) -> Iterator[tuple[Entity, str, str]]:
    """Constant ids that tags send to, each once, at its oldest tag: the tag, the parameter, the id."""
    told: set[tuple[str, str]] = set()
    for tag in by_age(view.container.all("tag")):
        for key in _id_keys(tag):
            value = (view.values.constant(tag.text(key)) or "").strip()
            if value and (key, value) not in told:
                told.add((key, value))
                yield tag, key, value


@remembered
def _id_keys(tag: Entity) -> list[str]:
    """The parameters that hold ids; of the two ages of a measurement id the one that counts."""
    keys = [key for key in tag_facts(tag.type).get("destination", []) if tag.text(key)]
    if not all(key.startswith("measurement") for key in keys):
        return keys
    named = [one for _n, one in objects(tag.data.get("parameter")) if canonical(one.get("type")) == "TAG_REFERENCE"]
    return [key for key in keys[:1] if key not in {text_of(one.get("key")) for one in named}]


def _accounts(view: View) -> Iterator[tuple[Entity, str, str]]:
    """Of each tag that sends to a vendor of one account: the tag, the vendor, the constant id."""
    for tag in by_age(view.container.all("tag")):
        sender = view.senders.of(tag)
        to = sender.destination[0] if sender.destination else ""
        known = view.values.constant(to) if to else None
        if sender.vendor in _ONE_ACCOUNT and known and not known.startswith("GT-"):
            yield tag, sender.vendor, known


def _several(view: View) -> Iterator[Spot]:
    """The id of most tags stands, then that of the oldest. Each other id is told once, at its oldest tag."""
    found = list(_accounts(view))
    for vendor in _ONE_ACCOUNT:
        counted = Counter(to for _tag, whose, to in found if whose == vendor)
        usual = next(iter(counted.most_common(1)), ("", 0))[0]
        told: set[str] = {usual}
        for tag, whose, to in found:
            if whose == vendor and to not in told:
                told.add(to)
                title = catalogue()["vendors"][vendor]["title"]
                yield Spot(tag, f"sends to {to[:40]}, while other tags send to {title}'s {usual[:40]}")


def _initialised(view: View) -> Iterator[Spot]:
    """A Google tag, or a pixel's init, of one id in several tags that fire: the vendor is started twice."""

    def started(tag: Entity) -> object:
        sender = view.senders.of(tag)
        starts = tag.type in _GOOGLE_TAGS or (tag.type == "html" and re.search(r"fbq\(\s*['\"]init", tag.text("html")))
        to = view.values.constant(sender.destination[0]) if sender.destination else None
        return (sender.vendor, to) if starts and to and view.reaching.of(tag).fires else None

    for tag, first in later_copies(view.container.all("tag"), started):
        yield Spot(tag, f'starts what tag "{first.name}" has started already, with the same id')


def _placeholder(view: View) -> Iterator[Spot]:
    for tag, key, value in _ids(view):
        if _PLACEHOLDER.fullmatch(value):
            yield Spot(tag, f"{key} is a placeholder, and no id", tag.at(key))


def _misshapen(view: View) -> Iterator[Spot]:
    for tag, key, value in _ids(view):
        shape = _GOOGLE_TAG_ID if tag.type == "googtag" else _SHAPES.get(key)
        if shape and not shape.fullmatch(value) and not _PLACEHOLDER.fullmatch(value):
            yield Spot(tag, f"{key} has not the shape of such an id: {value[:40]}", tag.at(key))


def _test_host(view: View) -> Iterator[Spot]:
    """Lookups by host name may well name a test server: for the test site."""
    constants = [one for one in view.container.all("variable") if one.type in {"c", "gtcs", "gtes"}]
    for one in (*view.container.all("tag"), *constants):
        for text in one.texts:
            if "//" in text.text and _TEST_HOST.search(text.text):
                yield Spot(one, "names a test server or this very machine", text.pointer)


def _alone(view: View) -> Iterator[Spot]:
    """A GA4 event to an id that no Google tag of the container knows, while all of them are known."""
    google = [tag for tag in view.container.all("tag") if tag.type in _GOOGLE_TAGS]
    ids = {view.values.constant(view.senders.of(tag).destination[0]) for tag in google}
    if not ids or None in ids or any(one and not one.startswith("G-") for one in ids):
        return
    for tag in by_age(view.container.all("tag")):
        if tag.type == "gaawe":
            to = view.values.constant(view.senders.of(tag).destination[0])
            if to and to not in ids:
                yield Spot(
                    tag,
                    f"sends to {to[:40]}, for which the container has no Google tag",
                    tag.at("measurementIdOverride"),
                )


RULES = (
    Rule("destination-several", "warning", _several),
    Rule("destination-started-twice", "warning", _initialised),
    Rule("destination-placeholder", "error", _placeholder),
    Rule("destination-misshapen", "error", _misshapen),
    Rule("destination-for-tests", "error", _test_host),
    Rule("destination-alone", "warning", _alone),
)
