"""`autoresearch new NAME` with a table: read, plan, write; or say what would be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bot import new
from bot.new.table import writing
from bot.new.table.asked import Asked, Table
from bot.new.table.libraries import library
from bot.new.table.plan import Plan, plan
from harness.errors import ConfigError, Place
from harness.repository import Repository

MOST_COMMITTED = 50_000_000  # bytes of one table; hosts of repositories refuse more than about twice that
RECORD = ".autoresearch-private"


@dataclass(frozen=True)
class Origin:
    """Where the rows are: a file, or a query of a DuckDB file or of the database whose URL a variable holds."""

    data: Path | None = None
    query: str = ""
    database: Path | None = None
    variable: str = ""

    def read(self) -> Table:
        """Raises ConfigError(s)."""
        library("pyarrow")
        from bot.new.table import query, reading

        if self.data:
            return reading.read(self.data)
        if self.database:
            return query.from_duckdb(self.query, self.database)
        return query.from_postgres(self.query, self.variable)

    @property
    def words(self) -> str:
        """For a README: no path of this machine, no URL."""
        return f"`{self.data.name}`" if self.data else "a query"


@dataclass(frozen=True)
class Scoring:
    """A target that is ready to be written. files: relative to its folder -> content."""

    plan: Plan
    files: dict[str, bytes]


def scoring(repository: Repository, name: str, origin: Origin, asked: Asked, *, private: bool) -> Scoring:
    """Raises ConfigErrors for a table that cannot be one of accounts; writes nothing."""
    if private:
        _refuse_within(repository, origin)
    made = plan(replace(origin.read(), private=private), asked)
    files = writing.files(made, name, origin.words, private=private)
    if private and origin.data:
        files[RECORD] = f"{origin.data.resolve()}\n".encode()
    _refuse_large(made, files)
    return Scoring(made, files)


def _refuse_within(repository: Repository, origin: Origin) -> None:
    """A table that git would take along."""
    if not origin.data:
        step = "write the query's result into a file outside the repository, then: --data FILE --private"
        raise ConfigError(Place("--private"), "takes a file, which setup splits again on each machine", next_step=step)
    path = origin.data.resolve()
    if path.is_relative_to(repository.root.resolve()):
        raise ConfigError(
            Place(str(origin.data)), "lies in the repository, and --private is for rows that do not",
            why="the next git add would take it along", next_step="move it elsewhere, then name its new place",
        )  # fmt: skip


def _refuse_large(made: Plan, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        if len(content) > MOST_COMMITTED:
            raise made.table.error(
                f"would put {len(content) / 1e6:,.0f} MB into the repository as {path}",
                why="hosts of repositories refuse large files", step="keep the rows outside it: --private",
            )  # fmt: skip


def told(made: Plan) -> Iterator[str]:
    """What every column was taken for and why, one line each, then what follows from it."""
    width = max(len(role.column) for role in made.roles)
    for role in made.roles:
        what = f"{role.kind} {role.ours}".strip()
        yield f"{role.column:{width}}  {what:24}  {role.why}"
    held = int(made.holdout.sum())
    yield f"{made.score} score by {made.primary}; {made.table.rows - held:,} rows to search on, {held:,} held out"
    for name, why in made.unguarded.items():
        yield f"{name} is no guard: {why}"


def scored(
    repository: Repository, name: str, origin: Origin, asked: Asked, *, private: bool, dry_run: bool
) -> Iterator[str]:
    """Writes the target, or nothing on a dry run; what a user reads about it, line by line. Raises ConfigErrors."""
    new.refuse(repository, name)
    made = scoring(repository, name, origin, asked, private=private)
    yield from told(made.plan)
    if dry_run:
        for path, content in new.placed(repository, name, made.files).items():
            yield f"would write {path} ({len(content):,} bytes)"
        return
    for path in new.write(repository, name, made.files, unseen=[RECORD]):
        yield f"wrote {path}"
    for command in writing.commands(name, private=private):
        yield f"next: {command}"
