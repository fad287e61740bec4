"""Who answers: one provider per file behind one Protocol. Only the broker imports what is in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.models.messages import Outcome, Prompt, Usage
from bot.models.prices import most_tokens

OVERHEAD = 3000  # tokens; more than any published count of what a provider adds by itself: tools, schemas, framing
PER_MESSAGE = 16  # tokens


@dataclass(frozen=True)
class Reply:
    """What came back whole. ended: why it stopped; arguments: of the tool's call, as the JSON text that was said, None
    without a call; usage: None where the provider did not tell; raw: what else is kept of it."""

    ended: Literal["done", "length", "refused"]
    arguments: str | None
    text: str
    usage: Usage | None
    raw: Mapping[str, Any] = field(default_factory=dict)


class Trouble(Exception):
    """No whole reply. paid: `nothing` where the provider does not charge for it, `output` where its input is known (in
    usage) and its output can be anything up to the limit, `unknown` where it may have cost all that it can.

    after: seconds that the provider asks us to wait; again: whether another attempt can help.
    """

    def __init__(
        self, outcome: Outcome, why: str, *, paid: Literal["nothing", "output", "unknown"] = "nothing",
        again: bool = True, after: float | None = None, usage: Usage | None = None,
    ) -> None:  # fmt: skip
        super().__init__(why)
        self.outcome = outcome
        self.why = why
        self.paid = paid
        self.again = again
        self.after = after
        self.usage = usage or Usage()


class Provider(Protocol):
    def send(self, prompt: Prompt) -> Reply:
        """One attempt, which ends within the provider's time limit. Raises Trouble."""
        ...

    def input_bound(self, prompt: Prompt) -> int:
        """Tokens of input that the provider can count at most."""
        ...


def bound(request: bytes, messages: int) -> int:
    return most_tokens(request) + OVERHEAD + PER_MESSAGE * messages
