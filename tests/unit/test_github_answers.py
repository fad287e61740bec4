"""Every call that the server plays, made once on a repository that has everything, and answered as GitHub would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from tests.github.play import PLAYS
from tests.github.repository import Repository
from tests.github.server import GitHub
from tests.github.state import Runner

PULL_RULE = {
    "type": "pull_request",
    "parameters": {
        "required_approving_review_count": 1,
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    },
}
DISPATCH = {"ref": "main", "inputs": {"experiments": "20"}, "return_run_details": True}
TAGGER = {"name": "ada", "email": "ada@example.org", "date": "2026-03-02T02:17:00Z"}


def furnished(github: GitHub) -> Repository:
    """Pull requests open, merged and of a fork; an issue; reviews; rules; workflows that ran."""
    repo = github.repository("ada/shop")
    workflows = {".github/workflows/nightly.yml": "name: nightly\n", ".github/workflows/other.yml": "on: push\n"}
    repo.commit("main", {"a.txt": "1\n", "folder/b.txt": "b\n", **workflows})
    for branch in ("night", "merged", "spare"):
        repo.commit(branch, {f"{branch}.txt": "x\n"})
    repo.open("night", by="github-actions[bot]")
    repo.open("merged", by="github-actions[bot]")
    repo.merge(2, "squash")
    github.fork("ada/shop", "mallory").commit("evil", {"a.txt": "0\n"}, by="mallory")
    repo.open("mallory:evil", by="mallory", draft=True)
    repo.issue("Dashboard", "text", "ada", ["autoresearch:dashboard"])
    repo.collaborators |= {"bob": "maintain"}
    repo.teams["core"] = "push"
    repo.label(1, "hold", "bob")
    repo.review(1, "APPROVED", by="bob")
    repo.protect("main", reviews=1, checks=["ci"])
    repo.ruleset("records", ["creation", "update", "deletion", "non_fast_forward", PULL_RULE], ["refs/heads/records"])
    repo.environment("autoresearch", branches=["main"], reviewers=["bob"], secrets=["KEY"])
    repo.environment("free")
    repo.secrets.append("TOKEN")
    repo.variables["CITY"] = "Oslo"
    repo.runners.append(Runner(7, "big", ["gpu"]))
    run = repo.run(".github/workflows/nightly.yml", minutes=12)
    repo.job(run, "plan", "completed")
    repo.job(run, "run (a)", labels=("self-hosted", "gpu"))
    return repo


READING = """
    "" /branches /branches/main /branches/main/protection /collaborators /collaborators/bob
    /collaborators/bob/permission /commits /commits/HEAD /commits/HEAD/check-runs /commits/HEAD/pulls
    /commits/HEAD/status /commits/HEAD/statuses /compare/main...night /contents/a.txt /contents/folder
    /environments /environments/free /environments/autoresearch /environments/autoresearch/secrets
    /environments/autoresearch/deployment-branch-policies /git/commits/HEAD /git/matching-refs/heads/
    /git/ref/heads/night /issues?state=all /issues/1 /issues/4 /issues/1/comments /issues/1/events
    /issues/1/labels /issues/1/reactions /labels /labels/hold /pulls?state=all /pulls/1 /pulls/2 /pulls/3
    /pulls/1/commits /pulls/1/files /pulls/1/requested_reviewers /pulls/1/reviews /pulls/2/merge /releases
    /rules/branches/records /rulesets /tags /teams /actions/permissions /actions/permissions/workflow
    /actions/runners /actions/runs /actions/secrets /actions/secrets/TOKEN /actions/variables /actions/workflows
    /actions/workflows/nightly.yml /actions/workflows/other.yml/runs
