"""Who proposes changes: one proposer per file, all behind one Protocol.

The loop asks for one or many, the harness judges and measures them, the loop tells the outcomes. A proposer never sees
a held-out figure, and what it returns is data: a content and a description.
"""

from __future__ import annotations

import functools
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
    experiments that the night has left, these included; usd_left: US dollars; parts: of the incumbent."""

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
    measured like any other, however often the same was tried.

    spent: what models were asked for it, as the record holds it under "model": {"model": name, "calls", "input",
    "output", "cache_read", "cache_write": tokens, "seconds", "prompt", "reply": SHA-256 of both as they are kept} and
    the "arm" of a portfolio; empty where none was. failed: why there is no candidate; content is then the incumbent's,
    nothing is measured, and the cost is recorded.
    """

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
    why: the reason in words, or the end of a crash's output; gain: of the headline over the incumbent. cost_usd, spent:
    of its proposal, repairs included.
    """

    experiment: int
    status: str
    reason: str
    metrics: Mapping[str, float]
    parts: Mapping[str, float]
    bound: float | None = None
    why: str = ""
    gain: float = 0.0
    cost_usd: float = 0.0
    spent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """An experiment of this night that is recorded already, its content and what it was to change. Experiment 0 is the
    baseline; in a portfolio it comes again wherever another arm had changed the incumbent."""

    content: bytes
    outcome: Outcome
    description: str = ""


class Over(Exception):
    """No more can be asked, for a reason that is not the proposer's. end: money (a cap), exhausted (no model is left).

    What cost something is returned first, as a failed proposal.
    """

    def __init__(self, end: str, why: str) -> None:
        super().__init__(why)
        self.end, self.why = end, why


class Proposer(Protocol):
    """Lives for one run of one target. Made with the night's seed: the same requests get the same proposals."""

    @property
    def worst_case_usd(self) -> float:
        """The most that one proposal of the next request can cost."""
        ...

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


class Repairer(Protocol):
    """What a proposer may be besides."""

    def repair(self, proposal: Proposal, why: str) -> Proposal | None:
        """The same idea, mended after a crash for a dull reason; None: there is nothing to mend. At most twice per
        experiment. What it cost is in what it returns, a failed proposal where that is no candidate."""
        ...


@dataclass(frozen=True)
class Setting:
    """What a proposer is made for. source: the night's base commit, for one that reads more than the file; model: who
    answers prompts, None where nobody does; declined: what humans turned down before, in words."""

    target: Target
    seed: int
    source: Source | None = None
    model: Model | None = None
    declined: Sequence[str] = ()


def exists(kind: str) -> bool:
    """Whether there is a proposer of this kind."""
    return kind in _KINDS


def kinds() -> tuple[str, ...]:
    """Every kind of proposer that there is."""
    return tuple(_KINDS)


def make(
    target: Target, seed: int, source: Source | None = None, model: Model | None = None, declined: Sequence[str] = ()
) -> Proposer:
    """The proposer that a target names. source: the night's base commit, for one that reads more than the file; model:
    who answers prompts; declined: what humans turned down before, in words.

    Raises ConfigErrors for what it reads.
    """
    return _KINDS[target.proposer](Setting(target, seed, source, model, declined))


def check(target: Target, source: Source) -> None:
    """Raises ConfigError(s) if what the target's proposer needs, beside the file, is missing or cannot be used."""
    if target.proposer == "portfolio":
        from bot.proposers.portfolio import arms_of

        for arm in arms_of(target).values():
            if not exists(arm.proposer):
                raise ConfigError(target.place("proposer"), f"the proposer {arm.proposer} is not available yet")
            check(arm, source)
    elif target.proposer in _CHECKED_BY_MAKING:
        make(target, 0, source)


def _perturb(setting: Setting) -> Proposer:
    from bot.proposers.perturb import Perturb

    return Perturb(setting.target, setting.seed)


def _search(setting: Setting) -> Proposer:
    _require_cmaes(setting.target, "search")
    from bot.proposers.search import Search

    return Search(setting.target, setting.seed)


def _require_cmaes(target: Target, kind: str) -> None:
    if importlib.util.find_spec("cmaes") is None:
        what = f"the proposer {kind} needs the library cmaes, which is not installed"
        raise ConfigError(target.place("proposer"), what, next_step="pip install 'autoresearch-bot[search]'")


def _tune(setting: Setting) -> Proposer:
    from bot import catalogue
    from bot.proposers.tune import Tune

    target, source = setting.target, setting.source
    if source is None:
        raise ValueError("the proposer tune reads what it chooses from out of a commit")
    if target.catalogue is None:
        return _constants(setting, source)
    contents = source.read([target.catalogue, target.file])
    base = contents[target.file]
    chosen = catalogue.read(contents[target.catalogue], target.catalogue, target.file, base)
    return Tune(target, setting.seed, chosen, base)


def _repair(setting: Setting) -> Proposer:
    from bot.proposers.repair.facts import facts_of
    from bot.proposers.repair.repair import Repair

    return Repair(setting.target.file, facts_of(setting.target, setting.source))


def _constants(setting: Setting, source: Source) -> Proposer:
    _require_cmaes(setting.target, "tune")
    from bot.proposers.constants import Constants

    base = source.read([setting.target.file])[setting.target.file]
    return Constants(setting.target, setting.seed, base.decode(errors="surrogateescape"))


def _portfolio(setting: Setting) -> Proposer:
    from bot.proposers.portfolio import assembled

    source, model, declined = setting.source, setting.model, setting.declined
    return assembled(setting.target, setting.seed, lambda arm, seed: make(arm, seed, source, model, declined))


def _command(setting: Setting) -> Proposer:
    from bot.proposers.command import Command

    program, source = setting.target.program, setting.source
    words = source.read([program])[program] if source and program else b""
    return Command(setting.target, words, setting.model, setting.declined)


def _mind(kind: str, setting: Setting) -> Proposer:
    from bot.proposers.mind import make as make_mind

    return make_mind(kind, setting)


_KINDS: dict[str, Callable[[Setting], Proposer]] = {
    "perturb": _perturb,
    "search": _search,
    "tune": _tune,
    "repair": _repair,
    "claude": functools.partial(_mind, "claude"),
    "openai": functools.partial(_mind, "openai"),
    "ollama": functools.partial(_mind, "ollama"),
    "command": _command,
    "portfolio": _portfolio,
}
_CHECKED_BY_MAKING = frozenset({"search", "tune", "repair", "command"})
