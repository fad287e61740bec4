"""What is wrong with the arms of a target.yaml is said with its place and a cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import config
from bot.models.settings import Settings
from bot.night import brokered
from bot.proposers.portfolio import arms_of
from harness.errors import ConfigError
from harness.repository import WorkingSource
from harness.target import Target
from tests.scoring import FOLDER, TARGET, repository_at

WHERE = f"{FOLDER}/target.yaml:10:"


def load(folder: Path, proposer: str) -> Target:
    repository = repository_at(folder)
    (repository.root / FOLDER / "target.yaml").write_text(TARGET.replace("{kind: perturb}", proposer))
    return config.load_targets(WorkingSource(repository))[0]


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ("[{kind: claude}, {kind: ollama, model: m}]", "no arm does without a key: one is the control"),
        ("[{kind: search}]", "expected at least 2 entries, found 1"),
        ("[]", "expected at least 2 entries, found none"),
        ("[{kind: search}, {kind: serach}]", 'found "serach"; valid: '),
        ("[{kind: search}, {kind: serach}]", 'did you mean "search"?'),
        ("[{kind: search}, {kind: portfolio}]", 'found "portfolio"; valid: perturb, search, tune, repair, claude'),
        ("[{kind: search}, {kind: perturb, arms: []}]", "unknown key"),
        ("[{kind: search}, {kind: perturb, model: m}]", "belongs to the proposer claude"),
        ("[{kind: search}, {model: m}]", 'the key "kind" is missing'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, arms: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"{{kind: portfolio, arms: {arms}}}")
    assert said in str(caught.value)
    assert WHERE in str(caught.value)


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    found = load(tmp_path, "{kind: portfolio, arms: [{kind: search}, {kind: claude, model: m, after: 3}]}")
    assert found.proposer == "portfolio"
    assert {name: (arm.proposer, arm.options) for name, arm in arms_of(found).items()} == {
        "search": ("search", {}), "claude": ("claude", {"model": "m", "after": 3}),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("{kind: ollama, model: m}", "models: m, at no price"),
        ("{kind: claude}", "models: claude-haiku-5-5; at most $1.00, reserved before it is spent; judging costs none"),
        (
            "{kind: claude}, {kind: ollama, model: m}",
            "models: claude-haiku-5-5, m; at most $1.00, reserved before it is spent; judging costs none",
        ),
    ],
)
def test_what_free_models_can_cost_is_nothing(tmp_path: Path, arm: str, said: str) -> None:
    found = load(tmp_path, f"{{kind: portfolio, arms: [{{kind: search}}, {arm}]}}")
    assert brokered.says(found, Settings(), 1.0) == said
