"""Each operator on a small fault: what it changes, what it carries along, and what it does not touch."""

from __future__ import annotations

import copy
from typing import Any

from harness.scorers.gtm.policy import Policy
from tests.gtm.build import (
    ALL_PAGES,
    CONSENT_INIT,
    Builder,
    Json,
    condition,
    consent,
    parameter,
    rows,
    set_parameter,
    the,
)
from tests.gtm.sites import LEAD_ADS, SHOP_ADS, leads, server, shop
from tests.repair.benches import CAUTIOUS, OPEN, bench_of, entities, mended, offers, touched

SHOP: dict[str, Any] = {"business": "shop", "ads": SHOP_ADS}
LEADS: dict[str, Any] = {"business": "lead-generation", "ads": LEAD_ADS}


def value_of(entity: Json, key: str) -> Any:
    return next((one.get("value", one.get("list")) for one in entity["parameter"] if one["key"] == key), None)


def without(data: Json, array: str, name: str) -> Json:
    version = data["containerVersion"]
    version[array] = [one for one in version[array] if one["name"] != name]
    return data


def added(before: Json, now: Json) -> list[tuple[str, str]]:
    return sorted(set(entities(now)) - set(entities(before)))


def test_an_outcome_is_measured_as_its_siblings_are() -> None:
    data = without(shop(), "tag", "GA4 - view_cart")
    now = mended(data, "outcomes", CAUTIOUS, **SHOP)
    (kind, id_) = added(data, now)[0]
    tag, like = entities(now)[kind, id_], the(now, "tag", "GA4 - add_to_cart")
    assert (tag["name"], tag["type"], tag["parentFolderId"]) == ("GA4 - view_cart", "gaawe", like["parentFolderId"])
    assert tag["firingTriggerId"] == [the(now, "trigger", "CE - view_cart")["triggerId"]]
    for key in ("measurementIdOverride", "eventSettingsVariable", "sendEcommerceData"):
        assert value_of(tag, key) == value_of(like, key)
    assert touched(data, now) == set()


def test_an_outcome_without_a_trigger_gets_one_where_google_documents_the_event() -> None:
    data = without(without(shop(), "tag", "GA4 - view_cart"), "trigger", "CE - view_cart")
    now = mended(data, "outcomes", CAUTIOUS, **SHOP)
    made = the(now, "trigger", "CE - view_cart")
    assert made["customEventFilter"] == [condition("EQUALS", "{{_event}}", "view_cart")]
    assert the(now, "tag", "GA4 - view_cart")["firingTriggerId"] == [made["triggerId"]]


def test_a_lead_is_measured_where_meta_is_told_of_one() -> None:
    data = without(leads(), "tag", "GA4 - generate_lead")
    now = mended(data, "outcomes", CAUTIOUS, **LEADS)
    assert (
        the(now, "tag", "GA4 - generate_lead")["firingTriggerId"] == the(now, "tag", "Meta - lead")["firingTriggerId"]
    )


def test_nothing_is_measured_where_nothing_tells_of_it() -> None:
    data = without(without(leads(), "tag", "GA4 - generate_lead"), "tag", "Meta - lead")
    bench = bench_of(data, OPEN, **LEADS)
    assert offers(bench, "outcomes") == []


def test_a_page_is_counted_by_a_google_tag_of_the_same_id() -> None:
    data = without(leads(), "tag", "GA4 - Google tag")
    now = mended(data, "outcomes", CAUTIOUS, **LEADS)
    assert value_of(the(now, "tag", "GA4 - Google tag"), "tagId") == "{{Const - GA4 measurement id}}"


def test_no_google_tag_for_a_placeholder_or_one_of_two() -> None:
    for ids in (["G-XXXXXXXXXX"], ["YOUR_ID"], ["%%GA4%%"], ["G-AAAA1111BB", "G-CCCC2222DD"]):
        web = Builder("Two")
        for n, id_ in enumerate(ids * 2):
            web.tag(f"GA4 - {n}", "gaawe", [web.event(f"e{n}")], eventName=f"e{n}", measurementIdOverride=id_)
        assert offers(bench_of(web.export(), OPEN, business="shop"), "outcomes") == []


