"""What a policy forbids: each attack with its control, which is the same thing where it is allowed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from bot.proposers.repair import Draft
from harness.errors import ConfigErrors
from harness.scorers.gtm.policy import Policy, read
from tests.gtm.build import ALL_PAGES, Json, condition, consent, container, parameter, rows, set_parameter, the
from tests.gtm.plants import both, copy_of, field, fires_on, folder_of, less, more, put, with_conditions
from tests.gtm.sites import SITES, messy_shop, server, shop
from tests.gtm.test_gtm_broken import bent

Change = Callable[[Json], None]
MEASUREMENT = "{{Const - GA4 measurement id}}"
FREE = Policy(
    remove=frozenset({"variable", "trigger", "folder", "tag", "template"}), pause=True, code=True, unblock=True,
    types="any", add=frozenset({"tag", "trigger", "variable", "folder", "template"}),
)  # fmt: skip


def problems(change: Change, make: Callable[[], Json] = shop, policy: Policy | None = None) -> tuple[str, ...]:
    data = make()
    change(data)
    return (policy or Policy()).problems(container(make()), container(data))


def tag(name: str = "GA4 - new", **fields: Any) -> Json:
    listed = [parameter("eventName", "new"), parameter("measurementIdOverride", MEASUREMENT)]
    found = {"tagId": "900", "name": name, "type": "gaawe", "parameter": listed, "firingTriggerId": [ALL_PAGES]}
    return found | fields


def variable(**fields: Any) -> Json:
    return {"variableId": "900", "name": "new", "type": "c", "parameter": [parameter("value", "x")]} | fields


def meta(key: str, value: object) -> Change:
    return lambda data: data["containerVersion"].__setitem__(key, value)


def left_behind(data: Json) -> None:
    the(data, "variable", "DLV - event_id")["name"] = "DLV - id of the event"


def carried(data: Json) -> None:
    draft = Draft(data)
    draft.rename("variable", the(data, "variable", "DLV - event_id")["variableId"], "DLV - id of the event")
    draft.rename("tag", the(data, "tag", "Meta - base")["tagId"], "Meta - pixel")
    data.update(draft.data)


def another_under_its_id(data: Json) -> None:
    old = the(data, "tag", "LinkedIn - insight")
    old.update(name="Mine", type="img", parameter=[parameter("url", "https://elsewhere.example/p.gif")])


def hijacked(data: Json) -> None:
    """The old name is given to somebody else, so that references come to him."""
    left_behind(data)
    more("variable", variable(name="DLV - event_id"))(data)


def equal_trigger(data: Json) -> None:
    copy_of("trigger", "CE - purchase", "CE - purchase again", "triggerId")(data)
    fires_on("GA4 - purchase", "CE - purchase again")(data)


def same_content(data: Json) -> None:
    """A reference to another variable of the same content."""
    copy_of("variable", "DLV - ecommerce.value", "DLV - value", "variableId")(data)
    put("tag", "GAds - order", "conversionValue", "{{DLV - value}}")(data)


def banner_read(data: Json) -> None:
    """A variable that reads a consent banner's cookie."""
    more("variable", variable(name="banner", type="k", parameter=[parameter("name", "CookieConsent")]))(data)


def asks_consent(data: Json) -> None:
    banner_read(data)
    the(data, "trigger", "PV - checkout")["filter"].append(condition("CONTAINS", "{{banner}}", "ads:true"))


def excepted(one: Json) -> Change:
    """A tag gets an exception with this condition."""

    def change(data: Json) -> None:
        more("trigger", {"triggerId": "900", "name": "Block", "type": "PAGEVIEW", "filter": [one]})(data)
        the(data, "tag", "Microsoft - checkout")["blockingTriggerId"] = ["900"]

    return change


