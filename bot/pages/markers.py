"""What of a body on a forge is the bot's: the lines between two markers. Everything else is somebody's words, and stays
as it is, to the byte.

A marker is a line of its own. Text from candidates is always inside a line, never a whole one, so it cannot end ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_BEGIN = re.compile(r"^<!-- autoresearch:v1 (?P<what>[A-Za-z0-9._=-]+) -->[ \t]*\r?$", re.MULTILINE)
_CONTINUES = re.compile(r"[ \t]*(?:\r?\n|\Z)")


def wrapped(what: str, text: str) -> str:
    """A text between its markers, ending in a line break. what: night=2026-11-21, or dashboard."""
    return f"<!-- autoresearch:v1 {what} -->\n{text.rstrip()}\n{_end(what)}\n"


def room(what: str, limit: int) -> int:
    """How long a text may be, its last line break included, so that with its markers it has `limit` characters."""
    return limit - len(wrapped(what, "")) + 1


def outside(body: str) -> tuple[str, str]:
    """What stands before and after the bot's part of a body. Where it has none, everything stands after."""
    for begin in _BEGIN.finditer(body):
        end = re.compile(rf"^{re.escape(_end(begin['what']))}", re.MULTILINE)
        for found in end.finditer(body, begin.end()):
            if rest := _CONTINUES.match(body, found.end()):
                return body[: begin.start()], body[rest.end() :]
    return "", body


def refreshed(old: str, render: Callable[[int], str], limit: int) -> str:
    """A body with the bot's part written anew, in the place of the old one, on top where there is none.

    old: the body as the forge has it, empty at first. render: makes that part, markers included, in at most so many
    characters. limit: of the whole body, which is longer only where the words of others alone leave less than a
    quarter of it.
    """
    before, after = outside(old)
    return f"{before}{render(max(limit - len(before) - len(after), limit // 4))}{after}"


def _end(what: str) -> str:
    return f"<!-- autoresearch:end {what} -->"
