"""Every planted fault that a rule can mend is mended to the last point, and nothing else; of the others is said why."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.proposers.repair.bench import Bench, Offer
from bot.proposers.repair.operators import OPERATORS
from harness.scorers.gtm import dimensions
from harness.scorers.gtm.audit import audit_of
from tests.gtm.build import nine
from tests.gtm.plants import PLANTS, Plant
from tests.gtm.sites import SITES
from tests.repair.benches import CLOSED, OPEN, Json, after, bench_of, touched

# What needs a person, the site or another account: why_not must say which.
BEYOND_RULES = {
    "no page view": "switched page views off",
    "an event the server does not forward": "a server forwards",
    "a currency that is none": "for a person to say",
    "a template's field": "the account of the vendor",
    "a template's field on the server": "the account of the vendor",
    "an undefined variable in a trigger": "for a person to say",
    "a circle": "for a person to say",
    "code that returns nothing": "not in the container",
    "a secret in a tag": "revoked",
    "a secret in a constant": "revoked",
    "no regular expression": "not in the container",
    "a label that varies": "twice",
    "another event of Meta": "for a person to write",
}
MENDABLE = [plant for plant in PLANTS if plant.name not in BEYOND_RULES]


def planted(plant: Plant) -> Json:
    data: Json = copy.deepcopy(SITES[plant.site][0]())
    plant.plant(data)
    return data


def declared(plant: Plant) -> dict[str, object]:
    return {**SITES[plant.site][1], **dict(plant.declared)}


def every_offer(bench: Bench) -> Iterator[Offer]:
    for operator in OPERATORS:
        yield from operator.offers(bench)


def repaired(data: Json, plant: Plant) -> Json:
    """One operation after another, each the first that ends an issue, until none does."""
    for _step in range(6):
        bench = bench_of(data, OPEN, **declared(plant))
        offer = next((one for one in every_offer(bench) if one.mends), None)
        if offer is None:
            return data
        data = after(bench, offer)
    raise AssertionError("operators never come to an end")


@pytest.mark.parametrize("plant", MENDABLE, ids=lambda one: f"{one.dimension}: {one.name}")
def test_a_fault_that_a_rule_can_mend_is_mended(plant: Plant) -> None:
    data = planted(plant)
    before, now = bench_of(data, OPEN, **declared(plant)), repaired(data, plant)
    found = bench_of(now, OPEN, **declared(plant))
    assert nine(found.scored) == nine(bench_of(SITES[plant.site][0](), OPEN, **declared(plant)).scored)
    assert OPEN.problems(before.view.container, found.view.container) == ()
    assert audit_of(found.view).weight <= audit_of(before.view).weight


@pytest.mark.parametrize("plant", MENDABLE, ids=lambda one: f"{one.dimension}: {one.name}")
def test_what_no_issue_names_stays_as_it_is(plant: Plant) -> None:
    data = planted(plant)
    bench = bench_of(data, OPEN, **declared(plant))
    named = [one for issue in bench.scored.issues if (one := bench.entity_of(issue))]
    twins = [bench.view.container.by_name.get((one.kind, name)) for one in named for name in _quoted(bench, one.id)]
    paused = [tag for tag in bench.view.container.all("tag") if tag.paused]
    concerned = {one for one in [*named, *twins, *paused] if one}
    used = {ref.target for one in concerned for ref in bench.view.references.of(one) if ref.target}
    users = {ref.source for one in concerned for ref in bench.view.references.to(one)}
    may = {(one.kind, one.id) for one in concerned | used | users if one.kind != "folder"}
    assert touched(data, repaired(data, plant)) <= may


def _quoted(bench: Bench, id_: str) -> list[str]:
    """Names that an issue of an entity quotes."""
    return [name for issue in bench.scored.issues if issue.id == id_ for name in re.findall(r'"(.*?)"', issue.message)]


@pytest.mark.parametrize("plant", [p for p in PLANTS if p.name in BEYOND_RULES], ids=lambda one: one.name)
def test_of_what_no_rule_can_mend_is_said_why(plant: Plant) -> None:
    bench = bench_of(planted(plant), OPEN, **declared(plant))
    assert not [offer for offer in every_offer(bench) if offer.mends]
    issues = [issue for issue in bench.scored.issues if issue.code == plant.code]
    reasons = [op.why_not(bench, issue) for issue in issues for op in OPERATORS if issue.code in op.codes]
    assert issues
    assert "" not in reasons
    assert any(BEYOND_RULES[plant.name] in reason for reason in reasons)


def test_most_faults_need_no_mind() -> None:
    assert len(MENDABLE) >= 0.75 * len(PLANTS)
    assert {plant.name for plant in PLANTS} >= set(BEYOND_RULES)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: f"{one.dimension}: {one.name}")
def test_a_policy_that_allows_nothing_is_kept(plant: Plant) -> None:
    bench = bench_of(planted(plant), CLOSED, **declared(plant))
    for offer in every_offer(bench):
        found = bench_of(after(bench, offer), CLOSED, **declared(plant))
        assert CLOSED.problems(bench.view.container, found.view.container) == ()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: f"{one.dimension}: {one.name}")
def test_every_issue_has_an_operator_that_mends_it_or_a_reason(plant: Plant) -> None:
    for policy in (OPEN, CLOSED):
        bench = bench_of(planted(plant), policy, **declared(plant))
        mends = {issue for offer in every_offer(bench) for issue in offer.mends}
        for issue in bench.scored.issues:
            reasons = [op.why_not(bench, issue) for op in OPERATORS if issue.code in op.codes]
            assert reasons, issue.code
            assert ("" in reasons) == (issue in mends), issue


def test_operators_know_every_code_of_every_dimension() -> None:
    folder = Path(str(dimensions.__file__)).parent
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    codes = set(re.findall(r'(?:fails|issue|_fails)\(\s*"([a-z-]+)"', source))
    codes |= {"outcome-missing", "outcome-impaired"}
    known = {code for operator in OPERATORS for code in operator.codes}
    assert len(codes) > 35
    assert codes == known
