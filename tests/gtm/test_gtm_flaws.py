"""Flaws that other scores of containers were found to have, one by one: none of them is here."""

from __future__ import annotations

import copy

import pytest

from tests.gtm.build import ALL_PAGES, Builder, Json, condition, consent, nine, scored, set_parameter, the
from tests.gtm.plants import SECRET, fires_on
from tests.gtm.sites import SHOP_ADS, SITES, messy_shop, server, shop

SHOP = {"business": "shop", "ads": SHOP_ADS}


def on(data: Json) -> Builder:
    web = Builder("more")
    web._last, web.arrays = 5000, data["containerVersion"]
    return web


def codes(data: Json, **declared: object) -> set[str]:
    return {issue.code for issue in scored(data, **(declared or SHOP)).issues}


def test_needed_without_types_on_every_tag_never_raises_any_site() -> None:
    for make, declared in [*SITES.values(), (messy_shop, SHOP)]:
        data = make()
        before = scored(data, **declared)
        for tag in data["containerVersion"]["tag"]:
            tag["consentSettings"] = {"consentStatus": "NEEDED"}
        after = scored(data, **declared)
        assert after.total < before.total
        assert (after.of("consent") or 0) < (before.of("consent") or 0)


def test_an_invented_tag_type_earns_nothing() -> None:
    data = shop()
    before = scored(data, **SHOP)
    on(data).tag("Consent - Init", "googtag_init_consent", [ALL_PAGES], "5")
    after = scored(data, **SHOP)
    assert after.total <= before.total
    assert any("googtag_init_consent" in one.what for one in after.not_judged)


def test_an_invented_trigger_type_fires_no_consent_default() -> None:
    data = shop()
    web = on(data)
    invented = web.trigger("Consent - init", "CONSENT_INITIALIZATION_ALL_PAGES", "5")
    the(data, "tag", "Banner - consent defaults")["firingTriggerId"] = [invented]
    found = scored(data, **SHOP)
    assert (found.of("consent") or 0) < 1
    assert any("CONSENT_INITIALIZATION_ALL_PAGES" in one.what for one in found.not_judged)


def test_a_copied_trigger_that_fires_nothing_is_told() -> None:
    data = shop()
    on(data).event("add_payment_info", "1")
    assert codes(data) == {"name-twice", "trigger-unused"} or codes(data) == {"trigger-unused"}


@pytest.mark.parametrize(
    ("tag", "trigger"), [("GA4 - select_item", "CE - view_cart"), ("GA4 - add_payment_info", "CE - begin_checkout")]
)
def test_a_step_on_another_step_is_not_measured_in_full(tag: str, trigger: str) -> None:
    data = shop()
    fires_on(tag, trigger)(data)
    found = scored(data, **SHOP)
    assert found.total < 1
    assert {"outcome-impaired", "trigger-unused"} & {issue.code for issue in found.issues}


def test_a_step_on_a_page_view_is_not_measured() -> None:
    data = shop()
    fires_on("GA4 - add_payment_info", ALL_PAGES)(data)
    assert "outcome-impaired" in codes(data)


def test_the_systems_triggers_are_never_missing() -> None:
    web = Builder("system")
    for trigger in ("2147479553", "2147479572", "2147479573", "2147479999"):
        web.tag(f"GA4 - {trigger}", "googtag", [trigger], tagId="G-OWN1")
    assert not {"trigger-undefined", "tag-cannot-fire"} & codes(web.export())


def test_a_rename_changes_no_issue_but_those_of_names() -> None:
    data = messy_shop()
    before = {(one.dimension, one.code, one.id) for one in scored(data, **SHOP).issues if one.dimension != "naming"}
    for n, one in enumerate(data["containerVersion"]["tag"]):
        one["name"] += f" renamed {n}" if one["name"] != "Meta - base" else ""
    after = {(one.dimension, one.code, one.id) for one in scored(data, **SHOP).issues if one.dimension != "naming"}
    assert after == before


def test_each_dimension_falls_visibly_although_the_total_hardly_moves() -> None:
    data = shop()
    the(data, "tag", "Hotjar - base")["consentSettings"] = {"consentStatus": "NOT_SET"}
    found = nine(scored(data, **SHOP))
    assert [name for name, value in found.items() if value != 1] == ["consent"]


def test_weights_are_of_the_dimensions_that_were_judged() -> None:
    for declared in (SHOP, {"business": "shop"}):
        found = scored(shop(), **declared)
        assert sum(one.weight for one in found.dimensions) == pytest.approx(1)
        assert {one.name for one in found.dimensions if one.score is None} == {
            one.name for one in found.dimensions if one.weight == 0
        }


