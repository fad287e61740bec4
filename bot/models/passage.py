"""How an agent's own tool reaches its provider: through a passage, a door that leads to one host and is metered.

The broker opens passages, since it holds the key; `bot.models.proxy` is what it opens. A proposer sees these alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

from bot.models.messages import Usage

Kind = Literal["anthropic", "openai"]  # whose messages are spoken


@dataclass(frozen=True)
class Call:
    """One request that a tool wants to make. size: no fewer than the tokens of its input; max_tokens: of its answer."""

    model: str
    size: int
    max_tokens: int


class NoMoney(Exception):
    """The worst case of a call does not fit into a cap; the message says which. Nothing was sent."""


class Meter(Protocol):
    """Counts money while a passage is open; used by several threads at once."""

    def reserve(self, call: Call) -> int:
        """Sets the worst case of a call aside, and returns a ticket for `settle`. Raises NoMoney."""
        ...

    def settle(self, ticket: int, usage: Usage | None) -> None:
        """What the call took. None: it was sent, and nobody knows: its worst case is taken for spent."""
        ...


@dataclass(frozen=True)
class Toll:
    """What went through a passage. unknown: calls whose usage no answer told, which `usage` lacks and `cost_usd` has at
    their worst case. refused: why a call found no money, "" where each did; seconds: of all calls, added up."""

    calls: int = 0
    unknown: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)
    seconds: float = 0.0
    refused: str = ""


class Passage(Protocol):
    """An open one. door: the Unix socket that speaks the provider's HTTP."""

    @property
    def door(self) -> Path: ...

    @property
    def kind(self) -> Kind: ...

    def close(self) -> Toll:
        """Ends it, waits for what is under way, and says what it cost. The same at each later call."""
        ...


class Gateway(Protocol):
    """Who opens passages: the broker's client."""

    def passage(self, provider: str, usd: float) -> AbstractContextManager[Passage]:
        """A passage to a provider of autoresearch.yml for at most `usd` dollars, within every other cap. Raises NoMoney
        where a call costs something and nothing is left, ConnectionError where the broker is gone or has no such
        provider."""
        ...
