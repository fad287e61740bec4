"""The repository itself, its branches, its files, its releases."""

from __future__ import annotations

from tests.github import gitshapes, shapes
from tests.github.play import Answered, Call, plays
from tests.github.refusal import Refused
from tests.github.shapes import Json, when
from tests.github.state import Release

READ, WRITE = "contents:read", "contents:write"


@plays("repos/get", "metadata:read")
def get(call: Call) -> Answered:
    return 200, shapes.repository(call.repo, full=True)


def branch_head(call: Call, branch: str) -> str:
    sha = call.repo.bare.sha(f"refs/heads/{branch}")
    if sha is None:
        raise Refused(404, "Branch not found")
    return sha


@plays("repos/get-branch", READ, "metadata:read")
def branch(call: Call) -> Answered:
    name = call.values["branch"]
    sha = branch_head(call, name)
    url = f"{call.repo.api_url}/branches/{name}"
    protected = call.repo.is_protected(name)
    checks = call.repo.protection[name].checks if name in call.repo.protection else []
    return 200, {
        "name": name, "commit": gitshapes.commit(call.repo, sha), "protected": protected,
        "_links": {"self": url, "html": f"{call.repo.html_url}/tree/{name}"}, "protection_url": f"{url}/protection",
        "protection": {
            "enabled": name in call.repo.protection,
            "required_status_checks": {
                "enforcement_level": "everyone" if checks else "off", "contexts": checks,
                "checks": [{"context": each, "app_id": None} for each in checks],
            },
        },
    }  # fmt: skip


@plays("repos/list-branches", READ, "metadata:read")
def branches(call: Call) -> Answered:
    heads = call.repo.bare.refs("refs/heads")
    return 200, [short_branch(call, ref.removeprefix("refs/heads/"), sha) for ref, (sha, _) in heads.items()]


def short_branch(call: Call, name: str, sha: str) -> Json:
    commit = {"sha": sha, "url": f"{call.repo.api_url}/commits/{sha}"}
    return {"name": name, "commit": commit, "protected": call.repo.is_protected(name)}


@plays("repos/get-commit", READ, "metadata:read")
def commit(call: Call) -> Answered:
    sha = call.repo.bare.sha(call.values["ref"])
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {call.values['ref']}")
    return 200, gitshapes.commit(call.repo, sha, files=True)


@plays("repos/list-commits", READ, "metadata:read")
def commits(call: Call) -> Answered:
    start = call.repo.bare.sha(call.query.get("sha", call.repo.default_branch))
    if start is None:
        raise Refused(404, "Not Found")
    paths = ["--", call.query["path"]] if "path" in call.query else []
    return 200, [gitshapes.commit(call.repo, sha) for sha in call.repo.bare.run("rev-list", start, *paths).split()]


@plays("repos/compare-commits", READ, "metadata:read")
def compare(call: Call) -> Answered:
    bare = call.repo.bare
    base, head = bare.sha(call.values["base"]), bare.sha(call.values["head"])
    if base is None or head is None:
        raise Refused(404, "Not Found")
    fork = bare.run("merge-base", base, head)
    ahead, behind = bare.between(base, head), bare.between(head, base)
    status = {(0, 0): "identical", (1, 0): "ahead", (0, 1): "behind"}.get((bool(ahead), bool(behind)), "diverged")
    sides = f"compare/{call.values['base']}...{call.values['head']}"
    url, html = f"{call.repo.api_url}/{sides}", f"{call.repo.html_url}/{sides}"
    return 200, {
        "url": url, "html_url": html, "permalink_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch",
        "base_commit": gitshapes.commit(call.repo, base), "merge_base_commit": gitshapes.commit(call.repo, fork),
        "status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
        "commits": [gitshapes.commit(call.repo, sha) for sha in ahead],
        "files": [gitshapes.changed(call.repo, head, each) for each in bare.changes(base, head)],
    }  # fmt: skip


@plays("repos/get-content", READ)
def content(call: Call) -> Answered:
    path, at = call.values["path"].strip("/"), call.query.get("ref", call.repo.default_branch)
    text = call.repo.bare.sha(at) and call.repo.bare.run("ls-tree", "-lz", at, path)
    if not text:
        raise Refused(404, "Not Found")
    kind, sha, size = text.split("\t")[0].split()[1:]
    if kind == "blob":
        raw = call.repo.bare.file(at, path)
        return 200, gitshapes.content(call.repo, at, path, ("file", sha, int(size)), raw)
    lines = call.repo.bare.run("ls-tree", "-lz", f"{at}:{path}").split("\0")[:-1]
    return 200, [entry(call, at, path, line) for line in lines]


def entry(call: Call, at: str, folder: str, line: str) -> Json:
    meta, name = line.split("\t", 1)
    _, kind, sha, size = meta.split()
    known = ("file", sha, int(size)) if kind == "blob" else ("dir", sha, 0)
    return gitshapes.content(call.repo, at, f"{folder}/{name}", known)


def release(call: Call, each: Release) -> Json:
    url, html = f"{call.repo.api_url}/releases/{each.id}", f"{call.repo.html_url}/releases"
    return {
        "id": each.id, "node_id": shapes.node("Release", each.id), "url": url, "html_url": f"{html}/tag/{each.tag}",
        "assets_url": f"{url}/assets", "upload_url": f"{url}/assets{{?name,label}}", "tarball_url": None,
        "zipball_url": None, "tag_name": each.tag, "target_commitish": each.target, "name": each.name,
        "body": each.body, "draft": each.draft, "prerelease": each.prerelease, "immutable": False,
        "created_at": when(each.at), "published_at": None if each.draft else when(each.at), "assets": [],
        "author": shapes.user(each.user, call.github.api_url),
    }  # fmt: skip


@plays("repos/create-release", WRITE)
def create_release(call: Call) -> Answered:
    body, repo = call.body, call.repo
    name = body["tag_name"]
    if any(each.tag == name for each in repo.releases):
        fault = {"resource": "Release", "code": "already_exists", "field": "tag_name"}
        raise Refused(422, "Validation Failed", [fault])
    target = body.get("target_commitish", repo.default_branch)
    if f"refs/tags/{name}" not in repo.bare.refs() and not body.get("draft", False):
        repo.move(f"refs/tags/{name}", repo.bare.sha(target), call.login)
    made = Release(
        call.github.next_id(), name, target, body.get("name", name), body.get("body", ""), body.get("draft", False),
        body.get("prerelease", False), call.github.account(call.login), call.github.clock.now,
    )  # fmt: skip
    repo.releases.append(made)
    return 201, release(call, made)


@plays("repos/list-releases", READ)
def releases(call: Call) -> Answered:
    return 200, [release(call, each) for each in reversed(call.repo.releases)]


@plays("repos/get-release-by-tag", READ)
def release_by_tag(call: Call) -> Answered:
    found = next((each for each in call.repo.releases if each.tag == call.values["tag"]), None)
    if found is None:
        raise Refused(404, "Not Found")
    return 200, release(call, found)


@plays("repos/list-tags", READ)
def tags(call: Call) -> Answered:
    return 200, [short_tag(call, ref) for ref in reversed(call.repo.bare.refs("refs/tags"))]


def short_tag(call: Call, ref: str) -> Json:
    name, sha, url = ref.removeprefix("refs/tags/"), call.repo.bare.sha(ref), call.repo.api_url
    return {
        "name": name, "commit": {"sha": sha, "url": f"{url}/commits/{sha}"}, "node_id": shapes.node("Ref", len(name)),
        "zipball_url": f"{url}/zipball/{ref}", "tarball_url": f"{url}/tarball/{ref}",
    }  # fmt: skip
