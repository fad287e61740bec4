"""The model of a container: what can be read, what means what, what can fire."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from harness.errors import InvalidCandidate
from harness.scorers.gtm import Container, Declared, read
from harness.scorers.gtm.conditions import Condition, Events, alternatives, matches
from harness.scorers.gtm.entities import canonical
from harness.scorers.gtm.view import View
from tests.gtm.build import ALL_PAGES, INIT, Builder, Json, condition, consent, container
from tests.gtm.sites import SITES, messy_shop


def view(data: Json) -> View:
    return View(container(data), Declared())


def fires(web: Builder, name: str = "tag") -> tuple[bool, str]:
    found = view(web.export())
    reach = found.reaching.of(next(tag for tag in found.container.all("tag") if tag.name == name))
    return reach.fires, reach.why


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"<!doctype html>", "looks like a web page"),
        (b"// Copyright Google Tag Manager\nvar data = {}", "gtm.js"),
        (b'{"containerVersion": {"tag": [', "not JSON at line 1"),
        (b'{"name": 1}', "no Tag Manager container"),
        (b"[]", "no Tag Manager container"),
        (b'"text"', "no Tag Manager container"),
        (b'{"tag": "x"}', "no Tag Manager container"),
        (b'{"containerVersion": {"tag": {}}}', "/containerVersion/tag is no list"),
        (b'{"containerVersion": {"macro": [], "rule": []}}', "first format"),
        (b'{"containerVersion": {"tag": [], "tag": []}}', "stands twice"),
        (b'{"containerVersion": {"x": NaN}}', "NaN is no JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_container_is_told_so(content: bytes, says: str) -> None:
    with pytest.raises(InvalidCandidate) as told:
        read(content, "x.json")
    assert says in str(told.value)
    assert told.value.why
    assert told.value.next_step


def test_words_of_every_age_are_one() -> None:
    assert {canonical(word) for word in ("customEvent", "CUSTOM_EVENT", "custom_event")} == {"CUSTOM_EVENT"}
    assert canonical("youTubeVideo") == "YOU_TUBE_VIDEO"
    assert canonical(None) == ""


def test_a_version_of_the_api_is_the_same_container() -> None:
    exported = SITES["shop"][0]()
    found = read(json.dumps(as_api(exported["containerVersion"])).encode(), "version.json")
    assert found.context == "web"
    assert found.base == ""
    assert {trigger.type for trigger in found.all("trigger")} == {
        trigger.type for trigger in container(exported).all("trigger")
    }


def as_api(value: Any) -> Any:
    """Enums as the API spells them."""
    if isinstance(value, list):
        return [as_api(one) for one in value]
    if not isinstance(value, dict):
        return value
    spelt = {"type", "tagFiringOption", "consentStatus"}
    return {
        key: _camel(inner) if key in spelt and isinstance(inner, str) else as_api(inner) for key, inner in value.items()
    }


def _camel(word: str) -> str:
    if word != word.upper() or not word.replace("_", "").isalpha():
        return word
    first, *rest = word.lower().split("_")
    return first + "".join(map(str.capitalize, rest))


@pytest.mark.parametrize("site", [*SITES, "messy"])
def test_every_reference_of_our_sites_is_resolved(site: str) -> None:
    data = messy_shop() if site == "messy" else SITES[site][0]()
    found = view(data)
    assert len(found.references.all) > 20
    assert [ref.says for ref in found.references.all if ref.state in {"missing", "off"}] == []


def test_every_kind_of_reference_finds_its_entity() -> None:
    web = Builder("all kinds")
    folder = web.folder("F")
    named = web.layer("x", folder)
    kind = web.template("T", "ABCDE", "sendPixel('https://{{DLV - x}}');")
    group = web.event("one")
    web.tag("before", "html", [], html="1")
    web.tag("after", "html", [], html="1")
    web.tag("config", "gaawc", [INIT], measurementId="G-1")
    fields = {
        "blockingTriggerId": [group], "setupTag": [{"tagName": "before"}], "teardownTag": [{"tagName": "after"}],
    }  # fmt: skip
    web.tag("main", kind, [ALL_PAGES, "77"], folder, fields, url=named, other="{{Nobody}} {{Page URL}} {{_event}}")
    web.tag("event", "gaawe", [group], eventName="x")
    web.arrays["tag"][-1]["parameter"].append({"type": "TAG_REFERENCE", "key": "measurementId", "value": "config"})
    web.built_in(PAGE_URL="Page URL")
    boundary = {"condition": [condition("EQUALS", named, "1")], "customEvaluationTriggerId": [group]}
    web.add("zone", {"zoneId": "5", "name": "Z", "boundary": boundary})
    found = view(web.export())
    told = {(ref.source.name, ref.how, ref.says): ref.state for ref in found.references.all}
    assert told == {
        ("DLV - x", "folder", "1"): "entity",
        ("T", "variable", "DLV - x"): "entity",
        ("main", "template", "cvt_ABCDE"): "entity",
        ("main", "firing", ALL_PAGES): "system",
        ("main", "firing", "77"): "missing",
        ("main", "blocking", group): "entity",
        ("main", "setup", "before"): "entity",
        ("main", "teardown", "after"): "entity",
        ("main", "folder", "1"): "entity",
        ("main", "variable", "DLV - x"): "entity",
        ("main", "variable", "Nobody"): "missing",
        ("main", "variable", "Page URL"): "built-in",
        ("main", "variable", "_event"): "system",
        ("config", "firing", INIT): "system",
        ("CE - one", "variable", "_event"): "system",
        ("event", "firing", group): "entity",
        ("event", "tag", "config"): "entity",
        ("Z", "variable", "DLV - x"): "entity",
        ("Z", "zone", group): "entity",
    }


def test_a_template_copied_from_another_container_is_found_by_its_id() -> None:
    web = Builder("copied")
    web.add("customTemplate", {"templateId": "31", "name": "T", "templateData": "___INFO___\n{}\n"})
    web.tag("tag", "cvt_999_31", [ALL_PAGES])
    found = view(web.export())
    assert found.container.template_of(found.container.all("tag")[0]) is found.container.all("template")[0]


def test_a_tag_without_a_trigger_cannot_fire() -> None:
    web = Builder("none")
    web.tag("tag", "html", [], html="x")
    assert fires(web) == (False, "it has no trigger")


def test_a_paused_tag_could_fire_and_does_not() -> None:
    web = Builder("paused")
    web.tag("tag", "html", [ALL_PAGES], "", {"paused": True}, html="x")
    found = view(web.export()).reaching
    (tag,) = found.active
    assert (found.of(tag).can, found.of(tag).fires, found.firing) == (True, False, ())


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        ([("EQUALS", "{{Page Path}}", "/a"), ("EQUALS", "{{Page Path}}", "/b")], "cannot be"),
        ([("EQUALS", "{{Page Path}}", "/a"), ("CONTAINS", "{{Page Path}}", "thanks")], "cannot be"),
        ([("EQUALS", "{{Page Path}}", "/a"), ("MATCH_REGEX", "{{Page Path}}", "^/b")], "cannot be"),
        ([("EQUALS", "{{Const - on}}", "no")], 'is always "yes"'),
        ([("EQUALS", "{{Page Path}}", "/a"), ("CONTAINS", "{{Page Path}}", "a")], ""),
        ([("EQUALS", "{{Const - on}}", "yes")], ""),
        ([("EQUALS", "{{Const - later}}", "yes")], ""),
    ],
)
def test_conditions_that_exclude_each_other_are_never_met(filters: list[tuple[str, str, str]], why: str) -> None:
    web = Builder("conditions")
    web.built_in(PAGE_PATH="Page Path")
    web.constant("on", "yes")
    web.constant("later", "%%FILLED_IN_LATER%%")
    trigger = web.trigger("T", "PAGEVIEW", filter=[condition(*one) for one in filters])
    web.tag("tag", "html", [trigger], html="x")
    can, said = fires(web)
    assert can is not bool(why)
    assert why in said


def test_the_event_of_a_custom_trigger_may_stand_in_any_condition() -> None:
    web = Builder("event")
    web.built_in(EVENT="Event")
    trigger = web.event("purchase", filters=[condition("EQUALS", "{{Event}}", "refund")])
    web.tag("tag", "html", [trigger], html="x")
    assert fires(web)[0] is False


@pytest.mark.parametrize(
    ("blocker", "blocked"),
    [
        (("CUSTOM_EVENT", {"customEventFilter": [("MATCH_REGEX", "{{_event}}", ".*")]}), True),
        (("CUSTOM_EVENT", {"customEventFilter": [("EQUALS", "{{_event}}", "purchase")]}), True),
        (("CUSTOM_EVENT", {"customEventFilter": [("EQUALS", "{{_event}}", "refund")]}), False),
        (("CUSTOM_EVENT", {"customEventFilter": [("EQUALS", "{{_event}}", "purchase")],
                           "filter": [("EQUALS", "{{Page Path}}", "/a")]}), False),
        (("PAGEVIEW", {}), False),
    ],
)  # fmt: skip
def test_a_tag_is_blocked_only_by_what_covers_its_trigger(blocker: tuple[str, Json], blocked: bool) -> None:
    web = Builder("blocked")
    web.built_in(PAGE_PATH="Page Path")
    kind, filters = blocker
    other = web.trigger("B", kind, **{key: [condition(*one) for one in those] for key, those in filters.items()})
    web.tag("tag", "html", [web.event("purchase")], "", {"blockingTriggerId": [other]}, html="x")
    assert fires(web)[0] is not blocked


def test_a_tag_before_another_fires_with_it() -> None:
    web = Builder("sequence")
    web.tag("tag", "html", [], html="x")
    web.tag("second", "html", [], "", {"setupTag": [{"tagName": "tag"}]}, html="x")
    web.tag("first", "html", [ALL_PAGES], "", {"teardownTag": [{"tagName": "second"}]}, html="x")
    assert fires(web) == (True, "")


def test_a_tag_before_a_paused_one_is_as_if_paused() -> None:
    web = Builder("sequence")
    web.tag("tag", "html", [], html="x")
    web.tag("main", "html", [ALL_PAGES], "", {"setupTag": [{"tagName": "tag"}], "paused": True}, html="x")
    assert fires(web)[0] is False


@pytest.mark.parametrize(
    ("members", "why"),
    [(["one", "two"], ""), ([], "empty"), (["group"], "waits for itself"), (["other"], "waits for itself"),
     (["4040"], "does not exist"), (["one", "never"], "cannot be")],
)  # fmt: skip
def test_a_group_waits_for_all_its_triggers(members: list[str], why: str) -> None:
    web = Builder("group")
    web.built_in(PAGE_PATH="Page Path")
    ids = {name: web.event(name) for name in ("one", "two")}
    shut = [condition("EQUALS", "{{Page Path}}", "/a"), condition("EQUALS", "{{Page Path}}", "/b")]
    ids |= {"never": web.trigger("never", "PAGEVIEW", filter=shut), "other": web.trigger("other", "TRIGGER_GROUP")}
    ids["group"] = web.trigger("group", "TRIGGER_GROUP")
    group, other = web.arrays["trigger"][-1], web.arrays["trigger"][-2]
    group["parameter"] = [members_of(ids.get(name, name) for name in members)]
    other["parameter"] = [members_of([ids["group"]])]
    web.tag("tag", "html", [ids["group"]], html="x")
    can, said = fires(web)
    assert can is not bool(why)
    assert why in said


def members_of(triggers: Iterable[str]) -> Json:
    listed = [{"type": "TRIGGER_REFERENCE", "value": one} for one in triggers]
    return {"type": "LIST", "key": "triggerIds", "list": listed}


@pytest.mark.parametrize(
    ("parameters", "events", "follows", "unsure"),
    [
        ({"standardEventName": "Purchase"}, {"Purchase"}, False, False),
        ({"eventName": "{{LT - meta event}}"}, {"Purchase", "Lead"}, False, False),
        ({"eventName": "{{DLV - event name}}"}, set(), False, True),
        ({"eventName": "{{Event}}"}, set(), True, False),
        ({"pixelId": "123"}, set(), False, False),
    ],
)
def test_events_of_a_template_for_meta(parameters: Json, events: set[str], follows: bool, unsure: bool) -> None:
    web = Builder("meta")
    web.built_in(EVENT="Event")
    web.layer("event name")
    web.variable(
        "LT - meta event",
        "smm",
        input="{{Event}}",
        map=[{"key": "a", "value": "Purchase"}, {"key": "b", "value": "Lead"}],
    )
    kind = web.template("Pixel", "PIXEL", "injectScript('https://connect.facebook.net/en_US/fbevents.js');")
    web.tag("tag", kind, [web.event("order")], eventId="{{DLV - event name}}", **parameters)
    found = view(web.export())
    sender = found.senders.of(found.container.all("tag")[0])
    assert (sender.vendor, set(sender.events), sender.follows, sender.unsure) == ("meta", events, follows, unsure)
    assert sender.event_id == "{{DLV - event name}}"


def test_a_server_without_a_client_hears_nothing() -> None:
    data = SITES["server"][0]()
    del data["containerVersion"]["client"]
    found = view(data).reaching
    assert found.firing == ()


def test_a_condition_that_names_a_client_needs_that_client() -> None:
    data = SITES["server"][0]()
    data["containerVersion"]["client"][0]["name"] = "Renamed"
    assert view(data).reaching.firing == ()


def test_consent_is_what_a_tag_waits_for() -> None:
    web = Builder("consent")
    web.tag("tag", "html", [ALL_PAGES], "", {"consentSettings": consent("ad_storage", "ad_storag")}, html="x")
    found = view(web.export())
    (tag,) = found.container.all("tag")
    wanted = found.reaching.of(tag).consent
    assert (wanted.status, wanted.types, wanted.wrong) == ("NEEDED", {"ad_storage"}, ("ad_storag",))


def test_values_are_followed_through_constants_tables_and_settings() -> None:
    web = Builder("values")
    web.constant("a", "G-1")
    web.constant("b", "x{{Const - a}}y")
    web.constant("circle", "{{Const - circle}}")
    table = web.variable(
        "LT - t", "smm", input="{{Page Path}}", map=[{"key": "1", "value": "{{Const - a}}"}, {"key": "2", "value": "v"}]
    )
    values = view(web.export()).values
    assert values.constant("{{Const - b}}") == "xG-1y"
    assert values.constant("{{Const - circle}}") is None
    assert values.constant(table) is None
    assert values.possible(table) == {"G-1", "v"}
    assert values.possible("{{DLV - unknown}}") is None


def test_patterns_that_could_run_for_ever_are_not_run() -> None:
    assert matches("(a+)+$", "a" * 100 + "b") is None
    assert matches("a*a*a*a*a*a*b", "a" * 100) is None
    assert matches("^purchase$", "purchase") is True
    assert alternatives("^(purchase|refund)$") == {"purchase", "refund"}
    assert alternatives("^purch.*$") == frozenset()


def test_events_say_which_names_pass() -> None:
    some = Events(
        "",
        (
            Condition("MATCH_REGEX", "{{_event}}", "^(purchase|refund)$"),
            Condition("EQUALS", "{{_event}}", "refund", True),
        ),
    )
    assert some.names == {"purchase"}
    assert not some.allows("refund")
    assert Events("", (Condition("MATCH_REGEX", "{{_event}}", ".*"),)).is_any


@pytest.mark.parametrize(
    ("kind", "parameters", "vendors", "reads"),
    [
        ("googtag", {"tagId": "G-1"}, {"ga4"}, True),
        ("googtag", {"tagId": "AW-1"}, {"google_ads"}, True),
        ("html", {"html": "<script>gtag('event', 'x', {})</script>"}, {"ga4"}, True),
        ("html", {"html": "<script>fbq('track', 'Lead')</script>"}, {"meta"}, False),
        ("html", {"html": "<script>console.log(1)</script>"}, set(), False),
        ("img", {"url": "https://bat.bing.com/action/0?ti=1"}, {"microsoft_ads"}, False),
        ("hjtc", {}, {"hotjar"}, False),
    ],
)
def test_who_receives_is_told_by_type_and_code(kind: str, parameters: Json, vendors: set[str], reads: bool) -> None:
    web = Builder("vendors")
    web.tag("Matomo - tag", kind, [ALL_PAGES], **parameters)
    found = view(web.export())
    sender = found.senders.of(found.container.all("tag")[0])
    assert (set(sender.vendors), sender.reads_consent) == (vendors, reads)


def test_unknown_things_are_kept_and_named() -> None:
    web = Builder("unknown")
    web.tag("made up", "googtag_init_consent", [ALL_PAGES])
    web.trigger("made up", "CONSENT_INITIALIZATION_ALL_PAGES")
    web.variable("made up", "zzz")
    web.tag("lost", "cvt_NOONE", [ALL_PAGES])
    web.add("wishes", {"name": "later"})
    data = web.export()
    data["containerVersion"]["tag"].append("no object")
    found: Container = container(data)
    assert found.data == data
    assert {(one.pointer.removeprefix("/containerVersion"), one.what) for one in found.not_judged} == {
        ("/tag/0", "tag made up (googtag_init_consent)"),
        ("/trigger/0", "trigger made up (CONSENT_INITIALIZATION_ALL_PAGES)"),
        ("/variable/0", "variable made up (zzz)"),
        ("/wishes", '"wishes"'),
        ("/tag", "1 entries"),
    }
