"""How a repository wants the bot installed. The lock file's header remembers it, so that it is said once."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.config import Config
from bot.install import files
from harness.errors import ConfigError, Place
from harness.repository import Repository

LOCK_FILE = ".github/autoresearch-requirements.txt"
GPT_LOCK_FILE = ".github/autoresearch-requirements-gpt.txt"
INDEX, SOURCE = "index", "source"
DISTRIBUTION = "autoresearch-bot"
_LINE = re.compile(r"^# Options: (.*)$", re.MULTILINE)
_SEVERAL = {"extra"}
_NAMES = ("bot", "python", "branch", "app")


@dataclass(frozen=True)
class Options:
    """bot: index, source, a wheel's URL, or its path from the root. python: of the runner, such as 3.12.

    branch: where merges land. extra: of the bot's own extras, beside what targets need. app: who writes is
    a GitHub App, not the workflow's own token. upgrade: resolve anew.
    """

    bot: str
    python: str
    branch: str
    extra: tuple[str, ...] = ()
    app: bool = False
    upgrade: bool = False

    @classmethod
    def of(cls, repository: Repository, config: Config, wishes: Mapping[str, Any]) -> Options:
        """What was wished, and what follows from the repository where nothing was."""
        made = cls(
            bot=wishes.get("bot") or (SOURCE if is_ours(repository.root) else INDEX),
            python=wishes.get("python") or "{}.{}".format(*sys.version_info[:2]),
            branch=config.pull_request.base or wishes.get("branch") or _default_branch(repository),
            extra=tuple(sorted(set(wishes.get("extra") or ()))),
            app=wishes.get("app") in {True, "yes"},
            upgrade=bool(wishes.get("upgrade")),
        )
        made.refuse(repository.root)
        return made

    @property
    def wheel(self) -> str:
        """The wheel that was named; empty for an index or the source."""
        return "" if self.bot in {INDEX, SOURCE} else self.bot

    def refuse(self, root: Path) -> None:
        """Raises ConfigError for what no workflow can be written from."""
        if not re.fullmatch(r"3\.[0-9]{1,2}", self.python) or int(self.python[2:]) < 11:
            raise ConfigError(Place("--python"), f"{self.python}: expected 3.11 or later, such as 3.12")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}", self.branch):
            raise ConfigError(Place("--branch"), f"{self.branch}: is no plain name of a branch")
        if not self.wheel or re.fullmatch(r"https://[^\s'\"#\\]+\.whl", self.wheel):
            return
        path = root / self.wheel
        if not self.wheel.endswith(".whl") or not path.is_file() or root.resolve() not in path.resolve().parents:
            step = "commit the wheel and name its path from the root, or name an https:// URL that ends in .whl"
            raise ConfigError(Place("--bot"), f"{self.wheel}: is no wheel in this repository", next_step=step)

    def __str__(self) -> str:
        words = ["--bot", self.bot, "--python", self.python, "--branch", self.branch]
        for extra in self.extra:
            words += ["--extra", extra]
        words += ["--app", "yes"] if self.app else []
        return shlex.join(words)


def remembered(root: Path) -> dict[str, Any]:
    """The options that the lock file was written with; nothing where there is none of ours."""
    text = files.read(root / LOCK_FILE) or ""
    found = _LINE.search(text) if files.state(text) is not files.State.FOREIGN else None
    try:
        words = shlex.split(found[1]) if found else []
    except ValueError:
        words = []
    kept: dict[str, Any] = {}
    for flag, value in zip(words[::2], words[1::2], strict=False):
        name = flag.removeprefix("--")
        if name in _SEVERAL:
            kept.setdefault(name, []).append(value)
        elif name in _NAMES:
            kept[name] = value
    return kept


def is_ours(root: Path) -> bool:
    """Whether this is the bot's own repository, which needs no index to find it."""
    try:
        return bool(project(root)["project"]["name"] == DISTRIBUTION)
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError):
        return False


def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def _default_branch(repository: Repository) -> str:
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        found = _symbolic(repository, name)
        if found:
            return found
    return "main"


def _symbolic(repository: Repository, name: str) -> str:
    listing = repository.git("for-each-ref", "--format=%(symref:lstrip=3)", name) if name != "HEAD" else b""
    if name == "HEAD":
        listing = repository.git("branch", "--show-current")
    return listing.decode().strip()


__all__: Sequence[str] = (
    "DISTRIBUTION", "GPT_LOCK_FILE", "INDEX", "LOCK_FILE", "SOURCE", "Options", "is_ours", "project", "remembered",
)  # fmt: skip
