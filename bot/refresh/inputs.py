"""What a refresh compares: two specs, the table of the search and the table of a later period."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bot.night.earlier import archive
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.pages.wording.text import plain
from harness import view
from harness.documents import load_bytes
from harness.errors import AutoresearchError, ConfigError, NotFound, Place
from harness.repository import CommitSource, Repository
from harness.rule import Metric
from harness.scorers.saas import columns, table
from harness.scorers.saas.accounts import Accounts, whole
from harness.scorers.saas.columns import Columns, Period
from harness.scorers.saas.measures import SCALARS
from harness.scorers.saas.spec import Spec, spec_of
from harness.target import Target

COLUMNS_FILE = "columns.yaml"
SEARCH, LATER = "search", "later"


@dataclass(frozen=True)
class Policy:
    """What a candidate must show on the later period. Shares are from 0 to 1."""

    min_gain: float = 0.01
    most_moved: float = 0.25
    most_segment_loss: float = 0.02


@dataclass(frozen=True)
class Wishes:
    """table: of the later period. night: whose result is the candidate; "" is the last. into: a folder that is not."""

    target: str
    table: Path
    later: Period
    night: str = ""
    policy: Policy = Policy()
    into: Path | None = None


@dataclass(frozen=True)
class Version:
    """A spec, and the bytes that it was read from."""

    spec: Spec
    content: bytes


@dataclass(frozen=True)
class Inputs:
    """table: of the later period. hashes: split -> SHA-256 of its table. accounts: split -> its accounts, one block.
    ids: of the later accounts, in their order."""

    target: Target
    primary: Metric
    columns: Columns
    night: str
    periods: Mapping[str, Period]
    table: Path
    hashes: Mapping[str, str]
    accounts: Mapping[str, Accounts]
    ids: tuple[str, ...]
    incumbent: Version
    candidate: Version

    @property
    def rising(self) -> bool:
        return self.columns.score == "health"


def gather(repository: Repository, wishes: Wishes) -> Inputs:
    """Reads and checks everything. Raises ConfigError, NotFound and what reading tables raises."""
    with archive.opened(repository, wishes.night) as night:
        target = next((one for one in targets_of(night) if one.name == wishes.target), None)
        if target is None:
            raise NotFound(f"the night {night.name} did not run a target called {wishes.target}")
        received = handover.read(night, target).received
        if not received.rows:
            raise NotFound(
                f"{wishes.target} has no confirmed result in the night {night.name}, so there is no candidate"
            )
        source, name = CommitSource(repository, night.plan.base), night.name
        base = source.read([target.file])[target.file]
    found = columns.parse(_columns(source, target), f"{target.folder}/{COLUMNS_FILE}")
    primary = target.rule.primary
    if primary.name not in {scalar.name for scalar in SCALARS}:
        raise ConfigError(
            target.place("metrics"), f"a refresh compares one number of the whole score, not {primary.name}"
        )
    periods = {SEARCH: _checked(found, wishes.later, target), LATER: wishes.later}
    later = wishes.table.resolve()
    with tempfile.TemporaryDirectory(prefix="autoresearch-refresh-") as scratch:
        # The table that the night searched, whatever the working tree holds by now.
        checkout = view.build(source, target, Path(scratch) / "checkout", hidden=False)
        tables = {SEARCH: checkout.cwd / found.tables["search"], LATER: later}
        known = dataclasses.replace(found, tables={split: str(path) for split, path in tables.items()})
        hashes = {split: sha256(path) for split, path in tables.items()}
        accounts = {split: whole(checkout.cwd, known, split) for split in tables}
    return Inputs(
        target, primary, found, name, periods, later, hashes, accounts, _ids(later, found, private=target.private),
        Version(spec_of(load_bytes(base, target.file), found.features), base),
        Version(spec_of(load_bytes(received.rows[-1], target.file), found.features), received.rows[-1]),
    )  # fmt: skip


def _columns(source: CommitSource, target: Target) -> bytes:
    path = f"{target.folder}/{COLUMNS_FILE}"
    if path not in source.modes():
        raise ConfigError(
            Place(path), "is not there", why=f"{target.name} is no scoring target",
            next_step="refresh is for targets that `autoresearch new --data` wrote",
        )  # fmt: skip
    return source.read([path])[path]


def _checked(found: Columns, later: Period, target: Target) -> Period:
    """The period of the search, which must have ended before the later one begins."""
    place = Place(f"{target.folder}/{COLUMNS_FILE}", key="as_of")
    if found.as_of is None:
        raise ConfigError(
            place, "does not say when its tables were taken",
            next_step="as_of: {features: 2026-01-31, outcomes: 2026-07-31}",
        )  # fmt: skip
    if later.outcomes <= later.features:
        raise ConfigError(place, f"outcomes up to {later.outcomes} say nothing of features of {later.features}")
    if later.features <= found.as_of.outcomes:
        raise ConfigError(
            place, f"the periods overlap: the search saw outcomes up to {found.as_of.outcomes}, and the later features "
            f"are of {later.features}", next_step="a table whose features were taken after that day",
        )  # fmt: skip
    if later.outcomes > (today := datetime.now(UTC).date()):
        raise ConfigError(place, f"outcomes up to {later.outcomes} are not known yet: today is {today}")
    return found.as_of


def _ids(path: Path, found: Columns, *, private: bool) -> tuple[str, ...]:
    ids = table.ids(path, found.id)
    if missing := ids.count(""):
        where = Place(path.name, key=found.id)
        raise ConfigError(where, f"is missing in {missing:,} rows", next_step="give every account its id")
    twice = sorted(one for one, count in Counter(ids).items() if count > 1)
    if twice:
        shown = "" if private else f", such as {plain(twice[0])}"
        raise ConfigError(Place(path.name, key=found.id), f"{len(twice)} accounts stand twice{shown}")
    return tuple(ids)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def day(word: str) -> date:
    """Raises AutoresearchError for what is no day."""
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise AutoresearchError(f"{word} is no day of the calendar", next_step="such as 2026-03-31") from None
