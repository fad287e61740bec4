"""`check` and `reproduce` of a target whose evaluator asks a model, and a night whose proposer asks none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judging import (
    FOLDER,
    HOLDOUT,
    KEY,
    NAME,
    RIGHT,
    SEARCH,
    Judge,
    World,
    answers,
)  # fmt: skip
from tests.support import git


def test_check_says_what_judging_costs_and_that_answers_vary(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider)
        code, said = world.run("check", NAME)
        assert code == 0, said
        assert len(provider.asked) == 2 * SEARCH + HOLDOUT
        said = " ".join(said.split())
        assert "asked twice: accuracy" in said
        assert f"this check asked small {2 * SEARCH + HOLDOUT} questions for $" in said
        assert "confirm asks anew, held-out cases decide" in said
        assert KEY not in said


@pytest.mark.parametrize(
    ("key", "usd", "provider_name", "next_step"),
    [
        ("", 5.0, "scripted", "no key is in SCRIPTED_KEY; export it first"),
        (KEY, 0, "scripted", "next: budget: {usd: 2}"),
        (KEY, 5.0, "scriptd", 'did you mean "scripted"?'),
    ],
)
def test_without_a_model_check_says_what_to_do_and_spends_nothing(
    tmp_path: Path, key: str, usd: float, provider_name: str, next_step: str
) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, usd=usd, proposer="{kind: tune}")
        place = world.repository.root / FOLDER
        (place / "catalogue.yaml").write_text('- options: ["", "Be quick."]\n')
        said = (place / "target.yaml").read_text().replace("provider: scripted,", f"provider: {provider_name},")
        (place / "target.yaml").write_text(said)
        code, told_so = world.run("check", NAME, key=key)
        assert code in {3, 4}
        assert next_step in told_so
        assert not provider.bodies


def test_a_budget_that_pays_for_no_confirmation_is_told_by_check(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        code, said = World(tmp_path, provider, usd=0.04).run("check", NAME)
        assert code == 4
        assert "judging one experiment and confirming it is reckoned at $0.0" in " ".join(said.split())


def test_a_night_whose_proposer_needs_no_model_still_has_one_for_its_evaluator(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, proposer="{kind: tune}").with_lines()
        world.night()
        assert not provider.proposals
        assert len(world.events("experiment")) == 4
        assert world.events("confirm")[-1]["search"]["head"]["accuracy"] > 0.4
        asked = len(provider.asked)
        code, said = world.run("reproduce", "1")
        assert code == 0, said
        assert len(provider.asked) == asked + SEARCH
        assert "the evaluator's model was asked anew" in said
        refused, why = world.run("reproduce", "1", key="")
        assert refused == 4
        assert "no model can be asked here" in why
        assert world.events("confirm")[-1]["verdict"] == "confirmed"
        git(world.repository, "merge", "--quiet", "--ff-only", f"autoresearch/{world.last.name}")
        asked = len(provider.asked)
        code, said = world.run("promote")
        assert code == 0, said
        assert "a model judges it, and a promotion asks none" in " ".join(said.split())
        assert "promoted" in said
        assert len(provider.asked) == asked


def test_by_hand_run_and_confirm_have_a_broker_above_them(tmp_path: Path) -> None:
    with Judge(answers, RIGHT) as provider:
        world = World(tmp_path, provider, experiments=3)
        assert world.run("plan", NAME)[0] == 0
        code, said = world.run("run", "--quiet")
        assert code == 0, said
        asked = len(provider.asked)
        assert asked == 4 * SEARCH
        code, said = world.run("confirm", "--quiet", key="")
        assert code == 3
        assert "export SCRIPTED_KEY=..., or evaluate: {model: {provider: ollama" in said
        assert not world.events("confirm")
        code, said = world.run("confirm", "--quiet")
        assert code == 0, said
        assert world.events("confirm")[-1]["verdict"] == "confirmed"
        assert len(provider.asked) == asked + 2 * SEARCH + 2 * HOLDOUT
        assert world.events("confirm")[-1]["evaluation"]["calls"] == 2 * SEARCH + 2 * HOLDOUT
