"""Benches for operators: a container, what is declared, a policy; and what an operation makes of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from bot.proposers.repair.bench import Bench, Offer, Operator
from bot.proposers.repair.draft import Draft
from bot.proposers.repair.operators import OPERATORS
from harness.scorers.gtm import Declared
from harness.scorers.gtm.audit import audit_of
from harness.scorers.gtm.container import model
from harness.scorers.gtm.entities import ARRAYS
from harness.scorers.gtm.policy import Policy

Json = dict[str, Any]
CAUTIOUS = Policy()
OPEN = Policy(remove=frozenset({"tag", "trigger", "variable", "folder"}), pause=True, code=True, unblock=True)
CLOSED = Policy(rename=False, add=frozenset())


def bench_of(data: Json, policy: Policy = OPEN, **declared: Any) -> Bench:
    return Bench.of(model(copy.deepcopy(data)), Declared(**declared), policy)


def the_operator(name: str) -> Operator:
    return next(one for one in OPERATORS if one.name == name)


def offers(bench: Bench, name: str) -> list[Offer]:
    return list(the_operator(name).offers(bench))


def after(bench: Bench, offer: Offer) -> Json:
    """The container's JSON with an offer applied; the bench's stays as it was."""
    before = json.dumps(bench.view.container.data)
    draft = Draft(bench.view.container.data)
    offer.apply(draft)
    assert json.dumps(bench.view.container.data) == before
    return dict(draft.data)


def mended(data: Json, name: str, policy: Policy = OPEN, **declared: Any) -> Json:
    """With an operator's whole offer applied, which must pass the policy and leave the audit no worse."""
    bench = bench_of(data, policy, **declared)
    found = after(bench, offers(bench, name)[0])
    again = bench_of(found, policy, **declared)
    assert policy.problems(bench.view.container, again.view.container) == ()
    assert audit_of(again.view).weight <= audit_of(bench.view).weight
    left = {(issue.code, issue.entity, issue.id, issue.message) for issue in again.scored.issues}
    assert not {(i.code, i.entity, i.id, i.message) for i in offers(bench, name)[0].mends} & left
    return found


def entities(data: Mapping[str, Any]) -> dict[tuple[str, str], Json]:
    """Everything with an id, by kind and id."""
    version = data["containerVersion"]
    return {(kind, one[key]): one for kind, (array, key) in ARRAYS.items() for one in version.get(array, [])}


def touched(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What was there and is another now, or gone."""
    new = entities(now)
    return {key for key, one in entities(before).items() if new.get(key) != one}
