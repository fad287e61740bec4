"""What of a prompt is an instruction, to a reader who keeps to the rule of the fences."""

from __future__ import annotations

import re

from bot.proposers.mind.fence import MARK

OPENING = re.compile(rf"^<<<([0-9a-f]{{{MARK}}}) (.*)$")


def outside(text: str) -> str:
    """What such a reader takes for instructions."""
    found: list[str] = []
    mark = ""
    for line in text.split("\n"):
        opening = OPENING.match(line)
        if mark:
            mark = "" if line == f"{mark}>>>" else mark
        elif opening:
            mark = opening.group(1)
        else:
            found.append(line)
    assert not mark, "a fence is not closed"
    return "\n".join(found)
