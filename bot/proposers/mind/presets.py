"""Whom `claude`, `openai` and `ollama` ask where target.yaml says nothing else."""

from __future__ import annotations

import importlib.metadata
from dataclasses import asdict, dataclass, fields, replace
from pathlib import PurePosixPath
from typing import Any

from bot.proposers import Setting
from bot.proposers.mind.edits import PATCHED
from bot.proposers.mind.mind import BYTES_PER_TOKEN, Briefing, Mind, Options
from bot.proposers.mind.showing import Showing
from harness.errors import ConfigError, InvalidCandidate
from harness.repository import Source
from harness.target import Target

LIBRARIES = ("jsonpatch", "ruamel.yaml")


@dataclass(frozen=True)
class Preset:
    """provider: the entry of models.providers in .github/autoresearch.yml; model: a small, fast one; history_tokens:
    and view_tokens: less where a server reads short prompts only, and cuts off the beginning of longer ones."""

    provider: str
    model: str
    history_tokens: int = 12_000
    view_tokens: int = 24_000


PRESETS = {
    "claude": Preset("anthropic", "claude-haiku-5-5"),
    "openai": Preset("openai", "gpt-6-luna"),
    "ollama": Preset("ollama", "qwen2.5-coder:7b", 2_000, 4_000),
}


def make(kind: str, setting: Setting) -> Mind:
    """Raises ConfigError where there is nobody to ask, or no commit to read the file from."""
    target, model, source = setting.target, setting.model, setting.source
    if model is None:
        what = f"the proposer {kind} asks a model, and none can be reached"
        step = "models.providers in .github/autoresearch.yml says where models are asked, and with which key"
        raise ConfigError(target.place("proposer"), what, next_step=step)
    if missing := [name for name in LIBRARIES if not _installed(name)]:
        what = f"the proposer {kind} needs {' and '.join(missing)}, not installed here"
        raise ConfigError(target.place("proposer"), what, next_step="pip install 'autoresearch-bot[mind,models]'")
    found = options(kind, target.options)
    if target.policy and found.form is None:
        found = replace(found, form="container")
    if found.form == "patch" and PurePosixPath(target.file).suffix.lower() not in PATCHED:
        what = f"the form patch is for JSON and YAML, and {target.file} is neither"
        raise ConfigError(target.place("proposer"), what, next_step="form: blocks, or no form at all")
    if source is None:
        raise ValueError(f"the proposer {kind} reads the file from a commit")
    paths = [target.file, *([target.program] if target.program else [])]
    contents = source.read(paths)
    program = contents[target.program].decode("utf-8", errors="replace") if target.program else ""
    showing = _container(target, source, contents[target.file], found) if found.form == "container" else None
    return Mind(target, Briefing(contents[target.file], program, setting.declined, showing), model, found)


def _container(target: Target, source: Source, content: bytes, found: Options) -> Showing:
    """The view of a file that has a policy. Amounts of private targets are kept from it, with what they score."""
    from bot.proposers.mind.containers.view import Known, View
    from bot.proposers.repair.facts import facts_of

    facts = facts_of(target, source)
    declared = replace(facts.declared, ads=None) if target.private else facts.declared
    view = View(target.file, Known(declared, facts.policy, found.view_tokens * BYTES_PER_TOKEN))
    try:
        view.fixed(content)
    except InvalidCandidate as invalid:
        raise ConfigError(target.place("policy"), invalid.what, why=invalid.why, next_step=invalid.next_step) from None
    return view


def options(kind: str, said: Any) -> Options:
    """said: what target.yaml says beside the kind; its schema has checked it."""
    known = {field.name for field in fields(Options)}
    return Options(**(asdict(PRESETS[kind]) | {key: value for key, value in said.items() if key in known}))


def _installed(name: str) -> bool:
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False
