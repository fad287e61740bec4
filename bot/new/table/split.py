"""Which accounts are held out: by a hash of the id, so that an account stays on its side in every later table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.new.table.asked import Table

FEWEST_OF_A_CLASS = 10  # on either side: with fewer no gain can be told from luck


def held_out(account: str, percent: int) -> bool:
    """Whether this id lies in the holdout: the first 8 bytes of its SHA-256 as a share of all there could be."""
    digest = hashlib.sha256(f"account:{account}".encode()).digest()
    return int.from_bytes(digest[:8]) * 100 < percent << 64


def sides(accounts: Sequence[str], percent: int) -> NDArray[np.bool_]:
    """Per account: True in the holdout."""
    return np.fromiter((held_out(account, percent) for account in accounts), dtype=bool, count=len(accounts))


def refuse_thin(table: Table, label: str, holdout: NDArray[np.bool_]) -> None:
    """Raises ConfigError where a side has too few accounts that stayed, or too few that left."""
    values = table[label].numbers
    for side, name in ((~holdout, "search"), (holdout, "holdout")):
        fewest = min(int((values[side] == value).sum()) for value in (0, 1))
        if fewest < FEWEST_OF_A_CLASS:
            raise table.error(
                f"the rarer of its two values stands {fewest} times among the {int(side.sum()):,} {name} rows; "
                f"{FEWEST_OF_A_CLASS} are the fewest", label,
                why="no gain could be told from luck", step="take a longer period, or more of the accounts",
            )  # fmt: skip
