"""What a call costs and what it can cost at most, from a dated table. Money is Decimal, in US dollars."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from bot.models.messages import Usage

TABLE = Path(__file__).with_name("prices.yaml")
MILLION = Decimal(1_000_000)
_WRITE = Decimal("1.25")  # times input, where no price of writing to the cache is stated
RATES = ("input", "output", "cache_read", "cache_write")
_CACHE_MINIMUM = 4096  # tokens; where none is published for a model: the largest that is published for any


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens. above: with more input than so many tokens, `long` holds for the whole call."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    above: int = 0
    long: Price | None = None
    forced_tool: bool = True
    cache_minimum: int = _CACHE_MINIMUM

    def cost(self, usage: Usage) -> Decimal:
        rate = self.band(usage.input + usage.cache_read + usage.cache_write)
        return (
            usage.input * rate.input + usage.output * rate.output
            + usage.cache_read * rate.cache_read + usage.cache_write * rate.cache_write
        ) / MILLION  # fmt: skip

    def worst(self, input_tokens: int, output_tokens: int) -> Decimal:
        """The most that a call of at most so many tokens can cost: each at the dearest rate that can apply to it."""
        return max(rate._dearest(input_tokens, output_tokens) for rate in self._reachable(input_tokens))

    def band(self, input_tokens: int) -> Price:
        return self.long if self.long and input_tokens > self.above else self

    def _reachable(self, input_tokens: int) -> list[Price]:
        return [self] if self.long is None or input_tokens <= self.above else [self, self.long]

    def _dearest(self, input_tokens: int, output_tokens: int) -> Decimal:
        dearest_input = max(self.input, self.cache_read, self.cache_write)
        return (input_tokens * dearest_input + output_tokens * self.output) / MILLION


def most_tokens(sent: bytes) -> int:
    """No fewer tokens than a provider counts in a request's UTF-8: each stands for at least one byte. Some tokenizers
    first spell compatible characters out (NFKC), by which one of three bytes can become eighteen letters."""
    if sent.isascii():
        return len(sent)
    spelled = unicodedata.normalize("NFKC", sent.decode("utf-8", "surrogatepass"))
    return max(len(sent), len(spelled.encode("utf-8", "surrogatepass")))


FREE = Price(Decimal(0), Decimal(0), Decimal(0), Decimal(0))


def price(entry: Mapping[str, Any]) -> Price:
    """A price as the table writes it. Raises KeyError, ArithmeticError."""
    known = _rates(entry)
    if "long" in entry:
        known = replace(known, above=int(entry["long"]["above"]), long=_rates({**entry, **entry["long"]}))
    return replace(
        known,
        forced_tool=bool(entry.get("forced_tool", True)),
        cache_minimum=int(entry.get("cache_minimum", _CACHE_MINIMUM)),
    )


def _rates(entry: Mapping[str, Any]) -> Price:
    given = {name: Decimal(str(entry[name])) for name in RATES if name in entry}
    read, write = given.get("cache_read", given["input"]), given.get("cache_write", given["input"] * _WRITE)
    return Price(given["input"], given["output"], read, write)


@functools.cache
def published() -> Mapping[str, Price]:
    """The table that comes with the bot: model -> price."""
    return {name: price(entry) for name, entry in _table()["models"].items()}


def dated() -> str:
    """When the table's prices were looked up."""
    return str(_table()["date"])


@functools.cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return table
