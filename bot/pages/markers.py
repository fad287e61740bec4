"""What of a pull request's body is the bot's: the lines between two markers. Everything else is somebody's words, and
stays as it is, to the byte.

A marker is a line of its own. Text from candidates is always inside a line, never a whole one, so it cannot end ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_BEGIN = re.compile(r"^<!-- autoresearch:v1 night=(?P<night>[A-Za-z0-9._-]+) -->[ \t]*\r?$", re.MULTILINE)
_END = "<!-- autoresearch:end night={night} -->"
_CONTINUES = re.compile(r"[ \t]*(?:\r?\n|$)")


def wrapped(night: str, text: str) -> str:
    """A text between its markers, ending in a line break."""
    return f"<!-- autoresearch:v1 night={night} -->\n{text.rstrip()}\n{_END.format(night=night)}\n"


def outside(body: str) -> tuple[str, str]:
    """What stands before and after the bot's part of a body. Where it has none, everything stands after."""
    for begin in _BEGIN.finditer(body):
        end = re.compile(rf"^{re.escape(_END.format(night=begin['night']))}", re.MULTILINE)
        for found in end.finditer(body, begin.end()):
            if rest := _CONTINUES.match(body, found.end()):
                return body[: begin.start()], body[rest.end() :]
    return "", body


def refreshed(old: str, render: Callable[[int], str], limit: int) -> str:
    """A body with the bot's part written anew. old: the body as the forge has it, empty at first.

    render: makes that part, markers included, in at most so many characters. limit: of the whole body, which is longer
    only where the words of others alone leave less than a quarter of it.
    """
    before, after = outside(old)
    if before.strip("\r\n") and not before.endswith("\n"):
        before += "\n"
    new = render(max(limit - len(before) - len(after), limit // 4))
    return f"{before}{new}{after}"
