"""One call of the REST API: routed, held against the description, allowed or refused, played, answered, held again."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from tests.github import githttp, openapi, routes
from tests.github.openapi import Routed
from tests.github.play import PLAYS, Call, Play
from tests.github.refusal import Refused
from tests.github.repository import Repository
from tests.github.state import Token
from tests.github.text import too_long

if TYPE_CHECKING:
    from tests.github.server import GitHub

routes.load()
DOCUMENTATION = "https://docs.github.com/rest"
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    """`path` is still quoted and begins after the API's own prefix."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def names(request: Request) -> list[str]:
    """By what a fault or a test may call this call: method and template, id, method and path."""
    routed = openapi.description().route(request.method, request.path)
    spelled = f"{request.method} {request.path}"
    return [f"{request.method} {routed.operation.path}", routed.operation.id, spelled] if routed else [spelled]


def serve(github: GitHub, request: Request) -> Answer:
    with github.lock:
        routed = openapi.description().route(request.method, request.path)
        if routed is None or routed.operation.id not in PLAYS:
            what = "not played by the test server" if routed else "not in GitHub's description"
            github.wrong(f"{request.method} {request.path}: {what}")
            github.called(names(request), request.path, 404, "")
            return error(404, "Not Found")
        token, given = githttp.token_of(github, request.headers.get("authorization"))
        faults = openapi.description().faults_of_request(routed, request.query, request.body)
        judge(github, f"{request.method} {request.path}", f"{routed.operation.id} request", faults)
        if faults:
            answer = error(422, "Validation Failed: " + "; ".join(faults))
        elif given and token is None:
            answer = error(401, "Bad credentials")
        else:
            answer = played(github, request, routed, token)
            judge_answer(github, request, routed, answer)
        body = json.loads(request.body) if request.body and not faults else None
        github.called(names(request), request.path, answer[0], token.account.login if token else "", body)
        return answer[0], {**limits(github), **answer[1]}, answer[2]


def judge(github: GitHub, what: str, kind: str, faults: list[str]) -> None:
    for each in faults:
        github.wrong(f"{what}: {each}")
    if not faults:
        github.right(kind)


def judge_answer(github: GitHub, request: Request, routed: Routed, answer: Answer) -> None:
    faults = openapi.description().faults_of_answer(routed.operation, answer[0], answer[2])
    what = f"{request.method} {request.path} -> {answer[0]}"
    judge(github, what, f"{routed.operation.id} {answer[0]}", faults)


def limits(github: GitHub) -> dict[str, str]:
    used = min(len(github.calls), 4999)
    return {
        "Content-Type": "application/json; charset=utf-8",
        "x-ratelimit-limit": "5000", "x-ratelimit-remaining": str(5000 - used), "x-ratelimit-used": str(used),
        "x-ratelimit-reset": str(int(time.time()) + 3600), "x-ratelimit-resource": "core",
    }  # fmt: skip


def error(status: int, message: str, errors: list[Any] | None = None) -> Answer:
    shape: dict[str, Any] = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
    if errors is not None:
        shape["errors"] = errors
    return status, {}, json.dumps(shape).encode()


def played(github: GitHub, request: Request, routed: Routed, token: Token | None) -> Answer:
    play = PLAYS[routed.operation.id]
    name = "/".join(routed.values[key] for key in ("owner", "repo") if key in routed.values)
    repo = github.repositories.get(name)
    if name and (repo is None or not github.sees(token, repo)):
        return error(404, "Not Found")
    refusal = refused(github, play, token, repo, request.method)
    if refusal:
        return refusal
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    body = json.loads(request.body) if request.body else {}
    call = Call(github, routed.operation.id, routed.values, query, body, token, repo)
    fault = too_long(body) if routed.operation.id.startswith(("pulls/", "issues/")) and isinstance(body, dict) else ""
    if fault:
        return error(422, "Validation Failed", [{"code": "custom", "message": fault}])
    try:
        status, value = play.handler(call)
    except Refused as no:
        return error(no.status, no.message, no.errors)
    except Exception:  # noqa: BLE001 - the server's own fault must not pass for an answer of GitHub's
        github.wrong(f"{request.method} {request.path}: the test server failed\n{traceback.format_exc()}")
        return error(500, "The test server failed")
    if "per_page" in {p["name"] for p in routed.operation.parameters}:
        value = one_page(call, request, value)
    return status, call.headers, b"" if value is None else json.dumps(value).encode()


def refused(github: GitHub, play: Play, token: Token | None, repo: Repository | None, method: str) -> Answer | None:
    """The answer to a token that may not do this, which names the permissions that would be enough."""
    if token is None:
        return None if method == "GET" and play.needs == ["metadata:read"] else error(401, "Requires authentication")
    if not play.needs or repo is None:
        return None
    if any(github.may(token, repo, *need.split(":")) for need in play.needs):
        return None
    kind = "integration" if token.kind == "installation" else "personal access token"
    status, _, body = error(403, f"Resource not accessible by {kind}")
    return status, {"X-Accepted-GitHub-Permissions": "; ".join(need.replace(":", "=") for need in play.needs)}, body


def one_page(call: Call, request: Request, value: Any) -> Any:
    """A list is cut to its page; so is the one list of an answer that counts its items."""
    if isinstance(value, list):
        return paged(call, request, value)
    return {name: paged(call, request, part) if isinstance(part, list) else part for name, part in value.items()}


def page_of(call: Call) -> tuple[int, int]:
    return int(call.query.get("page", 1)), min(int(call.query.get("per_page", 30)), 100)


def paged(call: Call, request: Request, items: list[Any]) -> list[Any]:
    """The page that was asked for; the other pages are linked in a header."""
    page, size = page_of(call)
    last = max(1, -(-len(items) // size))
    wanted = {"next": page + 1, "last": last} if page < last else {}
    wanted |= {"prev": page - 1, "first": 1} if page > 1 else {}
    url = f"{call.github.api_url}{request.path}"
    links = [f'<{url}?{urlencode({**call.query, "page": number})}>; rel="{rel}"' for rel, number in wanted.items()]
    if links:
        call.headers["Link"] = ", ".join(links)
    return items[(page - 1) * size : page * size]
