"""Per-account values of a metric: their mean is the metric, their spread is how much it varies between samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.holdout import paired
from harness.scorers.saas import influence, measures
from harness.scorers.saas.accounts import Facts, facts
from harness.scorers.saas.influence import strata
from harness.scorers.saas.scorer import Scorer
from harness.scorers.saas.tally import add_up
from tests.saas_slowly import Sheet, columns_of, some_accounts, write

Floats = NDArray[np.float64]
VARIED = ("nrr.A", "revenue_capture_at_20", "tier_separation", "revenue_hhi")
DRAWS, SIZE = 800, 400
BASE, HEAD = (3, 1), (1, 2)
SPECS = {weights: Sheet(weights).spec() for weights in (BASE, HEAD)}


@dataclass(frozen=True)
class Sample:
    """Accounts drawn at random: what they hold grows with their features, so that it matters who is chosen."""

    hundredths: NDArray[np.int64]
    facts: Mapping[str, Floats]

    @staticmethod
    def draw(chance: np.random.Generator, size: int, *, fine: bool) -> Sample:
        hundredths = chance.integers(0, 101, (2, size))
        if not fine:  # shares of accounts by which no group of ties ends near a cut: there, nothing is normal
            hundredths = chance.choice([0, 50, 100], (2, size), p=[0.55, 0.15, 0.3])
        quality = hundredths.sum(axis=0) / 100
        start = np.rint(np.exp(7 + quality + chance.normal(0, 0.3, size))) * (chance.random(size) < 0.9)
        stays = (chance.random(size) < 0.2 + 0.3 * quality).astype(np.float64)
        outcomes = {
            "retained": stays,
            "revenue_start": start,
            "revenue_end": np.rint(start * chance.uniform(0.5, 1.8, size)) * stays,
            "lifetime_value": np.rint(np.exp(9 + quality + chance.normal(0, 0.3, size))),
        }
        return Sample(hundredths, facts(outcomes, size))

    def values(self, name: str, weights: tuple[int, int], *, rising: bool = True) -> list[list[float]]:
        found = strata(name, SPECS[weights], np.array(weights) @ self.hundredths, self.facts, rising=rising)
        assert found is not None
        return found

    def metrics(self, weights: tuple[int, int], *, rising: bool = True) -> dict[str, float]:
        points = np.array(weights) @ self.hundredths
        tally = add_up(SPECS[weights], points, Facts.of(self.facts, self.facts), rising=rising)
        return measures.measured(tally)


@pytest.mark.parametrize("fine", [True, False])
@pytest.mark.parametrize("health", [True, False])
@pytest.mark.parametrize("weights", [[3, 1], [-2, 5], [0, 0]])
def test_the_mean_of_each_stratum_is_the_metric(
    fine: bool, health: bool, weights: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influence, "FEWEST_IN_TIER", 1)
    accounts, sheet = some_accounts(200, fine=fine), Sheet(weights, health=health)
    write(tmp_path / "a.csv", accounts)
    scorer = Scorer(tmp_path, columns_of(accounts, sheet))
    (metrics,) = scorer.measure([sheet.spec()], "search")
    whole = [name for name in metrics if ".plan." not in name]
    rows = scorer.rows(sheet.spec(), "search", list(metrics))
    assert set(rows) == set(whole)
    for name in whole:
        assert len(rows[name]) == (2 if name.startswith("auc") else 1)
        for stratum in rows[name]:
            largest = max(map(abs, stratum))
            assert abs(float(np.mean(stratum)) - metrics[name]) <= 1e-9 * max(largest, 1e-300), name


def test_what_has_no_value_has_no_rows() -> None:
    sample = Sample.draw(np.random.default_rng(1), 20, fine=True)
    points = np.full(20, 300)  # everybody in A
    for name in ("nrr.B", "winback.A", "nrr.Z", "nrr", "unheard_of", "auc_roc_retain.plan.worst"):
        assert strata(name, SPECS[BASE], points, sample.facts, rising=True) is None


@pytest.mark.parametrize(("count", "carried"), [(1, False), (299, False), (300, True)])
def test_a_tier_of_few_accounts_has_no_interval(count: int, carried: bool) -> None:
    """All of them stayed: as far as their own values say, without any error."""
    stayed = np.append(np.ones(count), np.arange(200) % 2).astype(np.float64)
    points = np.append(np.full(count, 400), np.zeros(200)).astype(np.int64)
    for names in ({"retained": stayed}, {"revenue_start": stayed, "revenue_end": stayed}):
        found = strata("logo_retention.A", SPECS[BASE], points, facts(names, stayed.size), rising=True)
        assert (found is not None) == carried


@dataclass(frozen=True)
class Study:
    """Many samples, and what each of them says of the metrics."""

    samples: list[Sample]
    metrics: dict[bool, list[dict[str, float]]]  # by whether a higher score is better
    truth: dict[str, float]  # the gain of HEAD over BASE, of all accounts together


@pytest.fixture(scope="module", params=[True, False], ids=["fine", "coarse"])
def study(request: pytest.FixtureRequest) -> Study:
    chance = np.random.default_rng(7)
    samples = [Sample.draw(chance, SIZE, fine=request.param) for _ in range(DRAWS)]
    everybody = Sample(
        np.concatenate([sample.hundredths for sample in samples], axis=1),
        {name: np.concatenate([sample.facts[name] for sample in samples]) for name in samples[0].facts},
    )
    base, head = everybody.metrics(BASE), everybody.metrics(HEAD)
    found = {rising: [sample.metrics(BASE, rising=rising) for sample in samples] for rising in (True, False)}
    return Study(samples, found, {name: head[name] - base[name] for name in VARIED})


@pytest.mark.parametrize("name", VARIED)
def test_the_spread_and_the_paired_gain_are_those_of_fresh_samples(
    study: Study, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """800 samples know a variance to about 5 %."""
    monkeypatch.setattr(influence, "FEWEST_IN_TIER", 1)
    values = [sample.values(name, BASE) for sample in study.samples]
    told = np.mean([_variance(strata) for strata in values])
    assert told == pytest.approx(_seen(study, name), rel=0.15)
    found = [
        paired(base, sample.values(name, HEAD), "maximize") for base, sample in zip(values, study.samples, strict=True)
    ]
    gains = np.array([one.gain for one in found])
    assert abs(gains.mean() - study.truth[name]) < 3 * gains.std(ddof=1) / len(gains) ** 0.5
    assert np.mean([one.error**2 for one in found]) == pytest.approx(gains.var(ddof=1), rel=0.15)
    intervals = [one.interval() for one in found]
    covered = np.mean([one.low <= study.truth[name] <= one.high for one in intervals])
    assert 0.92 <= covered <= 0.98


@pytest.mark.parametrize("name", ["revenue_capture_at_20", "tier_separation"])
def test_the_spread_is_right_at_the_other_end_of_the_score_too(study: Study, name: str) -> None:
    told = np.mean([_variance(sample.values(name, BASE, rising=False)) for sample in study.samples])
    assert told == pytest.approx(_seen(study, name, rising=False), rel=0.15)


def _seen(study: Study, name: str, *, rising: bool = True) -> float:
    return float(np.var([metrics[name] for metrics in study.metrics[rising]], ddof=1))


def _variance(values: list[list[float]]) -> float:
    return sum(float(np.var(stratum, ddof=1)) / len(stratum) for stratum in values)
