"""What the tests of commands share: a night that is proposed on the test server, and the three jobs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.commands import jobs, request, work
from bot.commands.answer import Answer
from bot.commands.gate import Decision
from bot.commands.jobs import Job
from bot.forge.github.client import Client, Place
from bot.forge.github.comments import Comments
from bot.forge.github.forge import GitHubForge
from bot.forge.patience import Patience
from bot.forge.remote import Remote
from bot.night.earlier import archive
from bot.night.folder import nights
from bot.night.night import targets_of
from bot.night.propose import propose
from bot.pages.facts import Minutes
from harness import standing
from harness.events import Event, Segment
from harness.repository import Repository
from tests.github import repository as hosted
from tests.github.server import GitHub
from tests.github.state import Comment, Pull
from tests.support import autoresearch, git, make_repository

MAINTAINER, STRANGER = "ada", "mallory"
TARGET = """
name: {name}
file: params.yaml
space: {{/*: {{int: [0, 3]}}}}
evaluate: {{serve: [python, evaluate.py]}}
signal: file-property
metrics: [{{name: score, goal: maximize}}]
budget: {{experiments: 40}}
"""
SUM = """
from harness import candidate, evaluator

def score(request):
    return [evaluator.Scores({"score": sum(candidate.load(item.path).values())}) for item in request.items]

evaluator.serve(score)
"""
PARAMETERS = "a: 0\nb: 0\nc: 0\n"


def target_files(name: str, evaluator: str = SUM, parameters: str = PARAMETERS, target: str = TARGET) -> dict[str, str]:
    at = f"targets/experiments/{name}"
    return {
        ".github/workflows/commands.yml": "on: issue_comment\n",
        f"{at}/target.yaml": target.format(name=name),
        f"{at}/evaluate.py": evaluator,
        f"{at}/params.yaml": parameters,
    }


@dataclass
class World:
    """github, hosted: the server and its repository; pull: the bot's; folder: where clones and hand-overs go; app: who
    writes, where it is no workflow's own token."""

    github: GitHub
    hosted: hosted.Repository
    night: str
    folder: Path
    jobs: int = 0
    app: str = "github-actions[bot]"

    @property
    def pull(self) -> Pull:
        return self.hosted.pulls[max(self.hosted.pulls)]

    def comment(self, body: str, by: str = MAINTAINER, number: int = 0) -> Comment:
        return self.hosted.comment(number or self.pull.number, body, by)

    def event(self, said: Comment, *, action: str = "created", number: int = 0, **more: object) -> Path:
        """The event file of a comment."""
        number = number or self.pull.number
        person = {"login": said.user.login, "type": said.user.type}
        data = {
            "action": action, "repository": {"full_name": self.hosted.full_name}, "sender": person,
            "comment": {"id": said.id, "body": said.body, "user": person, "author_association": "OWNER"},
            "issue": {"number": number, **({"pull_request": {}} if number in self.hosted.pulls else {})}, **more,
        }  # fmt: skip
        path = self.folder / f"event-{said.id}.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return path

    def job(self, **permissions: str) -> Job:
        """A new machine: a clone of what the server has, and a token with these permissions."""
        self.jobs += 1
        clone = self.folder / f"clone-{self.jobs}"
        git(self.folder, "clone", "--quiet", str(self.hosted.bare.path), str(clone))
        repository, forge = Repository.find(clone), forge_of(self.github, self.hosted, **permissions)
        return Job(repository, forge, Comments(forge.client))

    def gate(self, event: Path, handed: Path | None = None) -> Decision:
        into = (handed or self.folder / f"handed-{self.jobs}") / "command-1"
        return jobs.gate(self.job(contents="read", pull_requests="write"), event, into)

    def work(self, handed: Path, *targets: str) -> dict[str, str]:
        """target -> what it came to; each on a machine of its own, in this process."""
        ends = {}
        for target in targets:
            repository = self.job().repository
            asked = request.read(handed)
            with archive.opened(repository, asked.night) as night:
                found = next(one for one in targets_of(night) if one.name == target)
                ends[target] = work.work(night, found, asked)
                work.hand_over(night, target, asked, handed / f"work-{target}-1")
        return ends

    def post(self, event: Path, handed: Path) -> Answer | None:
        return jobs.post(self.poster(), event, handed)

    def poster(self) -> Job:
        return self.job(app=self.app, contents="write", pull_requests="write", checks="write", issues="write")

    def whole(self, body: str, *targets: str, by: str = MAINTAINER) -> tuple[Comment, Answer | None]:
        """A comment, and everything that follows from it."""
        said = self.comment(body, by)
        handed, event = self.folder / f"handed-{said.id}", self.event(said)
        if self.gate(event, handed).matrix:
            self.work(handed, *targets)
        return said, self.post(event, handed)


def forge_of(github: GitHub, there: hosted.Repository, **permissions: str) -> GitHubForge:
    patience = Patience(sleep=lambda _seconds: None)
    place = Place(there.full_name, github.token(**permissions), github.api_url, github.server_url)
    return GitHubForge(Client(place, patience), Remote(place.git_url, place.token, patience), commands=True)


def night_over(folder: Path, files: dict[str, str], *, seed: int = 1) -> Repository:
    """A repository whose night is over, and proposed nowhere yet."""
    local = make_repository(folder, files)
    done = autoresearch(local, "night", "--quiet", "--seed", str(seed))
    assert done.returncode == 0, done.stderr
    night = nights(local)[-1]
    git(local, "branch", "-D", f"autoresearch/{night.name}")
    unpropose(local, night.name)
    return local


@contextmanager
def proposed(
    folder: Path, over: Repository, app: str = "github-actions[bot]", minutes: Minutes | None = None
) -> Iterator[World]:
    """That night, in a copy of its repository, proposed on the test server. app: who opens the pull request; minutes:
    of its workflow."""
    shutil.copytree(over.root, folder / "night")
    local = Repository.find(folder / "night")
    night = nights(local)[-1]
    with GitHub.start(folder) as github:
        there = github.repository("ada/shop")
        there.actions["can_approve_pull_request_reviews"] = True
        git(local, "push", "--quiet", str(there.bare.path), "main")
        there.notice(MAINTAINER)
        forge = forge_of(
            github, there, app=app, contents="write", pull_requests="write", checks="write", issues="write"
        )
        propose(night, targets_of(night), forge, minutes=minutes)
        yield World(github, there, night.name, folder, app=app)


def unpropose(local: Repository, night: str) -> None:
    """Forgets what `night` proposed on this machine, so that it is proposed on the server first."""
    for path in (local.state / night).glob("*/*-propose.jsonl"):
        path.unlink()
    (local.state / night / "recorded.txt").unlink()
    git(local, "update-ref", "-d", "refs/heads/autoresearch/results")


def reactions(said: Comment) -> list[str]:
    return sorted(one.content for one in said.reactions)


def answers(world: World, said: Comment) -> list[str]:
    """What the bot wrote below a comment."""
    found = world.pull.comments
    return [one.body for one in found if one.id > said.id and one.user.type == "Bot"]


def rows(found: list[Segment]) -> list[Event]:
    """Of the confirmation that counts."""
    counted = standing.confirmation(found)
    assert counted
    return list(counted.event["rows"])