def test_a_linker_is_added_once_and_elsewhere_on_a_server() -> None:
    web = mended(without(shop(), "tag", "GAds - conversion linker"), "linker", CAUTIOUS, **SHOP)
    assert [one["firingTriggerId"] for one in web["containerVersion"]["tag"] if one["type"] == "gclidw"] == [
        [ALL_PAGES]
    ]
    data = without(server(), "tag", "GAds - linker")
    box = mended(data, "linker", CAUTIOUS, **SHOP)
    made = next(one for one in box["containerVersion"]["tag"] if one["type"] == "sgtmadscl")
    assert made["firingTriggerId"] == the(box, "tag", "GAds - order")["firingTriggerId"]


def test_a_conversion_is_sent_beside_the_one_of_another_label() -> None:
    data = shop()
    set_parameter(the(data, "tag", "GAds - order"), "conversionLabel", "oldLabel")
    now = mended(data, "conversions", CAUTIOUS, **SHOP)
    labels = {value_of(one, "conversionLabel") for one in now["containerVersion"]["tag"] if one["type"] == "awct"}
    assert labels == {"oldLabel", "orderLabel"}
    assert touched(data, now) == set()


def test_parameters_come_from_the_container_itself() -> None:
    data = shop()
    for name, key in (("GA4 - login", "measurementIdOverride"), ("GAds - remarketing", "conversionId")):
        set_parameter(the(data, "tag", name), key, "")
    for key in ("conversionValue", "currencyCode"):
        set_parameter(the(data, "tag", "GAds - order"), key, None)
    now = mended(data, "parameters", CAUTIOUS, **SHOP)
    assert value_of(the(now, "tag", "GA4 - login"), "measurementIdOverride") == "{{Const - GA4 measurement id}}"
    assert value_of(the(now, "tag", "GAds - remarketing"), "conversionId") == "{{Const - Google Ads account}}"
    assert value_of(the(now, "tag", "GAds - order"), "currencyCode") == "{{DLV - ecommerce.currency}}"
    assert added(data, now) == []


def test_an_event_carries_what_it_must_in_its_own_table() -> None:
    data = shop()
    tag = the(data, "tag", "GA4 - add_to_cart")
    set_parameter(tag, "sendEcommerceData", False)
    set_parameter(tag, "eventSettingsTable", rows({"shop": "north", "value": ""}))
    now = mended(data, "events", CAUTIOUS, **SHOP)
    listed = [
        {part["key"]: part["value"] for part in row["map"]}
        for row in value_of(the(now, "tag", "GA4 - add_to_cart"), "eventSettingsTable")
    ]
    found = {row["parameter"]: row["parameterValue"] for row in listed}
    assert len(listed) == len(found)
    assert found == {
        "shop": "north", "value": "{{DLV - ecommerce.value}}", "currency": "{{DLV - ecommerce.currency}}",
        "items": "{{DLV - ecommerce.items}}",
    }  # fmt: skip
    assert value_of(the(now, "variable", "DLV - ecommerce.items"), "name") == "ecommerce.items"
    assert value_of(the(now, "tag", "GA4 - add_to_cart"), "sendEcommerceData") == "false"


def test_a_tag_that_never_said_sends_the_ecommerce_object() -> None:
    data = shop()
    tag = the(data, "tag", "GA4 - add_to_cart")
    set_parameter(tag, "sendEcommerceData", None)
    now = mended(data, "events", CAUTIOUS, **SHOP)
    assert value_of(the(now, "tag", "GA4 - add_to_cart"), "sendEcommerceData") == "true"


def test_orders_carry_their_id() -> None:
    data = shop()
    set_parameter(the(data, "tag", "GAds - order"), "orderId", None)
    now = mended(data, "orders", CAUTIOUS, **SHOP)
    assert value_of(the(now, "tag", "GAds - order"), "orderId") == "{{DLV - ecommerce.transaction_id}}"
    assert touched(data, now) == {("tag", the(data, "tag", "GAds - order")["tagId"])}


def test_an_event_id_goes_into_the_field_of_a_template_but_into_no_code_unless_allowed() -> None:
    data = shop()
    the(data, "tag", "Meta - Purchase")["parameter"][0]["value"] = (
        "<script>fbq('track', 'Purchase', {value: 1, currency: 'EUR'});</script>"
    )
    assert offers(bench_of(data, CAUTIOUS, **SHOP), "event-ids") == []
    now = mended(data, "event-ids", OPEN, **SHOP)
    assert "{eventID: '{{CJS - event id}}'}" in value_of(the(now, "tag", "Meta - Purchase"), "html")
    assert touched(data, now) == {("tag", the(data, "tag", "Meta - Purchase")["tagId"])}


