"""Accounts as the measures need them: features in hundredths, outcomes as facts that only have to be added up.

A fact is one whole number per account (revenue in cents), so sums over any set of accounts are exact and do not depend
on the order of rows, on blocks, or on how many machines added them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import EvaluatorError, InvalidCandidate
from harness.scorers.saas import table
from harness.scorers.saas.columns import LABELS, MONEY, Columns
from harness.scorers.saas.spec import HUNDREDTHS, Spec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scaling = tuple[tuple[str, float, float], ...]
Values = Mapping[str, tuple[str, ...]]  # segment -> the values that it takes, sorted

SEGMENT_FACTS = ("retained", "not_retained", "churned", "not_churned", "revenue_start", "paying")
CURVES = frozenset(
    {*SEGMENT_FACTS, "accounts", "lifetime_value"}
)  # what is looked at along the score, not by tier alone
EXACT = 2.0**53  # whole numbers are added exactly up to here
MOST_SEGMENTS = 40  # values of one segment column; a column with more names accounts, not groups of them


@dataclass(frozen=True)
class Facts:
    """rows: (rows, accounts), whole numbers; places: name -> its row. Equal facts share one."""

    rows: Floats
    places: Mapping[str, int]

    @staticmethod
    def of(facts: Mapping[str, Floats], names: Iterable[str], where: Ints | None = None) -> Facts:
        """Those of these names that there are, of all accounts or of those in some places."""
        rows: list[Floats] = []
        places = {}
        for name in names:
            if name not in facts:
                continue
            row = facts[name] if where is None else facts[name][where]
            same = next((place for place, other in enumerate(rows) if np.array_equal(row, other)), len(rows))
            rows += [row] if same == len(rows) else []
            places[name] = same
        size = facts["accounts"].size if where is None else where.size
        return Facts(np.array(rows, dtype=np.float64).reshape(len(rows), size), places)

    def only(self, names: Iterable[str]) -> Facts:
        """Those of these names that there are."""
        at = {name: self.places[name] for name in names if name in self.places}
        used = sorted(set(at.values()))
        return Facts(self.rows[used], {name: used.index(row) for name, row in at.items()})


@dataclass(frozen=True, eq=False)
class Accounts:
    """A block of accounts. raw: (features, accounts) as in the table; facts: name -> one whole number per account.

    segments: column -> per account the place of its value in `values`, which are sorted.
    """

    features: tuple[str, ...]
    raw: Floats
    facts: Mapping[str, Floats]
    segments: Mapping[str, Ints]
    values: Values

    @functools.cached_property
    def labels(self) -> Mapping[str, tuple[Ints, Ints]]:
        """The facts that say 0 or 1 of what a score foretells: the places of the ones, and of the zeros."""
        known = [name for name in ("retained", "churned") if name in self.facts]
        return {name: (np.flatnonzero(self.facts[name]), np.flatnonzero(self.facts[name] == 0)) for name in known}

    @functools.cached_property
    def all_facts(self) -> Facts:
        return Facts.of(self.facts, self.facts)

    def some_facts(self, names: tuple[str, ...]) -> Facts:
        """Those of these names that there are, put side by side once."""
        if names not in self._side_by_side:
            self._side_by_side[names] = self.all_facts.only(names)
        return self._side_by_side[names]

    @functools.cached_property
    def _side_by_side(self) -> dict[tuple[str, ...], Facts]:
        return {}

    @property
    def size(self) -> int:
        return int(self.raw.shape[1])

    def hundredths(self, scaling: Scaling) -> NDArray[np.float32]:
        """(features, accounts), whole numbers from 0 to 100. Raises InvalidCandidate where a feature has no scale."""
        ranges = {name: (low, high) for name, low, high in scaling}
        found = np.empty(self.raw.shape, dtype=np.float32)
        for index, name in enumerate(self.features):
            low, high = ranges.get(name, (0.0, 1.0))
            values = (self.raw[index] - low) / (high - low)
            if name not in ranges and self.size and not (values.min() >= 0 and values.max() <= 1):
                raise InvalidCandidate(
                    f"scaling: {name} runs from {values.min():g} to {values.max():g}, and the spec has no scaling "
                    f"for it, such as {name}: [{values.min():g}, {values.max():g}]"
                )
            np.rint(np.clip(values, 0, 1) * HUNDREDTHS, out=found[index], casting="unsafe")
        return found


def points(specs: Sequence[Spec], hundredths: NDArray[np.float32]) -> Ints:
    """(specs, accounts): every spec's points of every account, in one product."""
    weights = np.array([spec.weights for spec in specs], dtype=np.float32)
    found: Ints = (weights @ hundredths).astype(np.int64)
    return found


