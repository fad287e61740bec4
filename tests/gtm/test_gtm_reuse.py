"""A container that is read beside another version of itself scores as if it were read alone."""

from __future__ import annotations

import copy
import json
import random

import pytest

from harness.errors import InvalidCandidate
from harness.scorers.gtm import Container, Declared, Scored, read, score
from tests.gtm.build import Json
from tests.gtm.sites import SHOP_ADS, SITES, messy_shop
from tests.gtm.test_gtm_broken import bent

DECLARED = Declared("shop", ads=SHOP_ADS)


def told(data: Json, before: Container | None) -> tuple[Scored | str, Container | None]:
    try:
        container = read(json.dumps(data).encode(), "x.json", before)
    except InvalidCandidate as refused:
        return str(refused), before
    return score(container, DECLARED), container


def edited(data: Json, chance: random.Random) -> Json:
    """Bent anywhere, or one entity taken out, doubled or moved."""
    if chance.random() < 0.5:
        return bent(data, chance)
    data = copy.deepcopy(data)
    listed = data["containerVersion"][chance.choice(["tag", "trigger", "variable"])]
    one = listed.pop(chance.randrange(len(listed)))
    for _ in range(chance.randint(0, 2)):
        listed.insert(chance.randrange(len(listed) + 1), copy.deepcopy(one))
    return data


@pytest.mark.parametrize("seed", range(8))
def test_what_is_remembered_changes_no_score(seed: int) -> None:
    chance = random.Random(seed)
    for make in [messy_shop, *(make for make, _declared in SITES.values())]:
        data, before = make(), None
        for _ in range(10):
            remembered, before = told(data, before)
            alone, _container = told(data, None)
            assert remembered == alone
            data = edited(make(), chance)


def test_what_stands_in_both_is_read_once() -> None:
    """The control: entities are really taken over, but for the one that differs."""
    data = messy_shop()
    first = read(json.dumps(data).encode(), "x.json")
    data["containerVersion"]["tag"][3]["name"] = "GA4 - another name"
    second = read(json.dumps(data).encode(), "x.json", first)
    same = [one is other for one, other in zip(first.all("tag"), second.all("tag"), strict=True)]
    assert same == [n != 3 for n in range(len(same))]


@pytest.mark.parametrize(("one", "other"), [(True, 1), ("1", 1), (1.0, 1)])
def test_values_that_only_seem_equal_are_told_apart(one: object, other: object) -> None:
    data = messy_shop()
    data["containerVersion"]["tag"][0]["paused"] = one
    first = read(json.dumps(data).encode(), "x.json")
    data["containerVersion"]["tag"][0]["paused"] = other
    second = read(json.dumps(data).encode(), "x.json", first)
    assert second.all("tag")[0] is not first.all("tag")[0]
