"""What protects a repository: branch protection, rulesets, environments, secrets, what Actions may do."""

from __future__ import annotations

from tests.github import shapes
from tests.github.play import Answered, Call, found, plays
from tests.github.refusal import Refused
from tests.github.shapes import Json, node, when
from tests.github.state import Environment, Ruleset

ADMIN = "administration:read"


@plays("repos/get-branch-protection", ADMIN)
def protection(call: Call) -> Answered:
    branch = call.values["branch"]
    if branch not in call.repo.protection:
        raise Refused(404, "Branch not protected")
    how, url = call.repo.protection[branch], f"{call.repo.api_url}/branches/{branch}/protection"
    shape: Json = {
        "url": url, "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": how.admins_too},
        "required_linear_history": {"enabled": False}, "allow_force_pushes": {"enabled": how.allow_force_pushes},
        "allow_deletions": {"enabled": how.allow_deletions}, "block_creations": {"enabled": False},
        "required_conversation_resolution": {"enabled": False}, "lock_branch": {"enabled": False},
        "allow_fork_syncing": {"enabled": False},
    }  # fmt: skip
    if how.reviews is not None:
        shape["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews", "dismiss_stale_reviews": False,
            "require_code_owner_reviews": how.code_owners, "require_last_push_approval": False,
            "required_approving_review_count": how.reviews,
        }  # fmt: skip
    if how.checks:
        shape["required_status_checks"] = {
            "url": f"{url}/required_status_checks", "strict": False, "contexts": how.checks,
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": [{"context": each, "app_id": None} for each in how.checks],
        }  # fmt: skip
    return 200, shape


def ruleset(call: Call, each: Ruleset, whole: bool = False) -> Json:
    """`whole`: with rules and conditions; who may pass them is told to those who may change them."""
    url = f"{call.repo.api_url}/rulesets/{each.id}"
    shape: Json = {
        "id": each.id, "name": each.name, "target": each.target, "source_type": "Repository",
        "source": call.repo.full_name, "enforcement": each.enforcement, "node_id": node("Ruleset", each.id),
        "_links": {"self": {"href": url}, "html": {"href": f"{call.repo.html_url}/rules/{each.id}"}},
        "created_at": when(call.repo.created_at), "updated_at": when(call.repo.created_at),
    }  # fmt: skip
    if whole:
        shape["rules"] = each.rules
        shape["conditions"] = {"ref_name": {"include": each.include, "exclude": each.exclude}}
        if call.token and call.github.may(call.token, call.repo, "administration", "write"):
            shape["bypass_actors"] = each.bypass
    return shape


@plays("repos/get-repo-rulesets", "metadata:read")
def rulesets(call: Call) -> Answered:
    return 200, [ruleset(call, each) for each in call.repo.rulesets]


@plays("repos/get-repo-ruleset", "metadata:read")
def get_ruleset(call: Call) -> Answered:
    known = {str(each.id): each for each in call.repo.rulesets}
    return 200, ruleset(call, found(known, call.values["ruleset_id"]), whole=True)


@plays("repos/get-branch-rules", "metadata:read")
def rules(call: Call) -> Answered:
    binding = call.repo.rulesets_of(f"refs/heads/{call.values['branch']}")
    return 200, [
        {
            **rule, "ruleset_source_type": "Repository", "ruleset_source": call.repo.full_name, "ruleset_id": each.id,
        }
        for each in binding
        for rule in each.rules
    ]  # fmt: skip


def environment(call: Call, each: Environment) -> Json:
    url = f"{call.repo.api_url}/environments/{each.name}"
    policy = None
    if each.branches is not None:
        by_protection = each.branches == "protected"
        policy = {"protected_branches": by_protection, "custom_branch_policies": not by_protection}
    guards: list[Json] = []
    if policy:
        guards.append({"id": each.id + 1, "node_id": node("Rule", each.id + 1), "type": "branch_policy"})
    if each.reviewers:
        people = [shapes.user(call.github.account(login), call.github.api_url) for login in each.reviewers]
        guards.append(
            {
                "id": each.id + 2, "node_id": node("Rule", each.id + 2), "type": "required_reviewers",
                "prevent_self_review": False, "reviewers": [{"type": "User", "reviewer": person} for person in people],
            }
        )  # fmt: skip
    return {
        "id": each.id, "node_id": node("Environment", each.id), "name": each.name, "url": url,
        "html_url": f"{call.repo.html_url}/settings/environments/{each.id}", "created_at": when(call.repo.created_at),
        "updated_at": when(call.repo.created_at), "protection_rules": guards, "deployment_branch_policy": policy,
    }  # fmt: skip


@plays("repos/get-all-environments", "actions:read")
def environments(call: Call) -> Answered:
    all_of_them = [environment(call, each) for each in call.repo.environments.values()]
    return 200, {"total_count": len(all_of_them), "environments": all_of_them}


@plays("repos/get-environment", "actions:read")
def get_environment(call: Call) -> Answered:
    return 200, environment(call, found(call.repo.environments, call.values["environment_name"]))


@plays("repos/list-deployment-branch-policies", "actions:read")
def policies(call: Call) -> Answered:
    branches = found(call.repo.environments, call.values["environment_name"]).branches
    names = branches if isinstance(branches, list) else []
    made = [
        {"id": n + 1, "node_id": node("Policy", n + 1), "name": name, "type": "branch"} for n, name in enumerate(names)
    ]
    return 200, {"total_count": len(made), "branch_policies": made}


def secret(call: Call, name: str) -> Json:
    return {"name": name, "created_at": when(call.repo.created_at), "updated_at": when(call.repo.created_at)}


@plays("actions/list-repo-secrets", "secrets:read")
def secrets(call: Call) -> Answered:
    names = call.repo.secrets
    return 200, {"total_count": len(names), "secrets": [secret(call, name) for name in names]}


@plays("actions/get-repo-secret", "secrets:read")
def get_secret(call: Call) -> Answered:
    if call.values["secret_name"] not in call.repo.secrets:
        raise Refused(404, "Not Found")
    return 200, secret(call, call.values["secret_name"])


@plays("actions/list-environment-secrets", "environments:read")
def environment_secrets(call: Call) -> Answered:
    names = found(call.repo.environments, call.values["environment_name"]).secrets
    return 200, {"total_count": len(names), "secrets": [secret(call, name) for name in names]}


@plays("actions/list-repo-variables", "actions_variables:read")
def variables(call: Call) -> Answered:
    made = [{**secret(call, name), "value": value} for name, value in call.repo.variables.items()]
    return 200, {"total_count": len(made), "variables": made}


@plays("actions/get-github-actions-permissions-repository", ADMIN)
def actions(call: Call) -> Answered:
    names = ("enabled", "allowed_actions", "sha_pinning_required")
    return 200, {name: call.repo.actions[name] for name in names}


@plays("actions/get-github-actions-default-workflow-permissions-repository", ADMIN)
def workflow_permissions(call: Call) -> Answered:
    names = ("default_workflow_permissions", "can_approve_pull_request_reviews")
    return 200, {name: call.repo.actions[name] for name in names}


@plays("actions/set-github-actions-default-workflow-permissions-repository", "administration:write")
def set_workflow_permissions(call: Call) -> Answered:
    call.repo.actions |= call.body
    return 204, None
