"""Commits that arrive, and the pull requests that follow them to their end."""

from __future__ import annotations

from tests.github.gitdata import Conflict, Files
from tests.github.guarded import Guarded
from tests.github.refusal import Refused, invalid, refused_validation
from tests.github.state import Pull, Review
from tests.github.text import closed_by, closed_by_message

METHODS = {
    "merge": ("allow_merge_commit", "Merge commits"),
    "squash": ("allow_squash_merge", "Squash merges"),
    "rebase": ("allow_rebase_merge", "Rebase merges"),
}


class Pulling(Guarded):
    """The verbs of branches and pull requests."""

    def commit(self, branch: str, files: Files, message: str = "Edit", by: str | None = None) -> str:
        """A commit on `branch` (made where it does not exist) as if pushed by `by`; None as content deletes a file."""
        ref, who = f"refs/heads/{branch}", by or self.owner_login
        with self.github.lock:
            parent = self.bare.sha(ref) or self.bare.sha(f"refs/heads/{self.default_branch}")
            made = self.bare.write(ref, parent, files, message, self.person(who), self.github.clock.now)
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
        for ref in sorted({*now, *self.seen}):
            old, new = self.seen.get(ref, ("", ""))[0], now.get(ref, ("", ""))[0]
            if old != new and not ref.startswith("refs/pull/"):
                self.pushes.append((ref, old, new, by))
        ref, before = f"refs/heads/{self.default_branch}", self.seen
        self.seen = now
        if ref in before and ref in now and before[ref] != now[ref]:
            messages = self.bare.run("log", "--format=%B", f"{before[ref][0]}..{now[ref][0]}")
            self.close_issues(closed_by_message(messages), by)
        for repository in self.github.repositories.values():
            for pull in repository.pulls.values():
                if pull.state == "open" and self.full_name in {repository.full_name, pull.head_repository}:
                    repository.follow(pull, by)

    def follow(self, pull: Pull, by: str) -> None:
        head, base = self.head_of(pull), self.seen.get(f"refs/heads/{pull.base}", (None,))[0]
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
        self.seen[ref] = (head, "commit")

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
        self.say(body)
        return made

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

    def reopen(self, number: int, by: str | None = None) -> None:
        issue = self.numbered()[number]
        self.notice(by or self.owner_login)
        if isinstance(issue, Pull) and (issue.merged or self.head_of(issue) is None):
            raise refused_validation("PullRequest", "state cannot be changed. The pull request cannot be reopened.")
        if issue.state == "closed":
            issue.state, issue.closed_at, issue.closed_by = "open", None, None
            self.event(number, "reopened", by or self.owner_login)
            if isinstance(issue, Pull):
                self.follow(issue, by or self.owner_login)

    def head_of(self, pull: Pull) -> str | None:
        source = self.github.repositories.get(pull.head_repository)
        return source.seen.get(f"refs/heads/{pull.head}", (None,))[0] if source else None

    def merge(self, number: int, method: str = "merge", by: str | None = None, message: str | None = None) -> str:
        """The merge button. Refused where a setting, a draft or a conflict is in the way."""
        pull, who = self.pulls[number], by or self.owner_login
        setting, name = METHODS[method]
        if not self.settings[setting]:
            raise Refused(405, f"{name} are not allowed on this repository.")
        if pull.state != "open" or pull.draft:
            raise Refused(405, "Pull Request is not mergeable" if not pull.draft else "Pull Request is still a draft")
        lacking = self.lacking(pull, who)
        if lacking:
            raise Refused(405, lacking)
        title = f"Merge pull request #{number} from {pull.head_repository.split('/')[0]}/{pull.head}\n\n{pull.title}"
        text = message or (title if method == "merge" else f"{pull.title} (#{number})")
        try:
            made = self.bare.merge(method, pull.base_sha, pull.head_sha, text, self.person(who), self.github.clock.now)
        except Conflict as error:
            raise Refused(405, "Pull Request has merge conflicts") from error
        pull.merge_commit = made
        with self.github.lock:
            self.finish(pull, who, made)
            self.move(f"refs/heads/{pull.base}", made, who)
            if self.settings["delete_branch_on_merge"] and pull.head_repository == self.full_name:
                self.move(f"refs/heads/{pull.head}", None, who)
        return made

    def finish(self, pull: Pull, by: str, commit: str | None) -> None:
        """Marks a pull request as merged."""
        now = self.github.clock.now
        pull.merged_at, pull.merged_by, pull.merge_commit = now, self.github.account(by), commit
        self.event(pull.number, "merged", by, commit=commit)
        self.close(pull.number, by)
        if pull.base == self.default_branch:
            self.close_issues(closed_by(pull.body), by)

    def close_issues(self, numbers: set[int], by: str) -> None:
        """What a text that was merged says to close."""
        for number in numbers & set(self.issues):
            self.close(number, by)
