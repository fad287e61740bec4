"""A repository on the test server, and what its people and its workflows do: nights, merges, promotions, comments."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import install
from harness.repository import Repository
from tests.actions import wheel
from tests.actions.runner import Actions, Finished
from tests.github.repository import Repository as OnGitHub
from tests.github.server import GitHub
from tests.github.state import Pull
from tests.support import git, make_repository, write

NAME = "ada/shop"
ALL = {
    **dict.fromkeys(("contents", "pull_requests", "issues", "checks"), "write"),
    "actions": "read",
}  # what any job of the workflows may do


@dataclass
class Shop:
    """here: the maintainer's checkout; there: the repository on the server."""

    folder: Path
    github: GitHub
    there: OnGitHub
    here: Repository
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, workflow: str, event: str = "workflow_dispatch", **how: Any) -> Finished:
        """A workflow of the default branch as it is on the server now; every job has succeeded."""
        git(self.here, "pull", "--quiet", "--ff-only", "origin", "main")
        actions = Actions(
            self.folder, self.github.server_url, NAME, self.github.token(**ALL), self.github.api_url,
            {"TZ": "UTC"},
        )  # fmt: skip
        number = next(self.runs)
        run = actions.run(self.here.root, workflow, event, number=number, **how)
        log = self.folder / f"{number}-{workflow}.log"
        log.write_text(run.log, encoding="utf-8")
        assert run.exit_code == 0, log
        return run

    def night(self, experiments: int = 40) -> Finished:
        return self.run("nightly.yml", inputs={"experiments": str(experiments)})

    def edit(self, files: Mapping[str, str], message: str) -> None:
        """A human's commit on the default branch, pushed."""
        git(self.here, "pull", "--quiet", "--ff-only", "origin", "main")
        write(self.here, files)
        git(self.here, "add", "--all")
        git(self.here, "commit", "--quiet", "--message", message)
        self.push()

    def push(self) -> None:
        token = self.github.token(by="ada")
        url = self.there.url.replace("://", f"://ada:{token}@")
        git(self.here, "push", "--quiet", url, "main")
        git(self.here, "fetch", "--quiet", "origin")

    def merge(self, pull: Pull, method: str = "merge") -> Finished:
        """A human merges; the push of it promotes."""
        before = self.tip("main")
        self.there.merge(pull.number, method=method, by="ada")
        return self.promote(before)

    def promote(self, before: str) -> Finished:
        event = {"ref": "refs/heads/main", "before": before, "after": self.tip("main")}
        return self.run("promote.yml", "push", payload=event)

    def comment(self, pull: Pull, body: str, by: str = "ada") -> Finished:
        """What GitHub starts when somebody comments."""
        opener = {"login": pull.user.login, "type": pull.user.type}
        made, person = self.there.comment(pull.number, body, by=by), {"login": by, "type": "User"}
        event = {
            "action": "created",
            "issue": {"number": pull.number, "pull_request": {"url": "x"}, "user": opener},
            "comment": {"id": made.id, "body": body, "user": person, "author_association": "OWNER"},
            "repository": {"default_branch": "main", "full_name": NAME},
            "sender": person,
        }
        return self.run("commands.yml", "issue_comment", payload=event)

    def tip(self, branch: str) -> str:
        return git(self.there.bare.path, "rev-parse", branch)

    def read(self, revision: str, path: str) -> str:
        return git(self.there.bare.path, "show", f"{revision}:{path}")

    @property
    def tags(self) -> list[str]:
        return git(self.there.bare.path, "tag", "--list").split()

    @property
    def open(self) -> list[Pull]:
        return [pull for pull in self.there.pulls.values() if pull.state == "open"]

    def recorded(self, kind: str) -> list[dict[str, Any]]:
        """Events of a kind on the records branch, in path order."""
        names = git(self.there.bare.path, "ls-tree", "-r", "--name-only", "autoresearch/results").split()
        lines = [
            json.loads(line)
            for name in names
            if name.endswith(".jsonl")
            for line in self.read("autoresearch/results", name).splitlines()
        ]
        return [event for event in lines if event["event"] == kind]


@contextmanager
def opened(folder: Path, files: Mapping[str, str]) -> Iterator[Shop]:
    """A fresh repository with these files, the workflows installed, everything pushed."""
    here = make_repository(folder, dict(files))
    wheel.write(here.root / ".github")
    install.write(install.plan(here, {"bot": f".github/{wheel.NAME}"}))
    git(here, "add", "--all")
    git(here, "commit", "--quiet", "--message", "Install autoresearch")
    with GitHub.start(folder) as github:
        there = github.repository(NAME)
        there.actions["can_approve_pull_request_reviews"] = True
        git(here, "remote", "add", "origin", there.url)
        shop = Shop(folder, github, there, here)
        shop.push()
        yield shop
