"""columns.yaml: what each column of a table of accounts is. Locked with the data; a spec never names an outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from harness.complaints import Faults
from harness.configfile import ConfigFile, read
from harness.errors import ConfigError

OUTCOMES = ("retained", "churned", "revenue_start", "revenue_end", "returned", "activated", "lifetime_value")
LABELS = ("retained", "churned", "returned", "activated")  # 0 or 1
MONEY = ("revenue_start", "revenue_end", "lifetime_value")  # never below 0


@dataclass(frozen=True)
class Columns:
    """tables: split -> file, relative to columns.yaml. outcomes: our word (one of OUTCOMES) -> the column's name.

    score: "health" where a higher score says that an account stays, "risk" where it says that it leaves.
    """

    tables: Mapping[str, str]
    id: str
    score: str
    features: tuple[str, ...]
    outcomes: Mapping[str, str]
    segments: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that a score is computed from, once."""
        return tuple(dict.fromkeys([*self.features, *self.outcomes.values(), *self.segments]))


def load(path: Path) -> Columns:
    """Raises ConfigErrors with all that is wrong, with line and column."""
    return parse(path.read_bytes(), path.name)


def parse(content: bytes, name: str = "columns.yaml") -> Columns:
    """As `load`, of a file's content."""
    found = read(content, name, "columns")
    with Faults() as faults:
        faults.found += _contradictions(found)
    data: dict[str, Any] = found.data
    return Columns(
        tables={split: data[split] for split in ("search", "holdout") if split in data},
        id=data["id"],
        score=data["score"],
        features=tuple(data["features"]),
        outcomes=dict(data["outcomes"]),
        segments=tuple(data.get("segments", ())),
    )


def _contradictions(found: ConfigFile) -> Iterator[ConfigError]:
    """A column is one thing only: an outcome among the features would let the score see what it is to foretell."""
    data = found.data
    places: dict[str, str] = {data["id"]: "the id"}
    listed = chain(
        ((f"/outcomes/{ours}", name, f"the outcome {ours}") for ours, name in data["outcomes"].items()),
        ((f"/features/{index}", name, "a feature") for index, name in enumerate(data["features"])),
        ((f"/segments/{index}", name, "a segment") for index, name in enumerate(data.get("segments", ()))),
    )
    for pointer, name, what in listed:
        if name in places:
            yield found.error(pointer, f"{name} is {places[name]} already, and cannot be {what} too")
        places.setdefault(name, what)
