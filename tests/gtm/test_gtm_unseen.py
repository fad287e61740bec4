"""Containers that nobody has seen: parts of ours deleted, doubled and renamed by chance. All are read, scored, audited
and written as they were; repair comes to its end on them and loses nothing."""

from __future__ import annotations

import copy
import json
import random

import pytest

from bot.repairs import MOST_TRIES, mended
from harness.documents.jsonstyle import rewritten
from harness.scorers.gtm import Declared, read, score
from harness.scorers.gtm.audit import audit
from harness.scorers.gtm.entities import ARRAYS
from harness.scorers.gtm.policy import Policy
from tests.gtm.build import Json
from tests.gtm.sites import SHOP_ADS, SITES, messy_shop

MAKERS = [messy_shop, *(make for make, _declared in SITES.values())]
POLICIES = [Policy(), Policy(remove=frozenset({"variable", "trigger", "folder", "tag"}), pause=True, code=True)]
SEEDS = range(20)
EACH = 10  # cases of a seed


def unseen(chance: random.Random) -> Json:
    """One of ours after some accidents."""
    data = copy.deepcopy(chance.choice(MAKERS)())
    version = data["containerVersion"]
    for _ in range(chance.randint(1, 12)):
        array = chance.choice([array for array, _key in ARRAYS.values() if version.get(array)])
        chance.choice([_delete, _double, _rename, _drop_a_field, _drop_the_array])(version, array, chance)
    return data


def _delete(version: Json, array: str, chance: random.Random) -> None:
    version[array].pop(chance.randrange(len(version[array])))


def _double(version: Json, array: str, chance: random.Random) -> None:
    """With its id, or with one of its own."""
    again = copy.deepcopy(chance.choice(version[array]))
    key = next(key for name, key in ARRAYS.values() if name == array)
    again[key] = chance.choice([again.get(key, ""), str(chance.randrange(10**6))])
    version[array].insert(chance.randrange(len(version[array]) + 1), again)


def _rename(version: Json, array: str, chance: random.Random) -> None:
    """What refers to it by name is left behind."""
    one = chance.choice(version[array])
    one["name"] = chance.choice(
        ["", " ", "x", "{{x}}", one.get("name", "") + " ", "\u0430\u200b", chance.choice(version[array])["name"]]
    )


def _drop_a_field(version: Json, array: str, chance: random.Random) -> None:
    one = chance.choice(version[array])
    one.pop(chance.choice(list(one)))
    one.setdefault("name", "kept")


def _drop_the_array(version: Json, array: str, chance: random.Random) -> None:
    if chance.random() < 0.2:
        version[array] = chance.choice([[], None]) if chance.random() < 0.5 else version[array][:1]
    if not version[array]:
        del version[array]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_nobody_has_seen_is_read_scored_audited_and_written(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(EACH):
        data = unseen(chance)
        text = json.dumps(data, indent=2, ensure_ascii=False)
        container = read(text.encode(), "unseen.json")
        found = score(container, Declared("shop", ads=SHOP_ADS))
        assert 0 <= found.total <= 1
        assert audit(container).weight >= 0
        assert rewritten(json.loads(text), text) == text
        assert container.data == data


@pytest.mark.parametrize("seed", range(12))
def test_repair_comes_to_its_end_and_loses_nothing(seed: int) -> None:
    chance = random.Random(1000 + seed)
    content = json.dumps(unseen(chance), indent=2).encode()
    policy = POLICIES[seed % 2]
    declared = Declared("shop", ads=SHOP_ADS)
    found = mended(content, "unseen.json", declared, policy)
    assert len(found.tries) < MOST_TRIES
    assert found.after["total"] >= found.before["total"]
    assert found.after["audit_findings"] <= found.before["audit_findings"]
    assert policy.problems(read(content, "x.json"), read(found.content, "x.json")) == ()
    assert all(why for _issue, why in found.left)


def test_there_are_two_hundred_cases() -> None:
    assert len(SEEDS) * EACH >= 200
