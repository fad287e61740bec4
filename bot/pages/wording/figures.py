"""How values stand wherever they are shown: pages, titles, checks, dashboards, comments, commits, tags, charts,
results.tsv and the logs of jobs.

Where the rows are private, an amount could tell a business figure: only shares (0 to 1) stand as they are, every other
value as its change in percent. Events hold what was measured; who shows a part of one asks here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.pages.wording import gains
from bot.pages.wording.text import signed, value
from harness.rule import Metric, Rule

WITHHELD = "not shown"
_NUMBER = re.compile(r"(?<![\w-])[+-]?\d+(?:[,.]\d+)*(?:e[+-]?\d+)?")


class Whose(Protocol):
    """Of a target, whether its rows are private."""

    @property
    def private(self) -> bool: ...


class Measured(Whose, Protocol):
    """A target whose base was measured."""

    @property
    def rule(self) -> Rule: ...

    @property
    def base(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Known:
    """What there is to know where there is no report."""

    private: bool
    rule: Rule
    base: Mapping[str, float]


def withheld(whose: Whose, *values: float) -> bool:
    """Whether these values of one metric must not be shown."""
    return whose.private and not all(0 <= number <= 1 for number in values)


def one(whose: Whose, number: float, base: float, decimals: int = 4) -> str:
    """A value that is read beside its base's."""
    return _relative(number, base) if withheld(whose, number, base) else value(number, decimals)


def exact(whose: Whose, number: float, base: float) -> str:
    """The same to the last digit, for a table that programs read."""
    return _relative(number, base) if withheld(whose, number, base) else repr(number)


def pair(whose: Whose, before: float, after: float, decimals: int = 4) -> str:
    """0.7100 -> 0.7000; +0.9 %"""
    if withheld(whose, before, after):
        return relative(after - before, before)
    return f"{value(before, decimals)} -> {value(after, decimals)}"


def gain(whose: Whose, amount: float, base: float, decimals: int = 4) -> str:
    """+0.0043, in the unit of a metric that has this value in the base."""
    return relative(amount, base) if withheld(whose, base, abs(amount)) else signed(amount, decimals)


def shown(measured: Measured, metric: Metric, gain: float, *, like: Sequence[float] = ()) -> str:
    """As `gains.shown`."""
    if not measured.private or metric.compare == "ratio":
        return gains.shown(metric, gain, like=like)
    base = gains.number(measured.rule, metric, measured.base) if measured.base else 0.0
    if not withheld(measured, base, *(abs(each) for each in (gain, *like))):
        return gains.shown(metric, gain, like=like)
    return gains.against(metric, gain, base, like=like) if base else WITHHELD


def amount(measured: Measured, metric: Metric, gain: float) -> str:
    """+0.0123457, as the harness counts gains: for what is signed, and not read at a glance."""
    base = gains.number(measured.rule, metric, measured.base) if measured.base else math.inf
    if metric.compare == "ratio" or not withheld(measured, base, abs(gain)):
        return f"{gain:+.6g}"
    return relative(gain, base) if measured.base else WITHHELD


def size(measured: Measured, metric: Metric, gain: float) -> str:
    """3.1 %: a gain or a spread without its direction."""
    return shown(measured, metric, gain).lstrip("+-")


def interval(measured: Measured, metric: Metric, found: Mapping[str, Any]) -> str:
    """-12.3 %, 95 % interval -14.0 % to -10.6 %. found: gain, low, high, confidence."""
    return gains.interval(metric, found, lambda *one, **like: shown(measured, *one, **like))


def fresh(measured: Measured, found: Mapping[str, Any]) -> str:
    """seconds -12.3 %, 95 % interval -14.0 % to -10.6 %, from 40 fresh pairs"""
    return gains.fresh(measured.rule, found, lambda *one, **like: shown(measured, *one, **like))


def words(whose: Whose, text: str) -> str:
    """The harness's words; of a private target without the numbers in them."""
    return _NUMBER.sub("...", text) if whose.private else text


def difference(whose: Whose, one: Mapping[str, float], other: Mapping[str, float]) -> str:
    """In what two measurements of one content differ, in words."""
    names = [name for name in {*one, *other} if one.get(name) != other.get(name)]
    return words(whose, ", ".join(f"{name} {one.get(name)!r} then {other.get(name)!r}" for name in sorted(names)[:3]))


def said(whose: Whose) -> list[str]:
    """What a page says of all this."""
    return ["The rows are private: amounts stand as changes in percent, and nothing counts rows."] * whose.private


def relative(amount: float, base: float) -> str:
    """As a share of the base's value."""
    return f"{signed(100 * amount / abs(base), 2)} %" if base else "off 0"


def _relative(number: float, base: float) -> str:
    return WITHHELD if number == base else relative(number - base, base)
