"""The repository's own settings: environment, secrets, ways to merge, issues, labels."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from bot.doctor.finding import Finding, missing, ok, unknown, warning
from bot.doctor.ground import Ground
from bot.doctor.protection import in_plan
from bot.forge import labels
from bot.pages.wording.text import count

ENVIRONMENT = "autoresearch"
ENVIRONMENTS = "Settings > Environments"
LABELS = (
    labels.OURS, "evidence:strong", "evidence:weak", labels.RECHECK, labels.SUPERSEDED, labels.HOLD, labels.RETRY,
)  # fmt: skip
_SECRET = re.compile(r"\$\{\{\s*secrets\.([A-Za-z0-9_]+)")
_MODEL_KEY = re.compile(r"matrix\.target\)\s*&&\s*secrets\.([A-Za-z0-9_]+)")  # for the runs that need it
_VARIABLE = re.compile(r"\$\{\{\s*vars\.([A-Za-z0-9_]+)")
_OWN_TOKEN = "GITHUB_TOKEN"  # noqa: S105  # its name


def check_repository(ground: Ground) -> Iterator[Finding]:
    """Is it there under this name, and can anything be written to it?"""
    name = str(ground.settings.get("full_name", ground.slug))
    if ground.settings.get("archived"):
        where, command = "Settings > General > Danger Zone > Unarchive this repository", f"gh repo unarchive {name}"
        yield missing(
            "repository", "it is archived: nobody can write to it", where=where, page="settings", commands=(command,)
        )
    elif name.lower() != ground.slug.lower():
        command = f"git remote set-url origin {ground.server}/{name}.git"
        yield warning("repository", f"it is called {name} now", commands=(command,))
    else:
        yield ok("repository", f"{name}, {'private' if ground.settings.get('private') else 'public'}")


def check_environment(ground: Ground) -> Iterator[Finding]:
    """Only the default branch may use it, so that no other branch's workflow gets at its secrets."""
    found = ground.api.read(f"/environments/{ENVIRONMENT}", "Actions: read", absent={})
    where, page = f"{ENVIRONMENTS} > {ENVIRONMENT} > Deployment branches and tags", "settings/environments"
    branch, policy = ground.default_branch, found.get("deployment_branch_policy")
    if not policy and not in_plan(ground):
        said = "environments limited to a branch are not in the plan of this private repository: keep no secrets in it"
        yield warning("environment", said)
        return
    if not found:
        said = f"the environment {ENVIRONMENT} is absent: GitHub would make it at first use, open to every branch"
        where = f"{ENVIRONMENTS} > New environment"
        yield missing("environment", said, where=where, page=page, commands=_limit(ground))
        return
    if not policy:
        said = f"every branch may use the environment {ENVIRONMENT}, and what secrets it holds"
        where = f"{where} > Selected branches: {branch}"
        yield missing("environment", said, where=where, page=page, commands=_limit(ground))
        return
    if policy.get("protected_branches"):
        yield ok("environment", f"{ENVIRONMENT}: protected branches only")
        return
    listed = ground.api.read(f"/environments/{ENVIRONMENT}/deployment-branch-policies", "Actions: read", absent={})
    names = [str(one["name"]) for one in listed.get("branch_policies", [])]
    if names == [branch]:
        yield ok("environment", f"{ENVIRONMENT}: {branch} only")
    else:
        said = (
            f"the environment {ENVIRONMENT} is open to {', '.join(names) or 'no branch at all'}, not to {branch} alone"
        )
        yield missing("environment", said, where=f"{where}: {branch} only", page=page, commands=_limit(ground))


def _limit(ground: Ground) -> tuple[str, ...]:
    path = f"repos/{ground.slug}/environments/{ENVIRONMENT}"
    by_name = "-F 'deployment_branch_policy[custom_branch_policies]=true'"
    return (
        f"gh api -X PUT {path} -F 'deployment_branch_policy[protected_branches]=false' {by_name}",
        f"gh api -X POST {path}/deployment-branch-policies -f name={shlex.quote(ground.default_branch)}",
    )


def check_secrets(ground: Ground) -> Iterator[Finding]:
    """What the workflows name lies in the environment, not where every branch's workflow may read it."""
    wanted, variables = sorted(_named(ground, _SECRET) - {_OWN_TOKEN}), sorted(_named(ground, _VARIABLE))
    keys = sorted(_named(ground, _MODEL_KEY))
    if not wanted and not variables and not keys:
        yield ok("secrets", "the workflows need none but GITHUB_TOKEN")
        return
    outside = _names(ground, "/actions/secrets", "Secrets: read")
    lacking = list(_of_models(ground, keys, outside))
    yield from lacking
    if keys and not lacking:
        yield ok("secrets", f"{', '.join(keys)}: of models, in the repository")
    if not wanted and not variables:
        return
    inside = _names(ground, f"/environments/{ENVIRONMENT}/secrets", "Environments: read")
    found = [*_of_secrets(ground, wanted, inside, outside), *_of_variables(ground, variables)]
    yield from found or [ok("secrets", f"{', '.join([*wanted, *variables])}: in the environment")]


def _of_models(ground: Ground, keys: list[str], outside: set[str]) -> Iterator[Finding]:
    """The jobs that run candidates are in no environment, so the key of a model is a secret of the repository."""
    for name in sorted(set(keys) - outside):
        where, page = "Settings > Secrets and variables > Actions > New repository secret", "settings/secrets/actions"
        put = f"gh secret set {name} --repo {ground.slug}"
        said = f"a target asks a model, and the repository has no secret {name}"
        yield missing("secrets", said, where=where, page=page, commands=(put,))


