"""What the checks stand on: this checkout, its targets, and the repository on GitHub where it may be asked."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import config
from bot.forge.github.inspection import Inspection
from harness.errors import AutoresearchError
from harness.repository import Repository, WorkingSource
from harness.target import Target


@dataclass(frozen=True)
class Ground:
    """slug: owner/name, or empty. github: None where it is not asked. now: in UTC, by this machine's clock."""

    repository: Repository
    server: str
    slug: str
    github: Inspection | None
    now: datetime

    @functools.cached_property
    def source(self) -> WorkingSource:
        return WorkingSource(self.repository)

    @functools.cached_property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the working tree; none where they do not load, which a check of its own tells."""
        try:
            return tuple(config.load_targets(self.source))
        except AutoresearchError:
            return ()

    @property
    def api(self) -> Inspection:
        """For checks that are only asked where there is one."""
        assert self.github is not None  # noqa: S101  # bot.doctor.examine leaves these checks out otherwise
        return self.github

    @property
    def settings(self) -> dict[str, Any]:
        """What GitHub tells about the repository itself."""
        found: dict[str, Any] = self.api.repository()
        return found

    @property
    def default_branch(self) -> str:
        """Where GitHub takes workflows and schedules from."""
        return str(self.settings.get("default_branch", "main"))

    @property
    def base(self) -> str:
        """Where pull requests are merged into."""
        try:
            return config.load(self.source).pull_request.base or self.default_branch
        except AutoresearchError:
            return self.default_branch

    def text(self, path: str) -> str | None:
        """A file of the working tree, or None."""
        file = self.repository.root / path
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None
