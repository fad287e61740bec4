"""What a proposer asks of a model, and what comes of it, in no provider's words.

A proposer makes a `Prompt` and gives it to a `Model`. The only model of a night is the client of the broker, a process
of its own that holds the key, prices, reserves, calls and meters; a test's model answers from a script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

Outcome = Literal[
    "answer",  # value holds what the schema asks for
    "malformed",  # the model said something else than the schema asks for
    "truncated",  # it came to max_tokens before its end
    "refused",  # the model declined, or a filter of the provider did
    "overloaded",  # the provider had no room, after every retry
    "rate-limited",  # the provider wants us slower, for longer than we wait
    "outage",  # no answer, or one that no provider gives: network, 5xx, time-out
    "rejected",  # the provider takes neither key, model nor request: asking again changes nothing
    "money",  # its worst case does not fit into a cap: nothing was sent
]
FAILED = ("overloaded", "rate-limited", "outage", "rejected", "money")  # nothing came that a proposer could correct


@dataclass(frozen=True)
class Part:
    """A piece of text. cached: everything up to its end is worth keeping at the provider for the next call."""

    text: str
    cached: bool = False


@dataclass(frozen=True)
class Turn:
    """One message. role: user or assistant; value: an assistant's earlier answer through the tool, else None."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...] = ()
    value: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Prompt:
    """One question. The answer is a call of the one tool, whose arguments match schema (JSON Schema, strict:
    additionalProperties false, every key required)."""

    provider: str
    model: str
    system: tuple[Part, ...]
    turns: tuple[Turn, ...]
    tool: str
    about: str  # what the tool is for, as the model reads it
    schema: Mapping[str, Any]
    max_tokens: int


@dataclass(frozen=True)
class Usage:
    """Tokens as the provider counts them; input without what the cache read or wrote."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input, self.output + other.output,
            self.cache_read + other.cache_read, self.cache_write + other.cache_write,
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What came of a prompt. value: the tool's arguments, held against the schema, None but for `answer`; text: what
    was said instead, at most 2,000 characters; cost in US dollars; seconds with every retry; attempts: calls sent;
    prompt, reply: SHA-256 of both as they are kept, "" where nothing was."""

    outcome: Outcome
    value: Mapping[str, Any] | None = None
    text: str = ""
    why: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)
    seconds: float = 0.0
    attempts: int = 0
    prompt: str = ""
    reply: str = ""


class Model(Protocol):
    """Answers prompts. Never raises for what a provider does: that is an outcome."""

    def ask(self, prompt: Prompt) -> Answer:
        """Blocks until there is an answer, or none will come."""
        ...

    def worst_case_usd(self, prompt: Prompt) -> Decimal:
        """The most that one `ask` of this prompt can cost, retries included. Raises ConnectionError where nobody is
        there to say it."""
        ...