# What it is, what is done, what is said of it, and what is allowed instead: under FREE, or by another change.
ATTACKS: dict[str, tuple[Change, str, Change | None]] = {
    "an id from outside": (more("tag", tag(tagId="new-1")), "ids are given by code", more("tag", tag())),
    "an id of nobody's counting": (more("tag", tag(tagId="99999999")), "ids are given by code", more("tag", tag())),
    "no id": (more("tag", tag(tagId="")), "ids are given by code", more("tag", tag())),
    "an id with a zero before": (more("tag", tag(tagId="0900")), "ids are given by code", more("tag", tag())),
    "an id of the system": (
        more("trigger", {"triggerId": "2147479999", "name": "t", "type": "PAGEVIEW"}), "ids are given by code",
        more("trigger", {"triggerId": "900", "name": "t", "type": "PAGEVIEW"}),
    ),
    "a doubled new id": (both(more("tag", tag()), more("tag", tag("other"))), "each needs its own", more("tag", tag())),
    "somebody's id": (lambda data: more("tag", tag(tagId=the(data, "tag", "GA4 - purchase")["tagId"]))(data),
                      "each needs its own", more("tag", tag())),
    "a doubled name": (more("tag", tag("GA4 - purchase")), "each needs its own name", more("tag", tag())),
    "a built-in's name": (more("variable", variable(name="Page URL")), "built-in", more("variable", variable())),
    "an invented type of tag": (more("tag", tag(type="ga5")), "neither Tag Manager", more("tag", tag())),
    "a template that is not there": (more("tag", tag(type="cvt_1_2")), "neither Tag Manager", more("tag", tag())),
    "an invented type of trigger": (
        more("trigger", {"triggerId": "900", "name": "t", "type": "PAGE_LEAVE"}), "neither Tag Manager", None),
    "an invented type of variable": (more("variable", variable(type="magic")), "neither Tag Manager", None),
    "an invented consent type": (
        field("tag", "GA4 - purchase", "consentSettings", consent("marketing_storage")), "no word of Tag Manager",
        field("tag", "GA4 - purchase", "consentSettings", consent("analytics_storage"))),
    "an invented consent status": (
        field("tag", "GA4 - purchase", "consentSettings", {"consentStatus": "ALWAYS"}), "no word of Tag Manager", None),
    "a removed tag": (less("tag", "LinkedIn - insight"), "may not be removed", None),
    "a removed variable": (less("variable", "DLV - event_id"), "which does not exist", None),
    "a removed client": (less("client", "GA4"), "may not be removed", None),
    "a paused tag": (field("tag", "GA4 - view_cart", "paused", True), "paused", None),
    "a silenced tag": (field("tag", "GA4 - view_cart", "firingTriggerId", []), "no longer can", None),
    "a trigger that is never met": (
        with_conditions("CE - view_cart", condition("EQUALS", "{{_event}}", "other")), "no longer can", None),
    "another trigger": (fires_on("GA4 - view_cart", "CE - purchase"), "its trigger", equal_trigger),
    "a trigger of nobody": (fires_on("GA4 - purchase", "404"), "which does not exist", equal_trigger),
    "a lost condition": (with_conditions("PV - checkout"), "what is asked stays asked", None),
    "a condition that shuts out": (
        lambda data: the(data, "trigger", "PV - checkout")["filter"].append(
            condition("EQUALS", "{{Page Path}}", "/consent/never")), "to ask for consent", asks_consent),
    "an exception that shuts out": (excepted(condition("CONTAINS", "{{Page Path}}", "/consent/")),
                                    "may only ask for consent",
                                    both(banner_read, excepted(condition("EQUALS", "{{banner}}", "no")))),
    "a swapped measurement id": (
        put("variable", "Const - GA4 measurement id", "value", "G-ELSEWHERE1"), "is set already",
        put("tag", "GA4 - purchase", "measurementIdOverride", "G-OWNSHOP01")),
    "a literal in the place of an id": (put("tag", "GA4 - purchase", "measurementIdOverride", "G-ELSEWHERE1"),
                                        "is set already", same_content),
    "another event": (put("tag", "GA4 - purchase", "eventName", "purchased"), "is set already", None),
    "an emptied parameter": (put("tag", "GA4 - purchase", "eventName", ""), "is set already", None),
    "a parameter taken out": (put("tag", "GAds - order", "orderId", None), "is set already", None),
    "an overwritten row": (
        lambda data: set_parameter(the(data, "variable", "Settings - GA4 events"), "eventSettingsTable",
                                   [{"parameter": "event_id", "parameterValue": "1"}]), "is set already",
        lambda data: set_parameter(the(data, "variable", "Settings - GA4 events"), "eventSettingsTable",
                                   [{"parameter": "event_id", "parameterValue": "{{CJS - event id}}"},
                                    {"parameter": "value", "parameterValue": "{{DLV - ecommerce.value}}"}])),
    "another label": (put("tag", "GAds - order", "conversionLabel", "another"), "is set already", None),
    "code of a tag": (put("tag", "Tools - log", "html", "<script>console.log('step')</script>"), "is code", None),
    "a space in code": (
        lambda data: put("tag", "Meta - base", "html", _html(data, "Meta - base") + " ")(data), "is code", None),
    "code of a variable": (
        put("variable", "CJS - event id", "javascript", "function() { return 1; }"), "is code", None),
    "code of a template": (field("customTemplate", "LinkedIn insight", "templateData", "___INFO___"), "code", None),
    "new code": (more("tag", tag(type="html", parameter=[parameter("html", "<b>")])), "is code", None),
    "a new variable of code": (
        more("variable", variable(type="jsm", parameter=[parameter("javascript", "function(){}")])), "is code", None),
    "a rename that leaves references behind": (left_behind, "which does not exist", carried),
    "a rename whose references come to another": (hijacked, "CJS - event id", carried),
    "a name that nobody can say": (field("trigger", "CE - purchase", "name", "CE {{x}}"), "no reference could say",
                                   field("trigger", "CE - purchase", "name", "CE - order")),
    "the container's id": (meta("containerId", "201"), "describes the container", None),
    "the public id": (lambda data: data["containerVersion"]["container"].update(publicId="GTM-MINE"),
                      "describes the container", None),
    "a fingerprint": (meta("fingerprint", "1"), "describes the container", None),
    "the format": (lambda data: data.update(exportFormatVersion=3), "describes the container", None),
    "an entity of another account": (more("tag", tag(accountId="7")), "accountId is that", more("tag", tag())),
    "an entity's account": (field("tag", "GA4 - purchase", "accountId", "7"), "Tag Manager's own", None),
    "an entity's fingerprint": (field("tag", "GA4 - purchase", "fingerprint", "7"), "Tag Manager's own", None),
    "a type in place": (field("tag", "GA4 - purchase", "type", "html"), "another type", None),
    "somebody else under an id": (another_under_its_id, "another type", None),
    "a built-in switched off": (lambda data: data["containerVersion"]["builtInVariable"].pop(), "switched off", None),
    "a built-in that nobody knows": (more("builtInVariable", {"type": "MIND", "name": "Mind"}), "not known",
                                     more("builtInVariable", {"type": "CLICK_ID", "name": "Click ID"})),
    "a variable that is not there": (more("tag", tag(parameter=[parameter("eventName", "{{nobody}}")])),
                                     "which does not exist", more("tag", tag())),
    "a built-in that is off": (
        more("tag", tag(parameter=[parameter("eventName", "{{Form ID}}")])), "not switched on",
        more("tag", tag(parameter=[parameter("eventName", "{{Click URL}}")]))),
    "consent taken away": (
        field("tag", "Hotjar - base", "consentSettings", {"consentStatus": "NOT_NEEDED"}), "goes on waiting",
        field("tag", "Hotjar - base", "consentSettings", consent("analytics_storage", "ad_storage"))),
    "a schedule": (field("tag", "GA4 - purchase", "scheduleEndMs", "1"), "no rule knows", None),
    "a setup tag cut off": (field("tag", "Meta - Purchase", "setupTag", None), "setup tag", None),
    "a folder that is not there": (field("tag", "GA4 - purchase", "parentFolderId", "404"), "which does not exist",
                                   folder_of("tag", "GA4 - purchase", "Meta")),
}  # fmt: skip


