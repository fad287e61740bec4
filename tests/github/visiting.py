"""How the server's own tests visit it: a small repository, PyGithub, git and bare HTTP, each with a token."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import github as pygithub
import requests

from tests.github.server import GitHub

EVERYTHING = dict.fromkeys(("contents", "pull_requests", "issues", "checks", "statuses", "actions"), "write")


@contextmanager
def shop(folder: Path) -> Iterator[GitHub]:
    """A server with one repository, whose workflows may open pull requests."""
    with GitHub.start(folder) as started:
        repo = started.repository("ada/shop")
        repo.commit("main", {"prices.txt": "1\n2\n3\n", "other.txt": "x\n"}, "First")
        repo.actions["can_approve_pull_request_reviews"] = True
        yield started


def client(github: GitHub, token: str, retries: int = 0) -> Any:
    made = pygithub.Github(
        auth=pygithub.Auth.Token(token), base_url=github.api_url, lazy=True, timeout=60,
        retry=pygithub.GithubRetry(total=retries, backoff_factor=0, secondary_rate_wait=0) if retries else None,
        seconds_between_requests=0, seconds_between_writes=0,
    )  # fmt: skip
    return made.get_repo("ada/shop")


def as_workflow(github: GitHub) -> Any:
    return client(github, github.token(**EVERYTHING))


def git(folder: Path, *words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraheader"}
        env["GIT_CONFIG_VALUE_0"] = f"Authorization: Basic {basic}"
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False, env=env)


def clone(github: GitHub, folder: Path, token: str | None = None) -> Path:
    made = git(folder, "clone", "-q", github.repositories["ada/shop"].url, "work", token=token)
    assert made.returncode == 0, made.stderr
    return folder / "work"


def commit(work: Path, name: str, text: str, branch: str | None = None) -> None:
    if branch:
        git(work, "checkout", "-q", "-B", branch)
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_text(text, encoding="utf-8")
    git(work, "add", "-A")
    made = git(work, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", f"Edit {name}")
    assert made.returncode == 0, made.stderr


def asked(github: GitHub, method: str, path: str, body: Any = None, token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or github.token(**EVERYTHING)}"}
    return requests.request(method, github.api_url + path, json=body, headers=headers, timeout=60)
