"""Whom claude, openai and ollama ask, and what they read of a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bot import proposers
from bot.models.messages import Model
from bot.proposers import Proposer, Repairer, Request, Setting
from bot.proposers.mind import PRESETS, Mind, Options, make, presets
from bot.proposers.mind.presets import options
from harness.errors import ConfigError
from harness.targetfile.proposing import OPTIONS
from tests.fences import outside
from tests.minds import Script, answer, data_target, put, whole
from tests.proposing import SPEC


class Files:
    """A commit that holds these files."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        return {path: self.files[path] for path in paths}


def setting(kind: str = "claude", said: Mapping[str, object] | None = None, model: Model | None = None) -> Setting:
    target = replace(data_target(), program="program.md", proposer=kind, options=dict(said or {}))
    files = Files({"spec.yaml": SPEC.encode(), "program.md": b"Do what pays.", "target.yaml": b"canary-other"})
    return Setting(target, 1, files, model or Script([answer(put("/weights/logins", 6))]))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["claude", "openai", "ollama"])
def test_a_preset_asks_its_provider_for_a_small_model(kind: str) -> None:
    made = setting(kind)
    proposer = make(kind, made)
    (found,) = proposer.ask(Request(SPEC.encode(), {"score": 1.0, "size": 1.0}, 1, 1, set()))
    assert b"logins: 6" in found.content
    assert isinstance(made.model, Script)
    (prompt,) = made.model.prompts
    assert (prompt.provider, prompt.model) == (PRESETS[kind].provider, PRESETS[kind].model)
    assert "Do what pays." in whole(prompt)
    assert "canary-other" not in whole(prompt)


def test_what_humans_declined_is_told_as_data() -> None:
    made = setting()
    closed = "stem: none -> english (a human closed it, of the night 2026-11-21)"
    found = proposers.make(made.target, 1, made.source, made.model, [closed])
    found.ask(Request(SPEC.encode(), {"score": 1.0, "size": 1.0}, 1, 1, set()))
    assert isinstance(made.model, Script)
    told = whole(made.model.prompts[0])
    assert closed in told
    assert "Turned down by people before" in outside(told)
    assert closed not in outside(told)


@pytest.mark.parametrize("kind", ["claude", "openai", "ollama"])
def test_every_kind_can_be_named_in_a_target(kind: str) -> None:
    made = setting(kind)
    found = proposers.make(made.target, 1, made.source, made.model)
    assert isinstance(found, Mind)
    proposer: Proposer = found
    repairer: Repairer = found
    assert not proposer.steady
    assert repairer.repair.__doc__


def test_a_target_says_otherwise() -> None:
    said = {"model": "m", "larger": "l", "after": 3, "provider": "p", "max_tokens": 900, "history_tokens": 800,
            "form": "blocks", "simplify": 5, "view_tokens": 7_000}  # fmt: skip
    assert options("claude", said) == Options("p", "m", "l", 3, 900, 800, "blocks", 5, 7_000)
    assert set(said) == OPTIONS["claude"]  # every option that target.yaml knows arrives here
    assert options("claude", {}).larger == ""
    assert options("ollama", {}).history_tokens < options("claude", {}).history_tokens


def test_without_a_model_nobody_can_be_asked() -> None:
    with pytest.raises(ConfigError, match="asks a model, and none can be reached"):
        make("claude", replace(setting(), model=None))


def test_a_patch_of_what_is_no_document_is_refused() -> None:
    made = setting(said={"form": "patch"})
    assert make("claude", made)
    with pytest.raises(ConfigError, match="the form patch is for JSON and YAML"):
        make("claude", replace(made, target=replace(made.target, file="handler.py")))


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "LIBRARIES", ("jsonpatch", "no_such_library"))
    with pytest.raises(ConfigError, match="needs no_such_library"):
        make("claude", setting())


def test_without_a_commit_there_is_no_file() -> None:
    with pytest.raises(ValueError, match="from a commit"):
        make("claude", replace(setting(), source=None))