def test_consent_is_that_of_what_is_sent() -> None:
    data = shop()
    the(data, "tag", "Hotjar - base")["consentSettings"] = {"consentStatus": "NEEDED"}
    the(data, "tag", "LinkedIn - insight")["consentSettings"] = consent("ad_user_data")
    now = mended(data, "consents", CAUTIOUS, **SHOP)
    assert the(now, "tag", "Hotjar - base")["consentSettings"] == consent("analytics_storage")
    assert the(now, "tag", "LinkedIn - insight")["consentSettings"] == consent("ad_storage", "ad_user_data")


def test_of_what_nobody_knows_no_consent_is_made_up() -> None:
    data = shop()
    log = the(data, "tag", "Tools - log")
    log["parameter"] = [
        {"type": "TEMPLATE", "key": "html", "value": "<script src='https://cdn.unknown.example/a.js'></script>"}
    ]
    log["consentSettings"] = {"consentStatus": "NEEDED"}
    assert offers(bench_of(data, OPEN, **SHOP), "consents") == []


def test_a_copy_that_only_consent_sets_apart_is_let_be() -> None:
    data = shop()
    one = the(data, "tag", "Pinterest - purchase")
    data["containerVersion"]["tag"].append(
        {
            **copy.deepcopy(one),
            "tagId": "990",
            "name": "Pinterest - again",
            "consentSettings": {"consentStatus": "NOT_SET"},
        }
    )
    bench = bench_of(data, OPEN, **SHOP)
    assert offers(bench, "consents") == []
    assert offers(bench, "twin-tags")


def test_a_default_comes_first_and_one_that_answers_to_a_choice_stays() -> None:
    data = without(shop(), "tag", "Banner - consent defaults")
    now = mended(data, "defaults", CAUTIOUS, **SHOP)
    assert the(now, "tag", "Banner - consent update") == the(data, "tag", "Banner - consent update")
    made = entities(now)[added(data, now)[0]]
    assert (made["firingTriggerId"], made["type"]) == (
        [CONSENT_INIT],
        the(data, "tag", "Banner - consent update")["type"],
    )


def test_names_are_carried_to_whoever_says_them() -> None:
    data = shop()
    the(data, "tag", "Meta - base")["name"] = "Untitled Tag"
    for one in data["containerVersion"]["tag"]:
        for before in one.get("setupTag", []):
            before["tagName"] = "Untitled Tag"
    now = mended(data, "names", CAUTIOUS, **SHOP)
    assert the(now, "tag", "Meta - Purchase")["setupTag"][0]["tagName"] == "Meta - PageView"
    variable = shop()
    the(variable, "variable", "Const - GA4 measurement id")["name"] = "measurement"
    for one in variable["containerVersion"]["tag"]:
        for part in one.get("parameter", []):
            if part.get("value") == "{{Const - GA4 measurement id}}":
                part["value"] = "{{measurement}}"
    now = mended(variable, "names", CAUTIOUS, **SHOP)
    assert value_of(the(now, "tag", "GA4 - login"), "measurementIdOverride") == "{{Const - measurement}}"


def test_names_follow_the_containers_own_scheme() -> None:
    web = Builder("Own scheme")
    measurement = web.constant("GA4 id", "G-ABCD1234EF")
    for n, name in enumerate(("cart", "order", "refund")):
        web.tag(
            f"Google Analytics | {name}",
            "gaawe",
            [web.event(f"e{n}")],
            eventName=f"e{n}",
            measurementIdOverride=measurement,
        )
    web.tag("login", "gaawe", [web.event("login")], eventName="login", measurementIdOverride=measurement)
    now = mended(web.export(), "names", CAUTIOUS, business="site")
    assert "Google Analytics | login" in {one["name"] for one in now["containerVersion"]["tag"]}


def test_two_of_one_name_are_told_apart_by_what_they_do() -> None:
    data = shop()
    the(data, "tag", "GA4 - login")["name"] = "GA4 - search"
    now = mended(data, "names", CAUTIOUS, **SHOP)
    assert touched(data, now) == {("tag", the(shop(), "tag", "GA4 - login")["tagId"])}
    assert the(now, "tag", "GA4 - login")


def test_folders_are_those_of_the_vendor_and_new_where_there_is_none() -> None:
    data = shop()
    for array in ("tag", "trigger", "variable"):
        for one in data["containerVersion"][array]:
            one.pop("parentFolderId", None)
    data["containerVersion"].pop("folder")
    now = mended(data, "folders", CAUTIOUS, **SHOP)
    names = {one["folderId"]: one["name"] for one in now["containerVersion"]["folder"]}
    assert {"GA4", "Google Ads", "Meta"} <= set(names.values())
    assert names[the(now, "tag", "Meta - Purchase")["parentFolderId"]] == "Meta"
    assert names[the(now, "trigger", "CE - login")["parentFolderId"]] == "GA4"


