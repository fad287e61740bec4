"""Check runs and commit statuses. Only an app, which a workflow's token is, may post a check run."""

from __future__ import annotations

from datetime import datetime

from tests.github import shapes
from tests.github.play import Answered, Call, plays
from tests.github.refusal import Refused
from tests.github.shapes import when
from tests.github.state import CheckRun, Status

READ, WRITE = "checks:read", "checks:write"


def commit_of(call: Call, name: str) -> str:
    sha = call.repo.bare.sha(name.removeprefix("heads/"))
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {name}")
    return sha


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@plays("checks/create", WRITE)
def create(call: Call) -> Answered:
    if call.token and call.token.kind == "user":
        raise Refused(403, "You must authenticate via a GitHub App.")
    body, now = call.body, call.github.clock.now
    made = CheckRun(
        call.github.next_id(), body["name"], commit_of(call, body["head_sha"]), "queued", None,
        moment(body.get("started_at")) or now, None, {},
    )  # fmt: skip
    change(call, made)
    call.repo.check_runs.append(made)
    return 201, shapes.check_run(call.repo, made)


def change(call: Call, run: CheckRun) -> None:
    body = call.body
    if "conclusion" in body:
        run.status, run.conclusion = "completed", body["conclusion"]
        run.completed_at = moment(body.get("completed_at")) or call.github.clock.now
    for name in ("name", "status", "external_id", "details_url"):
        if name in body:
            setattr(run, name, body[name])
    run.output = {**run.output, **body.get("output", {})}
    if run.status == "completed" and run.conclusion is None:
        raise Refused(422, "Invalid request. A completed check run needs a conclusion.")


def one(call: Call) -> CheckRun:
    wanted = int(call.values["check_run_id"])
    found = next((each for each in call.repo.check_runs if each.id == wanted), None)
    if found is None:
        raise Refused(404, "Not Found")
    return found


@plays("checks/get", READ, "metadata:read")
def get(call: Call) -> Answered:
    return 200, shapes.check_run(call.repo, one(call))


@plays("checks/update", WRITE)
def update(call: Call) -> Answered:
    run = one(call)
    change(call, run)
    return 200, shapes.check_run(call.repo, run)


@plays("checks/list-for-ref", READ, "metadata:read")
def listed(call: Call) -> Answered:
    sha = commit_of(call, call.values["ref"])
    runs = [each for each in call.repo.check_runs if each.head_sha == sha]
    if "check_name" in call.query:
        runs = [each for each in runs if each.name == call.query["check_name"]]
    if call.query.get("filter", "latest") == "latest":
        runs = list({(each.app, each.name): each for each in runs}.values())
    return 200, {"total_count": len(runs), "check_runs": [shapes.check_run(call.repo, each) for each in runs]}


def status(call: Call, each: Status) -> shapes.Json:
    return {
        "id": each.id, "node_id": shapes.node("Status", each.id), "url": f"{call.repo.api_url}/statuses/{each.sha}",
        "avatar_url": None, "state": each.state, "description": each.description, "target_url": each.target_url,
        "context": each.context, "created_at": when(each.at), "updated_at": when(each.at),
        "creator": shapes.user(each.user, call.github.api_url),
    }  # fmt: skip


@plays("repos/create-commit-status", "statuses:write")
def create_status(call: Call) -> Answered:
    body, sha = call.body, commit_of(call, call.values["sha"])
    made = Status(
        call.github.next_id(), sha, body["state"], body.get("context", "default"), body.get("description"),
        body.get("target_url"), call.github.account(call.login), call.github.clock.now,
    )  # fmt: skip
    call.repo.statuses.append(made)
    return 201, status(call, made)


@plays("repos/list-commit-statuses-for-ref", "statuses:read", "metadata:read")
def statuses(call: Call) -> Answered:
    sha = commit_of(call, call.values["ref"])
    return 200, [status(call, each) for each in reversed(call.repo.statuses) if each.sha == sha]


@plays("repos/get-combined-status-for-ref", "statuses:read", "metadata:read")
def combined(call: Call) -> Answered:
    sha = commit_of(call, call.values["ref"])
    latest = list({each.context: each for each in call.repo.statuses if each.sha == sha}.values())
    states = {each.state for each in latest}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    return 200, {
        "state": state, "sha": sha, "total_count": len(latest), "url": f"{call.repo.api_url}/commits/{sha}/status",
        "commit_url": f"{call.repo.api_url}/commits/{sha}", "repository": shapes.repository(call.repo),
        "statuses": [{k: v for k, v in status(call, each).items() if k != "creator"} for each in latest],
    }  # fmt: skip
