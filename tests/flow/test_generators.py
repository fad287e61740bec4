"""The three scoring targets with invented accounts: their tables, and what is planted in them.

The tables are held byte for byte. Their chance comes from the raw bits of PCG64 under a seed, which numpy promises not
to change (NEP 19), and from no distribution of numpy's, which it may change. What is left is the last digit of log, exp
and cos, which differs between machines: it could only show where a value lies within 1e-15 of the edge of a rounding,
or of a draw.
"""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from harness.scorers.saas import columns
from tests.generators import ALL, TARGETS, Facts, Floats, each_target, generator, numbers, scaled, table

# --- the tables ---


@each_target
@pytest.mark.parametrize("split", ["search", "holdout"])
def test_the_committed_table_is_what_the_generator_makes(facts: Facts, split: str) -> None:
    committed = (TARGETS / facts.name / "data" / f"{split}.csv").read_bytes()
    assert generator(facts.name).table(split) == committed
    assert len(committed) < 600_000


@each_target
def test_check_finds_a_changed_byte(facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = generator(facts.name)
    monkeypatch.setattr(module, "DATA", tmp_path / "data")
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    module.main()
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    module.main()
    path = tmp_path / "data" / "holdout.csv"
    path.write_bytes(path.read_bytes().replace(b"0.5,", b"0.6,", 1))
    with pytest.raises(SystemExit, match=r"data/holdout\.csv is not what the generator makes"):
        module.main()


@each_target
def test_chance_is_what_it_is_called(facts: Facts) -> None:
    n = 200_000
    chance = generator(facts.name).Chance(9, n)
    draws: list[tuple[Floats, float, float]] = [
        (chance.uniform(), 1 / 2, 1 / 12),
        (chance.between(2, 5), 3.5, 9 / 12),
        (chance.exponential(3.0), 3.0, 9.0),
        (chance.normal(), 0.0, 1.0),
        (chance.beta(2, 3), 2 / 5, 6 / (25 * 6)),
        (chance.yes(0.3).astype(float), 0.3, 0.21),
        ((chance.pick({"a": 0.2, "b": 0.8}) == "b").astype(float), 0.8, 0.16),
    ]
    if hasattr(chance, "count"):
        draws.append((chance.count(1.4), 1.4, 1.4))
    for found, mean, variance in draws:
        assert abs(found.mean() - mean) < 4 * (variance / n) ** 0.5
        assert found.var() == pytest.approx(variance, rel=0.03)
    drawn = np.corrcoef([found for found, _, _ in draws]) - np.eye(len(draws))
    assert abs(drawn).max() < 5 / n**0.5, "draws are independent of one another"


@each_target
def test_a_row_agrees_with_itself(facts: Facts) -> None:
    found = columns.load(TARGETS / facts.name / "columns.yaml")
    ids = [set(table(facts.name, split)["account_id"]) for split in ("search", "holdout")]
    assert [len(one) for one in ids] == [5_000, 5_000]
    assert not ids[0] & ids[1]
    for split in ("search", "holdout"):
        content = table(facts.name, split)
        assert set(content) == {found.id, *found.names}
        plain = [value for name in (*found.features, *found.outcomes.values()) for value in content[name]]
        assert all(re.fullmatch(r"-?\d+(\.\d{1,2})?", value) for value in plain)
        stayed = numbers(facts.name, split, facts.label) == facts.retained
        assert ((numbers(facts.name, split, facts.end) > 0) == stayed).all()
        assert numbers(facts.name, split, "mrr").min() >= 20
        if "churned" in content:
            assert ((numbers(facts.name, split, "churned") == 0) == stayed).all()
            assert not (numbers(facts.name, split, "came_back") * stayed).any()


# --- what is planted ---


@functools.cache
def fitted(facts: Facts) -> tuple[dict[str, float], dict[str, float]]:
    """The coefficients of a logistic fit on all 10,000 accounts, and their standard errors."""
    halves = [scaled(facts, split) for split in ("search", "holdout")]
    found = {name: np.concatenate([half[name] for half in halves]) for name in halves[0]}
    if conflict := getattr(generator(facts.name), "CONFLICT", ""):
        regions = [name for split in ("search", "holdout") for name in table(facts.name, split)["region"]]
        elsewhere = np.where(np.array(regions) == "latin-america", -1, 1)
        found[conflict] = (found[conflict] - 0.5) * elsewhere
    matrix = np.stack(list(found.values()), axis=1)
    truth = np.concatenate([numbers(facts.name, split, facts.label) for split in ("search", "holdout")])
    fit = LogisticRegression(C=1e6, max_iter=2000).fit(matrix, truth)
    sure, whole = fit.predict_proba(matrix)[:, 1], np.c_[np.ones(len(matrix)), matrix]
    spread = np.sqrt(np.diag(np.linalg.inv((whole.T * (sure * (1 - sure))) @ whole)))[1:]
    return dict(zip(found, fit.coef_[0], strict=True)), dict(zip(found, spread, strict=True))


@each_target
def test_base_rates_are_as_stated(facts: Facts) -> None:
    for split in ("search", "holdout"):
        assert numbers(facts.name, split, facts.label).mean() == pytest.approx(facts.base, abs=0.01)


@each_target
def test_a_fit_finds_what_is_planted_in_its_order(facts: Facts) -> None:
    found, error = fitted(facts)
    planted = dict(generator(facts.name).TRUTH)
    for name, effect in planted.items():
        assert abs(found[name] - effect) < 3.5 * error[name], name
    strongest = sorted(planted, key=lambda name: -planted[name])[: facts.strongest]
    assert sorted(planted, key=lambda name: -found[name])[: facts.strongest] == strongest
    assert all(found[name] > 5 * error[name] for name in strongest)


@each_target
def test_noise_is_noise(facts: Facts) -> None:
    found, error = fitted(facts)
    module = generator(facts.name)
    nothing = set(found) - set(module.TRUTH) - {getattr(module, "CONFLICT", "")}
    assert {"noise_1"} < nothing
    weakest = sorted(module.TRUTH.values(), reverse=True)[facts.strongest - 1]
    for name in nothing:
        assert abs(found[name]) < 3.5 * error[name], name
        assert abs(found[name]) < weakest / 2, name


def test_the_conflict_of_icp_fit_is_one() -> None:
    facts = ALL[2]
    found, error = fitted(facts)
    effects = generator("icp-fit").CONFLICT_EFFECT
    assert len(set(effects.values())) == 2
    assert abs(found["card_billing"] - effects["europe"]) < 3.5 * error["card_billing"]
    assert effects["latin-america"] == -effects["europe"]
