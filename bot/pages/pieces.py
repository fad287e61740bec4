"""A page as pieces, so that a page that is too long loses what its reader misses least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum


class Weight(IntEnum):
    """What goes first when there is too much: FOLDED, then the tails of tables, then WORDS; FIRST never goes."""

    FOLDED = 1
    WORDS = 2
    SECTION = 3
    FIRST = 4


@dataclass(frozen=True)
class Piece:
    """Lines that stand or go together.

    target, what: how it is named where it is left out, such as churn-risk, near misses. rows: the body of a table that
    follows the lines, whose tail may go; after: what follows the table; short: what stays where the rest goes.
    """

    lines: Sequence[str]
    weight: Weight
    target: str = ""
    what: str = ""
    rows: Sequence[str] = ()
    after: Sequence[str] = ()
    short: Sequence[str] = ()

    def cut(self, most: int) -> Piece:
        """With at most so many rows, and a last one that counts the others."""
        if len(self.rows) <= most:
            return self
        columns = max(2, self.rows[0].replace("\\|", "").count("|") - 1)
        cells = ["", f"and {len(self.rows) - most:,} more", *[""] * (columns - 2)]
        last = "|".join(f" {cell} " if cell else " " for cell in cells)
        return replace(self, rows=[*self.rows[:most], f"|{last}|"])

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in (*self.lines, *self.rows, *self.after))


def text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def broken(lines: Sequence[str]) -> list[str]:
    """Lines of one paragraph, each on a line of its own."""
    return [f"{line}  " for line in lines[:-1]] + list(lines[-1:])
