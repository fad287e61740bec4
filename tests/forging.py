"""What tests of forges share: a confirmed night in a clone of a repository on the test server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.config import PullRequests
from bot.forge import Proposal
from bot.forge.github.client import Client, Place
from bot.forge.github.forge import GitHubForge
from bot.forge.patience import Patience
from bot.forge.remote import Remote
from bot.night.confirm import confirm
from bot.night.earlier import past
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import Proposed, propose
from bot.night.run import run
from harness.repository import Repository
from tests.attacks.forgery import EVALUATOR, SPEC, TARGET, copied
from tests.github.repository import Repository as OnGitHub
from tests.github.server import GitHub
from tests.support import git, make_repository

NAME = "ada/shop"
ALL = dict.fromkeys(("contents", "pull_requests", "issues", "checks"), "write")


def target(name: str, more: str = "") -> str:
    """The target.yaml of a target of this name, with more lines."""
    return TARGET.replace("name: t\n", f"name: {name}\n") + f"{more}\n"


def folder(name: str) -> str:
    return f"targets/experiments/{name}"


def files(name: str, more: str = "") -> dict[str, str]:
    at = folder(name)
    return {
        f"{at}/target.yaml": target(name, more),
        f"{at}/evaluate.py": EVALUATOR,
        f"{at}/spec.yaml": SPEC,
    }


def made(place: Path, owners: Mapping[str, str], more: Mapping[str, str] | None = None) -> Repository:
    """A repository with these targets (name -> owner or nothing) and other files."""
    everything: dict[str, str] = dict(more or {})
    for name, owner in owners.items():
        everything |= files(name, f'owner: "{owner}"' if owner else "")
    return make_repository(place, everything)


def measured(repository: Repository, forge: Any = None, seed: int = 3, names: Sequence[str] = ()) -> Night:
    """A small night, run and confirmed, and not proposed yet."""
    night, _ = plan(repository, Wishes(tuple(names), experiments=40, seed=seed), forge=forge)
    for target in targets_of(night):
        run(night, target, quiet=True)
        assert confirm(night, target) == "confirmed"
    return night


@dataclass
class Desk:
    """A night beside the repository on GitHub that it came from. waited: seconds that the forge would have slept."""

    github: GitHub
    there: OnGitHub
    night: Night
    token: str
    waited: list[float]
    settings: PullRequests = field(default_factory=PullRequests)
    summary: Path | None = None
    timeout: int = 30

    def forge(self, tries: int = 6) -> GitHubForge:
        """As a new job has it: nothing is remembered."""
        place = Place(NAME, self.token, self.github.api_url, self.github.server_url)
        patience = Patience(tries, sleep=self.waited.append)
        remote = Remote(place.git_url, place.token, patience, silence=self.timeout)
        return GitHubForge(Client(place, patience, self.timeout), remote, self.settings, summary=self.summary)

    def propose(self, tries: int = 6) -> Proposed:
        return propose(self.night, targets_of(self.night), self.forge(tries))

    def elsewhere(self, place: Path) -> Desk:
        """The same hand-over on a fresh machine: what `propose` wrote itself is not part of it."""
        night = copied(self.night, place)
        repository = night.repository
        for name in ("results", night.name):
            if repository.reference(f"refs/heads/autoresearch/{name}"):
                git(repository, "branch", "--quiet", "-D", f"autoresearch/{name}")
        for path in (*night.path.glob("*/*-propose.*"), night.path / "recorded.txt", night.path / "done"):
            path.unlink(missing_ok=True)
        for name in git(repository, "for-each-ref", "--format=%(refname)", "refs/remotes").split():
            git(repository, "update-ref", "-d", name)
        return replace(self, night=night)

    def next_night(self) -> None:
        """Another night on the commit that the repository has checked out."""
        self.night = measured(self.night.repository, self.forge())

    def proposals(self, target: str = "t") -> list[Proposal]:
        return past.proposals(self.night.repository, target)

    def declined(self, target: str = "t") -> set[str]:
        """Nights whose result a human refused."""
        share = self.night.target_plan(target)
        return past.declined(self.night.repository, target, share.lock, self.night.plan.base, self.forge())

    def with_token(self, **permissions: str) -> Desk:
        return replace(self, token=self.github.token(**permissions))

    @property
    def branches(self) -> dict[str, str]:
        """branch -> commit on the server, but the default one."""
        lines = self.there.bare.run("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")
        text = lines.decode() if isinstance(lines, bytes) else lines
        found = dict(line.split(" ") for line in text.splitlines())
        return {name: commit for name, commit in found.items() if name != "main"}

    def state(self) -> dict[str, Any]:
        """Everything that a run of `propose` leaves behind, without times and ids."""
        pulls = {
            pull.number: (pull.title, pull.body, pull.state, sorted(pull.labels), pull.head, pull.head_sha,
                          sorted(pull.reviewers), [comment.body for comment in pull.comments])
            for pull in self.there.pulls.values()
        }  # fmt: skip
        issues = {one.number: (one.title, one.body, sorted(one.labels)) for one in self.there.issues.values()}
        checks = [(run.name, run.head_sha, run.conclusion, run.external_id) for run in self.there.check_runs]
        found = {
            "pulls": pulls, "issues": issues, "checks": checks, "labels": sorted(self.there.labels),
            "branches": {name: tip for name, tip in self.branches.items() if not name.endswith("results")},
            "records": self.records(),
        }  # fmt: skip
        return json.loads(json.dumps(found).replace(self.github.server_url, "SERVER"))

    def records(self) -> list[str]:
        """Paths of the records branch on the server, without the bytes, which hold times."""
        if "autoresearch/results" not in self.branches:
            return []
        return git(self.there.bare.path, "ls-tree", "-r", "--name-only", "autoresearch/results").split()


@contextmanager
def desk(place: Path, night: Night) -> Iterator[Desk]:
    """The night in a copy of its own, and a server that has its base commit on `main`."""
    mine = copied(night, place)
    with GitHub.start(place) as github:
        there = github.repository(NAME)
        git(there.bare.path, "fetch", "--quiet", str(mine.repository.root), "main:main")
        there.actions["can_approve_pull_request_reviews"] = True
        yield Desk(github, there, mine, github.token(**ALL), [])
