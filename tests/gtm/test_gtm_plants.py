"""Each planted fault lowers its dimension and no other, is named with its entity, and its repair gives all back."""

from __future__ import annotations

import copy

import pytest

from harness.scorers.gtm.dimensions import DIMENSIONS
from tests.gtm.build import Json, nine, scored
from tests.gtm.plants import PLANTS, Plant
from tests.gtm.sites import SITES


@pytest.mark.parametrize("site", SITES)
def test_a_site_without_faults_scores_one_in_every_dimension(site: str) -> None:
    make, declared = SITES[site]
    found = scored(make(), **declared)
    assert nine(found) == dict.fromkeys(DIMENSIONS, 1.0)
    assert found.total == pytest.approx(1)
    assert (found.issues, found.not_judged) == ((), ())


def changed(data: Json, plant: Plant) -> Json:
    planted = copy.deepcopy(data)
    plant.plant(planted)
    return planted


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: f"{one.dimension}: {one.name}")
def test_a_fault_lowers_its_dimension_and_no_other(plant: Plant) -> None:
    make, declared = SITES[plant.site]
    said = {**declared, **dict(plant.declared)}
    planted = changed(make(), plant)
    found, whole = scored(planted, **said), scored(make(), **said)
    assert {name for name, value in nine(found).items() if value != 1} == {plant.dimension}
    assert (nine(found)[plant.dimension] or 0) < 1
    assert found.total < whole.total
    told = {(issue.dimension, issue.code, issue.name) for issue in found.issues}
    assert (plant.dimension, plant.code, plant.entity) in told
    plant.repair(planted)
    assert nine(scored(planted, **said)) == nine(whole)


def test_every_dimension_has_plants() -> None:
    assert {plant.dimension for plant in PLANTS} == set(DIMENSIONS)
    assert len({(plant.dimension, plant.name) for plant in PLANTS}) == len(PLANTS) >= 60
