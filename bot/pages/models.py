"""What a night asked of models: a pure fold of its events, and the line that a page says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bot.pages.pieces import Piece, Weight
from bot.pages.text import code, count, duration
from harness.events import Event

TOKENS = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True)
class Asked:
    """Of one model. dollars: of the experiments whose last answer was its; seconds: of waiting for it. judges: whether
    the evaluator asked it, confirm's questions included, and how many of its answers were asked for once only."""

    model: str
    calls: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    seconds: float = 0.0
    dollars: float = 0.0
    judges: bool = False
    cached: int = 0


class Asking(Protocol):
    """A target with its models."""

    @property
    def name(self) -> str: ...

    @property
    def models(self) -> Sequence[Asked]: ...


def asked(events: Iterable[Event]) -> tuple[Asked, ...]:
    """By model, in the order of their first experiments; empty where none was asked."""
    found: dict[str, dict[str, Any]] = {}
    judges: dict[str, dict[str, Any]] = {}
    for event in events:
        judged = event.get("evaluation", {})
        if judged:
            sums = judges.setdefault(judged["model"], asdict(Asked(judged["model"], judges=True)))
            for key in ("calls", "seconds", "cached", *TOKENS):
                sums[key] += judged[key]
            sums["dollars"] += judged["cost_usd"]
        spent = event.get("model", {}) if event["event"] == "experiment" else {}
        if "model" in spent:
            sums = found.setdefault(spent["model"], asdict(Asked(spent["model"])))
            for key in ("calls", "seconds", *TOKENS):
                sums[key] += spent.get(key, 0)
            sums["dollars"] += event["cost_usd"] - judged.get("cost_usd", 0.0)
    return tuple(Asked(**sums) for sums in (*found.values(), *judges.values()))


def told(report: Asking) -> list[Piece]:
    """A line for each model; nothing where none was asked."""
    if not report.models:
        return []
    lines = [f"{'Judged by' if one.judges else 'Models:'} {_line(one)}." for one in report.models]
    return [Piece([*lines, ""], Weight.WORDS, report.name, "what models cost")]


def _line(one: Asked) -> str:
    cached = (
        f", {one.cache_read:,} from its cache and {one.cache_write:,} into it"
        if one.cache_read + one.cache_write
        else ""
    )
    tokens = f"{one.input:,} tokens in{cached}, {one.output:,} out"
    again = f", {one.cached:,} answers used again" if one.cached else ""
    calls = f"{count(one.calls, 'call')}{again}"
    return f"{code(one.model, 60)}, {calls}: ${one.dollars:.4f}, {tokens}, {duration(one.seconds)}"
