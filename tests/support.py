"""What the tests share: a git repository with a target in it, and the commands as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.repository import Repository

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,  # the tests' outcome is the same whatever the developer's own settings
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(repository: Repository | Path, *arguments: str) -> str:
    """A git command's output, without the last line's end. Fails with what git said."""
    done = subprocess.run(
        ["git", *arguments], cwd=_root(repository), capture_output=True, text=True, check=False, env=_environment()
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.rstrip("\n")


def make_repository(tmp_path: Path, files: Mapping[str, str | bytes]) -> Repository:
    """A repository with these files in its first commit, on the branch main. Paths are from its root."""
    root = tmp_path / "repository"
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git(root, "config", name, value)
    write(root, files)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return Repository.find(root)


def write(repository: Repository | Path, files: Mapping[str, str | bytes]) -> None:
    """Writes files, uncommitted. Paths are from the repository's root."""
    for name, content in files.items():
        path = _root(repository) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def autoresearch(
    repository: Repository | Path, *arguments: str, stdin: str = "", timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """The command as a user starts it in the repository. Never raises for its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        cwd=_root(repository), input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
        env=_environment(),
    )  # fmt: skip


def _root(repository: Repository | Path) -> Path:
    return repository if isinstance(repository, Path) else repository.root


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**inherited, **ENVIRONMENT}
