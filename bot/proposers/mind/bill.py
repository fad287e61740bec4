"""What one proposal has cost so far, over every call that was made for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.models.messages import Answer, Usage


@dataclass
class Bill:
    """cost in US dollars."""

    model: str
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Decimal = Decimal(0)
    seconds: float = 0.0
    prompt: str = ""
    reply: str = ""

    def add(self, answer: Answer) -> None:
        self.calls += answer.attempts
        self.usage += answer.usage
        self.cost += answer.cost_usd
        self.seconds += answer.seconds
        self.prompt, self.reply = answer.prompt or self.prompt, answer.reply or self.reply

    def spent(self) -> dict[str, Any]:
        """As the record holds it."""
        return {
            "model": self.model, "calls": self.calls, "input": self.usage.input, "output": self.usage.output,
            "cache_read": self.usage.cache_read, "cache_write": self.usage.cache_write, "seconds": self.seconds,
            "prompt": self.prompt, "reply": self.reply,
        }  # fmt: skip