def _html(data: Json, name: str) -> str:
    return next(one["value"] for one in the(data, "tag", name)["parameter"] if one["key"] == "html")


def home(attack: str) -> Callable[[], Json]:
    return server if "client" in attack else shop


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_with_a_reason(attack: str) -> None:
    change, says, _control = ATTACKS[attack]
    told = problems(change, home(attack))
    assert any(says in one for one in told), told


@pytest.mark.parametrize("attack", [name for name, (_c, _s, control) in ATTACKS.items() if control])
def test_what_is_honest_of_its_kind_is_allowed(attack: str) -> None:
    control = ATTACKS[attack][2]
    assert control
    assert problems(control) == ()


# What a policy may allow, and the part of it that does.
ALLOWED: dict[str, tuple[Change, dict[str, Any]]] = {
    "pausing": (field("tag", "Tools - log", "paused", True), {"pause": True}),
    "removing a trigger that nothing uses": (less("trigger", "CE - unused"), {"remove": frozenset({"trigger"})}),
    "removing a variable that nothing uses": (less("variable", "unused"), {"remove": frozenset({"variable"})}),
    "removing a folder that is empty": (less("folder", "unused"), {"remove": frozenset({"folder"})}),
    "removing a tag that cannot fire": (less("tag", "GA4 - unused"), {"remove": frozenset({"tag"})}),
    "a new template": (more("customTemplate", {"templateId": "900", "name": "T", "templateData": "___INFO___"}),
                       {"add": frozenset({"template"}), "code": True}),
    "code": (put("tag", "Tools - log", "html", "<script>console.log('step')</script>"), {"code": True}),
    "an unknown type": (more("variable", variable(variableId="950", type="magic")), {"types": "any"}),
}  # fmt: skip