"""


def reading(repo: Repository) -> list[str]:
    head, run = repo.pulls[1].head_sha, repo.runs[0]
    paths = READING.split()
    paths += [f"/rulesets/{repo.rulesets[0].id}", f"/actions/runs/{run.id}", f"/actions/runs/{run.id}/jobs"]
    return [path.replace('""', "").replace("HEAD", head) for path in paths]


def writing(repo: Repository, sha: str) -> list[tuple[str, str, Any]]:
    """Calls in the order in which they work; `{}` stands for the id that the call before answered."""
    tag = {"tag": "t/1", "message": "one", "object": sha, "type": "commit", "tagger": TAGGER}
    output = {"title": "Verdict", "summary": "Good."}
    run = repo.runs[0].id
    return [
        ("POST", "/labels", {"name": "target:a/b", "color": "ededed", "description": "A target"}),
        ("PATCH", "/labels/target:a/b", {"color": "ff0000"}),
        ("POST", "/issues", {"title": "T", "body": "B", "labels": ["target:a/b"], "assignees": ["bob"]}),
        ("PATCH", "/issues/5", {"title": "U", "state": "closed", "labels": ["hold"]}),
        ("POST", "/issues/5/labels", ["retry"]),
        ("PUT", "/issues/5/labels", {"labels": ["hold", "retry"]}),
        ("DELETE", "/issues/5/labels/hold", None),
        ("DELETE", "/issues/5/labels", None),
        ("DELETE", "/labels/target:a/b", None),
        ("POST", "/issues/5/reactions", {"content": "rocket"}),
        ("POST", "/issues/1/comments", {"body": "/recheck"}),
        ("GET", "/issues/comments/{}", None),
        ("PATCH", "/issues/comments/{}", {"body": "/drop 1"}),
        ("DELETE", "/issues/comments/{}", None),
        ("POST", "/pulls", {"title": "T", "head": "spare", "base": "main", "body": "B", "draft": True}),
        ("PATCH", "/pulls/6", {"title": "U", "body": "C", "base": "main", "state": "closed"}),
        ("PATCH", "/pulls/6", {"state": "open"}),
        ("POST", "/pulls/6/requested_reviewers", {"reviewers": ["bob"], "team_reviewers": ["core"]}),
        ("DELETE", "/pulls/6/requested_reviewers", {"reviewers": ["bob"]}),
        ("POST", "/pulls/6/reviews", {"event": "COMMENT", "body": "Hm."}),
        ("PUT", "/pulls/6/reviews/{}/dismissals", {"message": "Never mind."}),
        ("POST", "/check-runs", {"name": "ci", "head_sha": sha, "conclusion": "success", "output": output}),
        ("GET", "/check-runs/{}", None),
        ("PATCH", "/check-runs/{}", {"conclusion": "neutral"}),
        ("POST", f"/statuses/{sha}", {"state": "success", "context": "ci", "target_url": "https://example.org"}),
        ("PUT", "/pulls/1/merge", {"merge_method": "rebase", "sha": sha}),
        ("POST", "/git/tags", tag),
        ("POST", "/git/refs", {"ref": "refs/heads/made", "sha": sha}),
        ("PATCH", "/git/refs/heads/made", {"sha": sha, "force": True}),
        ("DELETE", "/git/refs/heads/made", None),
        ("POST", "/releases", {"tag_name": "v1", "target_commitish": "main", "name": "One", "body": "First"}),
        ("GET", "/releases/tags/v1", None),
        ("POST", "/actions/workflows/nightly.yml/dispatches", DISPATCH),
        ("PUT", "/actions/workflows/nightly.yml/disable", None),
        ("PUT", "/actions/workflows/nightly.yml/enable", None),
        ("POST", f"/actions/runs/{run}/cancel", None),
        ("POST", "/actions/runs/{}/force-cancel", None),
        ("PUT", "/actions/permissions/workflow", {"can_approve_pull_request_reviews": True}),
    ]


def test_every_call_is_answered_as_github_describes(tmp_path: Path) -> None:
    with GitHub.start(tmp_path) as github:
        repo = furnished(github)
        repo.actions["can_approve_pull_request_reviews"] = True
        everything = dict.fromkeys(
            ("contents", "pull_requests", "issues", "checks", "statuses", "actions", "administration"), "write"
        )
        session = requests.Session()
        found: dict[str, int] = {}

        def call(method: str, path: str, body: Any, token: str) -> requests.Response:
            session.headers["Authorization"] = f"Bearer {token}"
            return session.request(method, github.api_url + path, json=body, timeout=120)

        ada, workflow = github.token(by="ada"), github.token(**everything)
        for path in ("/user", "/users/bob", "/rate_limit", *(f"/repos/ada/shop{path}" for path in reading(repo))):
            found[path] = call("GET", path, None, ada).status_code
        found["installed"] = call("GET", "/installation/repositories", None, workflow).status_code
        number = 0
        for method, path, body in writing(repo, repo.pulls[1].head_sha):
            answer = call(method, "/repos/ada/shop" + path.format(number), body, workflow)
            found[f"{method} {path}"] = answer.status_code
            told = answer.json() if answer.content else None
            number = told.get("id", told.get("workflow_run_id", number)) if isinstance(told, dict) else number
        assert {what: status for what, status in found.items() if status >= 400} == {}
        played = {called.id for called in github.calls}
    assert len(played & set(PLAYS)) >= 90, sorted(set(PLAYS) - played)
