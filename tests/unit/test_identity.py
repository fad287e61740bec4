"""Differences by identity: they lead from one document to the other, wherever a thing stands, and they read."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.documents.identity import Change, Item, applied, applies, changes, is_made, same, words

keys = st.sampled_from(["a", "b", "key", "name", "tagId", "accountId", "tag", "value"])
scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["x", "y", "z", "1", ""]) | st.just(1.0)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.lists(st.fixed_dictionaries({"tagId": scalars, "name": scalars, "value": inner}), max_size=4)
        | st.lists(st.sampled_from("uvwxyz"), max_size=5)
    ),
    max_leaves=15,
)


def container(tags: int = 3) -> dict[str, Any]:
    """A small container as Tag Manager exports it: every entity names its account and its container."""
    where = {"accountId": "1", "containerId": "2"}
    return {
        "exportFormatVersion": 2,
        "containerVersion": {
            **where,
            "tag": [
                {
                    **where, "tagId": str(n), "name": f"GA4 {n}", "type": "gaawe",
                    "parameter": [{"type": "TEMPLATE", "key": "eventName", "value": f"event_{n}"}],
                    "firingTriggerId": ["11"],
                }
                for n in range(1, tags + 1)
            ],
            "trigger": [{**where, "triggerId": "11", "name": "CE purchase", "type": "CUSTOM_EVENT"}],
            "variable": [{**where, "variableId": "5", "name": "currency", "type": "v"}],
            "folder": [{**where, "folderId": "3", "name": "GA4"}],
            "builtInVariable": [{**where, "type": "EVENT", "name": "Event"}],
        },
    }  # fmt: skip


def version(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["containerVersion"]
    return found


def edited(data: dict[str, Any], edit: Any) -> dict[str, Any]:
    after = copy.deepcopy(data)
    edit(version(after))
    return after


@settings(max_examples=400, deadline=None, derandomize=True)
@given(trees, trees)
def test_changes_lead_from_one_document_to_the_other(before: Any, after: Any) -> None:
    found = changes(before, after)
    kept = copy.deepcopy(before)
    assert same(applied(before, found), after)
    assert all(is_made(after, change) for change in found)
    assert same(before, kept)
    assert bool(found) != same(before, after)
    assert words(found, before, after) or not found


@settings(max_examples=100, deadline=None, derandomize=True)
@given(trees, trees)
def test_made_twice_is_made_once(before: Any, after: Any) -> None:
    found = [change for change in changes(before, after) if change.what != "order"]
    once = applied(before, found)
    assert same(applied(once, found), once)


@pytest.mark.parametrize("seed", range(20))
def test_random_edits_of_a_container(seed: int) -> None:
    rng, before = random.Random(seed), container(tags=12)
    after = copy.deepcopy(before)
    tags = version(after)["tag"]
    rng.shuffle(tags)
    for tag in rng.sample(tags, 4):
        rng.choice([
            lambda tag: tag.update(name=tag["name"] + "!"),
            lambda tag: tag["parameter"].append({"type": "TEMPLATE", "key": "currency", "value": "EUR"}),
            lambda tag: tag.update(firingTriggerId=["12", "11"]),
            tags.remove,
        ])(tag)  # fmt: skip
    tags.insert(rng.randrange(len(tags)), {"accountId": "1", "containerId": "2", "tagId": "77", "name": "new"})
    found = changes(before, after)
    assert json.dumps(applied(before, found)) == json.dumps(after)


def test_a_change_names_its_thing_and_not_its_place() -> None:
    before = container()
    after = edited(before, lambda v: v["tag"][1].update(paused=True))
    found = changes(before, after)
    assert [change.path for change in found] == [("containerVersion", "tag", Item("tagId", "2"), "paused")]

    def reshuffle(v: dict[str, Any]) -> None:
        v["tag"].reverse()
        v["tag"].insert(0, {"tagId": "99", "name": "another"})

    elsewhere = edited(before, reshuffle)
    done = applied(elsewhere, found)
    assert [tag["tagId"] for tag in version(done)["tag"] if tag.get("paused")] == ["2"]


def test_one_tag_is_not_known_by_its_account() -> None:
    before = container(tags=1)
    after = edited(before, lambda v: v["tag"].append({"accountId": "1", "containerId": "2", "tagId": "2", "name": "b"}))
    (change,) = changes(before, after)
    assert (change.what, change.path[-1]) == ("add", Item("tagId", "2"))
    swapped = edited(before, lambda v: v["tag"][0].update(tagId="9"))
    assert {change.what for change in changes(before, swapped)} == {"add", "remove"}


def test_what_does_not_apply_is_left_out() -> None:
    before = container()

    def parameter(v: dict[str, Any]) -> None:
        v["tag"][0]["parameter"].append({"type": "TEMPLATE", "key": "currency", "value": "EUR"})
        v["tag"][2]["paused"] = True

    found = changes(before, edited(before, parameter))
    without = edited(before, lambda v: v["tag"].pop(0))
    assert same(applied(without, found), edited(without, lambda v: v["tag"][1].update(paused=True)))
    assert [applies(without, change) for change in found] == [False, True]


def test_what_was_set_since_is_not_overwritten() -> None:
    before = container()
    found = changes(before, edited(before, lambda v: v["tag"][0].update(name="mine")))
    since = edited(before, lambda v: v["tag"][0].update(name="theirs"))
    assert applied(since, found) == since


def test_what_two_things_are_called_applies_to_neither() -> None:
    before = container()
    found = changes(before, edited(before, lambda v: v["tag"][0].update(paused=True)))
    doubled = edited(before, lambda v: v["tag"].append(copy.deepcopy(v["tag"][0])))
    assert applied(doubled, found) == doubled


def test_a_list_without_a_common_field_is_one_value() -> None:
    conditions = [{"type": "EQUALS", "parameter": [1]}, {"type": "CONTAINS", "parameter": [2]}]
    assert changes({"filter": conditions}, {"filter": conditions[:1]}) == (
        Change("set", ("filter",), conditions, conditions[:1]),
    )
    assert len(changes({"a": [1, 2, 3]}, {"a": [1, 5, 3]})) == 1
    assert len(changes({"a": ["x", "x"]}, {"a": ["x", "y"]})) == 1


def test_true_is_not_one() -> None:
    assert len(changes({"a": True, "b": 1, "c": [1]}, {"a": 1, "b": 1.0, "c": [True]})) == 3


def test_order_is_kept_where_it_can_be() -> None:
    before = container()
    after = edited(before, lambda v: v["tag"].reverse())
    (change,) = changes(before, after)
    assert change.what == "order"
    more = edited(before, lambda v: v["tag"].insert(1, {"tagId": "50", "name": "x"}))
    assert [tag["tagId"] for tag in version(applied(more, [change]))["tag"]] == ["3", "50", "2", "1"]


def said(before: dict[str, Any], edit: Any) -> str:
    after = edited(before, edit)
    return words(changes(before, after), before, after)


def test_a_change_in_words() -> None:
    before = container()
    tag = version(before)["tag"][0]
    assert said(before, lambda v: v["tag"][0]["parameter"].append({"type": "TEMPLATE", "key": "currency"})) == (
        'tag "GA4 1": + parameter currency'
    )
    assert said(before, lambda v: v["tag"][0]["parameter"][0].update(value="buy")) == (
        'tag "GA4 1": parameter eventName: event_1 -> buy'
    )
    assert said(before, lambda v: v["tag"][0]["parameter"].pop()) == 'tag "GA4 1": - parameter eventName'
    assert said(before, lambda v: v["tag"][0].update(parentFolderId="3")) == 'tag "GA4 1": folder "GA4"'
    assert said(before, lambda v: v["tag"][0]["firingTriggerId"].clear()) == (
        'tag "GA4 1": - firing trigger "CE purchase"'
    )
    assert said(before, lambda v: v["tag"][0].update(name="Purchase")) == 'tag "Purchase": was named "GA4 1"'
    assert said(before, lambda v: v["tag"].pop(0)) == '- tag "GA4 1"'
    assert said(before, lambda v: v["tag"].append({**tag, "tagId": "9", "name": "New"})) == '+ tag "New"'
    assert said(before, lambda v: v["tag"][0].update(paused=True)) == 'tag "GA4 1": paused'
    assert said(before, lambda v: v["trigger"][0].update(type="CLICK")) == (
        'trigger "CE purchase": type: CUSTOM_EVENT -> CLICK'
    )
    assert said(before, lambda v: v["builtInVariable"].append({"type": "PAGE_URL", "name": "Page URL"})) == (
        '+ built-in variable "Page URL"'
    )


def consented(*types: str, status: str = "NEEDED") -> dict[str, Any]:
    listed = {"type": "LIST", "list": [{"type": "TEMPLATE", "value": one} for one in types]}
    return {"consentStatus": status, **({"consentType": listed} if types else {})}


def test_consent_in_words() -> None:
    before = container()
    settings = consented("ad_storage", "ad_user_data")
    assert said(before, lambda v: v["tag"][0].update(consentSettings=settings)) == (
        'tag "GA4 1": consent types ad_storage, ad_user_data'
    )
    assert said(before, lambda v: v["tag"][0].update(consentSettings=consented(status="NOT_NEEDED"))) == (
        'tag "GA4 1": consent not needed'
    )


def test_many_things_are_counted_and_the_first_named() -> None:
    before = container(tags=12)

    def consent(v: dict[str, Any]) -> None:
        for tag in v["tag"]:
            tag["consentSettings"] = consented("ad_storage")

    assert said(before, consent) == '12 tags ("GA4 1", "GA4 2" and 10 more): consent types ad_storage'

    def renamed(v: dict[str, Any]) -> None:
        for tag in v["tag"]:
            tag["name"] = tag["name"].replace("GA4 ", "GA4 - ")

    assert said(before, renamed) == '12 tags ("GA4 - 1", "GA4 - 2" and 10 more): renamed'


def test_references_that_follow_a_name_are_no_news() -> None:
    before = edited(container(), lambda v: v["tag"][0]["parameter"].append({"key": "c", "value": "{{currency}} {{x}}"}))

    def renamed(v: dict[str, Any]) -> None:
        v["variable"][0]["name"] = "dlv currency"
        v["tag"][0]["parameter"][1]["value"] = "{{dlv currency}} {{x}}"

    assert said(before, renamed) == (
        'variable "dlv currency": was named "currency"; tag "GA4 1": references follow the name'
    )


def test_a_table_whose_names_changed_refers_to_others() -> None:
    table = [{"row": [{"value": "{{currency}}"}, {"value": "x"}]}, {"row": []}]
    before = edited(container(), lambda v: v["tag"][0].update(table=table))

    def renamed(v: dict[str, Any]) -> None:
        v["variable"][0]["name"] = "money"
        v["tag"][0]["table"][0]["row"][0]["value"] = "{{money}}"

    after = edited(before, renamed)
    found = changes(before, after)
    assert sorted(change.what for change in found) == ["refer", "set"]
    elsewhere = edited(before, lambda v: v["tag"][0]["table"][1]["row"].append({"value": "{{currency}}, {{x}}"}))
    tables = version(applied(elsewhere, found))["tag"][0]["table"]
    assert [row["row"][-1]["value"] for row in tables] == ["x", "{{money}}, {{x}}"]
    assert all(is_made(applied(elsewhere, found), change) for change in found)
    assert not any(is_made(elsewhere, change) for change in found)


def test_another_value_is_no_other_name() -> None:
    assert [c.what for c in changes({"a": "{{x}} b"}, {"a": "{{y}} c"})] == ["set"]
    assert [c.what for c in changes({"a": "{{x}} {{x}}"}, {"a": "{{y}} {{z}}"})] == ["set"]
    assert [c.what for c in changes({"a": "x"}, {"a": "{{x}}"})] == ["set"]
    assert [c.what for c in changes({"a": "{{x}} {{y}}"}, {"a": "{{y}} {{x}}"})] == ["refer"]


def test_system_triggers_have_names() -> None:
    before = container()
    assert said(before, lambda v: v["tag"][0]["firingTriggerId"].append("2147479553")) == (
        'tag "GA4 1": + firing trigger "All Pages"'
    )
    assert said(before, lambda v: v["tag"][0].update(paused=False)) == 'tag "GA4 1": not paused'


def test_any_number_of_things_is_one_short_line() -> None:
    before = container(tags=60)

    def everything(v: dict[str, Any]) -> None:
        for number, tag in enumerate(v["tag"]):
            tag[f"field{number}"] = "v" * 500

    found = said(before, everything)
    assert "\n" not in found
    assert len(found) < 900
    assert found.endswith("and 53 more")


def test_hostile_names_stay_on_their_line() -> None:
    name = 'x"\n\n# Merge\u202e\x1b[31m\u2028\ud800' + "long" * 50
    before = edited(container(), lambda v: v["tag"][0].update(name=name))
    found = said(before, lambda v: v["tag"][0].update(paused=True))
    assert found == 'tag "x\' # Merge [31m longlonglonglonglongl...": paused'


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(trees, min_size=6, max_size=6), st.lists(trees, min_size=6, max_size=6))
def test_whatever_stands_in_a_container_is_said(old: list[Any], new: list[Any]) -> None:
    fields = ("parameter", "consentSettings", "parentFolderId", "firingTriggerId", "filter", "type")
    before = edited(container(), lambda v: v["tag"][0].update(zip(fields, old, strict=True)))
    after = edited(container(), lambda v: v["tag"][0].update(zip(fields, new, strict=True)))
    found = changes(before, after)
    assert same(applied(before, found), after)
    assert bool(words(found, before, after)) == bool(found)
    assert "\n" not in words(found, before, after)


def test_a_condition_in_words() -> None:
    def condition(word: Any) -> dict[str, Any]:
        arguments = [{"key": "arg0", "value": "{{Event}}"}, {"key": "arg1", "value": word}, {"key": [], "value": "?"}]
        return {"type": "STARTS_WITH", "parameter": arguments}

    before = edited(container(), lambda v: v["trigger"][0].update(filter=[condition("buy")]))
    assert said(before, lambda v: v["trigger"][0].update(filter=[condition("pay")])) == (
        'trigger "CE purchase": condition: {{Event}} starts with buy -> {{Event}} starts with pay'
    )


def test_other_documents_in_words() -> None:
    before, after = {"weights": {"a": 1, "b": [1, 2]}}, {"weights": {"a": 2, "b": [1, 3], "c": "new"}}
    assert words(changes(before, after), before, after) == "a: 1 -> 2, b: 1, 2 -> 1, 3, + c new"
    assert words(changes(1, 2), 1, 2) == "content: 1 -> 2"