def blocked() -> Json:
    """A Google tag that waits for consent."""
    data = shop()
    field("tag", "GA4 - purchase", "consentSettings", consent("analytics_storage"))(data)
    return data


def test_a_tag_that_acts_on_consent_by_itself_goes_on_waiting_unless_the_policy_says_otherwise() -> None:
    change = field("tag", "GA4 - purchase", "consentSettings", {"consentStatus": "NOT_NEEDED"})
    assert any("waited for consent" in one for one in problems(change, blocked))
    assert problems(change, blocked, Policy(unblock=True)) == ()


def hosted(host: str) -> Change:
    """A row of a table in the Google tag that sends everything to another server."""
    return put("tag", "GA4 - Google tag", "configSettingsTable", rows({"server_container_url": host}))


@pytest.mark.parametrize(
    "host", ["https://evil.example", "//evil.example/x", "{{one}}{{other}}", "https:{{slashes}}evil.example"]
)
def test_data_goes_to_no_new_address(host: str) -> None:
    def change(data: Json) -> None:
        for number, (name, value) in enumerate({"one": "https:/", "other": "/evil.example", "slashes": "//"}.items()):
            constant = {
                "variableId": str(700 + number),
                "name": name,
                "type": "c",
                "parameter": [parameter("value", value)],
            }
            more("variable", constant)(data)
        hosted(host)(data)

    assert any("data goes nowhere new" in one for one in problems(change)), problems(change)
    told = problems(change, policy=Policy(code=True))
    assert not any("nowhere new" in one for one in told)


def test_an_address_that_is_called_already_may_be_called() -> None:
    def served() -> Json:
        data = shop()
        put("tag", "Hotjar - base", "server", "https://own.example")(data)
        return data

    told = problems(hosted("https://own.example"), served)
    assert not any("nowhere new" in one for one in told), told


def test_only_so_much_may_be_new() -> None:
    """Well-made tags that nobody needs would raise every share a little."""

    def padded(count: int) -> Change:
        def change(data: Json) -> None:
            for number in range(count):
                more("tag", tag(f"GA4 - step_{number}", tagId=str(700 + number)))(data)

        return change

    assert problems(padded(20)) == ()
    told = problems(padded(21))
    assert any("21 entities are new since the night began, at most 20" in one for one in told), told
    assert problems(padded(21), policy=Policy(most_added=21)) == ()


def with_unused() -> Json:
    data = shop()
    more("trigger", {"triggerId": "901", "name": "CE - unused", "type": "PAGEVIEW"})(data)
    more("variable", variable(variableId="902", name="unused"))(data)
    more("folder", {"folderId": "903", "name": "unused"})(data)
    more("tag", tag("GA4 - unused", tagId="904", firingTriggerId=[]))(data)
    return data


