"""git over HTTP: `git http-backend` behind the server, with the token checked and protected branches kept."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.github import hook
from tests.github.rules import rules_for
from tests.github.state import Token

if TYPE_CHECKING:
    from tests.github.repository import Repository
    from tests.github.server import GitHub

PATH = re.compile(r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)")
DENIED = {401: b"Bad credentials\n", 403: b"Write access to repository not granted.\n", 404: b"Repository not found.\n"}
Answer = tuple[int, dict[str, str], bytes]


def install_hook(bare: Path) -> None:
    """Every push to this repository passes the rules in its environment."""
    script = bare / "hooks" / "update"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{hook.__file__}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)


def token_of(github: GitHub, header: str | None) -> tuple[Token | None, bool]:
    """The token of an Authorization header, and whether one was given at all."""
    if not header:
        return None, False
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        _, _, value = base64.b64decode(value).decode("utf-8", "replace").partition(":")
    return github.tokens.get(value.strip()), True


def is_push(path: str, query: str) -> bool:
    return path.endswith("/git-receive-pack") or "service=git-receive-pack" in query


def refused(github: GitHub, repo: Repository | None, token: Token | None, given: bool, push: bool) -> int:
    """The status with which this visitor is turned away, or 0."""
    if given and token is None:
        return 401
    if token is None:
        return 401 if repo is None or repo.private or push else 0
    if repo is None or not github.sees(token, repo):
        return 404
    return 0 if github.may(token, repo, "contents", "write" if push else "read") else 403


def refs_of_push(body: bytes) -> list[str]:
    """The refs that a push names, read from its first lines."""
    found, at = [], 0
    while body[at : at + 4] not in {b"0000", b""}:
        length = int(body[at : at + 4], 16)
        found.append(body[at + 4 : at + length].split(b"\0")[0].split(b" ")[2].decode().strip())
        at += length
    return found


def serve(github: GitHub, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    """One request of a git client, answered."""
    match = PATH.fullmatch(path)
    if match is None:
        return 404, {}, b"Not Found\n"
    repo, push = github.repositories.get(match["name"]), is_push(path, query)
    token, given = token_of(github, headers.get("authorization"))
    status = refused(github, repo, token, given, push)
    if status or repo is None:
        challenge = {"WWW-Authenticate": 'Basic realm="GitHub"'} if status == 401 else {}
        return status, {"Content-Type": "text/plain", **challenge}, DENIED[status]
    env = backend_environment(repo, method, match["rest"], query, headers, len(body))
    if push and token:
        env["REMOTE_USER"] = token.account.login
        if match["rest"] == "git-receive-pack":
            env["TEST_SERVER_RULES"] = json.dumps(rules_for(repo, token, refs_of_push(body)))
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=env, check=False)
    if match["rest"] == "git-receive-pack" and token:
        with github.lock:
            repo.notice(token.account.login)
    return parsed(done.stdout)


def backend_environment(
    repo: Repository, method: str, rest: str, query: str, headers: dict[str, str], length: int
) -> dict[str, str]:
    env = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(repo.bare.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PATH_INFO": f"/{rest}",
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(length),
        "REMOTE_ADDR": "127.0.0.1",
    }
    if "git-protocol" in headers:
        env["GIT_PROTOCOL"] = headers["git-protocol"]
    if "content-encoding" in headers:
        env["HTTP_CONTENT_ENCODING"] = headers["content-encoding"]
    return env


def parsed(output: bytes) -> Answer:
    """A CGI program's answer."""
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    status = int(headers.pop("Status", "200 OK").split()[0])
    return status, headers, body
