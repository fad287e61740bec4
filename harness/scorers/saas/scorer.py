"""Every metric of specs over the accounts of a split, added up part by part, here or on other processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from harness import evaluator
from harness.scorers.saas import accounts, influence, measures
from harness.scorers.saas.accounts import SEGMENT_FACTS, Accounts, Ints, Values
from harness.scorers.saas.auc import twice_won_between
from harness.scorers.saas.columns import Columns
from harness.scorers.saas.engine import Engine, Here, Tallies, Work
from harness.scorers.saas.spec import Spec
from harness.scorers.saas.store import Store
from harness.scorers.saas.tally import Tally, add_up, add_up_groups, add_up_label, merged, rank


class Scorer:
    """Scores specs on the tables that columns name. folder: what their paths are relative to."""

    def __init__(self, folder: Path, columns: Columns, engine: Engine | None = None) -> None:
        self.folder, self.columns = folder, columns
        self.rising = self.columns.score == "health"
        self.facts = frozenset(accounts.facts({name: np.zeros(0) for name in columns.outcomes}, 0))
        self._engine = engine or Here()
        self._stores: dict[str, Store] = {}

    def store(self, split: str, values: Values | None = None) -> Store:
        """values: of each segment, where another process has looked for them. Raises EvaluatorError."""
        if split not in self._stores:
            path = accounts.path_of(self.folder, self.columns, split)
            found = accounts.segment_values(self.folder, self.columns, split) if values is None else values
            self._stores[split] = Store(path, self.columns, found)
        return self._stores[split]

    def measure(self, specs: Sequence[Spec], split: str) -> list[dict[str, float]]:
        """Every metric of each spec. All specs have one scaling."""
        store, found = self.store(split), self._summed(Work(specs, split))
        # As floats: a total of whole numbers would wrap round where it is too large, and look small.
        accounts.require_exact(store.path.name, float(found[0][0].tiers.sum(axis=1).max()))
        return [_metrics(tallies, list(store.values)) for tallies in found]

    def primary(self, specs: Sequence[Spec], split: str, name: str) -> list[float | None]:
        """One scalar metric of each spec; None where it is no scalar, or has no value."""
        scalar = _scalar(name)
        if scalar is None or not set(scalar.needs) <= self.facts:
            return [None] * len(specs)
        block = self.store(split).only_block() if isinstance(self._engine, Here) else None
        if block and scalar.needs[0] in block.labels:
            return self._areas(specs, split, scalar.needs[0])
        return [scalar.of(tally)[0] for (tally,) in self._summed(Work(specs, split, name))]

    def _areas(self, specs: Sequence[Spec], split: str, outcome: str) -> list[float | None]:
        """As from tallies, in half the time, where all accounts are one block in memory: what most experiments need."""
        ones, zeros = (accounts.points(specs, side) for side in self.store(split).sides(outcome, specs[0].scaling))
        if not ones.size or not zeros.size:
            return [None] * len(specs)
        low = np.minimum(ones.min(axis=1), zeros.min(axis=1)).tolist()
        high = np.maximum(ones.max(axis=1), zeros.max(axis=1)).tolist()
        won = map(twice_won_between, ones, zeros, low, high)
        rising, pairs = measures.towards(outcome, rising=self.rising), ones.shape[1] * zeros.shape[1]
        return [measures.share_won(twice, pairs, rising=rising) for twice in won]

    def tallies(self, work: Work, part: int) -> Tallies:
        """Of one part of the table, in this process."""
        scalar = _scalar(work.scalar)
        found = []
        for block, hundredths in self.store(work.split).blocks(part, work.specs[0].scaling):
            points = accounts.points(work.specs, hundredths)
            found.append([self._tallied(spec, points[n], block, scalar) for n, spec in enumerate(work.specs)])
        return _together(found)

    def _tallied(self, spec: Spec, found: Ints, block: Accounts, scalar: measures.Scalar | None) -> list[Tally]:
        """Of all accounts of a block, then of each segment; of one scalar no more than it needs."""
        if scalar is None:
            return self._all(spec, found, block)
        if (label := scalar.needs[0]) in block.labels:
            return [add_up_label(spec, found, label, block.labels[label], rising=self.rising)]
        return [add_up(spec, found, block.some_facts(scalar.needs), rising=self.rising)]

    def _all(self, spec: Spec, found: Ints, block: Accounts) -> list[Tally]:
        ranked, by_segment = rank(found), block.some_facts(SEGMENT_FACTS)
        segments = [
            add_up_groups(spec, ranked, by_segment, codes, len(block.values[name]), rising=self.rising)
            for name, codes in block.segments.items()
        ]
        return [add_up(spec, found, block.all_facts, rising=self.rising, ranked=ranked), *segments]

    def _summed(self, work: Work) -> Tallies:
        return _together(self._engine.each(self, work))

    def rows(self, spec: Spec, split: str, names: Sequence[str]) -> evaluator.Rows:
        """Strata of the metrics that have them, of a split that fits into memory."""
        blocks = self.store(split).whole()
        if blocks is None:
            return {}
        facts = {name: np.concatenate([block.facts[name] for block in blocks]) for name in blocks[0].facts}
        points = np.concatenate([accounts.points([spec], block.hundredths(spec.scaling))[0] for block in blocks])
        found = {name: influence.strata(name, spec, points, facts, rising=self.rising) for name in names}
        return {name: strata for name, strata in found.items() if strata is not None}


def _scalar(name: str) -> measures.Scalar | None:
    return next((one for one in measures.SCALARS if one.name == name), None)


def _together(tallies: Iterable[Tallies]) -> Tallies:
    """The sums over parts, added up as they come: together they would need more room than the accounts."""
    found: Tallies = []
    for part in filter(None, tallies):  # a part without rows has none
        found = [
            [merged(both) for both in zip(so_far, one, strict=True)] for so_far, one in zip(found, part, strict=True)
        ] if found else part  # fmt: skip
    return found


def _metrics(tallies: Sequence[Tally], segments: Sequence[str]) -> dict[str, float]:
    """tallies: of all accounts, then of each segment."""
    metrics = measures.measured(tallies[0])
    for segment, tally in zip(segments, tallies[1:], strict=True):
        metrics |= measures.over_segments(segment, tally)
    return metrics
