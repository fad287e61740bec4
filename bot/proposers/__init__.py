"""Who proposes changes: one proposer per file, all behind one Protocol.

The loop asks for one or many, the harness judges and measures them, the loop tells the outcomes. A proposer never sees
a held-out figure, and what it returns is data: a content and a description.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.models.messages import Model
from harness.errors import ConfigError
from harness.repository import Source
from harness.target import Target


@dataclass(frozen=True)
class Request:
    """first: the number that the first proposal will have as an experiment; tried: canonical ids not to repeat; left:
    experiments, these included; usd_left: US dollars; parts: the incumbent's."""

    incumbent: bytes
    metrics: Mapping[str, float]
    first: int
    count: int
    tried: Collection[str]
    left: int = 0
    usd_left: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """The whole new content of the file, and what it changes in words. null: by intention nothing that matters; it is
    measured like any other, however often the same was tried. spent: what a model took, as the event records it;
    failed: there is no candidate, and why: the content is the incumbent's, and never measured."""

    content: bytes
    description: str
    cost_usd: float = 0.0
    null: bool = False
    spent: Mapping[str, Any] = field(default_factory=dict)
    failed: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a proposal: status keep, discard or crash, the reason, and the search metrics.

    metrics may be empty, as of what was screened: then bound is what the primary metric is at best, where it is known.
    """

    experiment: int
    status: str
    reason: str
    metrics: Mapping[str, float]
    parts: Mapping[str, float]
    bound: float | None = None
    why: str = ""
    gain: float = 0.0


@dataclass(frozen=True)
class Told:
    """An experiment of this night that is recorded already, and its content. Experiment 0 is the baseline."""

    content: bytes
    outcome: Outcome
    description: str = ""


class Over(Exception):
    """No more can be asked. end: "money" (a cap) or "exhausted" (the model is gone)."""

    def __init__(self, end: str, why: str) -> None:
        super().__init__(why)
        self.end = end
        self.why = why


class Proposer(Protocol):
    """Lives for one run of one target. Made with the night's seed: the same requests get the same proposals."""

    worst_case_usd: float  # the most that one proposal can cost

    @property
    def steady(self) -> bool:
        """Whether the same request gets the same proposals, whatever was asked and told in between."""
        ...

    def ask(self, request: Request) -> list[Proposal]:
        """At most `count` proposals, none of them tried before; an empty list: the space is exhausted."""
        ...

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """What became of the last proposals, in their order."""
        ...

    def recall(self, told: Iterable[Told]) -> None:
        """What was recorded before the first request, in its order: everything that an interrupted run was told."""
        ...


def exists(kind: str) -> bool:
    """Whether there is a proposer of this kind."""
    return kind in _KINDS or kind in _READERS or kind in _ASKERS


def make(target: Target, seed: int, source: Source | None = None, model: Model | None = None) -> Proposer:
    """The proposer that a target names. source: the night's base commit, for one that reads more than the file; model:
    the broker's client, for one that asks it.

    Raises ConfigErrors for what it reads.
    """
    if target.proposer in _READERS and source is not None:
        return _READERS[target.proposer](target, seed, source)
    if target.proposer in _ASKERS:
        return _ASKERS[target.proposer](target, source, model)
    return _KINDS[target.proposer](target, seed)


def check(target: Target, source: Source) -> None:
    """Raises ConfigError(s) if what the target's proposer needs, beside the file, is missing or cannot be used."""
    if target.proposer in _READERS or target.proposer in {"search", "command"}:
        make(target, 0, source)


def _perturb(target: Target, seed: int) -> Proposer:
    from bot.proposers.perturb import Perturb

    return Perturb(target, seed)


def _search(target: Target, seed: int) -> Proposer:
    if importlib.util.find_spec("cmaes") is None:
        what = "the proposer search needs the library cmaes, which is not installed"
        raise ConfigError(target.place("proposer"), what, next_step="pip install 'autoresearch-bot[search]'")
    from bot.proposers.search import Search

    return Search(target, seed)


def _tune(target: Target, seed: int, source: Source) -> Proposer:
    from bot import catalogue
    from bot.proposers.tune import Tune

    assert target.catalogue is not None  # noqa: S101  # every target with this proposer has one
    contents = source.read([target.catalogue, target.file])
    base = contents[target.file]
    return Tune(target, seed, catalogue.read(contents[target.catalogue], target.catalogue, target.file, base), base)


def _command(target: Target, source: Source | None, model: Model | None) -> Proposer:
    from bot.proposers.command import Command

    program = source.read([target.program])[target.program] if source and target.program else b""
    return Command(target, program, model)


_KINDS: dict[str, Callable[[Target, int], Proposer]] = {"perturb": _perturb, "search": _search}
_READERS: dict[str, Callable[[Target, int, Source], Proposer]] = {"tune": _tune}
_ASKERS: dict[str, Callable[[Target, Source | None, Model | None], Proposer]] = {"command": _command}
