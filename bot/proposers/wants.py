"""Which models proposer and evaluator of a target ask, as target.yaml says it; nothing is made or asked here."""

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
    """Every model that its proposer may ask, arms of a portfolio included; empty where none is asked."""
    arms = target.options.get("arms", ()) if target.proposer == "portfolio" else ()
    found = list(_of(target.proposer, target.options))
    for arm in arms:
        found += _of(arm["kind"], arm)
    return tuple(dict.fromkeys(found))


def judges(target: Target) -> tuple[Want, ...]:
    """The model that its evaluator asks; empty where it asks none."""
    asked = target.evaluate.model
    return (Want(asked.provider, asked.model),) if asked else ()


def all_wants(target: Target) -> tuple[Want, ...]:
    """Every model that a night on it may ask."""
    return tuple(dict.fromkeys((*wants(target), *judges(target))))


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
