"""The words of a comment that are a command. Nothing but the whole comment counts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.standing import DROP, RECHECK

HOLD = "hold"
MOST_CHARACTERS = 200
MOST_ROWS = 50
_NUMBERS = r"[1-9][0-9]{0,3}"
_FORM = re.compile(rf"/(?:(?P<bare>{RECHECK}|{HOLD})|{DROP}(?P<rows>(?: {_NUMBERS})+))")
_END = " \t\r\n"


@dataclass(frozen=True)
class Words:
    """command: recheck, drop or hold; rows: the numbers of the page's rows that are to go, in order."""

    command: str
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join((f"/{self.command}", *map(str, self.rows)))


def parse(comment: str) -> Words | None:
    """The command that a comment is; None for everything else, a command with more text around it included."""
    text = comment.rstrip(_END)
    if len(text) > MOST_CHARACTERS:
        return None
    found = _FORM.fullmatch(text)
    if not found:
        return None
    rows = tuple(sorted({int(number) for number in (found["rows"] or "").split()}))
    return Words(found["bare"] or DROP, rows) if len(rows) <= MOST_ROWS else None
