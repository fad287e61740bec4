"""Files that were cut, bent and mixed by hand or by a machine: they score, or are refused with a reason."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from harness.errors import InvalidCandidate
from harness.scorers.gtm import Declared, Scored, read, score
from tests.gtm.build import Json, scored
from tests.gtm.sites import SHOP_ADS, SITES, messy_shop

ODD: list[Any] = [None, "", " - ",
                  "{{", "{{}}", "{{Page URL}}", "%%X%%", 0, -1, 1e300, True, [], {}, [[]], [{}], [None],
                  "x" * 5000, "(a+)+$", "\u2028\x1b[31m", "2147479553", {"type": "LIST", "list": 5}]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every key of every object, every index of every list."""
    found: list[tuple[Any, Any]] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner):
        found += [(value, key), *places(one)]
    return found


def bent(data: Json, chance: random.Random) -> Json:
    data = copy.deepcopy(data)
    for _ in range(chance.randint(1, 8)):
        holder, key = chance.choice(places(data))
        if chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD))
    return data


def told(data: Json) -> Scored | None:
    """The score; None where the file was refused, with a reason."""
    try:
        return score(read(json.dumps(data).encode(), "bent.json"), Declared(ads=SHOP_ADS))
    except InvalidCandidate as refused:
        return None if refused.why and refused.next_step else pytest.fail("refused without a reason")


@pytest.mark.parametrize("seed", range(12))
def test_bent_files_score_or_are_refused(seed: int) -> None:
    chance = random.Random(seed)
    scores = 0
    for make in [messy_shop, *(make for make, _declared in SITES.values())]:
        for _ in range(12):
            data = bent(make(), chance)
            found = told(data)
            if found is None:
                continue
            scores += 1
            assert 0 <= found.total <= 1
            assert all(value is None or 0 <= value <= 1 for value in found.nine)
            json.dumps(found.as_json(), allow_nan=False)
    assert scores > 20


def test_every_pointer_stands_in_the_file() -> None:
    data = messy_shop()
    data["containerVersion"]["tag"][0]["parameter"] = [{"type": "TEMPLATE", "key": "a/b", "value": "{{nobody}}"}]
    found = scored(data, business="shop", ads=SHOP_ADS)
    assert len(found.issues) > 50
    for issue in found.issues:
        where: Any = data
        steps = [step.replace("~1", "/").replace("~0", "~") for step in issue.pointer.split("/")[1:]]
        for n, step in enumerate(steps):
            if isinstance(where, dict) and step not in where:
                assert n == len(steps) - 1, issue  # what is absent: its holder stands there
                break
            where = where[int(step)] if isinstance(where, list) else where[step]


def test_scoring_changes_nothing_in_the_file() -> None:
    data = messy_shop()
    before = copy.deepcopy(data)
    container = read(json.dumps(data).encode(), "x.json")
    score(container)
    assert container.data == before


@pytest.mark.parametrize("ads", [{"meta": {"conversions": 5}}, {"google": {"conversions": ["x"]}}])
def test_an_ads_snapshot_of_another_shape_is_refused(ads: Json) -> None:
    with pytest.raises(InvalidCandidate, match="no list of objects"):
        scored(messy_shop(), ads=ads)
