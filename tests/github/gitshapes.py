"""Git objects as GitHub answers them: refs, commits, tags, files."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from tests.github.gitdata import Changed
from tests.github.repository import Repository
from tests.github.shapes import node, user

Json = dict[str, Any]
UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def ref(repo: Repository, name: str, sha: str, kind: str) -> Json:
    return {
        "ref": name, "node_id": node("Ref", int(sha[:6], 16)), "url": f"{repo.api_url}/git/{name}",
        "object": {"type": kind, "sha": sha, "url": f"{repo.api_url}/git/{kind}s/{sha}"},
    }  # fmt: skip


def facts(repo: Repository, sha: str) -> Json:
    """Author, committer, message, tree and parents of a commit."""
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"
    parts = repo.bare.lasting("log", "-1", f"--format={form}", sha).split("\0")
    whole, tree, parents, *people, message = parts
    return {
        "sha": whole, "tree": tree, "parents": parents.split(), "message": message.rstrip("\n"),
        "author": person(*people[:3]), "committer": person(*people[3:]),
    }  # fmt: skip


def person(name: str, email: str, seconds: str) -> Json:
    at = datetime.fromtimestamp(int(seconds), UTC)
    return {"name": name, "email": email, "date": at.strftime("%Y-%m-%dT%H:%M:%SZ")}


def account_of(repo: Repository, who: Json) -> Json | None:
    """The account of a commit's address; commits of unknown addresses have none."""
    known = (each for each in repo.github.accounts.values() if each.email == who["email"])
    found = next(known, None)
    return user(found, repo.github.api_url) if found else None


def parents(repo: Repository, shas: list[str]) -> list[Json]:
    return [
        {"sha": sha, "url": f"{repo.api_url}/commits/{sha}", "html_url": f"{repo.html_url}/commit/{sha}"}
        for sha in shas
    ]


def commit(repo: Repository, sha: str, files: bool = False) -> Json:
    known = facts(repo, sha)
    url = f"{repo.api_url}/commits/{known['sha']}"
    shape = {
        "sha": known["sha"], "node_id": node("Commit", int(known["sha"][:6], 16)), "url": url,
        "html_url": f"{repo.html_url}/commit/{known['sha']}", "comments_url": f"{url}/comments",
        "author": account_of(repo, known["author"]), "committer": account_of(repo, known["committer"]),
        "parents": parents(repo, known["parents"]),
        "commit": {
            "url": f"{repo.api_url}/git/commits/{known['sha']}", "author": known["author"],
            "committer": known["committer"], "message": known["message"], "comment_count": 0,
            "tree": {"sha": known["tree"], "url": f"{repo.api_url}/git/trees/{known['tree']}"},
            "verification": UNSIGNED,
        },
    }  # fmt: skip
    if files and known["parents"]:
        changes = repo.bare.changes(known["parents"][0], known["sha"])
        plus, minus = sum(each.additions for each in changes), sum(each.deletions for each in changes)
        shape["stats"] = {"additions": plus, "deletions": minus, "total": plus + minus}
        shape["files"] = [changed(repo, known["sha"], each) for each in changes]
    return shape


def git_commit(repo: Repository, sha: str) -> Json:
    known = facts(repo, sha)
    return {
        "sha": known["sha"], "node_id": node("Commit", int(known["sha"][:6], 16)),
        "url": f"{repo.api_url}/git/commits/{known['sha']}", "author": known["author"],
        "committer": known["committer"], "message": known["message"], "parents": parents(repo, known["parents"]),
        "tree": {"sha": known["tree"], "url": f"{repo.api_url}/git/trees/{known['tree']}"},
        "verification": UNSIGNED, "html_url": f"{repo.html_url}/commit/{known['sha']}",
    }  # fmt: skip


def changed(repo: Repository, sha: str, each: Changed) -> Json:
    return {
        "sha": each.blob, "filename": each.path, "status": each.status, "additions": each.additions,
        "deletions": each.deletions, "changes": each.additions + each.deletions,
        "blob_url": f"{repo.html_url}/blob/{sha}/{each.path}", "raw_url": f"{repo.html_url}/raw/{sha}/{each.path}",
        "contents_url": f"{repo.api_url}/contents/{each.path}?ref={sha}",
    }  # fmt: skip


def tag(repo: Repository, sha: str) -> Json:
    lines = repo.bare.run("cat-file", "tag", sha).split("\n\n", 1)
    head = dict(line.split(" ", 1) for line in lines[0].splitlines())
    who, _, rest = head["tagger"].partition(" <")
    email, _, at = rest.partition("> ")
    return {
        "node_id": node("Tag", int(sha[:6], 16)), "tag": head["tag"], "sha": sha, "message": lines[1],
        "url": f"{repo.api_url}/git/tags/{sha}", "tagger": person(who, email, at.split()[0]),
        "object": {"sha": head["object"], "type": head["type"], "url": f"{repo.api_url}/git/commits/{head['object']}"},
        "verification": UNSIGNED,
    }  # fmt: skip


def content(repo: Repository, at: str, path: str, entry: tuple[str, str, int], raw: bytes | None = None) -> Json:
    """A file (with its bytes) or an entry of a folder. `entry`: kind, hash, size."""
    kind, sha, size = entry
    url = f"{repo.api_url}/contents/{path}?ref={at}"
    html = f"{repo.html_url}/blob/{at}/{path}"
    git_url = f"{repo.api_url}/git/blobs/{sha}"
    shape: Json = {
        "type": kind, "size": size, "name": path.rsplit("/", 1)[-1], "path": path, "sha": sha, "url": url,
        "git_url": git_url, "html_url": html,
        "download_url": f"{repo.html_url}/raw/{at}/{path}" if kind == "file" else None,
        "_links": {"self": url, "git": git_url, "html": html},
    }  # fmt: skip
    if raw is not None:
        shape |= {"encoding": "base64", "content": base64.encodebytes(raw).decode()}
    return shape