def test_folders_that_the_policy_does_not_let_be_made_are_not() -> None:
    data = shop()
    for one in data["containerVersion"]["tag"]:
        one.pop("parentFolderId", None)
    data["containerVersion"].pop("folder")
    assert offers(bench_of(data, Policy(add=frozenset({"tag"})), **SHOP), "folders") == []


def test_what_is_unused_goes_where_that_is_allowed_and_together() -> None:
    data = shop()
    key, code = parameter("name", "a"), parameter("javascript", "function() { return {{DLV - a}}; }")
    data["containerVersion"]["variable"] += [
        {"variableId": "901", "name": "DLV - a", "type": "v", "parameter": [key]},
        {"variableId": "902", "name": "CJS - b", "type": "jsm", "parameter": [code]},
    ]
    assert offers(bench_of(data, CAUTIOUS, **SHOP), "unused-variables") == []
    now = mended(data, "unused-variables", OPEN, **SHOP)
    assert touched(data, now) == {("variable", "901"), ("variable", "902")}
    assert len(offers(bench_of(data, OPEN, **SHOP), "unused-variables")) == 1


def test_an_unused_trigger_is_kept_for_what_is_missing() -> None:
    data = without(shop(), "tag", "GA4 - view_cart")
    assert offers(bench_of(data, OPEN, **SHOP), "unused-triggers") == []


def test_dead_products_are_paused_and_by_no_means_in_part() -> None:
    data = shop()
    data["containerVersion"]["tag"] += [
        {"tagId": str(n), "name": f"UA - {n}", "type": "ua", "firingTriggerId": [ALL_PAGES], "parentFolderId": "5",
         "parameter": [{"type": "TEMPLATE", "key": "trackingId", "value": "UA-1-1"}]}
        for n in (901, 902)
    ]  # fmt: skip
    assert len(offers(bench_of(data, OPEN, **SHOP), "dead")) == 1
    now = mended(data, "dead", OPEN, **SHOP)
    assert [entities(now)["tag", n]["paused"] for n in ("901", "902")] == [True, True]
    assert offers(bench_of(data, CAUTIOUS, **SHOP), "dead") == []


def test_equal_triggers_become_one() -> None:
    data = shop()
    version = data["containerVersion"]
    one = the(data, "trigger", "CE - purchase")
    version["trigger"].append({**copy.deepcopy(one), "triggerId": "990", "name": "CE - zz purchase"})
    the(data, "tag", "GAds - order")["firingTriggerId"] = ["990"]
    now = mended(data, "twin-triggers", OPEN, **SHOP)
    assert ("trigger", "990") not in entities(now)
    assert the(now, "tag", "GAds - order")["firingTriggerId"] == [one["triggerId"]]
    assert touched(data, now) == {("trigger", "990"), ("tag", the(data, "tag", "GAds - order")["tagId"])}


def test_equal_variables_stay_where_one_thing_says_both() -> None:
    data = shop()
    one = the(data, "variable", "DLV - search_term")
    data["containerVersion"]["variable"].append({**copy.deepcopy(one), "variableId": "990", "name": "DLV - term"})
    set_parameter(the(data, "tag", "GA4 - search"), "eventSettingsTable",
                  rows({"search_term": "{{DLV - search_term}}", "term": "{{DLV - term}}"}))  # fmt: skip
    assert offers(bench_of(data, OPEN, **SHOP), "twin-variables") == []
    set_parameter(the(data, "tag", "GA4 - search"), "eventSettingsTable", rows({"term": "{{DLV - search_term}}"}))
    set_parameter(the(data, "tag", "GA4 - login"), "eventSettingsTable", rows({"term": "{{DLV - term}}"}))
    now = mended(data, "twin-variables", OPEN, **SHOP)
    assert "{{DLV - term}}" not in str(now)


def test_of_two_tags_the_one_with_more_faults_goes() -> None:
    data = shop()
    one = the(data, "tag", "Hotjar - base")
    data["containerVersion"]["tag"].append(
        {**copy.deepcopy(one), "tagId": "1", "name": "Hotjar - aa", "consentSettings": {"consentStatus": "NOT_SET"}}
    )
    now = mended(data, "twin-tags", OPEN, **SHOP)
    assert touched(data, now) == {("tag", "1")}


