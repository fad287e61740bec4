"""What protects a branch: rulesets, and the older branch protection beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.doctor.ground import Ground
from bot.forge.github.inspection import NoRight, NotInPlan

ADMINISTRATION = "Administration: read"
ACTIONS_APP = 15368  # GitHub Actions, to which every GITHUB_TOKEN belongs
_ROLES = {2: "maintainers", 4: "everyone who may write", 5: "administrators"}


@dataclass(frozen=True)
class Guard:
    """What asks for a pull request. bypass: who may push without one; None: not shown. apps: programs that may push
    without one, or merge one without its approvals."""

    approvals: int
    stale_dismissed: bool
    bypass: tuple[str, ...] | None
    apps: tuple[str, ...]
    by_actions: bool


def rules(ground: Ground, branch: str) -> list[dict[str, Any]]:
    """The active rules of rulesets for a branch, there or not. Who may read the repository may read them."""
    found: list[dict[str, Any]] = ground.api.read(f"/rules/branches/{quote(branch, safe='')}", "Metadata: read")
    return found


def in_plan(ground: Ground) -> bool:
    """Whether whoever pays for this repository gets protection at all."""
    try:
        rules(ground, ground.default_branch)
    except NotInPlan:
        return False
    return True


def classic(ground: Ground, branch: str) -> dict[str, Any]:
    """A branch's own protection; empty where it has none. Raises NoRight where it has one that is not shown."""
    path = f"/branches/{quote(branch, safe='')}"
    if not ground.api.read(path, "Contents: read", absent={}).get("protected"):
        return {}
    found: dict[str, Any] = ground.api.read(f"{path}/protection", ADMINISTRATION, absent={})
    if not found and not rules(ground, branch):
        raise NoRight(ADMINISTRATION)  # something protects it, and the token may not see what
    return found


def guards(ground: Ground, branch: str) -> list[Guard]:
    """Everything that asks for a pull request before this branch moves. Raises NoRight, NotInPlan."""
    found = list(_of_rulesets(ground, branch))
    try:
        found += _of_classic(classic(ground, branch))
    except NoRight:
        if not found:
            raise
    return found


def _of_rulesets(ground: Ground, branch: str) -> Iterator[Guard]:
    for rule in rules(ground, branch):
        if rule.get("type") == "pull_request":
            told = rule.get("parameters") or {}
            stale = told.get("dismiss_stale_reviews_on_push") or told.get("require_last_push_approval")
            approvals = int(told.get("required_approving_review_count", 0))
            yield Guard(approvals, bool(stale), *_bypass(ground, rule.get("ruleset_id")))


def _bypass(ground: Ground, number: object) -> tuple[tuple[str, ...] | None, tuple[str, ...], bool]:
    """Who may bypass a ruleset, the programs among them, and whether GitHub Actions is one."""
    try:
        listed = ground.api.read(f"/rulesets/{number}", "Administration: write", absent={}).get("bypass_actors")
    except NoRight:
        listed = None
    if listed is None:
        return None, (), False
    always = [actor for actor in listed if actor.get("bypass_mode") != "pull_request"]
    apps = [actor.get("actor_id") for actor in listed if actor["actor_type"] == "Integration"]
    return tuple(map(_actor, always)), tuple(f"app {app}" for app in apps), ACTIONS_APP in apps


def programs(ground: Ground, number: object) -> tuple[str, ...]:
    """Those that may bypass a ruleset, as far as the token is told."""
    return _bypass(ground, number)[1]


def _actor(actor: dict[str, Any]) -> str:
    number, kind = actor.get("actor_id"), actor["actor_type"]
    if kind == "RepositoryRole":
        return _ROLES.get(number or 0, f"role {number}")
    if kind == "Integration":
        return f"app {number}"
    return {"OrganizationAdmin": "the organization's owners", "DeployKey": "deploy keys"}.get(kind, f"{kind} {number}")


def _of_classic(found: dict[str, Any]) -> Iterator[Guard]:
    reviews = found.get("required_pull_request_reviews")
    if not reviews:
        return
    allowed = reviews.get("bypass_pull_request_allowances") or {}
    slugs = [str(app.get("slug")) for app in allowed.get("apps") or []]
    apps = tuple(f"app {slug}" for slug in slugs)
    names = [f"@{user['login']}" for user in allowed.get("users") or []]
    names += [f"team {team['slug']}" for team in allowed.get("teams") or []]
    if not (found.get("enforce_admins") or {}).get("enabled"):
        names.append("administrators")
    stale = reviews.get("dismiss_stale_reviews") or reviews.get("require_last_push_approval")
    approvals = int(reviews.get("required_approving_review_count", 0))
    yield Guard(approvals, bool(stale), (*names, *apps), apps, "github-actions" in slugs)
