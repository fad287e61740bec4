"""The event files that GitHub hands to workflows, from the server's state and held against GitHub's description.

What is made here is what `$GITHUB_EVENT_PATH` holds: for a comment, for a push, for a dispatch.
"""

from __future__ import annotations

from typing import Any

from tests.github import gitshapes, shapes
from tests.github.hook import NOBODY
from tests.github.openapi import description
from tests.github.repository import Repository
from tests.github.shapes import Json
from tests.github.state import Comment


class InvalidPayload(AssertionError):
    """An event that GitHub would not send."""


def checked(repo: Repository, name: str, payload: Json) -> Json:
    faults = description().faults(description().named[name], payload, name)
    if faults:
        raise InvalidPayload("\n".join(faults))
    repo.github.right(name)
    return payload


def frame(repo: Repository, by: str) -> Json:
    """What every event carries: where, and who caused it."""
    return {
        "repository": shapes.repository(repo),
        "sender": shapes.user(repo.github.account(by), repo.github.api_url),
    }


def comment(
    repo: Repository, number: int, said: Comment, action: str = "created", by: str | None = None, before: str = ""
) -> Json:
    """Of `issue_comment`; `by`: who acted, where it is not the author. `before`: what an edited comment said."""
    payload: Json = {
        "action": action,
        "issue": shapes.issue(repo, repo.numbered()[number]),
        "comment": shapes.comment(repo, number, said),
        **frame(repo, by or said.user.login),
    }
    if action == "edited":
        payload["changes"] = {"body": {"from": before}}
    return checked(repo, f"webhook-issue-comment-{action}", payload)


def push(repo: Repository, ref: str, before: str, after: str, by: str) -> Json:
    """Of `push`; forty zeros as `before` or `after` for a branch that is made or deleted."""
    bare, account = repo.bare, repo.github.account(by)
    made, gone = before == NOBODY, after == NOBODY
    new = [] if gone else [after] if made else bare.between(before, after)
    commits = [pushed(repo, sha) for sha in new]
    repository = shapes.repository(repo)
    stamp = int(repo.created_at.timestamp())
    return checked(repo, "webhook-push", {
        **frame(repo, by), "ref": ref, "before": before, "after": after, "created": made, "deleted": gone,
        "forced": not made and not gone and not bare.is_ancestor(before, after), "base_ref": None,
        "compare": f"{repo.html_url}/compare/{before[:12]}...{after[:12]}", "commits": commits,
        "head_commit": commits[-1] if commits else None, "pusher": {"name": account.login, "email": account.email},
        "repository": {**repository, "created_at": stamp, "pushed_at": stamp, "master_branch": repo.default_branch},
    })  # fmt: skip


def pushed(repo: Repository, sha: str) -> Json:
    known = gitshapes.facts(repo, sha)
    parent = known["parents"][0] if known["parents"] else None
    changes = repo.bare.changes(parent, sha) if parent else []
    paths = {status: [c.path for c in changes if c.status == status] for status in ("added", "removed", "modified")}
    people = {role: {name: known[role][name] for name in ("name", "email")} for role in ("author", "committer")}
    return {
        "id": known["sha"], "tree_id": known["tree"], "distinct": True, "message": known["message"],
        "timestamp": known["committer"]["date"], "url": f"{repo.html_url}/commit/{known['sha']}", **people, **paths,
    }  # fmt: skip


def dispatch(repo: Repository, workflow: str, inputs: dict[str, Any], by: str, branch: str | None = None) -> Json:
    """Of `workflow_dispatch`; `workflow`: its path in the repository."""
    payload = {
        **frame(repo, by), "inputs": inputs, "ref": f"refs/heads/{branch or repo.default_branch}", "workflow": workflow,
    }  # fmt: skip
    return checked(repo, "webhook-workflow-dispatch", payload)
