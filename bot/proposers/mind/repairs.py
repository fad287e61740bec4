"""Which crashes are dull: the idea was not tried, because of a slip that anybody can mend."""

from __future__ import annotations

import re

MOST = 2  # per experiment
_SLIPS = (
    "SyntaxError", "IndentationError", "TabError", "NameError", "UnboundLocalError", "ImportError",
    "ModuleNotFoundError", "KeyError",
)  # fmt: skip
_SLIP = re.compile(rf"(?:^|[^\w.'\"])(?:\w+\.)*(?:{'|'.join(_SLIPS)})\b", re.MULTILINE)


def is_dull(why: str) -> bool:
    """By what the crash says; a candidate that lies about it gains a call that was reserved for it anyway."""
    return bool(_SLIP.search(why))
