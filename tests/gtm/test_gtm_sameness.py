"""What means the same scores the same: ids, order, age, spelling, names. What is used in any way is no orphan."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.scorers.gtm import Declared, Scored, read, score
from harness.scorers.gtm.entities import ARRAYS
from tests.gtm.build import ALL_PAGES, Builder, Json, condition, nine, scored
from tests.gtm.sites import SHOP_ADS, SITES, messy_shop
from tests.gtm.test_gtm_model import as_api

EVERY = {**SITES, "messy": (messy_shop, {"business": "shop", "ads": SHOP_ADS})}
_LISTED_IDS = ("firingTriggerId", "blockingTriggerId")


def with_new_ids(data: Json) -> Json:
    """Every id another one, and every reference by id with it."""
    version = data["containerVersion"]
    own = {one[key]: f"7{int(one[key]):04d}" for array, key in ARRAYS.values() for one in version.get(array, [])}
    for array, key in ARRAYS.values():
        for one in version.get(array, []):
            one[key] = own[one[key]]
            for listed in _LISTED_IDS:
                if listed in one:
                    one[listed] = [own.get(each, each) for each in one[listed]]
            if "parentFolderId" in one:
                one["parentFolderId"] = own[one["parentFolderId"]]
    return renamed_members(data, own)


def renamed_members(value: Any, own: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [renamed_members(one, own) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "TRIGGER_REFERENCE":
        return {**value, "value": own[value["value"]]}
    return {key: renamed_members(inner, own) for key, inner in value.items()}


def shuffled(value: Any, seed: int = 5) -> Any:
    """Every list in another order, but for tables: of those the order means something."""
    chance = random.Random(seed)

    def mixed(one: Any, *, keep: bool = False) -> Any:
        if isinstance(one, list):
            inner = [mixed(each) for each in one]
            return inner if keep else chance.sample(inner, len(inner))
        if isinstance(one, dict):
            return {key: mixed(each, keep=key in {"list", "usageContext"}) for key, each in reversed(one.items())}
        return one

    return mixed(value)


def with_empty_arrays(data: Json) -> Json:
    for array, _key in ARRAYS.values():
        data["containerVersion"].setdefault(array, [])
    return data


def as_old(data: Json) -> Json:
    """As exports were before consent settings and monitoring; empty arrays left out."""
    version = data["containerVersion"]
    for one in version["tag"]:
        for key in ("monitoringMetadata", "tagFiringOption"):
            one.pop(key, None)
        if one.get("consentSettings") == {"consentStatus": "NOT_SET"}:
            del one["consentSettings"]
    data.pop("exportTime")
    return data


def from_api(data: Json) -> Json:
    found: Json = as_api(data["containerVersion"])
    return found


SAME: dict[str, Callable[[Json], Json]] = {
    "new ids": with_new_ids, "another order": shuffled, "empty arrays": with_empty_arrays, "an old export": as_old,
    "the API's words": from_api,
}  # fmt: skip


@pytest.mark.parametrize("site", EVERY)
@pytest.mark.parametrize("change", SAME)
def test_what_means_the_same_scores_the_same(site: str, change: str) -> None:
    make, declared = EVERY[site]
    other = SAME[change](copy.deepcopy(make()))
    assert json.dumps(other) != json.dumps(make())
    before, after = scored(make(), **declared), read_and_score(other, declared)
    assert nine(after) == nine(before)
    assert after.total == before.total
    assert codes(after) == codes(before)


def read_and_score(data: Json, declared: dict[str, Any]) -> Scored:
    return score(read(json.dumps(data).encode(), "other.json"), Declared(**declared))


def codes(found: Scored) -> list[tuple[str, str, str, str]]:
    return sorted((one.dimension, one.code, one.entity, one.name) for one in found.issues)


def with_names(data: Json, new: Callable[[str], str]) -> Json:
    """Every tag, trigger, variable and client by another name, with all that refer to it by name."""
    text = json.dumps(data)
    version = data["containerVersion"]
    names = [one["name"] for array in ("tag", "trigger", "variable", "client") for one in version.get(array, [])]
    for name in sorted(set(names), key=len, reverse=True):
        quoted, other = json.dumps(name)[1:-1], json.dumps(new(name))[1:-1]
        for before, after in (("{{", "}}"), ('"name": "', '"'), ('"tagName": "', '"')):
            text = re.sub(re.escape(before + quoted + after), lambda _m, w=before + other + after: w, text)  # type: ignore[misc]
    found: Json = json.loads(text)
    for trigger in found["containerVersion"]["trigger"]:
        for one in trigger.get("filter", []):
            if one["parameter"][0]["value"] == "{{Client Name}}":
                one["parameter"][1]["value"] = new(one["parameter"][1]["value"])
    return found


@pytest.mark.parametrize("site", EVERY)
@pytest.mark.parametrize(
    "new", [lambda name: f"x{name[::-1]}", lambda name: f"Meta - {name}"], ids=["reversed", "meta"]
)
def test_names_move_naming_alone(site: str, new: Callable[[str], str]) -> None:
    make, declared = EVERY[site]
    before, after = nine(scored(make(), **declared)), nine(scored(with_names(make(), new), **declared))
    assert {name for name, value in before.items() if after[name] != value} == {"naming"}


def orphans(web: Builder) -> set[str]:
    return {
        one.name
        for one in scored(web.export()).issues
        if one.code in {"variable-unused", "trigger-unused", "tag-cannot-fire"}
    }


def test_what_is_used_in_any_way_is_no_orphan() -> None:
    web = Builder("used")
    web.built_in(PAGE_PATH="Page Path")
    by = {
        how: web.layer(how) for how in ("tag", "trigger", "zone", "code", "settings", "client", "template", "blocking")
    }
    settings = web.variable(
        "Settings - e", "gtes", eventSettingsTable=[{"parameter": "x", "parameterValue": by["settings"]}]
    )
    code = web.variable("CJS - c", "jsm", javascript=f"function() {{ return {by['code']}; }}")
    kind = web.template(
        "T", "ABCDE", "sendPixel('x');", [{"type": "TEXT", "name": "a", "defaultValue": by["template"]}]
    )
    block = web.trigger("PV - block", "PAGEVIEW", filter=[condition("EQUALS", by["blocking"], "1")])
    grouped, zoned = web.event("grouped"), web.event("zoned")
    members = {"type": "LIST", "key": "triggerIds", "list": [{"type": "TRIGGER_REFERENCE", "value": grouped}]}
    group = web.trigger("Group - g", "TRIGGER_GROUP", parameter=[members])
    main = web.event("main", filters=[condition("EQUALS", by["trigger"], "1")])
    web.tag("before", "html", [], html="x")
    web.tag("after", "html", [], html="x")
    fields = {"setupTag": [{"tagName": "before"}], "teardownTag": [{"tagName": "after"}], "blockingTriggerId": [block]}
    web.tag(
        "main",
        "gaawe",
        [main, group],
        "",
        fields,
        eventName="e",
        measurementIdOverride="G-1",
        eventSettingsVariable=settings,
    )
    web.tag("second", kind, [ALL_PAGES], a=f"{by['tag']} {code}")
    web.add("zone", {"zoneId": "9", "name": "Z", "boundary": {
        "condition": [condition("EQUALS", by["zone"], "1")], "customEvaluationTriggerId": [zoned],
    }})  # fmt: skip
    web.add("client", {"clientId": "8", "name": "C", "type": "gaaw_client", "parameter": [
        {"type": "TEMPLATE", "key": "path", "value": by["client"]},
    ]})  # fmt: skip
    assert orphans(web) == set()


def test_what_only_an_orphan_uses_is_one_too() -> None:
    web = Builder("unused")
    inner = web.layer("inner")
    web.variable("CJS - outer", "jsm", javascript=f"function() {{ return {inner}; }}")
    web.event("nobody")
    web.tag("tag", "html", [ALL_PAGES], html="x")
    assert orphans(web) == {"DLV - inner", "CJS - outer", "CE - nobody"}
