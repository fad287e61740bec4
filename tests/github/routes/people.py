"""Who asks, who may, what is left of the hour and of the month."""

from __future__ import annotations

import time

from tests.github import shapes
from tests.github.play import Answered, Call, plays
from tests.github.refusal import Refused
from tests.github.shapes import Json, when
from tests.github.state import Account

PERMISSIONS = {"maintain": "write", "triage": "read"}


def whole_user(call: Call, account: Account) -> Json:
    mine = [each for each in call.github.repositories.values() if each.owner_login == account.login]
    return {
        **shapes.user(account, call.github.api_url), "name": None, "company": None, "blog": "", "location": None,
        "email": None, "hireable": None, "bio": None, "public_repos": len(mine), "public_gists": 0, "followers": 0,
        "following": 0, "created_at": when(call.github.clock.now), "updated_at": when(call.github.clock.now),
    }  # fmt: skip


@plays("users/get-authenticated")
def me(call: Call) -> Answered:
    if call.token is None:
        raise Refused(401, "Requires authentication")
    if call.token.kind == "installation":
        raise Refused(403, "Resource not accessible by integration")
    return 200, whole_user(call, call.token.account)


@plays("users/get-by-username")
def by_name(call: Call) -> Answered:
    account = call.github.accounts.get(call.values["username"])
    if account is None:
        raise Refused(404, "Not Found")
    return 200, whole_user(call, account)


@plays("apps/list-repos-accessible-to-installation")
def installed(call: Call) -> Answered:
    if call.token is None or call.token.kind != "installation":
        raise Refused(403, "You must authenticate with an installation access token in order to list repositories.")
    repositories = [shapes.repository(each) for each in call.github.repositories.values()]
    return 200, {"total_count": len(repositories), "repositories": repositories, "repository_selection": "selected"}


@plays("rate-limit/get")
def rate_limit(call: Call) -> Answered:
    used = min(len(call.github.calls), 4999)
    core = {"limit": 5000, "used": used, "remaining": 5000 - used, "reset": int(time.time()) + 3600}
    return 200, {"resources": {"core": core, "search": {**core, "limit": 30, "used": 0, "remaining": 30}}, "rate": core}


@plays("repos/get-collaborator-permission-level", "metadata:read")
def permission(call: Call) -> Answered:
    account = call.github.accounts.get(call.values["username"])
    if account is None:
        raise Refused(404, "Not Found")
    role = call.repo.role(account.login)
    user = {**shapes.user(account, call.github.api_url), "role_name": role}
    return 200, {"permission": PERMISSIONS.get(role, role), "role_name": role, "user": user}


@plays("repos/check-collaborator", "metadata:read")
def is_collaborator(call: Call) -> Answered:
    if call.values["username"] not in call.repo.collaborators:
        raise Refused(404, "Not Found")
    return 204, None


@plays("repos/list-collaborators", "metadata:read")
def collaborators(call: Call) -> Answered:
    made = []
    for login, role in call.repo.collaborators.items():
        granted = [call.repo.may(login, each) for each in ("read", "triage", "write", "maintain", "admin")]
        names = ("pull", "triage", "push", "maintain", "admin")
        user = shapes.user(call.github.account(login), call.github.api_url)
        made.append({**user, "role_name": role, "permissions": dict(zip(names, granted, strict=True))})
    return 200, made


@plays("repos/list-teams", "metadata:read")
def teams(call: Call) -> Answered:
    return 200, [shapes.team(call.repo, slug) for slug in call.repo.teams]


def usage(call: Call, owner: str) -> list[Json]:
    """Minutes of the owner's workflows on hosted runners, by day."""
    lines: dict[tuple[str, str], float] = {}
    for repo in call.github.repositories.values():
        for run in repo.runs if repo.owner_login == owner and repo.private else []:
            day = f"{run.at:%Y-%m-%d}"
            lines[day, repo.full_name] = lines.get((day, repo.full_name), 0) + run.minutes
    return [
        {
            "date": f"{day}T00:00:00Z", "product": "actions", "sku": "Actions Linux", "quantity": round(minutes),
            "unitType": "Minutes", "pricePerUnit": 0.006, "grossAmount": minutes * 0.006,
            "discountAmount": minutes * 0.006, "netAmount": 0.0, "organizationName": owner, "repositoryName": name,
        }
        for (day, name), minutes in lines.items()
    ]  # fmt: skip


@plays("billing/get-github-billing-usage-report-org")
def billing_of_organization(call: Call) -> Answered:
    return 200, {"usageItems": usage_for(call, call.values["org"])}


def usage_for(call: Call, owner: str) -> list[Json]:
    """A bill is shown to its payer alone, never to a workflow's token."""
    if call.token is None or call.token.kind == "installation" or call.login != owner:
        raise Refused(403, "Resource not accessible by integration")
    return usage(call, owner)
