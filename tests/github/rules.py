"""Protected branches and rulesets as the rules that one token's push is held against."""

from __future__ import annotations

from typing import Any

from tests.github.repository import Repository
from tests.github.state import Protection, Ruleset, Token

ADMIN_ROLE, ACTIONS_APP = 5, 15368  # GitHub's own numbers for the admin role and for its Actions app
WORDS = {
    "creation": "Cannot create ref due to creations being restricted.",
    "deletion": "Cannot delete this branch",
    "non_fast_forward": "Cannot force-push to this branch",
    "update": "Cannot update this protected ref.",
    "pull_request": "Changes must be made through a pull request.",
    "required_status_checks": "Required status check is expected.",
}


def rule(ref: str, kind: str, message: str) -> dict[str, Any]:
    return {"ref": ref, "kind": kind, "message": message}


def of_protection(branch: str, how: Protection) -> list[dict[str, Any]]:
    ref = f"refs/heads/{branch}"
    head = f"GH006: Protected branch update failed for {ref}.\n"
    found = []
    if not how.allow_deletions:
        found.append(rule(ref, "deletion", head + "Cannot delete a protected branch"))
    if not how.allow_force_pushes:
        found.append(rule(ref, "non_fast_forward", head + "Cannot force-push to a protected branch"))
    if how.reviews is not None:
        found.append(rule(ref, "update", head + "Changes must be made through a pull request."))
    if how.checks:
        found.append(rule(ref, "update", head + f'Required status check "{how.checks[0]}" is expected.'))
    return found


def of_ruleset(ref: str, ruleset: Ruleset) -> list[dict[str, Any]]:
    head = f"GH013: Repository rule violations found for {ref}.\n\n- "
    kinds = {"pull_request": "update", "required_status_checks": "update"}
    return [
        rule(ref, kinds.get(each["type"], each["type"]), head + WORDS[each["type"]])
        for each in ruleset.rules
        if each["type"] in WORDS
    ]


def bypasses(repo: Repository, token: Token, ruleset: Ruleset) -> bool:
    for actor in ruleset.bypass:
        if actor["actor_type"] == "Integration" and token.kind == "installation":
            return bool(actor["actor_id"] == ACTIONS_APP)
        if actor["actor_type"] == "RepositoryRole" and token.kind == "user" and actor["actor_id"] == ADMIN_ROLE:
            return repo.may(token.account.login, "admin")
    return False


def rules_for(repo: Repository, token: Token, refs: list[str]) -> list[dict[str, Any]]:
    """Every rule that binds this token on these refs."""
    found = []
    is_admin = token.kind == "user" and repo.may(token.account.login, "admin")
    for branch, how in repo.protection.items():
        if how.admins_too or not is_admin:
            found += of_protection(branch, how)
    for ref in refs:
        for ruleset in repo.rulesets_of(ref):
            if not bypasses(repo, token, ruleset):
                found += of_ruleset(ref, ruleset)
    if token.kind == "installation" and not token.allows("workflows", "write"):
        message = "refusing to allow a GitHub App to create or update workflow without `workflows` permission"
        found.append(rule("refs/*", "workflows", message))
    return found