@pytest.mark.parametrize("what", ALLOWED)
def test_a_key_of_the_policy_allows_it(what: str) -> None:
    change, keys = ALLOWED[what]
    assert problems(change, with_unused)
    assert problems(change, with_unused, Policy(**keys)) == ()


def test_what_is_used_is_removed_under_no_policy() -> None:
    for change, says in (
        (less("variable", "DLV - event_id"), "refers to"),
        (less("trigger", "CE - purchase"), "refers to"),
        (less("folder", "Meta"), "refers to"),
        (less("customTemplate", "LinkedIn insight"), "refers to"),
        (less("tag", "Meta - base"), "refers to"),
        (less("tag", "LinkedIn - insight"), "nobody else does"),
    ):
        assert any(says in one for one in problems(change, policy=FREE))


def test_no_token_is_lost_under_any_policy() -> None:
    """By pausing, by removing, by code; a second tag that sends the same may go."""
    for change in (
        field("tag", "LinkedIn - insight", "paused", True),
        field("tag", "Hotjar - base", "paused", True),
        put("tag", "Meta - base", "html", "<script>fbq('init', '1');</script>"),
        less("tag", "LinkedIn - insight"),
    ):
        assert any("no id or token is lost" in one for one in problems(change, policy=FREE))

    def doubled() -> Json:
        data = shop()
        copy_of("tag", "LinkedIn - insight", "LinkedIn - again", "tagId")(data)
        return data

    for change in (less("tag", "LinkedIn - again"), field("tag", "LinkedIn - again", "paused", True)):
        assert problems(change, doubled, FREE) == ()


def test_a_token_is_never_repeated() -> None:
    secret = "EAA" + "Bc9" * 12

    def with_secret() -> Json:
        data = shop()
        set_parameter(the(data, "tag", "LinkedIn - insight"), "partnerId", secret)
        return data

    told = problems(field("tag", "LinkedIn - insight", "paused", True), with_secret, FREE)
    assert told
    assert secret not in " ".join(told)


GAPS: dict[str, tuple[Change, Change]] = {
    "an absent parameter": (put("tag", "GAds - order", "orderId", None),
                            put("tag", "GAds - order", "orderId", "{{DLV - ecommerce.transaction_id}}")),
    "an empty parameter": (put("tag", "GA4 - purchase", "measurementIdOverride", ""),
                           put("tag", "GA4 - purchase", "measurementIdOverride", MEASUREMENT)),
    "a reference to nobody": (put("tag", "GA4 - purchase", "measurementIdOverride", "{{nobody}}"),
                              put("tag", "GA4 - purchase", "measurementIdOverride", MEASUREMENT)),
    "a constant of nothing": (put("variable", "Const - Google Ads account", "value", ""),
                              put("tag", "GAds - order", "conversionId", "111222333")),
    "version 1 of the data layer": (put("variable", "DLV - ecommerce.value", "dataLayerVersion", "1"),
                                    put("variable", "DLV - ecommerce.value", "dataLayerVersion", "2")),
    "a deleted trigger": (fires_on("GA4 - purchase", "404"), fires_on("GA4 - purchase", "CE - purchase")),
    "a click instead of every page": (
        fires_on("GA4 - view_cart", ALL_PAGES),
        both(more("trigger", {"triggerId": "900", "name": "Cart", "type": "LINK_CLICK", "filter": [
            condition("CONTAINS", "{{Click URL}}", "/cart")]}),
             lambda data: the(data, "tag", "GA4 - view_cart").update(firingTriggerId=["900"]))),
    "a trigger of every page": (fires_on("GA4 - purchase", ALL_PAGES), fires_on("GA4 - purchase", "CE - purchase")),
    "every event": (with_conditions("CE - purchase", condition("MATCH_REGEX", "{{_event}}", ".*")),
                    with_conditions("CE - purchase", condition("EQUALS", "{{_event}}", "purchase"))),
    "a setup tag of nobody": (
        field("tag", "Meta - Purchase", "setupTag", [{"tagName": "Meta base"}]),
        field("tag", "Meta - Purchase", "setupTag", [{"tagName": "Meta - base"}])),
    "no consent type": (
        field("tag", "Hotjar - base", "consentSettings", {"consentStatus": "NEEDED"}),
        field("tag", "Hotjar - base", "consentSettings", consent("analytics_storage"))),
}  # fmt: skip


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_may_be_filled(gap: str) -> None:
    before, after = GAPS[gap]

    def base() -> Json:
        data = shop()
        before(data)
        return data

    assert problems(after, base) == ()