def _of_secrets(ground: Ground, wanted: list[str], inside: set[str], outside: set[str]) -> Iterator[Finding]:
    where, page = f"{ENVIRONMENTS} > {ENVIRONMENT} > Environment secrets", "settings/environments"
    for name in wanted:
        put = (f"gh secret set {name} --env {ENVIRONMENT} --repo {ground.slug}",) if name not in inside else ()
        if name in outside:
            said = f"{name} is a secret of the whole repository: a workflow on any branch may read it"
            steps = (*put, f"gh secret delete {name} --repo {ground.slug}")
            yield missing("secrets", said, where=where, page=page, commands=steps)
        elif put:
            said = f"the workflows name the secret {name}, and the environment {ENVIRONMENT} does not have it"
            yield missing("secrets", said, where=f"{where} > Add", page=page, commands=put)


def _of_variables(ground: Ground, wanted: list[str]) -> Iterator[Finding]:
    if not wanted:
        return
    there = _names(ground, f"/environments/{ENVIRONMENT}/variables", "Environments: read", "variables")
    there |= _names(ground, "/actions/variables", "Variables: read", "variables")
    for name in sorted(set(wanted) - there):
        said = f"the workflows name the variable {name}, and nobody has set it"
        where, page = f"{ENVIRONMENTS} > {ENVIRONMENT} > Environment variables > Add", "settings/environments"
        put = f"gh variable set {name} --env {ENVIRONMENT} --repo {ground.slug}"
        yield missing("secrets", said, where=where, page=page, commands=(put,))


def _named(ground: Ground, what: re.Pattern[str]) -> set[str]:
    """Secrets or variables that the bot's workflows ask for. Other workflows are not ours to judge."""
    found: set[str] = set()
    for file in sorted((ground.repository.root / ".github" / "workflows").glob("*.y*ml")):
        text = ground.text(f".github/workflows/{file.name}") or ""
        if "autoresearch" in text:
            found |= set(what.findall(text))
    return found


def _names(ground: Ground, path: str, permission: str, kind: str = "secrets") -> set[str]:
    listed = ground.api.read(f"{path}?per_page=100" if kind == "secrets" else path, permission, absent={})
    return {str(one["name"]) for one in listed.get(kind, [])}


def check_merging(ground: Ground) -> Iterator[Finding]:
    told, page = ground.settings, "settings"
    ways = {
        "merge": told.get("allow_merge_commit"),
        "squash": told.get("allow_squash_merge"),
        "rebase": told.get("allow_rebase_merge"),
    }
    if all(allowed is None for allowed in ways.values()):
        yield unknown("merging", "how pull requests may be merged is not shown", permission="Contents: write")
        return
    allowed = [name for name, may in ways.items() if may]
    command = f"gh repo edit {ground.slug} --enable-merge-commit"
    if allowed == ["squash"]:
        said = (
            "squash only: the rows of a night become one commit. Nothing is lost for promotion, which goes by content; "
            "but git revert cannot take one row back: leave it out by /drop N before the merge"
        )
        yield warning(
            "merging",
            said,
            where="Settings > General > Pull Requests > Allow merge commits",
            page=page,
            commands=(command,),
        )
    else:
        yield ok("merging", f"by {', '.join(allowed)}")


def check_issues(ground: Ground) -> Iterator[Finding]:
    if ground.settings.get("has_issues", True):
        yield ok("issues", "on: the dashboard has its place")
    else:
        said = "issues are off: no dashboard says what nights without a pull request did"
        command = f"gh repo edit {ground.slug} --enable-issues"
        yield warning(
            "issues", said, where="Settings > General > Features > Issues", page="settings", commands=(command,)
        )


def check_labels(ground: Ground) -> Iterator[Finding]:
    listed: list[Mapping[str, Any]] = ground.api.read("/labels?per_page=100", "Issues: read", absent=[])
    there = {str(one["name"]) for one in listed}
    absent = [name for name in LABELS if name not in there]
    if not absent:
        yield ok("labels", f"all {len(LABELS)} there")
    else:
        yield ok("labels", f"{count(len(absent), 'label')} not there yet: the first pull request makes them")


def check_reviewers(ground: Ground) -> Iterator[Finding]:
    """Can those who are named be asked? By rule of GitHub only who has access."""
    people = {target.owner.lstrip("@"): target for target in ground.targets if target.owner and "/" not in target.owner}
    asked = {
        login: ground.api.read(f"/collaborators/{login}/permission", "Metadata: read", absent={"permission": "none"})
        for login in sorted(people)
    }
    strangers = [login for login, told in asked.items() if told.get("permission") == "none"]
    if strangers:
        said = f"{', '.join(f'@{login}' for login in strangers)}: no access to this repository, so nobody can ask them"
        where = "Settings > Collaborators and teams > Add people"
        invite = tuple(
            f"gh api -X PUT repos/{ground.slug}/collaborators/{login} -f permission=push" for login in strangers
        )
        yield warning("reviewers", said, where=where, page="settings/access", commands=invite)
    wrong = ground.api.read("/codeowners/errors", "Contents: read", absent={}).get("errors", [])
    if wrong:
        first = wrong[0]
        said = f"{first['path']}, line {first['line']}: {first['kind']}: GitHub asks nobody for these files"
        yield warning("reviewers", said, page=f"blob/{ground.default_branch}/{first['path']}")
    if not strangers and not wrong:
        yield ok("reviewers", "all who are named can be asked")
