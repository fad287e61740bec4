"""A model's edits of a container: places by identity, ids given by code, and what is refused with which words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.proposers.mind.containers.address import found, parsed, spelled
from bot.proposers.mind.edits import apply
from bot.proposers.mind.wrong import Wrong
from tests.gtm.build import Json
from tests.gtm.sites import messy_shop, server, shop

ORDER = "/containerVersion/tag[tagId=54]"
ADD_TO_CART = "/containerVersion/trigger[triggerId=17]/customEventFilter"
LAST = 916  # the highest id of the messy shop


def edit(op: str, path: str, value: Any = None, structure: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path, "value": value, "structure": "" if structure is None else json.dumps(structure)}


def after(*edits: dict[str, Any], data: Json | None = None) -> Json:
    """The container as the edits leave it."""
    made: Json = json.loads(text_after(*edits, data=data))
    return made


def text_after(*edits: dict[str, Any], data: Json | None = None) -> str:
    before = json.dumps(data or messy_shop(), indent=2).encode()
    return apply("container", edits, before, "container.json").decode()


def wrong(*edits: dict[str, Any], data: Json | None = None) -> str:
    with pytest.raises(Wrong) as caught:
        after(*edits, data=data)
    return caught.value.what


def entity(data: Json, array: str, id_: str) -> Json:
    key = {"customTemplate": "templateId"}.get(array, f"{array}Id")
    (one,) = [one for one in data["containerVersion"][array] if one[key] == id_]
    return dict(one)


def parameters(one: Json) -> dict[str, Any]:
    return {p["key"]: p.get("value", p.get("list")) for p in one["parameter"]}


def changed(data: Json) -> list[str]:
    """Arrays and ids of what is not as it was."""
    before, now = messy_shop()["containerVersion"], data["containerVersion"]
    return [
        f"{array} {one.get(f'{array}Id')}"
        for array in ("tag", "trigger", "variable", "folder")
        for one in now[array]
        if one not in before[array]
    ]


def test_a_field_is_replaced_and_nothing_else_moves() -> None:
    made = after(edit("replace", f"{ORDER}/parameter[key=conversionLabel]/value", "orderLabel"))
    assert parameters(entity(made, "tag", "54"))["conversionLabel"] == "orderLabel"
    assert changed(made) == ["tag 54"]


def test_the_text_keeps_its_style() -> None:
    before = json.dumps(messy_shop(), indent=4).replace("<", "\\u003c") + "\n"
    change = edit("replace", f"{ORDER}/parameter[key=conversionLabel]/value", "a<b")
    new = apply("container", [change], before.encode(), "c.json").decode()
    old_lines, new_lines = before.splitlines(), new.splitlines()
    differ = [(one, other) for one, other in zip(old_lines, new_lines, strict=True) if one != other]
    assert [other.strip() for _one, other in differ] == ['"value": "a\\u003cb"']
    assert new.endswith("\n")


@pytest.mark.parametrize("path", [
    "/containerVersion/tag[tagId=54]/name", "/tag[tagId=54]/name", "/containerVersion/tag/13/name",
    "/containerVersion/tag[name=order]/name",
])  # fmt: skip
def test_a_place_may_be_said_in_several_ways(path: str) -> None:
    data = messy_shop()
    assert found(data, parsed(path, data)) == "order"


@pytest.mark.parametrize(("pointer", "address"), [
    ("/containerVersion/tag/13", ORDER),
    ("/containerVersion/tag/13/parameter/0/value", f"{ORDER}/parameter[key=conversionId]/value"),
    ("/containerVersion/trigger/3/customEventFilter/0/parameter/1", f"{ADD_TO_CART}/0/parameter[key=arg1]"),
    ("/containerVersion", "/containerVersion"),
])  # fmt: skip
def test_pointers_are_told_by_identity_and_lead_back(pointer: str, address: str) -> None:
    data = messy_shop()
    assert spelled(data, pointer) == address
    assert found(data, parsed(address, data)) is found(data, parsed(pointer, data))


@pytest.mark.parametrize("make", [shop, messy_shop, server])
def test_every_place_of_a_container_can_be_told_and_found(make: Callable[[], Json]) -> None:
    data = make()
    for pointer, value in walked(data, ""):
        assert found(data, parsed(spelled(data, pointer), data)) is value, pointer


def walked(value: Any, pointer: str) -> list[tuple[str, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [place for key, one in inner for place in walked(one, f"{pointer}/{key}")]
    return [*([(pointer, value)] if pointer else []), *below]


def test_doubled_ids_are_told_by_number_and_asked_for_by_number() -> None:
    data = messy_shop()
    data["containerVersion"]["tag"][13]["tagId"] = "13"
    data["containerVersion"]["tag"][13]["name"] = data["containerVersion"]["tag"][0]["name"]
    assert spelled(data, "/containerVersion/tag/13") == "/containerVersion/tag/13"
    assert "there are 2 of tag whose tagId is 13: say its number" in wrong(
        edit("replace", "/tag[tagId=13]/type", "x"), data=data
    )


def test_new_things_get_the_next_ids_and_references_follow() -> None:
    tag = {"name": "GA4 - view_cart", "type": "gaawe", "tagId": "new:tag:1", "firingTriggerId": ["new:trigger:7"]}
    made = after(
        edit("add", "/containerVersion/tag/-", structure=tag),
        edit(
            "add", "/containerVersion/trigger/-", structure={"triggerId": "new:trigger:7", "name": "T", "type": "CLICK"}
        ),
        edit("add", "/containerVersion/tag[tagId=new:tag:1]/firingTriggerId/-", "19"),
    )
    new = made["containerVersion"]["tag"][-1]
    assert new["tagId"] == "910"
    assert new["firingTriggerId"] == ["912", "19"]
    assert made["containerVersion"]["trigger"][-1]["triggerId"] == "912"
    assert (new["accountId"], new["containerId"]) == (made["containerVersion"]["accountId"], "200")


def test_an_id_of_the_nights_base_is_not_given_again() -> None:
    base = json.dumps(messy_shop()).encode()
    gone = apply("container", [edit("remove", "/variable[variableId=916]")], base, "c.json")
    new = edit("add", "/variable/-", structure={"name": "Const - x", "type": "c"})
    for known, id_ in ((base, "917"), (b"", "916")):
        made = json.loads(apply("container", [new], gone, "c.json", known))
        assert made["containerVersion"]["variable"][-1]["variableId"] == id_


def test_an_id_that_is_left_out_is_given() -> None:
    made = after(edit("add", "/variable/-", structure={"name": "Const - x", "type": "c", "parameter": []}))
    assert made["containerVersion"]["variable"][-1]["variableId"] == str(LAST + 1)


def test_a_list_that_was_not_there_is_made() -> None:
    data = shop()
    del data["containerVersion"]["folder"]
    made = after(edit("add", "/containerVersion/folder/-", structure={"name": "GA4"}), data=data)
    assert [one["folderId"] for one in made["containerVersion"]["folder"]] == ["1"]


@pytest.mark.parametrize(("id_", "why"), [
    ("54", "ids are given by code, and not 54: leave tagId out; or say new:tag:1"),
    ("917", "ids are given by code, and not 917"),
    ("abc", "ids are given by code, and not abc"),
    (17, "ids are given by code, and not 17"),
])  # fmt: skip
def test_ids_of_the_answers_own_are_refused(id_: Any, why: str) -> None:
    assert why in wrong(edit("add", "/containerVersion/tag/-", structure={"tagId": id_, "name": "x", "type": "html"}))


def test_a_placeholder_stands_for_one_thing_that_is_there() -> None:
    folder = edit("add", "/folder/-", structure={"name": "x", "folderId": "new:folder:1"})
    assert "stands for another new entity already" in wrong(folder, folder)
    lost = wrong(edit("add", f"{ORDER}/parentFolderId", "new:folder:2"))
    assert "new:folder:2 stands for nothing: add an entity with that as its id" in lost
    data = messy_shop()
    data["containerVersion"]["tag"][0]["notes"] = "new:folder:1"
    assert "stands in the file as a text" in wrong(folder, data=data)


def test_a_parameter_is_set_whether_it_is_there_or_not() -> None:
    made = after(
        edit("set", f"{ORDER}/parameter[key=orderId]", "{{DLV - ecommerce.transaction_id}}"),
        edit("set", f"{ORDER}/parameter[key=conversionLabel]", "orderLabel"),
        edit("set", "/containerVersion/tag[tagId=27]/parameter[key=sendEcommerceData]", True),
    )
    assert parameters(entity(made, "tag", "54"))["orderId"] == "{{DLV - ecommerce.transaction_id}}"
    assert parameters(entity(made, "tag", "54"))["conversionLabel"] == "orderLabel"
    ecommerce = next(p for p in entity(made, "tag", "27")["parameter"] if p["key"] == "sendEcommerceData")
    assert ecommerce == {"type": "BOOLEAN", "key": "sendEcommerceData", "value": "true"}
    assert changed(made) == ["tag 27", "tag 54"]


def test_a_name_is_changed_with_all_that_names_it() -> None:
    made = after(
        edit("rename", "/tag[tagId=59]", "Meta - pixel"), edit("rename", "/variable[variableId=50]", "DLV - worth")
    )
    assert [one["tagName"] for one in entity(made, "tag", "60")["setupTag"]] == ["Meta - pixel"]
    assert "{{DLV - worth}}" in parameters(entity(made, "tag", "60"))["html"]
    assert "DLV - ecommerce.value" not in json.dumps(made["containerVersion"])
    assert "another tag is named" in wrong(edit("rename", ORDER, "Meta - base"))
    assert "that is no entity" in wrong(edit("rename", f"{ORDER}/name", "x"))


def test_consent_is_said_by_its_types() -> None:
    made = after(edit("consent", "/tag[tagId=909]", "ad_storage, ad_user_data"))
    settings = entity(made, "tag", "909")["consentSettings"]
    assert settings["consentStatus"] == "NEEDED"
    assert [one["value"] for one in settings["consentType"]["list"]] == ["ad_storage", "ad_user_data"]
    assert "only tags wait for consent; this is a trigger" in wrong(edit("consent", "/trigger[triggerId=17]", "x"))


def test_values_of_parameters_are_texts_and_flags_stay_flags() -> None:
    made = after(
        edit("add", f"{ORDER}/parameter/-", structure={"type": "BOOLEAN", "key": "a", "value": True}),
        edit("add", f"{ORDER}/paused", True),
        edit("replace", f"{ORDER}/parameter[key=conversionLabel]/value", 7),
    )
    order = entity(made, "tag", "54")
    assert parameters(order)["a"] == "true"
    assert order["paused"] is True
    assert parameters(order)["conversionLabel"] == "7"


@pytest.mark.parametrize("said", [edit("add", "/builtInVariable/-", "FORM_ID"), edit(
    "add", "/containerVersion/builtInVariable/-", structure={"type": "FORM_ID", "name": "anything"})])  # fmt: skip
def test_a_built_in_variable_is_switched_on(said: dict[str, Any]) -> None:
    data = messy_shop()
    for before in (
        data,
        {**data, "containerVersion": {k: v for k, v in data["containerVersion"].items() if k[:2] != "bu"}},
    ):
        new = after(said, data=before)["containerVersion"]["builtInVariable"][-1]
        assert (new["type"], new["name"], new["containerId"]) == ("FORM_ID", "Form ID", "200")
    assert "has no built-in variable of the type NOSE" in wrong(edit("add", "/builtInVariable/-", "NOSE"))
    assert "PAGE_URL is switched on already" in wrong(edit("add", "/builtInVariable/-", "PAGE_URL"))


def test_what_is_removed_is_what_was_named() -> None:
    made = after(edit("remove", "/trigger[triggerId=910]"), edit("remove", "/trigger[triggerId=911]"))
    assert {one["triggerId"] for one in messy_shop()["containerVersion"]["trigger"]} - {
        one["triggerId"] for one in made["containerVersion"]["trigger"]
    } == {"910", "911"}


@pytest.mark.parametrize(("made", "why"), [
    (edit("replace", "/tag[tagId=999]/name", "x"), "edit 1 (replace /tag[tagId=999]/name): there is no tag whose"),
    (edit("replace", f"{ORDER}/name", "x"), "a name is changed by the op rename"),
    (edit("add", f"{ORDER}/tagId", "17"), "ids are given by code, and the tag keeps its own"),
    (edit("replace", f"{ORDER}/label", "x"), "there is no label in it; there is accountId"),
    (edit("replace", "tag[tagId=54]", "x"), "an address begins with /"),
    (edit("replace", "/containerVersion/tag/99/name", "x"), "there is no 99 in it: it is a list of 37"),
    (edit("remove", "/containerVersion/tag/-"), "there is no - in it"),
    (edit("add", "/containerVersion/tag/-", "text"), "a new tag is an object"),
    (edit("add", f"{ORDER}/firingTriggerId", "19"), "firingTriggerId is a list: add to it at /firingTriggerId/-"),
    (edit("add", f"{ORDER}/name/x", "19"), "nothing can be added there"),
    (edit("set", f"{ORDER}/name", "x"), "set is for a parameter"),
    (edit("set", f"{ORDER}/parameter[key=a]"), "a parameter is set to a value"),
    (edit("replace", f"{ORDER}/type", None), "there stands a text, and nothing cannot stand in its place"),
    ({**edit("add", "/tag/-"), "structure": "{nope"}, "structure is not JSON"),
    (edit("replace", f"{ORDER}/type", "a\n[... 1,200 more characters]"), "a text that you were not shown in full"),
    (edit("set", f"{ORDER}/parameter[key=a]", "x [secret removed]"), "a text that you were not shown in full"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_words_that_help(made: dict[str, Any], why: str) -> None:
    assert why in wrong(made)


def test_all_that_is_wrong_is_said_at_once() -> None:
    bad = [edit("replace", f"/tag[tagId=99{n}]/type", "x") for n in range(6)]
    told = wrong(bad[0], edit("set", f"{ORDER}/parameter[key=a]", "b"), *bad[1:])
    assert "edit 1 (" in told
    assert "edit 2 (" not in told
    assert "edit 3 (" in told
    assert told.endswith("(and 2 more)")


def test_half_a_surrogate_pair_is_refused() -> None:
    assert "half of a surrogate pair" in wrong(edit("set", f"{ORDER}/parameter[key=a]", "\ud800"))


def test_deep_structures_end_with_a_word() -> None:
    deep = {**edit("add", "/tag/-"), "structure": "[" * 100_000}
    assert "structure is not JSON" in wrong(deep)


def test_without_edits_there_is_nothing() -> None:
    assert "there are no edits" in wrong()


def test_the_given_file_is_not_changed() -> None:
    data = messy_shop()
    before = copy.deepcopy(data)
    after(edit("rename", "/tag[tagId=59]", "Meta - pixel"), data=data)
    assert data == before


def test_the_apis_own_json_is_edited_too() -> None:
    data = messy_shop()["containerVersion"]
    new = edit("add", "/trigger/-", structure={"name": "n", "type": "click"})
    made = after(edit("rename", "/tag[tagId=59]", "Meta - pixel"), new, data=data)
    assert made["trigger"][-1]["triggerId"] == "912"
    assert "Meta - pixel" in [one["name"] for one in made["tag"]]
