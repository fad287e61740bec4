"""The accounts of a split, part by part, for batch after batch: in memory, or in few bytes each in a scratch file."""

from __future__ import annotations

import collections
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import EvaluatorError
from harness.scorers.saas import accounts, table
from harness.scorers.saas.accounts import Accounts, Facts, Scaling, Values
from harness.scorers.saas.columns import Columns

IN_MEMORY = 1_000_000  # accounts of a split; those of a larger one lie in a scratch file, as whole numbers

Hundredths = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scaled(Accounts):
    """Accounts out of the scratch file. raw: (features, accounts), in hundredths already. matrix: of all facts."""

    matrix: Facts

    def hundredths(self, scaling: Scaling) -> Hundredths:  # noqa: ARG002  they are of this scaling
        return self.raw.astype(np.float32)

    @property
    def all_facts(self) -> Facts:
        return self.matrix


class Store:
    """The accounts of one table, for one process. values: of each segment, in the whole table."""

    def __init__(self, path: Path, columns: Columns, values: Values) -> None:
        """Raises EvaluatorError."""
        self.path, self.columns, self.values = path, columns, values
        self.parts = table.parts(path)
        self.large = False
        self._size = 0
        self._kept: dict[int, list[Accounts]] = {}
        self._slots: dict[int, list[_Slot]] = {}
        self._saved: dict[int, Scaling] = {}
        self._scaling: Scaling = ()
        self._hundredths: dict[tuple[int, int], Hundredths] = {}
        self._sides: dict[str, tuple[Hundredths, Hundredths]] = {}

    def blocks(self, part: int, scaling: Scaling) -> Iterator[tuple[Accounts, Hundredths]]:
        """The accounts of one part, and their hundredths. Raises EvaluatorError; InvalidCandidate for the scaling."""
        if part in self._kept:
            for number, block in enumerate(self._kept[part]):
                yield block, self._scaled(part, number, scaling)
        elif self._saved.get(part) == scaling:
            for slot in self._slots[part]:
                found = self._load(slot)
                yield found, found.hundredths(scaling)
        else:
            yield from self._read(part, scaling)

    def whole(self) -> list[Accounts] | None:
        """All of it, where it fits into memory."""
        for part in range(len(self.parts)):
            if part not in self._kept and not self.large:
                collections.deque(self._fresh(part), maxlen=0)
        return None if self.large else [block for part in range(len(self.parts)) for block in self._kept[part]]

    def only_block(self) -> Accounts | None:
        """All accounts, where they are one block in memory."""
        if len(self.parts) > 1 or (blocks := self.whole()) is None or len(blocks) > 1:
            return None
        return blocks[0]

    def sides(self, label: str, scaling: Scaling) -> tuple[Hundredths, Hundredths]:
        """Of the only block: the hundredths of the accounts whose label is 1, and of the others."""
        found = self._scaled(0, 0, scaling)
        if label not in self._sides:
            ones, zeros = self._kept[0][0].labels[label]
            self._sides[label] = np.ascontiguousarray(found[:, ones]), np.ascontiguousarray(found[:, zeros])
        return self._sides[label]

    def _scaled(self, part: int, number: int, scaling: Scaling) -> Hundredths:
        """Of what is in memory, for one scaling at a time."""
        if scaling != self._scaling:
            self._scaling = scaling
            self._hundredths.clear()
            self._sides.clear()
        if (part, number) not in self._hundredths:
            self._hundredths[part, number] = self._kept[part][number].hundredths(scaling)
        return self._hundredths[part, number]

    def _read(self, part: int, scaling: Scaling) -> Iterator[tuple[Accounts, Hundredths]]:
        """From the table. What is found to be large on the way is left for the next time."""
        was_large, slots = self.large, self._slots.setdefault(part, [])
        self._saved.pop(part, None)  # until all of it is of this scaling
        for number, block in enumerate(self._fresh(part)):
            found = block.hundredths(scaling)
            if was_large:
                slots[number : number + 1] = [self._save(block, found, slots[number : number + 1])]
            yield block, found
        if was_large:
            self._saved[part] = scaling

    def _fresh(self, part: int) -> Iterator[Accounts]:
        """From the table, and into memory while it is not large."""
        found: list[Accounts] = []
        size = 0
        for block in accounts.read_part(self.path, self.columns, self.values, self.parts[part]):
            size += block.size
            if not self.large and self._size + size > IN_MEMORY:
                self.large = True
                self._kept.clear()
                self._hundredths.clear()
            if self.large:
                found.clear()
            else:
                found.append(block)
            yield block
        if not self.large:
            self._size += size
            self._kept[part] = found

    @functools.cached_property
    def _scratch(self) -> Any:
        """It has no name, so nothing is left of it however the process ends."""
        return tempfile.TemporaryFile(prefix="autoresearch-accounts-")

    def _save(self, block: Accounts, found: Hundredths, old: Sequence[_Slot]) -> _Slot:
        """old: where the same block lies under another scaling, if it does."""
        arrays: dict[str, NDArray[Any]] = {"": found.astype(np.uint8)}
        facts = block.all_facts
        arrays |= {f"fact {row}": _narrow(values) for row, values in enumerate(facts.rows)}
        arrays |= {f"segment {name}": codes.astype(np.uint8) for name, codes in block.segments.items()}
        try:
            offset = old[0].offset if old else self._scratch.seek(0, 2)
            self._scratch.seek(offset)
            for values in arrays.values():
                self._scratch.write(values.data)
            self._scratch.flush()
        except OSError as error:
            raise EvaluatorError(
                f"{self.path.name} is too large for memory, and cannot be put into a scratch file: {error.strerror}",
                next_step=f"room in {tempfile.gettempdir()}: about 60 bytes per account",
            ) from None
        kinds = {name: values.dtype.str for name, values in arrays.items()}
        return _Slot(offset, block.size, kinds, facts.places)

    def _load(self, slot: _Slot) -> Scaled:
        self._scratch.seek(slot.offset)
        features = self.columns.features
        raw = self._array(slot, "", len(features)).reshape(len(features), slot.size)
        rows = np.empty((len(set(slot.places.values())), slot.size))
        for number in range(len(rows)):
            rows[number] = self._array(slot, f"fact {number}")
        codes = {name: self._array(slot, f"segment {name}").astype(np.int64) for name in self.columns.segments}
        facts = {name: rows[row] for name, row in slot.places.items()}
        return Scaled(features, raw, facts, codes, self.values, Facts(rows, slot.places))

    def _array(self, slot: _Slot, name: str, rows: int = 1) -> NDArray[Any]:
        kind = np.dtype(slot.kinds[name])
        return np.frombuffer(self._scratch.read(rows * slot.size * kind.itemsize), kind)


@dataclass(frozen=True)
class _Slot:
    """Where a block lies in the scratch file. kinds: of its arrays, in their order there. places: as in Facts."""

    offset: int
    size: int
    kinds: Mapping[str, str]
    places: Mapping[str, int]


def _narrow(values: NDArray[np.float64]) -> NDArray[Any]:
    """The same whole numbers, in as few bytes as the largest of them needs."""
    most = values.max(initial=0)
    for kind in (np.uint8, np.uint32):
        if most <= np.iinfo(kind).max:
            return values.astype(kind)
    return values
