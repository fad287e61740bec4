"""Operators on whole containers: nothing to do on clean ones, wholes before halves, the same every time, done once."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from bot.proposers.repair.bench import Bench, Offer
from bot.proposers.repair.operators import OPERATORS
from harness.errors import InvalidCandidate
from harness.scorers.gtm.audit import audit_of
from harness.scorers.gtm.container import model
from harness.scorers.gtm.policy import Policy
from harness.scorers.gtm.scoring import Scored
from tests.gtm.sites import SHOP_ADS, SITES, messy_shop
from tests.repair.benches import CAUTIOUS, CLOSED, OPEN, Json, after, bench_of, entities, touched

MESSY: dict[str, Any] = {"business": "shop", "ads": SHOP_ADS}
WITHIN = 0.01


def all_offers(bench: Bench, each: int | None = None) -> list[tuple[str, Offer]]:
    """each: so many of every operator, the largest first; 3 are the whole and its halves."""
    return [
        (operator.name, offer) for operator in OPERATORS for offer in itertools.islice(operator.offers(bench), each)
    ]


def fallen(before: Scored, now: Scored) -> dict[str, tuple[float, float]]:
    """Dimensions that lost more than is let pass, or can no longer be judged."""
    pairs = ((one.name, one.score or 0.0, now.of(one.name) or 0.0) for one in before.dimensions)
    return {name: (old, new) for name, old, new in pairs if new < old - WITHIN}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("policy", [OPEN, CAUTIOUS, CLOSED], ids=["open", "cautious", "closed"])
def test_nothing_is_offered_for_a_container_without_a_fault(site: str, policy: Policy) -> None:
    make, declared = SITES[site]
    assert all_offers(bench_of(make(), policy, **declared)) == []


def test_offers_are_the_same_every_time() -> None:
    first, second = (bench_of(messy_shop(), OPEN, **MESSY) for _time in range(2))
    told = [[(name, offer.words, offer.mends) for name, offer in all_offers(bench)] for bench in (first, second)]
    assert told[0] == told[1]
    for (_a, one), (_b, other) in zip(all_offers(first, 3), all_offers(second, 3), strict=True):
        assert json.dumps(after(first, one)) == json.dumps(after(second, other))


def test_words_tell_offers_apart_and_stand_in_one_line() -> None:
    words = [f"{name}: {offer.words}" for name, offer in all_offers(bench_of(messy_shop(), OPEN, **MESSY))]
    assert len(set(words)) == len(words)
    assert all("\n" not in one and len(one) < 400 for one in words)


def test_a_whole_is_offered_before_its_halves() -> None:
    bench = bench_of(messy_shop(), OPEN, **MESSY)
    for operator in OPERATORS:
        mends = [set(offer.mends) for offer in operator.offers(bench)]
        assert all(part <= mends[0] for part in mends)
        assert [len(part) for part in mends] == sorted((len(part) for part in mends), reverse=True) or len(mends) > 3
        if len(mends) > 1:
            assert mends[1] | mends[2] == mends[0]


def test_no_offer_makes_the_audit_worse_or_a_dimension_fall() -> None:
    bench = bench_of(messy_shop(), OPEN, **MESSY)
    weight = audit_of(bench.view).weight
    seen = 0
    for name, offer in all_offers(bench, 7):
        now = bench_of(after(bench, offer), OPEN, **MESSY)
        assert fallen(bench.scored, now.scored) == {}, (name, offer.words)
        assert audit_of(now.view).weight <= weight, (name, offer.words)
        assert OPEN.problems(bench.view.container, now.view.container) == (), (name, offer.words)
        seen += 1
    assert seen > 60


def test_a_messy_shop_becomes_a_clean_one_operation_by_operation() -> None:
    data: Json = messy_shop()
    first = bench_of(data, OPEN, **MESSY)
    totals = [first.scored.total]
    for _step in range(60):
        bench = bench_of(data, OPEN, **MESSY)
        found = next(iter(all_offers(bench)), None)
        if not found:
            break
        data = after(bench, found[1])
        totals.append(bench_of(data, OPEN, **MESSY).scored.total)
    last = bench_of(data, OPEN, **MESSY)
    assert totals[0] < 0.7
    assert totals[-1] > 0.98
    assert len(totals) < 40
    assert audit_of(last.view).weight <= audit_of(first.view).weight
    assert OPEN.problems(first.view.container, last.view.container) == ()


def test_what_is_done_is_not_offered_again() -> None:
    bench = bench_of(messy_shop(), OPEN, **MESSY)
    for operator in OPERATORS:
        whole = next(iter(operator.offers(bench)), None)
        if whole:
            again = bench_of(after(bench, whole), OPEN, **MESSY)
            done = {(issue.code, issue.entity, issue.id, issue.message) for issue in whole.mends}
            more = [issue for offer in operator.offers(again) for issue in offer.mends]
            assert not done & {(issue.code, issue.entity, issue.id, issue.message) for issue in more}, operator.name


def test_a_cautious_policy_lets_nothing_go_and_nothing_be_paused() -> None:
    data = messy_shop()
    bench = bench_of(data, CAUTIOUS, **MESSY)
    for name, offer in all_offers(bench, 3):
        now = after(bench, offer)
        assert set(entities(now)) >= set(entities(data)), (name, offer.words)
        assert not [key for key in touched(data, now) if "paused" in entities(now)[key]], (name, offer.words)


@pytest.mark.parametrize("small", [False, True], ids=["export", "api"])
def test_a_file_keeps_the_spelling_of_its_words(small: bool) -> None:
    data = messy_shop()
    if small:
        data = json.loads(json.dumps(data), object_hook=_as_the_api_spells)
    bench = bench_of(data, OPEN, **MESSY)
    for name, offer in all_offers(bench, 1):
        new = json.dumps(after(bench, offer))
        assert ('"TEMPLATE"' in new) != small, (name, offer.words)
        assert ('"CUSTOM_EVENT"' in new) != small, (name, offer.words)


def _as_the_api_spells(one: Json) -> Json:
    words = {"type", "consentStatus", "tagFiringOption"}
    for key in words & one.keys():
        if isinstance(one[key], str) and one[key].isupper() and one[key] != "UA":
            first, *rest = one[key].lower().split("_")
            one[key] = first + "".join(part.capitalize() for part in rest)
    return one


@pytest.mark.parametrize("seed", range(24))
def test_bent_files_crash_no_operator(seed: int) -> None:
    chance, data = random.Random(seed), messy_shop()
    for _time in range(chance.randint(1, 25)):
        holder, key = chance.choice(list(_places(data["containerVersion"])))
        with contextlib.suppress(IndexError, KeyError):
            holder[key] = chance.choice([None, "", [], {}, 5, True, "{{x}}", "999", [1, None], {"type": "LIST"}])
    try:
        bench = bench_of(data, chance.choice([OPEN, CAUTIOUS]), **MESSY)
    except InvalidCandidate:
        return
    for operator in OPERATORS:
        for offer in itertools.islice(operator.offers(bench), 1):
            model(after(bench, offer))
        for issue in bench.scored.issues:
            assert issue.code not in operator.codes or isinstance(operator.why_not(bench, issue), str)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield value, key
        yield from _places(one)