def read(folder: Path, columns: Columns, split: str) -> Iterator[Accounts]:
    """The accounts of a split, block by block. Raises EvaluatorError for values that cannot be meant."""
    path, values = path_of(folder, columns, split), segment_values(folder, columns, split)
    most = 0.0
    for part in table.parts(path):
        for found in read_part(path, columns, values, part):
            most += max(float(fact.sum()) for fact in found.facts.values())
            require_exact(path.name, most)
            yield found


def read_part(path: Path, columns: Columns, values: Values, part: table.Part) -> Iterator[Accounts]:
    """The accounts of one part of a table, block by block. values: of each segment, in the whole table."""
    first = part.first + (1 if path.suffix == ".parquet" else 2)  # a CSV file's rows as an editor counts its lines
    for block in table.blocks(path, columns.names, part):
        found = _block(columns, block, values, _Where(path.name, first))
        yield found
        first += found.size


def require_exact(file: str, most: float) -> None:
    """most: the largest sum of a fact. Raises EvaluatorError where it cannot be added up to the last cent."""
    if not most < EXACT:
        raise EvaluatorError(
            f"{file}: an amount of money adds up to {most / 100:.3g}, more than can be added to the cent",
            next_step="give money in thousands",
        )


def whole(folder: Path, columns: Columns, split: str) -> Accounts:
    """All accounts of a split as one block. Raises EvaluatorError as `read` does."""
    blocks = list(read(folder, columns, split))
    first = blocks[0]
    return Accounts(
        first.features,
        np.concatenate([block.raw for block in blocks], axis=1),
        {name: np.concatenate([block.facts[name] for block in blocks]) for name in first.facts},
        {name: np.concatenate([block.segments[name] for block in blocks]) for name in first.segments},
        first.values,
    )


def segment_values(folder: Path, columns: Columns, split: str) -> Values:
    """Segment column -> the values that it takes in a split."""
    path = path_of(folder, columns, split)
    found: dict[str, set[str]] = {name: set() for name in columns.segments}
    for block in table.blocks(path, columns.segments) if found else ():
        for name, values in found.items():
            values |= set(_labels(block[name]))
            if len(values) > MOST_SEGMENTS:
                raise EvaluatorError(
                    f"the segment {name} takes at least {len(values):,} values; a segment has at most {MOST_SEGMENTS}",
                    next_step="take it out of segments in columns.yaml, or group its values",
                )
    return {name: tuple(sorted(values)) for name, values in found.items()}


def path_of(folder: Path, columns: Columns, split: str) -> Path:
    """The table of a split. Raises EvaluatorError where there is none."""
    if split not in columns.tables:
        raise EvaluatorError(
            f"columns.yaml names no table for the split {split}", next_step=f"such as {split}: data/{split}.csv"
        )
    return folder / columns.tables[split]


@dataclass(frozen=True)
class _Where:
    file: str
    first: int

    def error(self, column: str, wrong: NDArray[np.bool_], what: str) -> EvaluatorError:
        count, line = int(np.count_nonzero(wrong)), self.first + int(np.argmax(wrong))
        return EvaluatorError(
            f"{self.file}: {column} {what} in {count:,} rows, first in row {line}",
            next_step="mend the table, or leave the column out of columns.yaml; nothing is guessed or filled in",
        )


def _block(columns: Columns, block: table.Block, values: Values, where: _Where) -> Accounts:
    raw = np.stack([_numbers(block[name], name, where) for name in columns.features])
    outcomes = {}
    for ours, name in columns.outcomes.items():
        outcomes[ours] = _outcome(ours, _numbers(block[name], name, where), name, where)
    codes = {name: _codes(block[name], values[name]) for name in columns.segments}
    return Accounts(columns.features, raw, facts(outcomes, raw.shape[1]), codes, values)


