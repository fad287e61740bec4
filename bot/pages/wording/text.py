"""Text from files, models and runs on a page: only inside code spans and fences, limited in length, without tricks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_BACKTICKS = re.compile(r"`+")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{1,500}")
_QUIET = re.compile(
    r"(?!www\.)[A-Za-z0-9](?:[A-Za-z0-9]|[_.-](?=[A-Za-z0-9])|(?<=[A-Za-z])@(?=[0-9]+$))*|the weighted score"
)
_BARS = re.compile(r"(\\*)\|")
_CODE_OR_PERCENT = re.compile(r"(?P<code>(?P<fence>`+)(?!`).*?(?<!`)(?P=fence)(?!`))|(?<=\d) (?=%)", re.DOTALL)


def plain(text: str, most: int = 120) -> str:
    """One visible line: control, format (bidi) and surrogate characters gone, white space folded, cut at `most`."""
    visible = (" " if c.isspace() or c in _BLANK else c for c in text if _shows(c))
    folded = _PILED.sub(r"\1", " ".join("".join(visible).split()))
    return folded if len(folded) <= most else f"{folded[: most - 3]}..."


def _shows(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _HIDDEN


def code(text: str, most: int = 120) -> str:
    """A code span that cannot be left: its fence is longer than any run of backticks inside."""
    inner = plain(text, most) or " "
    longest = max((len(run) for run in _BACKTICKS.findall(inner)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or inner.startswith(" ") else ""
    return f"{fence}{space}{inner}{space}{fence}"


def cell_code(text: str, most: int = 120) -> str:
    """A code span for a table, whose cells end at every bar that has no backslash of its own, inside code too."""
    return _BARS.sub(lambda found: f"{found[1]} \\|" if found[1] else "\\|", code(text, most))


def label(name: str) -> str:
    """A name as it is where a forge finds nothing in it, such as precision@20; else as code."""
    return name if _QUIET.fullmatch(name) else code(name)


def linked(text: str, address: str) -> str:
    """A link; only the text where the address is none that a browser opens, or holds what ends a link."""
    return f"[{text}]({address})" if _ADDRESS.fullmatch(address) else text


def names(found: Sequence[str], most: int = 5) -> str:
    """At most so many names, and how many more there are."""
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more:,} more" if more > 0 else "")


def words(text: str, most: int) -> str:
    """At most so many words."""
    found = text.split()
    return text if len(found) <= most else " ".join([*found[:most], "..."])


def count(number: int, noun: str, plural: str = "") -> str:
    """1 row, 2,000 tries."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """95 %; 0.25 %"""
    return f"{100 * share:.4g} %"


def unbroken(markdown: str) -> str:
    """With no line break between a number and its per cent sign; code stays as it is."""
    return _CODE_OR_PERCENT.sub(lambda found: found["code"] or "\u00a0", markdown)


def duration(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def value(number: float, decimals: int = 4) -> str:
    """A metric's value as people read it: four decimals near 1, none in the thousands."""
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    if abs(number) >= 100:
        return f"{number:.1f}"
    return f"{number:.{decimals}f}"


def decimals_for(gain: float) -> int:
    """So many decimals that a gain shows at least two digits; never under four."""
    for decimals in range(4, 10):
        if abs(gain) >= 10 ** (1 - decimals):
            return decimals
    return 10 if gain else 4


def signed(number: float, decimals: int = 4) -> str:
    """+0.0079; -12,345; +4e-06 where the decimals would show nothing"""
    if abs(number) >= 1000:
        return f"{number:+,.0f}"
    return f"{number:+.{decimals}f}" if not number or abs(number) >= 0.5 * 10**-decimals else f"{number:+.0e}"


_BLANK = "\u034f\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show nothing
_PILED = re.compile("([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{2})[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