def test_every_switched_on_built_in_and_system_variable_is_defined() -> None:
    web = Builder("built-ins")
    web.built_in(FORM_ID="Form ID", SCROLL_DEPTH_THRESHOLD="Scroll Depth Threshold", ERROR_MESSAGE="Error Message")
    text = "{{Form ID}} {{Scroll Depth Threshold}} {{Error Message}} {{_event}} {{_url}} {{_referrer}} {{_triggers}}"
    web.tag("tag", "html", [ALL_PAGES], html=text)
    assert not {"reference-undefined", "built-in-off"} & codes(web.export())


@pytest.mark.parametrize("where", ["trigger", "variable", "setup", "template"])
def test_a_variable_that_anything_uses_is_no_orphan(where: str) -> None:
    data = shop()
    web = on(data)
    name = web.layer("fresh", "1")
    if where == "trigger":
        the(data, "trigger", "CE - login")["filter"] = [condition("EQUALS", name, "1")]
    elif where == "variable":
        set_parameter(the(data, "variable", "CJS - event id"), "javascript", f"function() {{ return {name}; }}")
    elif where == "setup":
        web.tag("Tools - before", "html", [], "5", html=f"<script>log({name})</script>")
        the(data, "tag", "Meta - base")["setupTag"] = [{"tagName": "Tools - before"}]
    else:
        kind = web.template("T", "TTTTT", "log()", [{"type": "TEXT", "name": "a", "defaultValue": name}])
        web.tag("Tools - t", kind, [ALL_PAGES], "5")
    assert "DLV - fresh" not in {one.name for one in scored(data, **SHOP).issues if one.code == "variable-unused"}


def test_a_blocking_trigger_is_no_orphan() -> None:
    data = shop()
    web = on(data)
    block = web.trigger("PV - thanks", "PAGEVIEW", "1", filter=[condition("EQUALS", "{{Page Path}}", "/thanks")])
    the(data, "tag", "Hotjar - base")["blockingTriggerId"] = [block]
    assert codes(data) == set()


def test_one_event_under_different_conditions_is_no_copy() -> None:
    data = shop()
    web = on(data)
    for path in ("/a", "/b"):
        one = web.event("quiz", "1", [condition("STARTS_WITH", "{{Page Path}}", path)])
        web.arrays["trigger"][-1]["name"] = f"CE - quiz {path[1]}{path[1]}"
        web.tag(f"GA4 - quiz {path[1]}{path[1]}", "gaawe", [one], "1", eventName="quiz",
                measurementIdOverride="{{Const - GA4 measurement id}}")  # fmt: skip
    assert not {"trigger-twice", "sent-twice"} & codes(data)


def test_a_pixel_is_found_by_what_it_sends_not_by_its_name() -> None:
    data = shop()
    for tag in data["containerVersion"]["tag"]:
        if tag["name"].startswith("Meta - ") and tag["name"] != "Meta - base":
            tag["name"] = f"Pixel - {tag['name'][7:]}"
            tag["consentSettings"] = {"consentStatus": "NOT_SET"}
    found = {one.name for one in scored(data, **SHOP).issues if one.code == "consent-type-missing"}
    assert found == {"Pixel - Purchase", "Pixel - AddToCart", "Pixel - InitiateCheckout", "Pixel - ViewContent"}


def test_a_good_server_is_as_good_as_a_good_site() -> None:
    assert scored(server(), **SHOP).total == pytest.approx(1)


def test_a_dead_product_is_noticed() -> None:
    data = shop()
    on(data).tag("GA - old", "ua", [ALL_PAGES], "1", None, trackingId="UA-1-1")
    assert "dead-product" in codes(data)
    assert scored(data, **SHOP).total < 1


def test_an_empty_consent_tag_with_a_good_name_raises_nothing() -> None:
    data = messy_shop()
    before = scored(data, **SHOP)
    on(data).tag("Consent - Init", "html", ["2147479572"], "", {"consentSettings": consent()}, html="")
    assert scored(data, **SHOP).total <= before.total


def test_no_data_on_ads_is_no_full_mark() -> None:
    for ads in (None, {}, {"meta": {"conversions": []}}, {"google": {"conversions": [{"id": "1", "label": "a"}]}}):
        assert scored(shop(), business="shop", ads=ads).of("ads_alignment") is None


def test_a_secret_in_a_constant_is_told_and_never_repeated() -> None:
    data = copy.deepcopy(shop())
    set_parameter(the(data, "variable", "Const - Meta pixel"), "note", SECRET)
    found = scored(data, **SHOP)
    assert "secret" in {issue.code for issue in found.issues}
    assert SECRET not in str(found.as_json())