def _numbers(values: table.Column, name: str, where: _Where) -> Floats:
    if isinstance(values, table.Texts):
        wrong = np.array([not _is_number(word) for word in values.words], dtype=bool)[values.codes]
        if not wrong.any():
            raise where.error(name, ~wrong, "holds numbers as text")
        raise where.error(name, wrong, "is no number")
    if not np.isfinite(values).all():
        raise where.error(name, ~np.isfinite(values), "is missing or not finite")
    return values


def _is_number(value: str | None) -> bool:
    try:
        return bool(np.isfinite(float(value or "")))
    except ValueError:
        return False


def _outcome(ours: str, values: Floats, name: str, where: _Where) -> Floats:
    if ours in LABELS and not np.isin(values, (0, 1)).all():
        raise where.error(name, ~np.isin(values, (0, 1)), "is neither 0 nor 1")
    if ours in MONEY:
        if (values < 0).any():
            raise where.error(name, values < 0, "is below 0")
        return np.rint(values * 100)
    return values


def _codes(values: table.Column, known: Sequence[str]) -> Ints:
    """The place of each row's label among those known."""
    places = {label: place for place, label in enumerate(known)}
    if isinstance(values, table.Texts):
        found = np.array([places.get(_label(word), -1) for word in values.words], dtype=np.int64)
        return found[values.codes]
    single, where = np.unique(values, return_inverse=True)
    return np.array([places[_label(value)] for value in single.tolist()], dtype=np.int64)[where]


def _labels(values: table.Column) -> list[str]:
    """The labels that a column's rows have."""
    return list(map(_label, values.used if isinstance(values, table.Texts) else np.unique(values).tolist()))


def _label(value: Any) -> str:
    return "missing" if str(value) in {"nan", "None", ""} else str(value)


def facts(outcomes: Mapping[str, Floats], size: int) -> dict[str, Floats]:
    """What the outcomes (our words; money in cents) say of each account, in numbers that can be added."""
    found = {"accounts": np.ones(size)}
    found |= {name: outcomes[name] for name in ("retained", "churned", "activated") if name in outcomes}
    found |= {f"not_{name}": 1 - outcomes[name] for name in ("retained", "churned") if name in outcomes}
    if "lifetime_value" in outcomes:
        found["lifetime_value"] = outcomes["lifetime_value"]
    if "returned" in outcomes and "churned" in outcomes:
        found["returned"] = outcomes["returned"] * outcomes["churned"]
    if "revenue_start" in outcomes:
        found |= {
            "revenue_start": outcomes["revenue_start"],
            "paying": (outcomes["revenue_start"] > 0).astype(np.float64),
        }
    if "revenue_start" in outcomes and "revenue_end" in outcomes:
        found |= _movements(outcomes["revenue_start"], outcomes["revenue_end"])
    return found | _logos(found)


def _logos(known: Mapping[str, Floats]) -> dict[str, Floats]:
    """Customers at the start, and those of them that stayed: by revenue, or by label where there is no revenue."""
    if "ended_with" in known:
        return {"logos": known["paying"], "kept_logos": known["paying"] * (known["ended_with"] > 0)}
    kept = known.get("retained", known.get("not_churned"))
    return {} if kept is None else {"logos": known["accounts"], "kept_logos": kept}


def _movements(start: Floats, end: Floats) -> dict[str, Floats]:
    """Where revenue went between start and end, in the terms of recurring-revenue accounting."""
    was, is_ = start > 0, end > 0
    return {
        "ended_with": np.where(was, end, 0.0),  # of who paid at the start: new customers are in no retention
        "retained_revenue": np.minimum(start, end),
        "expansion": np.where(was, np.maximum(end - start, 0), 0.0),
        "contraction": np.where(is_, np.maximum(start - end, 0), 0.0),
        "lost": np.where(is_, 0.0, start),
        "new": np.where(was, 0.0, end),
    }
