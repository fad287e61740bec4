"""Which forge a command works with."""

from __future__ import annotations

import os
from pathlib import Path

from bot import config
from bot.forge import Forge
from bot.forge.local import LocalForge
from bot.forge.patience import Patience
from harness.repository import CommitSource, Repository

COMMANDS = ".github/workflows/commands.yml"


def chosen(name: str, repository: Repository, folder: Path) -> Forge:
    """folder: where a forge without pages of its own writes them. Raises ForgeError where something is missing."""
    if name == "local":
        return LocalForge(folder)
    from bot.forge.github.client import Client, from_environment
    from bot.forge.github.forge import GitHubForge, summary_file
    from bot.forge.remote import Remote

    place, patience = from_environment(os.environ), Patience()
    source = CommitSource(repository, repository.commit())
    return GitHubForge(
        Client(place, patience),
        Remote(place.git_url, place.token, patience),
        config.load(source).pull_request,
        commands=COMMANDS in source.modes(),
        summary=summary_file(),
    )
