"""Which models the proposer of a target asks, as target.yaml says it; nothing is made or asked here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.target import Target


@dataclass(frozen=True)
class Want:
    """provider: an entry of models.providers; model: "" where a tool of its own chooses."""

    provider: str
    model: str = ""


def wants(target: Target) -> tuple[Want, ...]:
    """Every model that it may ask, arms of a portfolio included; empty where none is asked."""
    arms = target.options.get("arms", ()) if target.proposer == "portfolio" else ()
    found = list(_of(target.proposer, target.options))
    for arm in arms:
        found += _of(arm["kind"], arm)
    return tuple(dict.fromkeys(found))


def _of(kind: str, options: Mapping[str, Any]) -> Iterator[Want]:
    if kind in {"claude", "openai", "ollama"}:
        from bot.proposers.mind.presets import PRESETS

        usual = PRESETS[kind]
        provider = options.get("provider", usual.provider)
        yield Want(provider, options.get("model", usual.model))
        if options.get("larger"):
            yield Want(provider, options["larger"])
    elif kind == "command" and options.get("provider"):
        yield Want(options["provider"])
