"""Workflows, their runs and jobs, the runners that take them."""

from __future__ import annotations

from datetime import timedelta

from tests.github import gitshapes, shapes
from tests.github.play import Answered, Call, found, plays
from tests.github.refusal import Refused
from tests.github.shapes import Json, node, when
from tests.github.state import Job, Run, Runner, Workflow

READ, WRITE = "actions:read", "actions:write"


def workflow(call: Call, each: Workflow) -> Json:
    url, html = (
        f"{call.repo.api_url}/actions/workflows/{each.id}",
        f"{call.repo.html_url}/actions/workflows/{each.path}",
    )
    return {
        "id": each.id, "node_id": node("Workflow", each.id), "name": each.name, "path": each.path, "state": each.state,
        "created_at": when(call.repo.created_at), "updated_at": when(call.repo.created_at), "url": url,
        "html_url": html, "badge_url": f"{html}/badge.svg",
    }  # fmt: skip


def one_workflow(call: Call) -> Workflow:
    wanted = call.values["workflow_id"]
    for each in call.repo.known_workflows():
        if wanted in {str(each.id), each.path, each.path.rsplit("/", 1)[-1]}:
            return each
    raise Refused(404, "Not Found")


@plays("actions/list-repo-workflows", READ)
def workflows(call: Call) -> Answered:
    known = [workflow(call, each) for each in call.repo.known_workflows()]
    return 200, {"total_count": len(known), "workflows": known}


@plays("actions/get-workflow", READ)
def get_workflow(call: Call) -> Answered:
    return 200, workflow(call, one_workflow(call))


def switched(call: Call, state: str) -> Answered:
    one_workflow(call).state = state
    return 204, None


@plays("actions/disable-workflow", WRITE)
def disable(call: Call) -> Answered:
    return switched(call, "disabled_manually")


@plays("actions/enable-workflow", WRITE)
def enable(call: Call) -> Answered:
    return switched(call, "active")


