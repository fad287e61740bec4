"""A night of a scoring target, with the accounts that it searched and the specs at its start and end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.night.earlier import archive
from bot.night.handed import handover
from bot.night.night import targets_of
from bot.pages.summary import TargetReport, summarise
from harness import view
from harness.documents import load_bytes
from harness.errors import ConfigError, NotFound
from harness.repository import CommitSource, Repository
from harness.rule import Metric
from harness.scorers.saas import columns
from harness.scorers.saas.accounts import Accounts, whole
from harness.scorers.saas.columns import Columns
from harness.scorers.saas.scored import Scored, scored
from harness.scorers.saas.spec import spec_of
from harness.target import Target

COLUMNS_FILE = "columns.yaml"


@dataclass(frozen=True)
class Reviewed:
    """base, head: on the accounts of the search; head is what confirm left, or what the loop ended with where nothing
    was confirmed. content: the base file."""

    target: Target
    night: str
    columns: Columns
    accounts: Accounts
    report: TargetReport
    content: bytes
    base: Scored
    head: Scored

    @property
    def primary(self) -> Metric:
        return self.target.rule.primary

    @property
    def rising(self) -> bool:
        return self.columns.score == "health"

    @property
    def confirmed(self) -> bool:
        return self.report.confirmed

    @property
    def goals(self) -> Sequence[Metric]:
        return self.target.rule.metrics


@contextmanager
def gather(repository: Repository, name: str, night_name: str) -> Iterator[Reviewed]:
    """night_name: "" is the last. Raises NotFound and ConfigError."""
    with archive.opened(repository, night_name) as night:
        target = next((one for one in targets_of(night) if one.name == name), None)
        if target is None:
            raise NotFound(f"the night {night.name} did not run a target called {name}")
        received = handover.read(night, target).received
        source = CommitSource(repository, night.plan.base)
        with tempfile.TemporaryDirectory(prefix="autoresearch-review-") as scratch:
            checkout = view.build(source, target, Path(scratch) / "checkout", hidden=False)
            file = checkout.cwd / COLUMNS_FILE
            if not file.is_file():
                raise ConfigError(
                    target.place("file"), f"{name} is no scoring target: it has no {COLUMNS_FILE}",
                    next_step="autoresearch report NIGHT shows any night",
                )  # fmt: skip
            found = columns.load(file)
            accounts = whole(checkout.cwd, found, "search")
        rising = found.score == "health"
        head = received.rows[-1] if received.rows else received.state.content
        before, after = (
            scored(spec_of(load_bytes(content, target.file), found.features), accounts, rising=rising)
            for content in (checkout.base, head)
        )
        yield Reviewed(
            target, night.name, found, accounts, summarise(received.segments), checkout.base, before, after
        )  # fmt: skip
