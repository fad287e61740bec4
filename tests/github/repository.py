"""One repository on the test server: its state, and what people and tokens do to it.

Every verb here is what a human does in the browser; the routes use the same verbs for calls over the API.
"""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.github.gitdata import Bare, Conflict, Files, Person
from tests.github.state import (
    CheckRun,
    Comment,
    Environment,
    Event,
    Issue,
    Job,
    Label,
    Protection,
    Pull,
    Release,
    Review,
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

METHODS = {
    "merge": ("allow_merge_commit", "Merge commits"),
    "squash": ("allow_squash_merge", "Squash merges"),
    "rebase": ("allow_rebase_merge", "Rebase merges"),
}
ROLES = ["none", "read", "triage", "write", "maintain", "admin"]


class Refused(Exception):
    """GitHub says no: `status` and the message that it gives."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


class Repository:
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
        self._seen = bare.refs()

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

    # What people do -------------------------------------------------------------------------------------------------

    def commit(self, branch: str, files: Files, message: str = "Edit", by: str | None = None) -> str:
        """A commit on `branch` (made where it does not exist) as if pushed by `by`; None as content deletes a file."""
        ref, who = f"refs/heads/{branch}", by or self.owner_login
        with self.github.lock:
            parent = self.bare.sha(ref) or self.bare.sha(f"refs/heads/{self.default_branch}")
            made = self.bare.write(ref, parent, files, message, self._person(who), self.github.clock.now)
            self.notice(who)
        return made

    def move(self, ref: str, sha: str | None, by: str) -> None:
        """A ref set, made or (None) deleted, and what GitHub does about it."""
        with self.github.lock:
            self.bare.update(ref, sha)
            self.notice(by)

    def notice(self, by: str) -> None:
        """After refs moved: pushes noted, heads of pull requests followed, merged and headless ones closed."""
        now = self.bare.refs()
        for ref in sorted({*now, *self._seen}):
            old, new = self._seen.get(ref, ("", ""))[0], now.get(ref, ("", ""))[0]
            if old != new and not ref.startswith("refs/pull/"):
                self.pushes.append((ref, old, new, by))
        self._seen = now
        for repository in self.github.repositories.values():
            for pull in repository.pulls.values():
                if pull.state == "open" and self.full_name in {repository.full_name, pull.head_repository}:
                    repository.follow(pull, by)

    def follow(self, pull: Pull, by: str) -> None:
        head, base = self._head_of(pull), self._seen.get(f"refs/heads/{pull.base}", (None,))[0]
        if (head, base) == (pull.head_sha, pull.base_sha):
            return None
        if head and head != pull.head_sha:
            self.take_head(pull, head)
        if base and self.bare.is_ancestor(pull.head_sha, base):
            return self.finish(pull, by, base)
        pull.base_sha = base or pull.base_sha
        if head is None or base is None:
            self.close(pull.number, by)
        return None

    def take_head(self, pull: Pull, head: str) -> None:
        if pull.head_repository != self.full_name:
            self.bare.run("fetch", "-q", str(self.github.repositories[pull.head_repository].bare.path), head)
        pull.head_sha, pull.updated_at = head, self.github.clock.now
        ref = f"refs/pull/{pull.number}/head"
        self.bare.update(ref, head)
        self._seen[ref] = (head, "commit")

    def issue(self, title: str, body: str | None, by: str, labels: list[str] | None = None) -> Issue:
        now = self.github.clock.now
        made = Issue(self.github.next_id(), self.next_number(), title, body, self.github.account(by), now, now)
        self.issues[made.number] = made
        for name in labels or []:
            self.label(made.number, name, by)
        return made

    def open(
        self, head: str, base: str | None = None, title: str = "A change", body: str | None = None,
        by: str | None = None, draft: bool = False,
    ) -> Pull:  # fmt: skip
        """A pull request of branch `head`, or of a fork's: `mallory:branch`. Refused as GitHub refuses."""
        base = base or self.default_branch
        login, _, branch = head.rpartition(":")
        source = self.github.head_repository(self, login)
        head_sha, base_sha = (source.bare.sha(f"refs/heads/{branch}") if source else None), self.bare.sha(base)
        if head_sha is None or source is None:
            raise invalid("PullRequest", "head")
        if base_sha is None:
            raise invalid("PullRequest", "base")
        sides = (source.full_name, branch, base)
        if any(p.state == "open" and (p.head_repository, p.head, p.base) == sides for p in self.pulls.values()):
            who = login or self.owner_login
            raise refused_validation("PullRequest", f"A pull request already exists for {who}:{branch}.")
        now, number = self.github.clock.now, self.next_number()
        if draft and not self.settings["drafts"]:
            raise Refused(422, "Draft pull requests are not supported in this repository.")
        made = Pull(
            self.github.next_id(), number, title, body, self.github.account(by or self.owner_login), now, now,
            head=branch, base=base, head_repository=source.full_name, base_sha=base_sha, draft=draft,
        )  # fmt: skip
        self.take_head(made, head_sha)
        if not self.bare.between(base_sha, head_sha):
            self.bare.update(f"refs/pull/{number}/head", None)
            raise refused_validation("PullRequest", f"No commits between {base} and {branch}")
        self.pulls[number] = made
        return made

    def event(self, number: int, name: str, by: str, label: str | None = None, commit: str | None = None) -> None:
        issue = self.numbered()[number]
        issue.updated_at = self.github.clock.now
        issue.events.append(
            Event(self.github.next_id(), name, self.github.account(by), self.github.clock.now, label, commit)
        )

    def comment(self, number: int, body: str, by: str) -> Comment:
        now = self.github.clock.now
        made = Comment(self.github.next_id(), body, self.github.account(by), now, now)
        self.numbered()[number].comments.append(made)
        return made

    def new_label(self, name: str, color: str = "ededed", description: str | None = None) -> Label:
        if self.find_label(name):
            raise Refused(422, "Validation Failed", [{"resource": "Label", "code": "already_exists", "field": "name"}])
        self.labels[name] = Label(self.github.next_id(), name, color, description)
        return self.labels[name]

    def find_label(self, name: str) -> Label | None:
        return next((each for each in self.labels.values() if each.name.lower() == name.lower()), None)

    def label(self, number: int, name: str, by: str) -> None:
        """Puts a label on; one that does not exist is made, as GitHub does."""
        known = self.find_label(name) or self.new_label(name)
        labels = self.numbered()[number].labels
        if known.name not in labels:
            labels.append(known.name)
            self.event(number, "labeled", by, known.name)

    def unlabel(self, number: int, name: str, by: str) -> None:
        found = next((each for each in self.numbered()[number].labels if each.lower() == name.lower()), None)
        if found is None:
            raise Refused(404, "Label does not exist")
        self.numbered()[number].labels.remove(found)
        self.event(number, "unlabeled", by, found)

    def delete_label(self, name: str) -> None:
        """Gone from the repository and from everything that carries it."""
        known = self.find_label(name)
        if known is None:
            raise Refused(404, "Not Found")
        del self.labels[known.name]
        for issue in self.numbered().values():
            issue.labels = [each for each in issue.labels if each != known.name]

    def review(self, number: int, state: str, by: str, body: str = "", commit: str | None = None) -> Review:
        """`state`: APPROVED, CHANGES_REQUESTED, COMMENTED or PENDING."""
        pull = self.pulls[number]
        if by == pull.user.login and state in {"APPROVED", "CHANGES_REQUESTED"}:
            verb = "approve" if state == "APPROVED" else "request changes on"
            raise Refused(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
        made = Review(
            self.github.next_id(), state, body, self.github.account(by), commit or pull.head_sha, self.github.clock.now
        )
        pull.reviews.append(made)
        pull.reviewers = [each for each in pull.reviewers if each != by]
        pull.updated_at = self.github.clock.now
        return made

    def close(self, number: int, by: str | None = None) -> None:
        issue, who = self.numbered()[number], by or self.owner_login
        if issue.state == "open":
            issue.state, issue.closed_at, issue.closed_by = "closed", self.github.clock.now, self.github.account(who)
            self.event(number, "closed", who)

    def reopen(self, number: int, by: str | None = None) -> None:
        issue = self.numbered()[number]
        self.notice(by or self.owner_login)
        if isinstance(issue, Pull) and (issue.merged or self._head_of(issue) is None):
            raise refused_validation("PullRequest", "state cannot be changed. The pull request cannot be reopened.")
        if issue.state == "closed":
            issue.state, issue.closed_at, issue.closed_by = "open", None, None
            self.event(number, "reopened", by or self.owner_login)
            if isinstance(issue, Pull):
                self.follow(issue, by or self.owner_login)

    def _head_of(self, pull: Pull) -> str | None:
        source = self.github.repositories.get(pull.head_repository)
        return source._seen.get(f"refs/heads/{pull.head}", (None,))[0] if source else None

    def merge(self, number: int, method: str = "merge", by: str | None = None, message: str | None = None) -> str:
        """The merge button. Refused where a setting, a draft or a conflict is in the way."""
        pull, who = self.pulls[number], by or self.owner_login
        setting, name = METHODS[method]
        if not self.settings[setting]:
            raise Refused(405, f"{name} are not allowed on this repository.")
        if pull.state != "open" or pull.draft:
            raise Refused(405, "Pull Request is not mergeable" if not pull.draft else "Pull Request is still a draft")
        title = f"Merge pull request #{number} from {pull.head_repository.split('/')[0]}/{pull.head}\n\n{pull.title}"
        text = message or (title if method == "merge" else f"{pull.title} (#{number})")
        try:
            made = self.bare.merge(method, pull.base_sha, pull.head_sha, text, self._person(who), self.github.clock.now)
        except Conflict as error:
            raise Refused(405, "Pull Request has merge conflicts") from error
        pull.merge_commit = made
        with self.github.lock:
            self.finish(pull, who, made)
            self.move(f"refs/heads/{pull.base}", made, who)
            if self.settings["delete_branch_on_merge"] and pull.head_repository == self.full_name:
                self.move(f"refs/heads/{pull.head}", None, who)
        return made

    def _person(self, login: str) -> Person:
        return Person(login, self.github.account(login).email)

    def finish(self, pull: Pull, by: str, commit: str | None) -> None:
        """Marks a pull request as merged."""
        now = self.github.clock.now
        pull.merged_at, pull.merged_by, pull.merge_commit = now, self.github.account(by), commit
        self.event(pull.number, "merged", by, commit=commit)
        self.close(pull.number, by)

    # What runs ------------------------------------------------------------------------------------------------------

    def known_workflows(self) -> list[Workflow]:
        """The workflows of the default branch; one that was seen once stays known."""
        ref = f"refs/heads/{self.default_branch}"
        paths = self.bare.run("ls-tree", "--name-only", ref, ".github/workflows/").split() if self.bare.sha(ref) else []
        for path in set(paths) - {each.path for each in self.workflows}:
            text = (self.bare.file(ref, path) or b"").decode()
            name = next((line[5:].strip() for line in text.splitlines() if line.startswith("name:")), path)
            self.workflows.append(Workflow(self.github.next_id(), name, path))
        return self.workflows

    def run(
        self, path: str, event: str = "schedule", by: str | None = None, branch: str | None = None,
        status: str = "queued", conclusion: str | None = None, minutes: float = 0.0,
        inputs: dict[str, Any] | None = None,
    ) -> Run:  # fmt: skip
        """A run of the workflow at `path`, now."""
        which = next(each for each in self.known_workflows() if each.path == path)
        branch = branch or self.default_branch
        sha, account = self.bare.sha(branch), self.github.account(by or self.owner_login)
        assert sha, f"{self.full_name} has no {branch}"
        number, now = self.github.next_id(), self.github.clock.now
        made = Run(number, which, event, status, conclusion, branch, sha, account, now, 1, inputs or {}, [], minutes)
        self.runs.append(made)
        return made

    def job(self, run: Run, name: str, status: str = "queued", labels: tuple[str, ...] = ("ubuntu-latest",)) -> Job:
        made = Job(self.github.next_id(), name, status, list(labels), "success" if status == "completed" else None)
        run.jobs.append(made)
        return made

    # What protects --------------------------------------------------------------------------------------------------

    def protect(self, branch: str, **how: Any) -> Protection:
        self.protection[branch] = replace(Protection(), **how)
        return self.protection[branch]

    def ruleset(self, name: str, rules: list[str | dict[str, Any]], include: list[str], **more: Any) -> Ruleset:
        """`rules`: kinds such as "deletion", "non_fast_forward", "pull_request", or whole rules with parameters."""
        whole = [{"type": rule} if isinstance(rule, str) else rule for rule in rules]
        made = Ruleset(self.github.next_id(), name, whole, include, **more)
        self.rulesets.append(made)
        return made

    def environment(self, name: str, **how: Any) -> Environment:
        self.environments[name] = Environment(self.github.next_id(), name, **how)
        return self.environments[name]

    def rulesets_of(self, ref: str) -> list[Ruleset]:
        """The active rulesets that bind a whole ref such as `refs/heads/main`."""

        def matches(pattern: str) -> bool:
            if pattern == "~DEFAULT_BRANCH":
                return ref == f"refs/heads/{self.default_branch}"
            return pattern == "~ALL" or fnmatch.fnmatchcase(ref, pattern)

        family = "tag" if ref.startswith("refs/tags/") else "branch"
        return [
            each
            for each in self.rulesets
            if each.enforcement == "active"
            and each.target == family
            and any(map(matches, each.include))
            and not any(map(matches, each.exclude))
        ]

    def is_protected(self, branch: str) -> bool:
        return branch in self.protection or bool(self.rulesets_of(f"refs/heads/{branch}"))


def invalid(resource: str, name: str) -> Refused:
    return Refused(422, "Validation Failed", [{"resource": resource, "field": name, "code": "invalid"}])


def refused_validation(resource: str, message: str) -> Refused:
    return Refused(422, "Validation Failed", [{"resource": resource, "code": "custom", "message": message}])
