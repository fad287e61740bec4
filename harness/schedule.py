"""Which seed each measurement gets, and which side of a pair goes first.

Seeds come in blocks that cannot meet: a block is the top bits of the number. What the loop has measured can therefore
never be what confirm measures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

BLOCKS = ("calibration", "loop", "ablate", "confirm", "screen", "longer")
_UNFORESEEN = {"ablate", "confirm", "longer"}  # nobody can have chosen a result for these seeds
_BITS = 28  # of a seed within its block; with the block's number it stays a positive 31-bit integer


@dataclass(frozen=True)
class Draw:
    """One pair: the seed that both sides share, and the side that a fair coin put first."""

    seed: int
    incumbent_first: bool

    @property
    def order(self) -> str:
        return "ic" if self.incumbent_first else "ci"


@dataclass(frozen=True)
class Schedule:
    """seed: the night's, which anybody may know; coin: what nobody can know before the night, unless they asked for a
    seed: so no candidate can foresee its place in a pair, nor anybody what confirm will measure with."""

    seed: int
    coin: str

    def pair(self, block: str, experiment: int, number: int) -> Draw:
        """The pair of this number of an experiment: the same whenever it is asked for."""
        first = self._hash(f"{self.coin}/{block}/{experiment}/{number}") % 2 == 0
        return Draw(self.number(block, experiment, number), first)

    def number(self, block: str, *place: int) -> int:
        """The seed at a place of a block."""
        source = self.coin if block in _UNFORESEEN else self.seed
        name = "/".join(map(str, (source, block, *place)))
        return BLOCKS.index(block) << _BITS | self._hash(name) % (1 << _BITS)

    def shuffled(self, block: str, round_: int, number: int, count: int) -> list[int]:
        """An order of `count` things, every order equally likely."""
        return sorted(range(count), key=lambda i: self._hash(f"{self.coin}/{block}/{round_}/{number}/{i}/order"))

    @staticmethod
    def _hash(text: str) -> int:
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def block_of(seed: int) -> str:
    """The block that a seed belongs to; nothing for a number that is no seed of ours."""
    block = seed >> _BITS
    return BLOCKS[block] if 0 <= block < len(BLOCKS) else ""