@plays("actions/create-workflow-dispatch", WRITE)
def dispatch(call: Call) -> Answered:
    body, repo = call.body, call.repo
    if repo.bare.sha(body["ref"]) is None:
        raise Refused(404, f"No ref found for: {body['ref']}")
    which = one_workflow(call)
    if which.state != "active":
        raise Refused(403, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    made = repo.run(which.path, "workflow_dispatch", by=call.login, branch=body["ref"], inputs=body.get("inputs", {}))
    if not body.get("return_run_details"):
        return 204, None
    shape = run(call, made)
    return 200, {"workflow_run_id": made.id, "run_url": shape["url"], "html_url": shape["html_url"]}


def run(call: Call, each: Run) -> Json:
    repo, which = call.repo, each.workflow
    url = f"{repo.api_url}/actions/runs/{each.id}"
    known = gitshapes.facts(repo, each.head_sha)
    people = {role: {"name": known[role]["name"], "email": known[role]["email"]} for role in ("author", "committer")}
    actor = shapes.user(each.user, call.github.api_url)
    links = {name: f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")}
    return {
        "id": each.id, "node_id": node("Run", each.id), "name": which.name, "head_branch": each.head_branch,
        "head_sha": each.head_sha, "path": which.path, "display_title": which.name, "event": each.event,
        "run_number": [run.id for run in repo.runs if run.workflow is which].index(each.id) + 1,
        "run_attempt": each.attempt, "status": each.status, "conclusion": each.conclusion, "workflow_id": which.id,
        "check_suite_id": each.id, "url": url, "html_url": f"{repo.html_url}/actions/runs/{each.id}",
        "pull_requests": [], "created_at": when(each.at), "updated_at": when(each.at), "run_started_at": when(each.at),
        "actor": actor, "triggering_actor": actor, "check_suite_url": f"{repo.api_url}/check-suites/{each.id}",
        "workflow_url": f"{repo.api_url}/actions/workflows/{which.id}", "previous_attempt_url": None,
        "repository": shapes.repository(repo), "head_repository": shapes.repository(repo),
        "head_commit": {
            "id": known["sha"], "tree_id": known["tree"], "message": known["message"],
            "timestamp": known["committer"]["date"], **people,
        },
        **{f"{name}_url": link for name, link in links.items()},
    }  # fmt: skip


def listed(call: Call, runs: list[Run]) -> Answered:
    wanted = {
        name: call.query[name] for name in ("status", "branch", "event", "actor", "head_sha") if name in call.query
    }
    kept = [each for each in reversed(runs) if all(value in facets(each)[name] for name, value in wanted.items())]
    if "created" in call.query:
        kept = [each for each in kept if in_range(when(each.at) or "", call.query["created"])]
    return 200, {"total_count": len(kept), "workflow_runs": [run(call, each) for each in kept]}


def facets(each: Run) -> dict[str, set[str | None]]:
    return {
        "status": {each.status, each.conclusion}, "branch": {each.head_branch}, "event": {each.event},
        "actor": {each.user.login}, "head_sha": {each.head_sha},
    }  # fmt: skip


def in_range(at: str, wanted: str) -> bool:
    """`>=2026-03-01`, `<=...` or `a..b`, in the words of GitHub's search; a bare day is that day."""
    if ".." in wanted:
        low, high = wanted.split("..")
        return low <= at[: len(low)] and at[: len(high)] <= high
    if wanted.startswith(">="):
        return at[: len(wanted) - 2] >= wanted[2:]
    if wanted.startswith("<="):
        return at[: len(wanted) - 2] <= wanted[2:]
    return at.startswith(wanted)


@plays("actions/list-workflow-runs-for-repo", READ)
def runs(call: Call) -> Answered:
    return listed(call, call.repo.runs)


@plays("actions/list-workflow-runs", READ)
def runs_of_workflow(call: Call) -> Answered:
    which = one_workflow(call)
    return listed(call, [each for each in call.repo.runs if each.workflow is which])


def one(call: Call) -> Run:
    known: Run = found({str(each.id): each for each in call.repo.runs}, call.values["run_id"])
    return known


@plays("actions/get-workflow-run", READ)
def get(call: Call) -> Answered:
    return 200, run(call, one(call))


def cancelled(call: Call) -> Answered:
    which = one(call)
    if which.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    which.status, which.conclusion = "completed", "cancelled"
    for each in which.jobs:
        if each.status != "completed":
            each.status, each.conclusion = "completed", "cancelled"
    return 202, {}


@plays("actions/cancel-workflow-run", WRITE)
def cancel(call: Call) -> Answered:
    return cancelled(call)


@plays("actions/force-cancel-workflow-run", WRITE)
def force_cancel(call: Call) -> Answered:
    return cancelled(call)


def job(call: Call, of: Run, each: Job) -> Json:
    url = f"{call.repo.api_url}/actions/jobs/{each.id}"
    done = each.status == "completed"
    return {
        "id": each.id, "run_id": of.id, "run_url": f"{call.repo.api_url}/actions/runs/{of.id}",
        "run_attempt": each.attempt or of.attempt, "node_id": node("Job", each.id), "head_sha": of.head_sha, "url": url,
        "status": each.status,
        "html_url": f"{call.repo.html_url}/actions/runs/{of.id}/job/{each.id}", "conclusion": each.conclusion,
        "created_at": when(of.at), "started_at": when(of.at),
        "completed_at": when(of.at + timedelta(minutes=each.minutes)) if done else None,
        "name": each.name, "check_run_url": f"{call.repo.api_url}/check-runs/{each.id}", "labels": each.labels,
        "runner_id": None, "runner_name": each.runner, "runner_group_id": None, "runner_group_name": None,
        "workflow_name": of.workflow.name, "head_branch": of.head_branch, "steps": [],
    }  # fmt: skip


@plays("actions/list-jobs-for-workflow-run", READ)
def jobs(call: Call) -> Answered:
    of = one(call)
    every = call.query.get("filter", "latest") == "all"
    found = [each for each in of.jobs if every or (each.attempt or of.attempt) == of.attempt]
    return 200, {"total_count": len(found), "jobs": [job(call, of, each) for each in found]}


def runner(each: Runner) -> Json:
    names = ["self-hosted", *each.labels]
    kinds = ["read-only", *["custom"] * len(each.labels)]
    return {
        "id": each.id, "name": each.name, "os": "Linux", "status": each.status, "busy": each.busy,
        "ephemeral": each.ephemeral,
        "labels": [{"id": n + 1, "name": name, "type": kinds[n]} for n, name in enumerate(names)],
    }  # fmt: skip


@plays("actions/list-self-hosted-runners-for-repo", "administration:read")
def runners(call: Call) -> Answered:
    known = [runner(each) for each in call.repo.runners]
    return 200, {"total_count": len(known), "runners": known}
