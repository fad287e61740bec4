"""State as GitHub answers it. One function per shape of the description; every URL points at the test server."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.github.repository import Repository
from tests.github.state import Account, CheckRun, Comment, Event, Issue, Label, Pull, Reaction, Review

Json = dict[str, Any]
REPOSITORY_LINKS = {
    "archive": "/{archive_format}{/ref}", "assignees": "{/user}", "blobs": "git/blobs{/sha}", "branches": "{/branch}",
    "collaborators": "{/collaborator}", "comments": "{/number}", "commits": "{/sha}",
    "compare": "/{base}...{head}", "contents": "/{+path}", "contributors": "", "deployments": "", "downloads": "",
    "events": "", "forks": "", "git_commits": "git/commits{/sha}", "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}", "hooks": "", "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}", "issues": "{/number}", "keys": "{/key_id}", "labels": "{/name}",
    "languages": "", "merges": "", "milestones": "{/number}", "notifications": "{?since,all,participating}",
    "pulls": "{/number}", "releases": "{/id}", "stargazers": "", "statuses": "/{sha}", "subscribers": "",
    "subscription": "", "tags": "", "teams": "", "trees": "git/trees{/sha}",
}  # fmt: skip


def when(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def node(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def user(account: Account, api: str) -> Json:
    url = f"{api}/users/{account.login}"
    html = f"{api.removesuffix('/api/v3')}/{account.login.removesuffix('[bot]')}"
    links = {
        "followers": "/followers", "following": "/following{/other_user}", "gists": "/gists{/gist_id}",
        "starred": "/starred{/owner}{/repo}", "subscriptions": "/subscriptions", "organizations": "/orgs",
        "repos": "/repos", "events": "/events{/privacy}", "received_events": "/received_events",
    }  # fmt: skip
    return {
        "login": account.login, "id": account.id, "node_id": node("User", account.id), "avatar_url": f"{html}.png",
        "gravatar_id": "", "url": url, "html_url": html, "type": account.type, "site_admin": False,
        "user_view_type": "public", **{f"{name}_url": url + rest for name, rest in links.items()},
    }  # fmt: skip


def repository(repo: Repository, full: bool = False) -> Json:
    """`full`: what GET of one repository answers; else what is nested in other answers."""
    url, html = repo.api_url, repo.html_url
    links = {
        f"{name}_url": f"{url}/{rest if rest.startswith('git/') or rest.startswith('issues/') else name + rest}"
        for name, rest in REPOSITORY_LINKS.items()
    }
    open_issues = sum(issue.state == "open" for issue in repo.numbered().values())
    settings = {key: value for key, value in repo.settings.items() if key != "drafts"}
    shape = {
        "id": repo.id, "node_id": node("Repository", repo.id), "name": repo.name, "full_name": repo.full_name,
        "owner": user(repo.owner, repo.github.api_url), "private": repo.private, "html_url": html, "description": None,
        "fork": repo.parent is not None, "url": url, "homepage": None, "language": None, "forks_count": 0, "forks": 0,
        "stargazers_count": 0, "watchers_count": 0, "watchers": 0, "size": 1, "default_branch": repo.default_branch,
        "open_issues_count": open_issues, "open_issues": open_issues, "has_projects": True, "has_wiki": False,
        "has_pages": False, "has_discussions": False, "has_downloads": True, "disabled": False, "topics": [],
        "visibility": "private" if repo.private else "public", "pushed_at": when(repo.created_at),
        "created_at": when(repo.created_at), "updated_at": when(repo.created_at), "clone_url": repo.url,
        "git_url": repo.url.replace("http:", "git:"), "ssh_url": f"git@127.0.0.1:{repo.full_name}.git",
        "svn_url": html, "mirror_url": None, "license": None, "is_template": False,
        "web_commit_signoff_required": False, **settings, **links,
    }  # fmt: skip
    if full:
        shape |= {"subscribers_count": 0, "network_count": 0}
    return shape


def label(repo: Repository, each: Label) -> Json:
    return {
        "id": each.id, "node_id": node("Label", each.id), "url": f"{repo.api_url}/labels/{quote(each.name)}",
        "name": each.name, "color": each.color, "default": False, "description": each.description,
    }  # fmt: skip


def labels(repo: Repository, issue: Issue) -> list[Json]:
    found = [repo.find_label(name) for name in issue.labels]
    return [label(repo, each) for each in found if each]


def association(repo: Repository, login: str) -> str:
    if login == repo.owner_login:
        return "OWNER"
    return "COLLABORATOR" if login in repo.collaborators else "NONE"


def of_issue_or_pull(repo: Repository, each: Issue) -> Json:
    api = repo.github.api_url
    return {
        "id": each.id, "number": each.number, "title": each.title, "body": each.body, "state": each.state,
        "user": user(each.user, api), "labels": labels(repo, each), "milestone": None, "locked": False,
        "active_lock_reason": None, "assignee": None,
        "assignees": [user(repo.github.account(login), api) for login in each.assignees],
        "created_at": when(each.created_at), "updated_at": when(each.updated_at), "closed_at": when(each.closed_at),
        "author_association": association(repo, each.user.login),
    }  # fmt: skip


def issue(repo: Repository, each: Issue) -> Json:
    url = f"{repo.api_url}/issues/{each.number}"
    kind = "pull" if isinstance(each, Pull) else "issues"
    html = f"{repo.html_url}/{kind}/{each.number}"
    shape = of_issue_or_pull(repo, each) | {
        "node_id": node("Issue", each.id), "url": url, "repository_url": repo.api_url, "html_url": html,
        "labels_url": url + "/labels{/name}", "comments_url": f"{url}/comments", "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline", "comments": len(each.comments), "state_reason": None,
        "closed_by": user(each.closed_by, repo.github.api_url) if each.closed_by else None,
        "reactions": rollup(url, each.reactions),
    }  # fmt: skip
    if isinstance(each, Pull):
        pull_url = f"{repo.api_url}/pulls/{each.number}"
        shape["draft"] = each.draft
        shape["pull_request"] = {
            "url": pull_url, "html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch",
            "merged_at": when(each.merged_at),
        }  # fmt: skip
    return shape


def rollup(url: str, reactions: list[Reaction]) -> Json:
    kinds = ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"]
    counts = {kind: sum(each.content == kind for each in reactions) for kind in kinds}
    return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}


def side(repo: Repository, full_name: str, branch: str, sha: str) -> Json:
    of = repo.github.repositories.get(full_name)
    owner = repo.github.account(full_name.split("/", maxsplit=1)[0])
    return {
        "label": f"{owner.login}:{branch}", "ref": branch, "sha": sha, "user": user(owner, repo.github.api_url),
        "repo": repository(of) if of else None,
    }  # fmt: skip


def pull_simple(repo: Repository, each: Pull) -> Json:
    url, html = f"{repo.api_url}/pulls/{each.number}", f"{repo.html_url}/pull/{each.number}"
    issue_url = f"{repo.api_url}/issues/{each.number}"
    links = {
        "self": url, "html": html, "issue": issue_url, "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments", "review_comment": f"{repo.api_url}/pulls/comments{{/number}}",
        "commits": f"{url}/commits", "statuses": f"{repo.api_url}/statuses/{each.head_sha}",
    }  # fmt: skip
    named = {f"{name}_url": links[name] for name in links if name not in {"self", "html"}}
    return of_issue_or_pull(repo, each) | named | {
        "node_id": node("PullRequest", each.id), "url": url, "html_url": html, "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch", "merged_at": when(each.merged_at), "merge_commit_sha": each.merge_commit,
        "requested_reviewers": [user(repo.github.account(login), repo.github.api_url) for login in each.reviewers],
        "requested_teams": [team(repo, slug) for slug in each.teams],
        "head": side(repo, each.head_repository, each.head, each.head_sha),
        "base": side(repo, repo.full_name, each.base, each.base_sha), "draft": each.draft, "auto_merge": None,
        "_links": {name: {"href": href} for name, href in links.items()},
        # by the description a label in a list of pull requests has a text, elsewhere it may have none
        "labels": [{**shown, "description": shown["description"] or ""} for shown in labels(repo, each)],
    }  # fmt: skip


def pull(repo: Repository, each: Pull, settled: bool = True) -> Json:
    """`settled` False: as just after a change, when GitHub does not know yet whether it could be merged."""
    api = repo.github.api_url
    changes = repo.bare.changes(each.base_sha, each.head_sha)
    return pull_simple(repo, each) | {
        "merged": each.merged, "rebaseable": None,
        "mergeable": repo.bare.merges(each.base_sha, each.head_sha) if settled and not each.merged else None,
        "mergeable_state": mergeable_state(repo, each) if settled else "unknown",
        "merged_by": user(each.merged_by, api) if each.merged_by else None, "comments": len(each.comments),
        "review_comments": 0, "maintainer_can_modify": each.maintainer_can_modify,
        "commits": len(repo.bare.between(each.base_sha, each.head_sha)), "additions": sum(c.additions for c in changes),
        "deletions": sum(c.deletions for c in changes), "changed_files": len(changes),
    }  # fmt: skip


def mergeable_state(repo: Repository, each: Pull) -> str:
    if each.merged or each.state == "closed":
        return "unknown"
    if not repo.bare.merges(each.base_sha, each.head_sha):
        return "dirty"
    return "draft" if each.draft else "blocked" if repo.lacking(each, each.user.login) else "clean"


def team(repo: Repository, slug: str) -> Json:
    url = f"{repo.github.api_url}/organizations/{repo.owner.id}/team/{slug}"
    return {
        "id": sum(map(ord, slug)), "node_id": node("Team", len(slug)), "url": url, "name": slug, "slug": slug,
        "description": None, "privacy": "closed", "notification_setting": "notifications_enabled",
        "permission": repo.teams.get(slug, "pull"), "members_url": url + "/members{/member}",
        "repositories_url": f"{url}/repos", "parent": None, "type": "organization",
        "html_url": f"{repo.github.server_url}/orgs/{repo.owner_login}/teams/{slug}",
        "organization_id": repo.owner.id,
    }  # fmt: skip


def review(repo: Repository, each: Pull, made: Review) -> Json:
    html = f"{repo.html_url}/pull/{each.number}#pullrequestreview-{made.id}"
    url = f"{repo.api_url}/pulls/{each.number}"
    return {
        "id": made.id, "node_id": node("Review", made.id), "user": user(made.user, repo.github.api_url),
        "body": made.body, "state": made.state, "html_url": html, "pull_request_url": url,
        "submitted_at": when(made.at), "commit_id": made.commit,
        "author_association": association(repo, made.user.login),
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
    }  # fmt: skip


def comment(repo: Repository, number: int, each: Comment) -> Json:
    url = f"{repo.api_url}/issues/comments/{each.id}"
    return {
        "id": each.id, "node_id": node("IssueComment", each.id), "url": url,
        "html_url": f"{repo.html_url}/issues/{number}#issuecomment-{each.id}", "body": each.body,
        "user": user(each.user, repo.github.api_url), "created_at": when(each.created_at),
        "updated_at": when(each.updated_at), "issue_url": f"{repo.api_url}/issues/{number}",
        "author_association": association(repo, each.user.login), "reactions": rollup(url, each.reactions),
        "performed_via_github_app": None,
    }  # fmt: skip


def reaction(repo: Repository, each: Reaction) -> Json:
    return {
        "id": each.id, "node_id": node("Reaction", each.id), "user": user(each.user, repo.github.api_url),
        "content": each.content, "created_at": when(each.at),
    }  # fmt: skip


def event(repo: Repository, each: Event) -> Json:
    url = f"{repo.api_url}/issues/events/{each.id}"
    shape: Json = {
        "id": each.id, "node_id": node("Event", each.id), "url": url, "actor": user(each.user, repo.github.api_url),
        "event": each.event, "commit_id": each.commit, "created_at": when(each.at), "performed_via_github_app": None,
        "commit_url": f"{repo.api_url}/commits/{each.commit}" if each.commit else None,
    }  # fmt: skip
    known = repo.find_label(each.label) if each.label else None
    if each.label:
        shape["label"] = {"name": each.label, "color": known.color if known else "ededed"}
    return shape


def app(repo: Repository, slug: str) -> Json:
    return {
        "id": 15368, "node_id": node("App", 15368), "slug": slug, "name": "GitHub Actions", "description": "",
        "owner": user(repo.github.account("github"), repo.github.api_url),
        "external_url": repo.github.server_url, "html_url": f"{repo.github.server_url}/apps/{slug}",
        "created_at": "2018-07-30T09:30:17Z", "updated_at": "2024-04-10T20:33:16Z",
        "permissions": {"checks": "write", "contents": "write", "metadata": "read"}, "events": [],
    }  # fmt: skip


def check_run(repo: Repository, each: CheckRun) -> Json:
    url = f"{repo.api_url}/check-runs/{each.id}"
    html = f"{repo.html_url}/runs/{each.id}"
    output = {"title": each.output.get("title"), "summary": each.output.get("summary"), "text": each.output.get("text")}
    return {
        "id": each.id, "node_id": node("CheckRun", each.id), "head_sha": each.head_sha, "name": each.name,
        "external_id": each.external_id, "url": url, "html_url": html, "details_url": each.details_url or html,
        "status": each.status, "conclusion": each.conclusion, "started_at": when(each.started_at),
        "completed_at": when(each.completed_at), "check_suite": {"id": each.id}, "app": app(repo, each.app),
        "output": {**output, "annotations_count": 0, "annotations_url": f"{url}/annotations"}, "pull_requests": [],
    }  # fmt: skip