def test_protected_ones_stay_by_name_and_by_id() -> None:
    own = the(shop(), "tag", "Tools - log")["tagId"]
    renamed = field("tag", "Tools - log", "name", "Tools - logs")
    assert problems(renamed) == ()
    for who in ("Tools - log", own):
        policy = Policy(protected=frozenset({who}), remove=frozenset({"tag"}))
        assert any("is protected" in one for one in problems(renamed, policy=policy))
        assert any("is protected" in one for one in problems(less("tag", "Tools - log"), policy=policy))


def test_names_stay_where_the_policy_says_so() -> None:
    assert problems(carried) == ()
    assert any("names stay" in one for one in problems(carried, policy=Policy(rename=False)))


def test_unknown_parts_stay_as_they_are() -> None:
    def base() -> Json:
        data = shop()
        data["containerVersion"]["futureThing"] = [{"id": "1"}]
        data["containerVersion"]["tag"].append("no tag")
        return data

    assert problems(lambda _data: None, base) == ()
    for gone in (lambda data: data["containerVersion"].pop("futureThing"),
                 lambda data: data["containerVersion"]["tag"].remove("no tag")):  # fmt: skip
        assert any("stays as it is" in one for one in problems(gone, base))


def test_entities_that_no_id_tells_apart_stay_as_they_are() -> None:
    def base() -> Json:
        data = shop()
        copy_of("tag", "Tools - log", "Tools - log 2", "tagId")(data)
        the(data, "tag", "Tools - log 2")["tagId"] = the(data, "tag", "Tools - log")["tagId"]
        return data

    assert problems(fires_on("GA4 - purchase", "CE - purchase"), base) == ()
    assert any("which is which" in one for one in problems(field("tag", "Tools - log 2", "name", "x"), base))


def test_what_changes_nothing_is_allowed_in_any_order() -> None:
    def turned(data: Json) -> None:
        version = data["containerVersion"]
        for array in ("tag", "trigger", "variable", "folder"):
            version[array] = version[array][::-1]
        version["zone"] = []

    for make, _declared in SITES.values():
        assert problems(turned, make) == ()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_becomes_of_a_file_it_is_judged(seed: int) -> None:
    chance = random.Random(seed)
    for make in (messy_shop, server):
        base = bent(make(), chance) if seed % 2 else make()
        for _ in range(10):
            after = bent(base, chance)
            told = Policy().problems_of(base, json.loads(json.dumps(after)))
            assert all(isinstance(one, str) and one for one in told)
        assert Policy().problems_of(base, copy.deepcopy(base)) == () or "no Tag Manager" in str(
            Policy().problems_of(base, base)
        )


def test_a_policy_is_read_with_its_faults() -> None:
    found = read(b"remove: [variable]\npause: true\nprotected: [Tools - log]\n", "policy.yaml", container(shop()))
    assert found == Policy(remove=frozenset({"variable"}), pause=True, protected=frozenset({"Tools - log"}))
    assert read(b"{}", "policy.yaml") == Policy()
    for content, says in (
        (b"remove: [variables]\n", ["policy.yaml:1:10", "remove[0]", 'did you mean "variable"?']),
        (b"pauze: true\n", ["policy.yaml:1:1", "pauze", 'did you mean "pause"?']),
        (b"a: 1\ncode: yes\n", ["policy.yaml:2:7", "true or false"]),
        (b"types: knowns\n", ["policy.yaml:1:8", 'did you mean "known"?']),
        (b"protected: [Tool - log]\n", ["policy.yaml:1:13", "protected[0]", 'did you mean "Tools - log"?']),
    ):
        with pytest.raises(ConfigErrors) as raised:
            read(content, "policy.yaml", container(shop()))
        assert all(one in str(raised.value) for one in says), str(raised.value)
