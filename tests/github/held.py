"""What the server holds of one repository; the verbs are in the classes that follow: talk, guarded, pulling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.github.gitdata import Bare, Person
from tests.github.state import (
    CheckRun,
    Environment,
    Issue,
    Label,
    Protection,
    Pull,
    Release,
    Ruleset,
    Run,
    Runner,
    Status,
    Workflow,
    default_actions,
    default_settings,
)

if TYPE_CHECKING:
    from tests.github.server import GitHub

ROLES = ["none", "read", "triage", "write", "maintain", "admin"]


class Held:
    """State by its attributes, which tests may change; `url` is what git clones."""

    def __init__(self, github: GitHub, full_name: str, bare: Bare, default_branch: str, private: bool) -> None:
        self.github, self.full_name, self.bare = github, full_name, bare
        self.owner_login, self.name = full_name.split("/")
        self.owner = github.account(self.owner_login)
        self.id = github.next_id()
        self.default_branch, self.private = default_branch, private
        self.parent: str | None = None  # of a fork: what it was forked from
        self.created_at = github.clock.now
        self.settings, self.actions = default_settings(), default_actions()
        self.collaborators: dict[str, str] = {self.owner_login: "admin"}
        self.teams: dict[str, str] = {}
        self.labels: dict[str, Label] = {}
        self.issues: dict[int, Issue] = {}
        self.pulls: dict[int, Pull] = {}
        self.check_runs: list[CheckRun] = []
        self.statuses: list[Status] = []
        self.releases: list[Release] = []
        self.rulesets: list[Ruleset] = []
        self.protection: dict[str, Protection] = {}
        self.environments: dict[str, Environment] = {}
        self.secrets: list[str] = []
        self.variables: dict[str, str] = {}
        self.workflows: list[Workflow] = []
        self.runs: list[Run] = []
        self.runners: list[Runner] = []
        self.pushes: list[tuple[str, str, str, str]] = []  # ref, old, new, login
        self.mentioned: set[str] = set()  # people and teams whom a text of this repository has notified
        self.seen = bare.refs()  # as of the last time that anything moved

    @property
    def url(self) -> str:
        return f"{self.github.server_url}/{self.full_name}.git"

    @property
    def html_url(self) -> str:
        return f"{self.github.server_url}/{self.full_name}"

    @property
    def api_url(self) -> str:
        return f"{self.github.api_url}/repos/{self.full_name}"

    def numbered(self) -> dict[int, Issue]:
        """Issues and pull requests, which share their numbers."""
        return {**self.issues, **self.pulls}

    def next_number(self) -> int:
        return max(self.numbered(), default=0) + 1

    def role(self, login: str) -> str:
        return self.collaborators.get(login, "none" if self.private else "read")

    def may(self, login: str, role: str) -> bool:
        return ROLES.index(self.role(login)) >= ROLES.index(role)

    def person(self, login: str) -> Person:
        return Person(login, self.github.account(login).email)
