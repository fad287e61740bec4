"""What the server remembers of one repository. Tests read and change it freely; git itself is in `gitdata`.

A pull request's commits are not stored: they are read from the real branches while it is open and frozen when it is
closed or merged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


class Clock:
    """The time in answers: it stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 2, 17, tzinfo=UTC)

    def advance(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)


@dataclass
class Account:
    login: str
    id: int
    type: str = "User"

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass
class Token:
    """`permissions` None: a person's own token, which may what the person may."""

    value: str
    account: Account
    permissions: dict[str, str] | None
    kind: str = "installation"  # or "user"

    def allows(self, name: str, level: str) -> bool:
        granted = (self.permissions or {}).get(name, "none")
        return ["none", "read", "write", "admin"].index(granted) >= ["none", "read", "write", "admin"].index(level)


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass
class Reaction:
    id: int
    content: str
    user: Account
    at: datetime


@dataclass
class Comment:
    id: int
    body: str
    user: Account
    created_at: datetime
    updated_at: datetime
    reactions: list[Reaction] = field(default_factory=list)


@dataclass
class Event:
    """Something that happened to an issue: labeled, unlabeled, closed, reopened, merged, review_requested."""

    id: int
    event: str
    user: Account
    at: datetime
    label: str | None = None
    commit: str | None = None


@dataclass
class Review:
    id: int
    state: str  # APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING
    body: str
    user: Account
    commit: str
    at: datetime


@dataclass
class Issue:
    id: int
    number: int
    title: str
    body: str | None
    user: Account
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    closed_at: datetime | None = None
    closed_by: Account | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass
class Pull(Issue):
    head: str = ""  # a branch of the repository `head_repository`
    base: str = ""
    head_repository: str = ""  # "ada/shop"; of a fork, another one
    head_sha: str = ""
    base_sha: str = ""
    draft: bool = False
    maintainer_can_modify: bool = False
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit: str | None = None

    @property
    def merged(self) -> bool:
        return self.merged_at is not None


@dataclass
class CheckRun:
    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    output: dict[str, Any]
    external_id: str = ""
    details_url: str | None = None
    app: str = "github-actions"


@dataclass
class Status:
    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    user: Account
    at: datetime


@dataclass
class Release:
    id: int
    tag: str
    target: str
    name: str
    body: str
    draft: bool
    prerelease: bool
    user: Account
    at: datetime


@dataclass
class Workflow:
    id: int
    name: str
    path: str
    state: str = "active"


@dataclass
class Job:
    id: int
    name: str
    status: str  # queued, in_progress, completed
    labels: list[str]
    conclusion: str | None = None
    runner: str | None = None
    attempt: int = 0  # of its run; 0: the newest
    minutes: int = 0  # that it took


@dataclass
class Run:
    """One run of a workflow; `minutes` is what it was billed."""

    id: int
    workflow: Workflow
    event: str
    status: str
    conclusion: str | None
    head_branch: str
    head_sha: str
    user: Account
    at: datetime
    attempt: int = 1
    inputs: dict[str, Any] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    minutes: float = 0.0


@dataclass
class Runner:
    """A self-hosted runner; every one carries the label `self-hosted` too."""

    id: int
    name: str
    labels: list[str]
    status: str = "online"
    busy: bool = False
    ephemeral: bool = False


@dataclass
class Protection:
    """Classic branch protection. `reviews` None: no pull request is required."""

    reviews: int | None = None
    checks: list[str] = field(default_factory=list)
    code_owners: bool = False
    admins_too: bool = True
    allow_force_pushes: bool = False
    allow_deletions: bool = False


@dataclass
class Ruleset:
    id: int
    name: str
    rules: list[dict[str, Any]]
    include: list[str]  # "~DEFAULT_BRANCH", "~ALL" or patterns such as "refs/heads/autoresearch/*"
    exclude: list[str] = field(default_factory=list)
    target: str = "branch"
    enforcement: str = "active"
    bypass: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Environment:
    """`branches`: None: any branch; "protected"; or a list of name patterns."""

    id: int
    name: str
    branches: str | list[str] | None = None
    reviewers: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


def default_settings() -> dict[str, Any]:
    """What a fresh repository allows, by the names of GitHub's own settings."""
    return {
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": True,
        "delete_branch_on_merge": False,
        "allow_auto_merge": False,
        "archived": False,
        "has_issues": True,
        "drafts": True,
    }


def default_actions() -> dict[str, Any]:
    """What a fresh repository's Actions may: the safe defaults of today."""
    return {
        "enabled": True,
        "allowed_actions": "all",
        "sha_pinning_required": False,
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": False,
    }
