"""GitHub Actions: on, allowed what a night needs, and started by its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bot import records
from bot.doctor.finding import Finding, missing, ok, unknown, warning
from bot.doctor.ground import Ground
from bot.doctor.installed import NIGHTS, app
from bot.install import FOLDER, WORKFLOWS

GENERAL = "Settings > Actions > General"
PAGE = "settings/actions"
ADMINISTRATION = "Administration: read"
LATE = timedelta(hours=36)  # a night's distance, and half of one for a tick that came late
_OURS = tuple(f"{FOLDER}/{name}" for name in WORKFLOWS)


def check_enabled(ground: Ground) -> Iterator[Finding]:
    told = ground.api.read("/actions/permissions", ADMINISTRATION)
    put = f"gh api -X PUT repos/{ground.slug}/actions/permissions -F enabled=true -f allowed_actions=all"
    where = f"{GENERAL} > Actions permissions"
    if not told.get("enabled"):
        yield missing("actions", "GitHub Actions are off: no workflow runs", where=where, page=PAGE, commands=(put,))
        return
    allowed = told.get("allowed_actions", "all")
    if allowed == "local_only":
        said = "only actions of this owner may run: the workflows use actions/checkout and others of GitHub's own"
        yield missing("actions", said, where=f"{where} > Allow OWNER, and select non-OWNER, actions", page=PAGE)
        return
    if allowed == "selected":
        chosen = ground.api.read("/actions/permissions/selected-actions", ADMINISTRATION)
        patterns = [str(pattern) for pattern in chosen.get("patterns_allowed") or []]
        if not chosen.get("github_owned_allowed") and not any(one.startswith("actions/*") for one in patterns):
            path = f"{where} > Allow actions created by GitHub"
            command = (
                f"gh api -X PUT repos/{ground.slug}/actions/permissions/selected-actions -F github_owned_allowed=true"
            )
            said = "actions made by GitHub are not allowed: the workflows use actions/checkout and others"
            yield missing("actions", said, where=path, page=PAGE, commands=(command,))
            return
    yield ok("actions", f"on; allowed: {allowed}")


def check_token(ground: Ground) -> Iterator[Finding]:
    """May GITHUB_TOKEN open pull requests, and what may it do where a workflow does not say?"""
    told = ground.api.read("/actions/permissions/workflow", ADMINISTRATION)
    put = (
        f"gh api -X PUT repos/{ground.slug}/actions/permissions/workflow "
        "-f default_workflow_permissions=read -F can_approve_pull_request_reviews=true"
    )
    where = f"{GENERAL} > Workflow permissions"
    if told.get("can_approve_pull_request_reviews"):
        yield ok("pull requests", "Actions may open them")
    elif app(ground):
        yield ok("pull requests", "opened by an App of your own, which needs no setting")
    else:
        said = "Actions may not open pull requests: a night would end without its page (an organization may forbid it)"
        path = f"{where} > Allow GitHub Actions to create and approve pull requests"
        yield missing("pull requests", said, where=path, page=PAGE, commands=(put,))
    if told.get("default_workflow_permissions") == "read":
        yield ok("token", "reads only, where a workflow does not ask for more")
    else:
        said = "every workflow's token may write unless it says otherwise; the bot's own workflows do not need that"
        path = f"{where} > Read repository contents and packages permissions"
        yield warning("token", said, where=path, page=PAGE, commands=(put,))


def check_workflow_state(ground: Ground) -> Iterator[Finding]:
    """Are the workflows on the default branch, and does GitHub start them?"""
    listed = ground.api.read("/actions/workflows?per_page=100", "Actions: read", absent={})
    states = {one["path"]: str(one["state"]) for one in listed.get("workflows", [])}
    here = [path for path in _OURS if ground.text(path) is not None]
    absent = [path for path in here if path not in states]
    if absent and here:
        said = f"not on {ground.default_branch} yet: {', '.join(_name(path) for path in absent)}"
        steps = ("git add .github", 'git commit -m "Install autoresearch"', "git push")
        yield missing("schedule", said, commands=steps)
        return
    off = [path for path in here if states[path] != "active"]
    for path in off:
        why = "for 60 days without activity" if states[path] == "disabled_inactivity" else f"({states[path]})"
        said = f"GitHub has switched {_name(path)} off {why}: it will not start"
        enable = f"gh workflow enable {_name(path)} --repo {ground.slug}"
        yield missing("schedule", said, where=f"Actions > {_name(path)} > Enable workflow", commands=(enable,))
    for path in NIGHTS:
        if path in here and path not in off:
            yield _last_tick(ground, _name(path))


def _last_tick(ground: Ground, workflow: str) -> Finding:
    path = f"/actions/workflows/{workflow}/runs?event=schedule&per_page=1"
    found: list[dict[str, Any]] = ground.api.read(path, "Actions: read", absent={}).get("workflow_runs", [])
    nights = records.nights(ground.repository)
    seen = f"; last night recorded: {nights[-1]}" if nights else "; no night recorded yet"
    start = f"gh workflow run {workflow} --repo {ground.slug}"
    if not found:
        if ground.settings.get("fork"):
            return warning("schedule", "this is a fork: GitHub does not start its schedules until you enable them",
                           where="Actions > I understand my workflows, go ahead and enable them")  # fmt: skip
        return unknown("schedule", f"on, and its clock has not started it yet{seen}", commands=(start,))
    last = datetime.fromisoformat(str(found[0]["created_at"]))
    if ground.now - last > LATE:
        said = f"the clock last started it {_ago(ground.now - last)} ago{seen}"
        return warning("schedule", said, where=f"Actions > {workflow}", page="actions", commands=(start,))
    return ok("schedule", f"last started {_ago(ground.now - last)} ago{seen}")


def _ago(passed: timedelta) -> str:
    hours = max(0, round(passed / timedelta(hours=1)))
    return f"{hours} h" if hours < 72 else f"{hours // 24} days"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
