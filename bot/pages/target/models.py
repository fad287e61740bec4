"""What a night asked of models and tools, and how they failed: pure folds of its events, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bot.pages.pieces import Piece, Weight, broken
from bot.pages.wording import figures
from bot.pages.wording.text import code, count, duration, plain
from harness.events import Event

ENDS = frozenset({"exhausted", "money"})  # of a loop whose proposer gave up
WHY = 300  # characters
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


@dataclass(frozen=True)
class Failed:
    """Proposals that were no candidates. last: why, of the latest."""

    count: int = 0
    last: str = ""


class Asking(figures.Whose, Protocol):
    """A target with its models. end_why: what the proposer said where it ended the loop."""

    @property
    def name(self) -> str: ...

    @property
    def models(self) -> Sequence[Asked]: ...

    @property
    def failed(self) -> Failed: ...

    @property
    def end(self) -> str: ...

    @property
    def end_why(self) -> str: ...


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


def failed(events: Iterable[Event]) -> Failed:
    """Of the proposals that could not be measured."""
    whys = [event["why"] for event in events if event["event"] == "experiment" and event["reason"] == "invalid"]
    return Failed(len(whys), whys[-1]) if whys else Failed()


def told(report: Asking) -> list[Piece]:
    """A line for each model, and how it failed last; nothing where none was asked and nothing failed."""
    lines = [f"{'Judged by' if one.judges else 'Models:'} {_line(one)}." for one in report.models]
    lines += [f"{said}: {code(figures.words(report, why), WHY)}." for said, why in _failures(report)]
    return [Piece([*broken(lines), ""], Weight.WORDS, report.name, "what models cost")] if lines else []


def failures(report: Asking) -> str:
    """The same of failures alone, in words for a terminal, each after a semicolon."""
    return "".join(f"; {said}: {plain(figures.words(report, why), WHY)}" for said, why in _failures(report))


def _failures(report: Asking) -> Iterator[tuple[str, str]]:
    if report.failed.count:
        yield f"{count(report.failed.count, 'proposal')} could not be measured, the last", report.failed.last
    if report.end in ENDS and report.end_why:
        yield "no more could be asked", report.end_why


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