def test_built_ins_are_switched_on_once() -> None:
    data = leads()
    for name in ("GA4 - contact", "GA4 - file_download"):
        set_parameter(the(data, "tag", name), "note", "{{Click Text}}")
    now = mended(data, "built-ins", CAUTIOUS, **LEADS)
    assert [one["type"] for one in now["containerVersion"]["builtInVariable"]].count("CLICK_TEXT") == 1


def test_a_reference_is_to_what_is_nearly_named_so_or_to_what_it_says() -> None:
    data = shop()
    set_parameter(the(data, "tag", "GA4 - search"), "note", "{{dlv - Search term}}")
    set_parameter(the(data, "tag", "GA4 - login"), "note", "{{DLV - page.kind}}")
    now = mended(data, "references", CAUTIOUS, **SHOP)
    assert value_of(the(now, "tag", "GA4 - search"), "note") == "{{DLV - search_term}}"
    assert value_of(the(now, "variable", "DLV - page.kind"), "name") == "page.kind"


def test_a_trigger_that_is_gone_is_dropped() -> None:
    data = shop()
    the(data, "tag", "GA4 - login")["blockingTriggerId"] = ["4040"]
    now = mended(data, "undefined-triggers", CAUTIOUS, **SHOP)
    assert "blockingTriggerId" not in the(now, "tag", "GA4 - login")
    assert the(now, "tag", "GA4 - login")["firingTriggerId"] == the(data, "tag", "GA4 - login")["firingTriggerId"]


def test_a_tag_fires_on_the_event_that_it_reports() -> None:
    data = shop()
    the(data, "tag", "GA4 - begin_checkout")["firingTriggerId"] = [ALL_PAGES]
    now = mended(data, "timing", CAUTIOUS, **SHOP)
    wanted = [the(data, "trigger", "CE - begin_checkout")["triggerId"]]
    assert the(now, "tag", "GA4 - begin_checkout")["firingTriggerId"] == wanted


def test_a_tag_that_never_had_a_trigger_is_not_let_loose() -> None:
    data = shop()
    the(data, "tag", "TikTok - purchase").pop("firingTriggerId")
    bench = bench_of(data, OPEN, **SHOP)
    assert offers(bench, "timing") == []
    assert offers(bench, "silent")


def test_a_tag_whose_trigger_is_gone_fires_on_the_event_that_another_trigger_hears() -> None:
    data = shop()
    the(data, "tag", "Meta - AddToCart")["firingTriggerId"] = ["4040"]
    bench = bench_of(data, OPEN, **SHOP)
    assert offers(bench, "silent") == []
    now = mended(data, "timing", OPEN, **SHOP)
    assert the(now, "tag", "Meta - AddToCart")["firingTriggerId"] == [
        the(data, "trigger", "CE - add_to_cart")["triggerId"]
    ]


def test_a_paused_tag_is_let_be_where_another_does_the_same() -> None:
    data = shop()
    one = the(data, "tag", "GA4 - purchase")
    data["containerVersion"]["tag"].append(
        {**copy.deepcopy(one), "tagId": "990", "name": "GA4 - purchase old", "paused": True}
    )
    one["firingTriggerId"] = [ALL_PAGES]
    assert offers(bench_of(data, OPEN, **SHOP), "waking") == []


def test_what_a_policy_protects_is_let_be() -> None:
    data = shop()
    the(data, "tag", "Hotjar - base")["consentSettings"] = {"consentStatus": "NOT_SET"}
    policy = Policy(protected=frozenset({"Hotjar - base"}))
    assert offers(bench_of(data, policy, **SHOP), "consents") == []
    assert offers(bench_of(data, CAUTIOUS, **SHOP), "consents")


def test_a_name_that_says_nothing_gets_what_the_thing_is_about() -> None:
    data = shop()
    the(data, "tag", "TikTok - purchase")["name"] = "TikTok - test"
    the(data, "trigger", "PV - checkout")["name"] = "Untitled Trigger"
    the(data, "variable", "DLV - method")["name"] = "Copy of DLV - method"
    for one in data["containerVersion"]["tag"]:
        for row in value_of(one, "eventSettingsTable") or [] if one.get("parameter") else []:
            for cell in row["map"]:
                cell["value"] = cell["value"].replace("{{DLV - method}}", "{{Copy of DLV - method}}")
    now = mended(data, "names", CAUTIOUS, **SHOP)
    for array, name in (("tag", "TikTok - purchase"), ("trigger", "PV - /checkout"), ("variable", "DLV - method")):
        assert the(now, array, name)
