"""Whom `claude`, `openai` and `ollama` ask where target.yaml says nothing else."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bot.proposers import Setting
from bot.proposers.mind.mind import Briefing, Mind, Options
from harness.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    """provider: the entry of models.providers in .github/autoresearch.yml; model: a small, fast one."""

    provider: str
    model: str


PRESETS = {
    "claude": Preset("anthropic", "claude-haiku-5-5"),
    "openai": Preset("openai", "gpt-6-luna"),
    "ollama": Preset("ollama", "qwen2.5-coder:7b"),
}


def make(kind: str, setting: Setting) -> Mind:
    """Raises ConfigError where there is nobody to ask, or no commit to read the file from."""
    target, model, source = setting.target, setting.model, setting.source
    if model is None:
        what = f"the proposer {kind} asks a model, and none can be reached"
        step = "models.providers in .github/autoresearch.yml says where models are asked, and with which key"
        raise ConfigError(target.place("proposer"), what, next_step=step)
    if source is None:
        raise ValueError(f"the proposer {kind} reads the file from a commit")
    paths = [target.file, *([target.program] if target.program else [])]
    found = source.read(paths)
    program = found[target.program].decode("utf-8", errors="replace") if target.program else ""
    return Mind(target, Briefing(found[target.file], program), model, options(kind, target.options))


def options(kind: str, said: Any) -> Options:
    """said: what target.yaml says beside the kind; its schema has checked it."""
    known = {field.name for field in fields(Options)}
    preset = {"provider": PRESETS[kind].provider, "model": PRESETS[kind].model}
    return Options(**(preset | {key: value for key, value in said.items() if key in known}))
