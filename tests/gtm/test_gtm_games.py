"""Moves that would raise a careless score: each is worth nothing here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.errors import InvalidCandidate
from harness.lock import harness_hash
from harness.scorers.gtm import Declared
from tests.gtm.build import ALL_PAGES, CONSENT_INIT, Builder, Json, condition, consent, nine, scored, set_parameter
from tests.gtm.sites import SHOP_ADS, leads, messy_shop, shop

Game = Callable[[Builder], object]


def tags(web: Builder) -> list[Json]:
    return web.arrays["tag"]


def every_tag(**fields: object) -> Game:
    return lambda web: [one.update(fields) for one in tags(web)]


def junk(web: Builder, name: str, kind: str = "html", trigger: str = "", **parameters: object) -> str:
    return web.tag(name, kind, [trigger] if trigger else [], "", None, **parameters)


def unreachable(web: Builder) -> str:
    never = [condition("EQUALS", "{{Page Path}}", "/a"), condition("EQUALS", "{{Page Path}}", "/b")]
    return web.trigger("PV - never", "PAGEVIEW", filter=never)


def everything_in_one_folder(web: Builder) -> None:
    folder = web.folder("All")
    for array in ("tag", "trigger", "variable"):
        for one in web.arrays[array]:
            one["parentFolderId"] = folder


def loop(web: Builder) -> None:
    web.tag("GA4 - loop a", "html", [], "", {"setupTag": [{"tagName": "GA4 - loop b"}]}, html="x")
    web.tag("GA4 - loop b", "html", [], "", {"setupTag": [{"tagName": "GA4 - loop a"}]}, html="x")


def events_on_every_page(web: Builder) -> None:
    for event in ("view_cart", "add_payment_info", "view_item_list"):
        web.tag(f"GA4 - {event}", "gaawe", [ALL_PAGES], "5", None, eventName=event, measurementIdOverride="G-1",
                sendEcommerceData=True)  # fmt: skip


GAMES: dict[str, Game] = {
    "consent needed, of no type": every_tag(consentSettings={"consentStatus": "NEEDED"}),
    "consent needed, of an empty list": every_tag(consentSettings=consent()),
    "consent needed, of an invented type": every_tag(consentSettings=consent("all")),
    "consent declared unneeded": every_tag(consentSettings={"consentStatus": "NOT_NEEDED"}),
    "consent granted by decree": every_tag(consentSettings={"consentStatus": "GRANTED"}),
    "consent of a type that fits nobody": every_tag(consentSettings=consent("security_storage")),
    "an empty tag named as a banner": lambda web: junk(web, "Consent - Init", trigger=CONSENT_INIT, html=""),
    "an invented consent tag": lambda web: junk(web, "Consent - Init", "googtag_init_consent", CONSENT_INIT),
    "a banner that never fires": lambda web: junk(web, "Banner", html="gtag('consent', 'default', {})"),
    "tags with the right names and nothing else": lambda web: [
        junk(web, f"GA4 - {event}") for event in ("view_cart", "add_payment_info", "view_item_list")
    ],
    "events without a trigger": lambda web: junk(
        web, "GA4 - view_cart", "gaawe", eventName="view_cart", measurementIdOverride="G-1"
    ),
    "events on a trigger that is never met": lambda web: junk(
        web, "GA4 - view_cart", "gaawe", unreachable(web), eventName="view_cart", measurementIdOverride="G-1"
    ),
    "events on every page": events_on_every_page,
    "events to nobody": lambda web: junk(web, "GA4 - view_cart", "event_of_ga4", ALL_PAGES, eventName="view_cart"),
    "a linker that never fires": lambda web: junk(web, "Conversion Linker", "gclidw"),
    "a variable named event id": lambda web: web.variable("CJS - Event ID", "jsm", javascript="() => 1"),
    "unused variables with good names": lambda web: [web.layer(f"more.{n}") for n in range(50)],
    "unused triggers with good names": lambda web: [web.event(f"more {n}") for n in range(50)],
    "tags that call each other": loop,
    "every built-in switched on": lambda web: web.built_in(CLICK_ID="Click ID", FORM_ID="Form ID"),
    "empty folders": lambda web: [web.folder(name) for name in ("GA4", "Meta", "Google Ads")],
    "everything in one folder": everything_in_one_folder,
    "notes": every_tag(notes="Meta Purchase GA4 consent ad_storage event_id"),
    "a conversion named in words": lambda web: junk(
        web, "GAds - Order orderLabel", "html", ALL_PAGES, html="AW 111222333/orderLabel"
    ),
    "a Meta event named in words": lambda web: junk(web, "Meta - AddToCart", "html", ALL_PAGES, html="AddToCart"),
    "parameters of blanks": lambda web: [
        set_parameter(one, "measurementIdOverride", "  ") for one in tags(web) if one["type"] == "gaawe"
    ],
    "all paused": every_tag(paused=True),
    "half paused": lambda web: [one.update(paused=True) for one in tags(web)[::2] if one["type"] != "ua"],
}  # fmt: skip


@pytest.mark.parametrize("game", GAMES)
def test_a_game_wins_nothing(game: str) -> None:
    declared = {"business": "shop", "ads": SHOP_ADS}
    data = messy_shop()
    before = scored(data, **declared)
    web = Builder("game")
    web._last, web.arrays = 5000, data["containerVersion"]
    GAMES[game](web)
    after = scored(data, **declared)
    assert after.total <= before.total
    raised = {
        name for name, value in nine(after).items() if value is not None and value > (nine(before)[name] or 0) + 1e-12
    }
    assert raised == set()


def test_there_are_at_least_twenty_five_games() -> None:
    assert len(GAMES) >= 25


def test_a_container_that_fires_nothing_is_worth_nothing() -> None:
    shells = Builder("shells")
    names = ["GA4 - Config", "Conversion Linker", "GAds - Conversion", "Consent - Init"]
    for name in [*names, *(f"GA4 - {n}" for n in range(8))]:
        shells.tag(name, "gaawe", [], "", {"consentSettings": {"consentStatus": "NEEDED"}}, eventName="purchase",
                   measurementIdOverride="junk", sendEcommerceData=True)  # fmt: skip
    shells.tag("Tools - nothing", "html", [ALL_PAGES], html="")
    assert scored(shells.export(), business="shop").total < 0.2
    assert scored(Builder("empty").export() | {"containerVersion": {"tag": []}}).total == 0


@pytest.mark.parametrize("make", [shop, leads])
def test_all_that_is_tidy_and_paused_is_worth_nothing(make: Callable[[], Json]) -> None:
    data = make()
    for one in data["containerVersion"]["tag"]:
        one["paused"] = True
    assert scored(data).total < 0.2


def test_missing_data_is_left_out_and_never_perfect() -> None:
    without = scored(shop(), business="shop")
    assert without.of("ads_alignment") is None
    assert sum(one.weight for one in without.dimensions) == pytest.approx(1)
    for empty in (
        {"meta": {"conversions": []}},
        {"google": {"conversions": [{"id": "1", "label": "x", "count": 0}]}},
        {"meta": {}},
    ):
        assert scored(shop(), business="shop", ads=empty).of("ads_alignment") is None


def test_a_business_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidCandidate, match="one of shop"):
        Declared(business="shopp")


def test_a_business_is_guessed_from_what_is_sent() -> None:
    assert (scored(shop()).business, scored(leads()).business) == ("shop", "lead-generation")
    assert scored(shop()).guessed
    assert not scored(shop(), business="saas").guessed
    assert scored({"containerVersion": {"tag": []}}).business == "site"


def test_triggers_with_different_conditions_are_no_copies() -> None:
    data = shop()
    web = Builder("two")
    web._last, web.arrays = 5000, data["containerVersion"]
    for n, path in enumerate(("/a", "/b")):
        trigger = web.event("survey", "1", [condition("CONTAINS", "{{Page Path}}", path)])
        web.arrays["trigger"][-1]["name"] = f"CE - survey {n}"
        web.tag(
            f"GA4 - survey {n}",
            "gaawe",
            [trigger],
            "1",
            eventName="survey",
            measurementIdOverride="{{Const - GA4 measurement id}}",
        )
    assert {issue.code for issue in scored(data, business="shop").issues} == set()


def test_switched_on_built_ins_are_never_undefined() -> None:
    web = Builder("built-ins")
    web.built_in(PAGE_URL="Page URL", RANDOM_NUMBER="Random Number", HTML_ID="HTML ID", SOMETHING_NEW="Something New")
    web.tag("tag", "html", [ALL_PAGES], html="{{Page URL}} {{Random Number}} {{HTML ID}} {{Something New}} {{_event}}")
    assert not [issue for issue in scored(web.export()).issues if issue.dimension == "variable_hygiene"]


def test_a_secret_is_never_repeated() -> None:
    data = messy_shop()
    token = "EAA" + "Bc9" * 12
    found = scored(data)
    assert [issue.name for issue in found.issues if issue.code == "secret"] == ["Const - token"]
    assert token not in str(found.as_json())


def test_a_secret_on_a_server_is_where_it_belongs() -> None:
    box = Builder("server", "SERVER")
    box.client("GA4", "gaaw_client")
    every = box.trigger("all", "ALWAYS")
    token = box.constant("token", "EAA" + "Bc9" * 12)
    box.tag("GA4 - forward", "sgtmgaaw", [every], note=token)
    found = scored(box.export())
    assert found.of("variable_hygiene") == 1
    assert [issue.severity for issue in found.issues if issue.code == "secret"] == ["info"]


def site_of(events: list[str]) -> Json:
    web = Builder("a site of events")
    web.tag("GA4 - Google tag", "googtag", ["2147479573"], tagId="G-1")
    for event in events:
        web.tag(f"GA4 - {event}", "gaawe", [web.event(event)], eventName=event, measurementIdOverride="G-1")
    return web.export()


@pytest.mark.parametrize(
    ("business", "events"),
    [
        ("publisher", ["scroll", "article_read", "newsletter_signup", "search"]),
        ("saas", ["sign_up", "trial_start", "login", "subscribe"]),
        ("lead-generation", ["request_quote", "click_to_call", "file_download"]),
        ("site", ["anything"]),
    ],
)
def test_every_business_can_be_measured_in_full(business: str, events: list[str]) -> None:
    assert scored(site_of(events), business=business).of("tag_coverage") == 1
    less = scored(site_of(events[1:]), business=business)
    assert (less.of("tag_coverage") or 0) < 1
    assert {"outcome-missing"} == {issue.code for issue in less.issues if issue.dimension == "tag_coverage"}


def test_order_in_what_measures_little_is_worth_little() -> None:
    bare = scored(site_of([]), business="saas")
    whole = scored(site_of(["sign_up", "start_trial", "login", "subscribe"]), business="saas")
    assert bare.of("tag_coverage") == pytest.approx(3 / 14)
    assert bare.credit == pytest.approx(0.15 + 0.85 * 2 * 3 / 14)
    assert whole.credit == 1
    weighed = {one.name: one.weight * one.score for one in bare.dimensions if one.score is not None}
    coverage = weighed.pop("tag_coverage")
    assert bare.total == pytest.approx(coverage + bare.credit * sum(weighed.values()))


def test_standard_and_words_are_part_of_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = tmp_path / "harness"
    shutil.copytree(Path(harness.__file__).parent, copied)
    monkeypatch.setattr(harness, "__file__", str(copied / "__init__.py"))
    before = harness_hash.__wrapped__()
    assert before == harness_hash.__wrapped__()
    standard = copied / "scorers" / "gtm" / "profiles.yaml"
    standard.write_text(standard.read_text(encoding="utf-8").replace("purchase: 5", "purchase: 4"), encoding="utf-8")
    assert harness_hash.__wrapped__() != before
