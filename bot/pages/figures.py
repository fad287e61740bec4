"""How values stand on a page. Where the rows are private, an amount could tell a business figure: only shares (0 to 1)
stand as they are, every other value as its change in percent."""

from __future__ import annotations

import re

from bot.pages.summary import TargetReport
from bot.pages.text import signed, value

WITHHELD = "not shown"
_NUMBER = re.compile(r"(?<![\w-])[+-]?\d+(?:[,.]\d+)*(?:e[+-]?\d+)?")


def withheld(report: TargetReport, *values: float) -> bool:
    """Whether these values of one metric must not be shown."""
    return report.private and not all(0 <= number <= 1 for number in values)


def one(report: TargetReport, number: float, base: float, decimals: int = 4) -> str:
    """A value that is read beside its base's."""
    if not withheld(report, number, base):
        return value(number, decimals)
    return WITHHELD if number == base else relative(number - base, base)


def pair(report: TargetReport, before: float, after: float, decimals: int = 4) -> str:
    """0.7100 -> 0.7000; +0.9 %"""
    if withheld(report, before, after):
        return relative(after - before, before)
    return f"{value(before, decimals)} -> {value(after, decimals)}"


def gain(report: TargetReport, amount: float, base: float, decimals: int = 4) -> str:
    """+0.0043, in the unit of a metric that has this value in the base."""
    return relative(amount, base) if withheld(report, base) else signed(amount, decimals)


def words(report: TargetReport, text: str) -> str:
    """The harness's words; of a private target without the numbers in them."""
    return _NUMBER.sub("...", text) if report.private else text


def relative(amount: float, base: float) -> str:
    """As a share of the base's value."""
    return f"{signed(100 * amount / abs(base), 2)} %" if base else "off 0"
