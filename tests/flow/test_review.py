"""What a night of a scoring target found, explained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from bot.cli import cli
from bot.review import review, stability
from bot.review.inputs import Reviewed, gather
from harness.errors import ConfigError, InvalidCandidate, NotFound
from harness.repository import Repository
from harness.scorers.saas.spec import Spec
from tests.attacks.forgery import confirmed, ran
from tests.scoring import FEATURES, night_in, repository_at


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """After two nights of one target."""
    found = repository_at(tmp_path_factory.mktemp("review"))
    night_in(found)
    night_in(found, experiments=40, seed=4)
    return found


@pytest.fixture(scope="module")
def folder(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    assert review(repository, "h", "", "", out) == str(out / "page.html")
    return out


@pytest.fixture(scope="module")
def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "review.json").read_text())
    return found


def test_the_page_answers_the_questions_of_a_reviewer(folder: Path) -> None:
    page = (folder / "page.html").read_text()
    assert re.search(
        r"Held-out gain \+0\.\d+, 95 % interval \+0\.\d+ to \+0\.\d+; on the accounts that it searched", page
    )
    for words in ("accounts change tier", "held-out accounts", "Would another night find the same?", "worth.png"):
        assert words in page
    for chart in ("worth.png", "convergence.png"):
        assert (folder / chart).read_bytes().startswith(b"\x89PNG")
    assert "nrr is not computed: columns.yaml names no column for revenue_start and revenue_end" in page


def test_worth_is_the_fall_of_the_metric_without_the_feature(repository: Repository, figures: dict[str, Any]) -> None:
    """Against sklearn's AUC, and in the order of the planted signals."""
    with gather(repository, "h", "") as found:
        block = found.accounts
    hundredths, labels = block.hundredths(found.head.spec.scaling), block.facts["retained"]
    weights = np.array(found.head.spec.weights, dtype=float)
    whole = roc_auc_score(labels, weights @ hundredths)
    worth = {one["feature"]: one for one in figures["worth"]}
    assert next(iter(worth)) == "strong"
    for place, name in enumerate(FEATURES):
        without = weights.copy()
        without[place] = 0
        expected = whole - roc_auc_score(labels, without @ hundredths)
        assert worth[name]["gain"] == pytest.approx(expected, abs=1e-9)
        assert worth[name]["low"] <= worth[name]["gain"] <= worth[name]["high"]
    assert worth["strong"]["low"] > 0
    assert worth["noise"]["gain"] < 0.02


def test_other_seeds_end_alike_and_within_bounds(figures: dict[str, Any]) -> None:
    seeds = figures["seeds"]
    assert len(seeds["values"]) == 5
    assert max(seeds["values"]) - min(seeds["values"]) < 0.01
    assert min(seeds["values"]) > figures["base"]["auc_roc_retain"]
    assert set(seeds["weights"]) == set(FEATURES)
    assert all(-5 <= weight <= 25 for found in seeds["weights"].values() for weight in found)


def test_who_changes_tier_is_counted(repository: Repository, figures: dict[str, Any]) -> None:
    with gather(repository, "h", "") as found:
        moved = int(np.count_nonzero(found.base.tiers != found.head.tiers))
    assert figures["business"]["moved"] == moved > 0
    sizes = figures["business"]["sizes"]
    assert sum(after for _before, after in sizes.values()) == figures["business"]["accounts"] == 1500


def test_two_nights_side_by_side(repository: Repository, tmp_path: Path) -> None:
    with gather(repository, "h", "") as found:
        last = found.night
    first = last.removesuffix("-2")
    assert first != last
    review(repository, "h", last, first, tmp_path)
    page = (tmp_path / "page.md").read_text()
    assert f"## Against the night {first}" in page
    assert "measured under the same lock" in page
    assert "| experiments | 120 | 40 |" in page


def test_from_the_command_line(repository: Repository, tmp_path: Path) -> None:
    found = CliRunner().invoke(
        cli, ["report", "h", "--out", str(tmp_path), "-C", str(repository.root)], catch_exceptions=False
    )
    assert found.output.strip() == str(tmp_path / "page.html")
    night = CliRunner().invoke(cli, ["report", "-C", str(repository.root)], catch_exceptions=False)
    assert "## h: evidence" in night.output


def test_what_cannot_be_reviewed_is_named(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did not run a target called other"):
        review(repository, "other", "", "", tmp_path)
    with pytest.raises(NotFound):
        review(repository, "h", "2001-01-01", "", tmp_path)


def test_a_target_without_columns_is_no_scoring_target(tmp_path: Path) -> None:
    night = confirmed(ran(tmp_path))
    with pytest.raises(ConfigError, match="is no scoring target"):
        review(night.repository, "t", "", "", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_search_goes_on_where_a_proposal_has_no_value(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a night does: a tier that a proposal empties has no metric, and a range may be none."""
    real, asked = stability._value, list[Spec]()

    def some(found: Reviewed, spec: Spec) -> float:
        asked.append(spec)
        if len(asked) % 3 == 0 and spec != asked[0]:
            raise KeyError("nrr.A") if len(asked) % 2 else InvalidCandidate("no range")
        return real(found, spec)

    monkeypatch.setattr(stability, "_value", some)
    monkeypatch.setattr(stability, "EXPERIMENTS", 40)
    monkeypatch.setattr(stability, "SEEDS", 2)
    with gather(repository, "h", "") as found:
        ends = stability.over_seeds(found)
        assert all(value > real(found, found.base.spec) for value in ends.values)
