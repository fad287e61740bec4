"""A state of the server that a test comes back to: what it remembers, and its repositories on disk."""

from __future__ import annotations

import copy
import shutil
from typing import Any

from tests.github.server import GitHub


class Kept:
    """The state as it is when this is made. `restore` brings it back as often as it is asked."""

    def __init__(self, github: GitHub) -> None:
        self._github, self._repositories = github, dict(github.repositories)
        self._folder = github.folder.with_name(f"{github.folder.name}-kept")
        shutil.copytree(github.folder, self._folder, symlinks=True)
        held = {name: each.__dict__ for name, each in self._repositories.items()}
        self._state = self._copied((held, github.accounts, github.tokens, github.clock.now, github._id))

    def restore(self) -> None:
        """Calls and faults are forgotten, too."""
        github = self._github
        with github.lock:
            held, github.accounts, github.tokens, github.clock.now, github._id = self._copied(self._state)
            github.repositories = dict(self._repositories)
            for name, state in held.items():
                github.repositories[name].__dict__.clear()
                github.repositories[name].__dict__.update(state)
            github.calls.clear()
            github.faults.clear()
            shutil.rmtree(github.folder)
            shutil.copytree(self._folder, github.folder, symlinks=True)

    def _copied(self, state: Any) -> Any:
        """People and everything that refers to them, copied together; the server and its repositories stay who they
        are."""
        stays = [self._github, *self._repositories.values(), *(each.bare for each in self._repositories.values())]
        return copy.deepcopy(state, {id(each): each for each in stays})
