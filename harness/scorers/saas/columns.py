"""columns.yaml: what each column of a table of accounts is. Locked with the data; a spec never names an outcome."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from harness.complaints import Faults
from harness.configfile import ConfigFile, read, show
from harness.errors import ConfigError
from harness.reports import NAME

OUTCOMES = ("retained", "churned", "revenue_start", "revenue_end", "returned", "activated", "lifetime_value")
LABELS = ("retained", "churned", "returned", "activated")  # 0 or 1
MONEY = ("revenue_start", "revenue_end", "lifetime_value")  # never below 0

_ADDRESS = re.compile(r"tcp://[A-Za-z0-9.-]+:[0-9]{1,5}")
_MOST_WORKERS = 256


@dataclass(frozen=True)
class Period:
    """features: the day that the features were taken on; outcomes: the last day that outcomes were seen on."""

    features: date
    outcomes: date


@dataclass(frozen=True)
class OnDask:
    """workers: that the evaluator starts, 0 for one per core; or scheduler: the address of one that is running."""

    workers: int = 0
    scheduler: str = ""


@dataclass(frozen=True)
class Columns:
    """tables: split -> file, relative to columns.yaml. outcomes: our word (one of OUTCOMES) -> the column's name.

    as_of: of the tables, where columns.yaml says it. engine: where batches are scored, if not in the evaluator.

    score: "health" where a higher score says that an account stays, "risk" where it says that it leaves.
    """

    tables: Mapping[str, str]
    id: str
    score: str
    features: tuple[str, ...]
    outcomes: Mapping[str, str]
    segments: tuple[str, ...] = ()
    as_of: Period | None = None
    engine: OnDask | None = None

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
        faults.found += [*_contradictions(found), *_unspeakable(found), *_days(found), *_engines(found)]
    data: dict[str, Any] = found.data
    return Columns(
        tables={split: data[split] for split in ("search", "holdout") if split in data},
        id=data["id"],
        score=data["score"],
        features=tuple(data["features"]),
        outcomes=dict(data["outcomes"]),
        segments=tuple(data.get("segments", ())),
        as_of=_period(data["as_of"]) if "as_of" in data else None,
        engine=_engine(data["engine"]) if "engine" in data else None,
    )


def _engine(found: Any) -> OnDask | None:
    """None for what is none."""
    asked = {"dask": 0} if found == "dask" else found
    if not isinstance(asked, dict) or set(asked) != {"dask"}:
        return None
    where = asked["dask"]
    if isinstance(where, str) and _ADDRESS.fullmatch(where):
        return OnDask(scheduler=where)
    if type(where) is int and (1 <= where <= _MOST_WORKERS or found == "dask"):
        return OnDask(workers=where)
    return None


def _engines(found: ConfigFile) -> Iterator[ConfigError]:
    if "engine" in found.data and _engine(found.data["engine"]) is None:
        yield found.error(
            "/engine",
            f"{show(found.data['engine'])} is no engine",
            next_step=f"dask: one worker per core; {{dask: 4}}: so many, up to {_MOST_WORKERS}; "
            "{dask: tcp://HOST:PORT}: those of a scheduler that is running; nothing: none, all in the evaluator",
        )


def _period(found: dict[str, str]) -> Period:
    return Period(date.fromisoformat(found["features"]), date.fromisoformat(found["outcomes"]))


def _days(found: ConfigFile) -> Iterator[ConfigError]:
    """What is no day, and outcomes that were seen before the features were taken."""
    for key, word in found.data.get("as_of", {}).items():
        try:
            date.fromisoformat(word)
        except ValueError:
            yield found.error(f"/as_of/{key}", f"{word} is no day of the calendar", next_step="such as 2026-03-31")
            return
    if "as_of" in found.data and (period := _period(found.data["as_of"])).outcomes <= period.features:
        yield found.error(
            "/as_of/outcomes", f"outcomes up to {period.outcomes} say nothing of features of {period.features}"
        )


def _unspeakable(found: ConfigFile) -> Iterator[ConfigError]:
    """A segment's name is a part of its metrics' names."""
    for index, name in enumerate(found.data.get("segments", ())):
        if not NAME.fullmatch(f"revenue_capture_at_20.{name}.worst"):
            yield found.error(
                f"/segments/{index}",
                f"{show(name)} cannot stand in a metric's name: it has at most 36 letters, digits and _ . @ -",
                next_step="rename the column in the table",
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
