"""Every metric of specs over the accounts of a split, in memory or block by block."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import evaluator
from harness.scorers.saas import accounts, influence, measures
from harness.scorers.saas.accounts import SEGMENT_FACTS, Accounts, Ints, Scaling
from harness.scorers.saas.columns import Columns
from harness.scorers.saas.spec import Spec
from harness.scorers.saas.tally import Tally, add_up, add_up_label, merged, rank

IN_MEMORY = 2_000_000  # accounts; more are read again for every batch, one block after the other

Hundredths = NDArray[np.float32]


class Scorer:
    """Scores specs on the tables that columns name. folder: what their paths are relative to."""

    def __init__(self, folder: Path, columns: Columns) -> None:
        self.folder, self.columns = folder, columns
        self.rising = self.columns.score == "health"
        self._kept: dict[str, list[Accounts]] = {}
        self._scaled = functools.lru_cache(maxsize=8)(self._scale)

    def blocks(self, split: str) -> Iterator[Accounts]:
        """The accounts of a split, from memory where they fit into it."""
        if split in self._kept:
            yield from self._kept[split]
            return
        found: list[Accounts] | None = []
        size = 0
        for block in accounts.read(self.folder, self.columns, split):
            size += block.size
            if size > IN_MEMORY:
                found = None
            if found is not None:
                found.append(block)
            yield block
        if found is not None:
            self._kept[split] = found

    def hundredths(self, split: str, number: int, block: Accounts, scaling: Scaling) -> Hundredths:
        return self._scaled(split, number, scaling) if split in self._kept else block.hundredths(scaling)

    def _scale(self, split: str, number: int, scaling: Scaling) -> Hundredths:
        return self._kept[split][number].hundredths(scaling)

    def measure(self, specs: Sequence[Spec], split: str) -> list[dict[str, float]]:
        """Every metric of each spec. All specs have one scaling."""
        tallies: list[list[list[Tally]]] = [[] for _ in specs]
        for block, found in self._points(specs, split):
            for index, spec in enumerate(specs):
                tallies[index].append(self._all(spec, found[index], block))
        return [_metrics([merged(of) for of in zip(*blocks, strict=True)], self.columns.segments) for blocks in tallies]

    def _all(self, spec: Spec, found: Ints, block: Accounts) -> list[Tally]:
        """The tally of a block, then of each of its segments."""
        ranked = rank(found)
        whole = add_up(spec, ranked, block.all_facts, rising=self.rising)
        by_segment = block.some_facts(SEGMENT_FACTS)
        segments = [
            add_up(spec, ranked, by_segment, rising=self.rising, codes=codes, groups=len(block.values[name]))
            for name, codes in block.segments.items()
        ]
        return [whole, *segments]

    def primary(self, specs: Sequence[Spec], split: str, name: str) -> list[float | None]:
        """One scalar metric of each spec; None where it is no scalar, or has no value."""
        scalar = next((one for one in measures.SCALARS if one.name == name), None)
        if scalar is None:
            return [None] * len(specs)
        tallies: list[list[Tally]] = [[] for _ in specs]
        for block, found in self._points(specs, split):
            if not set(scalar.needs) <= set(block.facts):
                return [None] * len(specs)
            for index, spec in enumerate(specs):
                tallies[index].append(self._little(spec, found[index], block, scalar))
        return [scalar.of(merged(of))[0] for of in tallies]

    def _little(self, spec: Spec, found: Ints, block: Accounts, scalar: measures.Scalar) -> Tally:
        """No more than one scalar needs."""
        if (label := scalar.needs[0]) in block.labels:
            return add_up_label(spec, found, label, block.labels[label], rising=self.rising)
        return add_up(spec, found, block.some_facts(scalar.needs), rising=self.rising)

    def _points(self, specs: Sequence[Spec], split: str) -> Iterator[tuple[Accounts, Ints]]:
        for number, block in enumerate(self.blocks(split)):
            yield block, accounts.points(specs, self.hundredths(split, number, block, specs[0].scaling))

    def rows(self, spec: Spec, split: str, names: Sequence[str]) -> evaluator.Rows:
        """Strata of the metrics that have them, of a split that fits into memory."""
        if split not in self._kept:
            return {}
        blocks = self._kept[split]
        facts = {name: np.concatenate([block.facts[name] for block in blocks]) for name in blocks[0].facts}
        points = np.concatenate([found[0] for _block, found in self._points([spec], split)])
        found = {name: influence.strata(name, spec, points, facts, rising=self.rising) for name in names}
        return {name: strata for name, strata in found.items() if strata is not None}


def _metrics(tallies: Sequence[Tally], segments: Sequence[str]) -> dict[str, float]:
    """tallies: of all accounts, then of each segment."""
    metrics = measures.measured(tallies[0])
    for segment, tally in zip(segments, tallies[1:], strict=True):
        metrics |= measures.over_segments(segment, tally)
    return metrics
