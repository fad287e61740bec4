"""Tricks on the policy: what Tag Manager would not import, and what would send with less consent under a new id."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.scorers.gtm import score
from harness.scorers.gtm.policy import Policy
from tests.gtm.build import ALL_PAGES, Json, consent, container, parameter, the
from tests.gtm.sites import shop

OPEN = Policy(remove=frozenset({"tag"}), pause=True)
TAG = "Meta - base"


def problems(before: Json, after: Json) -> tuple[str, ...]:
    return OPEN.problems(container(before), container(after))


def changed(**fields: Any) -> Json:
    data = shop()
    the(data, "tag", "GA4 - purchase").update(fields)
    return data


def added(**fields: Any) -> Json:
    data = shop()
    number = max(int(one["tagId"]) for one in data["containerVersion"]["tag"]) + 1
    made = {"tagId": str(number), "name": "new", "type": "gclidw", "firingTriggerId": [ALL_PAGES]}
    data["containerVersion"]["tag"].append(made | fields)
    return data


MISSHAPEN: dict[str, Any] = {
    "a name of 10,000 characters": changed(name="x" * 10_000),
    "notes that are an object": changed(notes={"a": 1}),
    "paused by a word": changed(paused="yes"),
    "a consent setting that is a text": changed(consentSettings="NOT_SET"),
    "a consent setting with more in it": changed(consentSettings={"consentStatus": "NOT_SET", "evil": 1}),
    "a setup tag that is a text": changed(setupTag="Meta - base"),
    "a trigger twice": added(firingTriggerId=[ALL_PAGES, ALL_PAGES]),
    "a trigger by number": added(firingTriggerId=[int(ALL_PAGES)]),
    "a system trigger that is none": added(firingTriggerId=["2147479999"]),
    "a parameter that is a text": added(parameter=["x"]),
    "a parameter of an invented type": added(parameter=[{"type": "NONSENSE", "key": "a", "value": "b"}]),
    "a truth that is a word": added(parameter=[{"type": "BOOLEAN", "key": "a", "value": "perhaps"}]),
    "a pixel that calls any address": added(type="img", parameter=[parameter("url", "//example.test/?c={{Event}}")]),
}


@pytest.mark.parametrize("trick", MISSHAPEN)
def test_what_tag_manager_would_not_import_is_refused(trick: str) -> None:
    assert problems(shop(), MISSHAPEN[trick])


def test_the_same_in_its_right_shape_is_allowed() -> None:
    assert problems(shop(), changed(notes="why")) == ()
    assert problems(shop(), changed(setupTag=[{"tagName": TAG, "stopOnSetupFailure": True}])) == ()
    flag = {"type": "BOOLEAN", "key": "enableCrossDomain", "value": "true"}
    assert problems(shop(), added(parameter=[flag])) == ()


def waiting(data: Json) -> Json:
    """With two equal tags: the first waits for consent."""
    one = the(data, "tag", "Meta - Purchase")
    one["consentSettings"] = consent("ad_storage")
    return one


def with_copy(**fields: Any) -> Json:
    data = shop()
    one = copy.deepcopy(waiting(data))
    number = max(int(each["tagId"]) for each in data["containerVersion"]["tag"]) + 1
    data["containerVersion"]["tag"].append(one | {"tagId": str(number), "name": "Meta - Purchase 2"} | fields)
    return data


def without(data: Json, name: str) -> Json:
    found = copy.deepcopy(data)
    found["containerVersion"]["tag"] = [one for one in found["containerVersion"]["tag"] if one["name"] != name]
    return found


def test_a_tag_is_not_swapped_for_a_new_copy_that_does_not_wait() -> None:
    before = shop()
    waiting(before)
    after = without(with_copy(consentSettings={"consentStatus": "NOT_SET"}), "Meta - Purchase")
    assert "it stays" in "\n".join(problems(before, after))


def test_one_of_two_may_go_where_the_other_waits_as_well() -> None:
    assert problems(with_copy(), without(with_copy(), "Meta - Purchase")) == ()


def test_one_of_two_may_not_go_where_the_other_first_begins_to_send_unasked() -> None:
    loose = {"consentSettings": {"consentStatus": "NOT_SET"}}
    before = with_copy(**loose, paused=True)
    after = without(with_copy(**loose), "Meta - Purchase")
    assert "it stays" in "\n".join(problems(before, after))


@pytest.mark.parametrize("kind", ["c", "smm"])
def test_variables_of_variables_of_variables_are_followed_once_each(kind: str) -> None:
    """Ten to the power of eleven ways lead to the last one."""
    data = shop()
    for number in range(1, 13):
        said = f"{{{{deep {number + 1}}}}}" if number < 12 else ""
        rows = [{"type": "MAP", "map": [parameter("key", str(row)), parameter("value", said)]} for row in range(10)]
        table = {"type": "LIST", "key": "map", "list": rows}
        held = [parameter("value", said * 10)] if kind == "c" else [table]
        made = {"variableId": str(900 + number), "name": f"deep {number}", "type": kind, "parameter": held}
        data["containerVersion"]["variable"].append(made)
    the(data, "tag", "GA4 - purchase")["parameter"].append(parameter("said", "{{deep 1}}"))
    assert isinstance(problems(shop(), data), tuple)


def test_code_of_a_thousand_open_calls_is_scored() -> None:
    data = shop()
    code = "<script>" + "fbq('track','Purchase'," * 5000 + "</script>"
    the(data, "tag", "Meta - Purchase")["parameter"] = [parameter("html", code)]
    assert score(container(data)).of("parameter_completeness") is not None
