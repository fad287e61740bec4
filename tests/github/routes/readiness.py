"""What a repository's owner sets up beside what protects it: allowed actions, new rulesets, what was billed."""

from __future__ import annotations

from typing import Any

from tests.github.play import Answered, Call, found, plays
from tests.github.repository import Refused
from tests.github.routes import settings
from tests.github.shapes import when

PER_MINUTE = 0.006


@plays("actions/get-allowed-actions-repository", "administration:read")
def allowed(call: Call) -> Answered:
    owned = call.repo.actions.get("github_owned_allowed", False)
    patterns = call.repo.actions.get("patterns_allowed", [])
    return 200, {"github_owned_allowed": owned, "verified_allowed": False, "patterns_allowed": patterns}


@plays("repos/create-repo-ruleset", "administration:write")
def create_ruleset(call: Call) -> Answered:
    told: dict[str, Any] = call.body
    refs = told["conditions"]["ref_name"]
    made = call.repo.ruleset(
        told["name"], told["rules"], refs["include"], exclude=refs["exclude"], enforcement=told["enforcement"],
        bypass=told["bypass_actors"],
    )  # fmt: skip
    return 201, settings.ruleset(call, made, whole=True)


@plays("billing/get-github-billing-usage-report-user")
def usage(call: Call) -> Answered:
    """Minutes and dollars paid; told to the owner alone."""
    if call.login != call.values["username"]:
        raise Refused(403, "Resource not accessible by personal access token")
    items = [
        {
            "date": when(call.github.clock.now), "product": "Actions", "sku": "Actions Linux", "quantity": minutes,
            "unitType": "Minutes", "pricePerUnit": PER_MINUTE, "grossAmount": minutes * PER_MINUTE,
            "discountAmount": minutes * PER_MINUTE - paid, "netAmount": paid, "repositoryName": name,
        }
        for name, repository in call.github.repositories.items()
        for minutes, paid in getattr(repository, "billed", [])
    ]  # fmt: skip
    return 200, {"usageItems": items}


@plays("actions/list-environment-variables", "environments:read")
def environment_variables(call: Call) -> Answered:
    known = found(call.repo.environments, call.values["environment_name"]).variables
    made = [{**settings.secret(call, name), "value": value} for name, value in known.items()]
    return 200, {"total_count": len(made), "variables": made}


@plays("repos/codeowners-errors", "contents:read")
def codeowners_errors(call: Call) -> Answered:
    """Of owners that have no account here. A file in one place of the three that GitHub looks in."""
    head, path = f"refs/heads/{call.repo.default_branch}", ".github/CODEOWNERS"
    text = (call.repo.bare.file(head, path) or b"").decode()
    if not text:
        raise Refused(404, "Not Found")
    unknown = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        for owner in line.split()[1:]
        if "/" not in owner and owner.removeprefix("@") not in call.github.accounts
    ]
    return 200, {
        "errors": [
            {
                "line": number, "column": 1, "kind": "Unknown owner", "source": line, "suggestion": None,
                "message": f"Unknown owner on line {number}", "path": path,
            }
            for number, line in unknown
        ]
    }  # fmt: skip
