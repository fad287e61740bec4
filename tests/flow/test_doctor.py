"""`autoresearch doctor` on a whole set-up, and on each of many broken ones: it names what is wrong, and its cure."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot import install
from bot.doctor import THERE, Diagnosis, examine, remote, rulesets
from bot.doctor.ground import Ground
from bot.doctor.machines import check_clock
from bot.doctor.settings import check_repository
from bot.doctor.text import WIDTH, as_text
from bot.forge.github.inspection import Inspection, NoRight, NotInPlan
from harness.repository import Repository
from tests.github import openapi
from tests.github.repository import Repository as Remote
from tests.github.server import GitHub
from tests.github.state import Runner
from tests.support import autoresearch, git, make_repository, write

TARGET = """\
name: weights
file: weights.yaml
evaluate: {command: [python, evaluate.py]}
metrics: [{name: score, goal: maximize}]
space: {/a: {int: [0, 10]}}
"""
FOLDER = "targets/experiments/weights"
FILES = {
    f"{FOLDER}/target.yaml": TARGET,
    f"{FOLDER}/weights.yaml": "a: 1\n",
    f"{FOLDER}/evaluate.py": "",
    ".github/CODEOWNERS": "* @ada\n",
}
MINE = ".github/workflows/mine.yml"
NIGHTLY = ".github/workflows/nightly.yml"
NIGHTLY_GPU = ".github/workflows/nightly-gpu.yml"


@dataclass
class Setup:
    """A checkout, its repository on the test server, and the token of a human who administers it."""

    github: GitHub
    remote: Remote
    checkout: Repository
    token: str

    def diagnosis(self, token: str = "") -> Diagnosis:
        asked = Inspection(token or self.token, self.remote.full_name, self.github.api_url)
        now = self.github.clock.now
        return examine(Ground(self.checkout, self.github.server_url, self.remote.full_name, asked, now))

    def install(self, **wishes: str) -> None:
        """Workflows for the targets as they are now, in the checkout and on the default branch."""
        install.write(install.plan(self.checkout, wishes))
        before = {each.path: None for each in self.remote.known_workflows()}
        self.remote.workflows.clear()
        folder = self.checkout.root / ".github" / "workflows"
        after = {f".github/workflows/{path.name}": path.read_bytes() for path in folder.iterdir()}
        self.remote.commit("main", {**before, **after})

    def file(self, path: str, content: str) -> None:
        write(self.checkout, {path: content})

    def change(self, path: str, before: str, after: str) -> None:
        text = (self.checkout.root / path).read_text()
        assert before in text
        self.file(path, text.replace(before, after))


def resolved(*_arguments: object) -> list[dict[str, Any]]:
    """pip's account of what it would install, without pip and its network."""
    digest = {"download_info": {"archive_info": {"hashes": {"sha256": "0" * 64}}}}
    return [{"metadata": {"name": "autoresearch-bot", "version": "0.1.0"}, **digest}]


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    """Everything that a night on GitHub needs."""
    monkeypatch.setattr("bot.install.lock._report", resolved)
    with GitHub.start(tmp_path) as github:
        remote = github.repository("ada/shop")
        remote.actions["can_approve_pull_request_reviews"] = True
        for name in rulesets.NAMES:
            made = rulesets.ruleset(name)
            include = made["conditions"]["ref_name"]["include"]
            remote.ruleset(made["name"], made["rules"], include, bypass=made["bypass_actors"])
        remote.environment("autoresearch", branches=["main"])
        setup = Setup(github, remote, make_repository(tmp_path, FILES), github.token(by="ada"))
        git(setup.checkout, "remote", "add", "origin", remote.url)
        setup.install()
        remote.run(NIGHTLY, "schedule", status="completed", conclusion="success")
        github.clock.advance(hours=4)
        yield setup


def not_in_order(found: Diagnosis) -> dict[str, str]:
    return {finding.check: finding.state for finding in found.findings if finding.state != "ok"}


def test_a_whole_one_is_in_order(whole: Setup) -> None:
    found = whole.diagnosis()
    assert not_in_order(found) == {}
    assert found.ready
    assert {finding.check for finding in found.findings} >= {name for name, _ in THERE}
    assert as_text(found).splitlines()[-1] == "next: gh workflow run nightly.yml -f experiments=20 -f targets=weights"


@dataclass(frozen=True)
class Broken:
    """check, state: what is told of it, and of nothing else; cure: what the text must say."""

    name: str
    breaks: Callable[[Setup], object]
    check: str
    state: str
    cure: tuple[str, ...]


def without(setup: Setup, name: str) -> None:
    setup.remote.rulesets = [one for one in setup.remote.rulesets if one.name != rulesets.ruleset(name)["name"]]


def pull_rule(setup: Setup, **parameters: object) -> None:
    """The default branch's ruleset with these parameters of its pull request rule."""
    (mine,) = [one for one in setup.remote.rulesets if one.name == rulesets.ruleset("default")["name"]]
    mine.rules = [
        {**rule, "parameters": {**rule["parameters"], **parameters}} if rule["type"] == "pull_request" else rule
        for rule in mine.rules
    ]


def bypass(setup: Setup, *actors: dict[str, Any]) -> None:
    setup.remote.rulesets[0].bypass = list(actors)


def own_runner(setup: Setup, *runners: Runner) -> None:
    """The target runs on a machine of its own, in a private repository."""
    setup.remote.private = True
    setup.change(f"{FOLDER}/target.yaml", "name: weights\n", "name: weights\nrunner: [self-hosted, gpu]\n")
    setup.install()
    setup.remote.run(NIGHTLY_GPU, "schedule", status="completed", conclusion="success")
    setup.remote.runners = list(runners)


def names_a_secret(setup: Setup) -> None:
    setup.file(MINE, "# of autoresearch install, with an app\nenv: {KEY: '${{ secrets.AUTORESEARCH_APP_KEY }}'}\n")


def asks_a_model(setup: Setup) -> None:
    when = "contains(fromJSON('[\"shop\"]'), matrix.target)"
    key = "${{ " + when + " && secrets.ANTHROPIC_API_KEY || '' }}"
    setup.file(MINE, f"# of autoresearch install\nenv: {{KEY: {json.dumps(key)}}}\n")


def secret_of_all(setup: Setup) -> None:
    names_a_secret(setup)
    setup.remote.secrets.append("AUTORESEARCH_APP_KEY")


def publishes_tags(setup: Setup, **more: Any) -> None:
    """A target that publishes a tag, under a ruleset for tags."""
    setup.change(f"{FOLDER}/target.yaml", "file:", "publish: [tag]\nfile:")
    setup.install()
    setup.remote.run(NIGHTLY, "schedule", status="completed", conclusion="success")
    rules = more.pop("rules", ["creation", "deletion"])
    setup.remote.ruleset("tags", rules, more.pop("include", ["refs/tags/autoresearch/**/*"]), target="tag", **more)


def disabled(setup: Setup) -> None:
    (nightly,) = (each for each in setup.remote.known_workflows() if each.path == NIGHTLY)
    nightly.state = "disabled_inactivity"


def unpushed(setup: Setup) -> None:
    setup.remote.commit("main", {NIGHTLY: None})
    setup.remote.workflows = [each for each in setup.remote.workflows if each.path != NIGHTLY]


def stranger(setup: Setup) -> None:
    setup.remote.private = True
    setup.change(f"{FOLDER}/target.yaml", "file:", 'owner: "@mallory"\nfile:')


def fork(setup: Setup) -> None:
    setup.remote.parent = "eve/shop"
    setup.remote.runs.clear()


def spent(setup: Setup) -> None:
    setup.remote.private = True
    setup.remote.billed = [(2000, 0.0), (400, 3.2)]  # type: ignore[attr-defined]


GENERAL = "Settings > Actions > General"
RULES = "Settings > Rules > Rulesets"
ALL = [
    Broken("archived", lambda s: s.remote.settings.update(archived=True), "repository", "missing",
           ("Unarchive this repository", "gh repo unarchive ada/shop")),
    Broken("a fork, where clocks stand still", fork, "schedule", "warning",
           ("Actions > I understand my workflows, go ahead and enable them",)),
    Broken("actions are off", lambda s: s.remote.actions.update(enabled=False), "actions", "missing",
           (f"{GENERAL} > Actions permissions", "gh api -X PUT repos/ada/shop/actions/permissions -F enabled=true")),
    Broken("local actions only", lambda s: s.remote.actions.update(allowed_actions="local_only"), "actions", "missing",
           (f"{GENERAL} > Actions permissions",)),
    Broken("selected actions without GitHub's", lambda s: s.remote.actions.update(allowed_actions="selected"),
           "actions", "missing", ("Allow actions created by GitHub", "github_owned_allowed=true")),
    Broken("Actions may not open pull requests",
           lambda s: s.remote.actions.update(can_approve_pull_request_reviews=False), "pull requests", "missing",
           (f"{GENERAL} > Workflow permissions > Allow GitHub Actions to create and approve pull requests",
            "can_approve_pull_request_reviews=true", "/ada/shop/settings/actions")),
    Broken("tokens that write by default", lambda s: s.remote.actions.update(default_workflow_permissions="write"),
           "token", "warning", ("Read repository contents and packages permissions",)),
    Broken("no protection", lambda s: without(s, "default"), "default branch", "missing",
           (f"{RULES} > New ruleset", "autoresearch doctor --ruleset default | gh api repos/ada/shop/rulesets")),
    Broken("no approval", lambda s: pull_rule(s, required_approving_review_count=0), "default branch", "warning",
           ("Required approvals: 1",)),
    Broken("approvals outlive pushes",
           lambda s: pull_rule(s, dismiss_stale_reviews_on_push=False, require_last_push_approval=False),
           "default branch", "warning", ("Dismiss stale pull request approvals",)),
    Broken("Actions bypass the protection",
           lambda s: bypass(s, {"actor_id": 15368, "actor_type": "Integration", "bypass_mode": "always"}),
           "default branch", "missing", ("Bypass list: remove GitHub Actions",)),
    Broken("Actions may merge without an approval",
           lambda s: bypass(s, {"actor_id": 15368, "actor_type": "Integration", "bypass_mode": "pull_request"}),
           "default branch", "missing", ("Bypass list: remove GitHub Actions",)),
    Broken("an app bypasses it",
           lambda s: bypass(s, {"actor_id": 4242, "actor_type": "Integration", "bypass_mode": "always"}),
           "default branch", "warning", ("app 4242 may bypass", "Bypass list")),
    Broken("records may be rewritten", lambda s: without(s, "records"), "records branch", "missing",
           ("rewritten or deleted", "autoresearch doctor --ruleset records | gh api repos/ada/shop/rulesets")),
    Broken("a ruleset for every branch", lambda s: s.remote.ruleset("all", ["pull_request"], ["~ALL"]), "pushes",
           "missing", ("Exclude by pattern", "autoresearch/**")),
    Broken("night branches cannot move", lambda s: s.remote.ruleset("all", ["non_fast_forward"], ["~ALL"]), "pushes",
           "warning", ("/drop", "autoresearch/2*")),
    Broken("a ruleset for tags", publishes_tags, "tags", "missing",
           ("creation (tags)", "Target tags > Exclude by pattern: autoresearch/**/*")),
    Broken("no environment", lambda s: s.remote.environments.clear(), "environment", "missing",
           ("Settings > Environments > New environment", "deployment_branch_policy[custom_branch_policies]=true",
            "deployment-branch-policies -f name=main")),
    Broken("an environment for every branch", lambda s: s.remote.environment("autoresearch"), "environment",
           "missing", ("Deployment branches and tags > Selected branches: main",)),
    Broken("an environment for other branches",
           lambda s: s.remote.environment("autoresearch", branches=["main", "dev*"]), "environment", "missing",
           ("open to main, dev*", "main only")),
    Broken("a secret of the whole repository", secret_of_all, "secrets", "missing",
           ("gh secret set AUTORESEARCH_APP_KEY --env autoresearch", "gh secret delete AUTORESEARCH_APP_KEY")),
    Broken("no key for a model", asks_a_model, "secrets", "missing",
           ("New repository secret", "gh secret set ANTHROPIC_API_KEY --repo ada/shop")),
    Broken("a secret that is nowhere", names_a_secret, "secrets", "missing",
           ("Environment secrets > Add", "gh secret set AUTORESEARCH_APP_KEY --env autoresearch --repo ada/shop")),
    Broken("squash only", lambda s: s.remote.settings.update(allow_merge_commit=False, allow_rebase_merge=False),
           "merging", "warning", ("/drop N", "Allow merge commits", "gh repo edit ada/shop --enable-merge-commit")),
    Broken("issues are off", lambda s: s.remote.settings.update(has_issues=False), "issues", "warning",
           ("Settings > General > Features > Issues", "gh repo edit ada/shop --enable-issues")),
    Broken("switched off for inactivity", disabled, "schedule", "missing",
           ("60 days", "gh workflow enable nightly.yml --repo ada/shop")),
    Broken("workflows not pushed", unpushed, "schedule", "missing",
           ("not on main yet: nightly.yml", "git add .github", "git push")),
    Broken("no tick for days", lambda s: s.github.clock.advance(days=5), "schedule", "warning",
           ("5 days ago", "gh workflow run nightly.yml --repo ada/shop")),
    Broken("no tick ever", lambda s: s.remote.runs.clear(), "schedule", "unknown", ("gh workflow run nightly.yml",)),
    Broken("no runner", own_runner, "runners", "missing",
           ("Settings > Actions > Runners > New self-hosted runner", "runner: ubuntu-latest")),
    Broken("a runner without the label", lambda s: own_runner(s, Runner(1, "box", [])), "runners", "missing",
           ("[self-hosted, gpu]",)),
    Broken("a runner that is offline", lambda s: own_runner(s, Runner(1, "box", ["GPU"], "offline")), "runners",
           "warning", ("offline", "svc.sh start")),
    Broken("a runner in a public repository",
           lambda s: (own_runner(s, Runner(1, "box", ["gpu"])), setattr(s.remote, "private", False)), "runners",
           "warning", ("Change visibility",)),
    Broken("a card that the runner has not",
           lambda s: s.change(f"{FOLDER}/target.yaml", "evaluate: {", "evaluate: {needs: [gpu], "), "runners",
           "missing", ("end preflight", "runner: [self-hosted, linux, gpu]")),
    Broken("minutes beyond the plan", spent, "minutes", "warning", ("2,400 minutes", "$3.20", "actions_minutes")),
    Broken("no workflows", lambda s: (s.checkout.root / ".github/workflows/nightly.yml").unlink(), "workflows",
           "missing", ("autoresearch install",)),
    Broken("a target changed since",
           lambda s: s.change(f"{FOLDER}/target.yaml", "file:", "budget: {wall_clock: 3h}\nfile:"), "workflows",
           "missing", ("nightly.yml", "autoresearch install --check")),
    Broken("a workflow changed by hand", lambda s: s.change(".github/workflows/nightly.yml", "jobs:", "jobs: # mine"),
           "workflows", "warning", ("changed by hand", "autoresearch install --force")),
    Broken("another remote", lambda s: git(s.checkout, "remote", "set-url", "origin", "https://git.example.org/ada/shop"),
           "remote", "missing", ("git.example.org", "git remote set-url origin")),
    Broken("no remote", lambda s: git(s.checkout, "remote", "remove", "origin"), "remote", "missing",
           ("git remote add origin",)),
    Broken("nobody reviews", lambda s: (s.checkout.root / ".github/CODEOWNERS").unlink(), "owners", "warning",
           ('owner: "@YOUR-NAME"',)),
    Broken("a stranger reviews", stranger, "reviewers", "warning",
           ("@mallory", "Collaborators and teams > Add people", "repos/ada/shop/collaborators/mallory")),
    Broken("CODEOWNERS names nobody", lambda s: s.remote.commit("main", {".github/CODEOWNERS": "* @nobody\n"}),
           "reviewers", "warning", (".github/CODEOWNERS, line 1: Unknown owner",)),
    Broken("a team reviews", lambda s: s.change(f"{FOLDER}/target.yaml", "file:", 'owner: "@ada/growth"\nfile:'),
           "owners", "warning", ("CODEOWNERS", f"/{FOLDER}/weights.yaml @ada/growth")),
]  # fmt: skip


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)
def test_each_broken_one_names_its_cure(whole: Setup, broken: Broken) -> None:
    broken.breaks(whole)
    found = whole.diagnosis()
    assert not_in_order(found) == {broken.check: broken.state}
    text = as_text(found)
    said = re.sub(r"\s*\\?\n\s+", " ", text)
    for part in broken.cure:
        assert part in said, text
    assert found.ready == (broken.state != "missing")
    for finding in found.findings:
        assert finding.state == "ok" or finding.where or finding.commands or finding.lines or finding.page
        for command in finding.commands:
            assert faults_of(command) == []


def faults_of(command: str) -> list[str]:
    """What GitHub's description has against a call that `gh api` would make; nothing for other commands."""
    words = shlex.split(command.rpartition("| ")[2])
    if words[:2] != ["gh", "api"]:
        return []
    options = [(flag, value) for flag, value in pairwise(words[2:]) if flag in {"-X", "-f", "-F", "--input"}]
    taken = {word for option in options for word in option}
    (path,) = [word for word in words[2:] if word not in taken]
    body: dict[str, Any] = {}
    for flag, value in options:
        key, _, told = value.partition("=")
        outer, _, inner = key.rstrip("]").partition("[")
        typed = {"true": True, "false": False}.get(told, told) if flag == "-F" else told
        if flag in {"-f", "-F"}:
            (body.setdefault(outer, {}) if inner else body)[inner or outer] = typed
        elif flag == "--input":
            body = rulesets.ruleset(command.split()[3])
    method = dict(options).get("-X", "POST")
    routed = openapi.description().route(method, f"/{path}")
    if routed is None:
        return [f"{method} {path} is not in GitHub's description"]
    return list(openapi.description().faults_of_request(routed, "", json.dumps(body).encode()))


@pytest.mark.parametrize(
    "command",
    [
        "gh api -X PUT repos/ada/shop/actions/permission -F enabled=true",
        "gh api -X PUT repos/ada/shop/actions/permissions -f enabled=yes",
        "gh api -X PUT repos/ada/shop/actions/permissions -f allowed_actions=all",
    ],
)
def test_a_call_that_github_would_refuse_is_found(command: str) -> None:
    """The control of what holds every printed command against GitHub's description."""
    assert faults_of(command)


def test_a_target_that_does_not_load(whole: Setup) -> None:
    whole.change(f"{FOLDER}/target.yaml", "goal: maximize", "goal: maximise")
    found = whole.diagnosis()
    assert not_in_order(found) == {"targets": "missing", "workflows": "unknown"}
    told = {finding.check: finding for finding in found.findings}
    assert "maximise" in told["targets"].says
    assert told["targets"].commands == ("autoresearch check",)


@pytest.mark.parametrize(
    "more",
    [
        {"rules": ["deletion", "non_fast_forward", "update"]},
        {"include": ["refs/tags/v*", "refs/tags/*"]},
        {"include": ["~ALL"], "exclude": ["refs/tags/autoresearch/**/*"]},
        {"enforcement": "disabled"},
        {"bypass": [{"actor_id": 15368, "actor_type": "Integration", "bypass_mode": "always"}]},
    ],
)
def test_a_ruleset_for_tags_that_lets_a_new_one_through(whole: Setup, more: dict[str, Any]) -> None:
    publishes_tags(whole, **more)
    assert not_in_order(whole.diagnosis()) == {}


def test_a_check_that_is_waited_for_and_that_nothing_posts(whole: Setup) -> None:
    asked = {
        "required_status_checks": [{"context": "autoresearch/verdict"}],
        "strict_required_status_checks_policy": False,
    }
    whole.remote.ruleset("checks", [{"type": "required_status_checks", "parameters": asked}], ["~DEFAULT_BRANCH"])
    assert not_in_order(whole.diagnosis()) == {}
    workflow = ".github/workflows/verdict.yml"
    whole.remote.commit("main", {workflow: None})
    whole.remote.workflows[:] = [one for one in whole.remote.workflows if one.path != workflow]
    (whole.checkout.root / workflow).unlink()
    found = whole.diagnosis()
    assert not_in_order(found) == {"required check": "missing", "workflows": "missing"}
    text = as_text(found)
    assert "main waits for autoresearch/verdict, and verdict.yml does not run there" in " ".join(text.split())
    whole.remote.rulesets.pop()
    assert not_in_order(whole.diagnosis()) == {"workflows": "missing"}


def test_the_rulesets_it_prints_cure(whole: Setup) -> None:
    """What --ruleset prints, taken by GitHub as it is, makes the findings go away."""
    whole.remote.rulesets.clear()
    assert set(not_in_order(whole.diagnosis())) == {"default branch", "records branch"}
    asked = Inspection(whole.token, "ada/shop", whole.github.api_url)
    for name in rulesets.NAMES:
        printed = json.loads(autoresearch(whole.checkout, "doctor", "--ruleset", name).stdout)
        asked._requester.requestJsonAndCheck("POST", "/repos/ada/shop/rulesets", input=printed)
    assert not_in_order(whole.diagnosis()) == {}


def test_classic_protection_is_protection_too(whole: Setup) -> None:
    without(whole, "default")
    whole.remote.protect("main", reviews=None)
    assert not_in_order(whole.diagnosis()) == {"default branch": "missing"}
    whole.remote.protect("main", reviews=1)
    assert "outlives later pushes" in as_text(whole.diagnosis())


def test_a_token_without_rights_is_told_which_would_show_it(whole: Setup) -> None:
    found = whole.diagnosis(whole.github.token(contents="read"))
    assert set(not_in_order(found).values()) == {"unknown"}
    text = as_text(found)
    assert "needs a token with Administration: read" in text
    assert "needs a token with Actions: read" in text
    assert found.ready
    assert {"default branch", "records branch", "pushes"} <= {f.check for f in found.findings if f.state == "ok"}


def test_a_refused_token(whole: Setup) -> None:
    found = whole.diagnosis("ghp_000000000000000000000000000000000000")
    assert not_in_order(found) == {"github": "unknown"}
    assert "refuses the token" in as_text(found)


def test_a_repository_that_the_token_does_not_see(whole: Setup) -> None:
    whole.remote.private = True
    found = whole.diagnosis(whole.github.token(by="mallory"))
    assert not_in_order(found) == {"github": "unknown"}
    assert "not there, or the token may not see it" in re.sub(r"\s+", " ", as_text(found))


@pytest.mark.parametrize("kind", [500, 502, 429, "rate-limit", "secondary"])
def test_the_api_is_down(whole: Setup, kind: str | int) -> None:
    whole.github.fail("*", kind, times=99)
    found = whole.diagnosis()
    assert not_in_order(found) == {"github": "unknown"}
    assert len(whole.github.faults[0].struck) == 1
    assert {finding.check for finding in found.findings if finding.state == "ok"} >= {"remote", "targets", "workflows"}


def test_one_answer_that_fails_costs_the_checks_after_it(whole: Setup) -> None:
    """It goes on with what it knows, and asks no server that is in trouble for more."""
    whole.github.fail("repos/get-branch-rules", 502, times=99)
    found = whole.diagnosis()
    states = not_in_order(found)
    assert states["default branch"] == "unknown"
    assert "missing" not in states.values()
    assert len(whole.github.faults[0].struck) == 1


@pytest.mark.parametrize("kind", ["reset", "timeout"])
def test_the_api_does_not_answer(whole: Setup, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.forge.github.inspection._SECONDS", 1)
    whole.github.fail("*", kind, times=99)
    found = whole.diagnosis()
    assert not_in_order(found) == {"github": "unknown"}
    assert "does not answer" in re.sub(r"\s+", " ", as_text(found))
    assert len(whole.github.faults[0].struck) == 1


class Planless(Inspection):
    """Of a private repository whose plan has no protection."""

    def ask(self, path: str, permission: str, *, absent: Any = None) -> Any:
        if "/rules" in path or path.endswith("/protection"):
            raise NotInPlan("not in the plan of this private repository")
        return super().ask(path, permission, absent=absent)


def test_an_app_needs_its_key_and_its_number_and_no_setting(whole: Setup) -> None:
    whole.remote.actions["can_approve_pull_request_reviews"] = False
    whole.install(app="yes")
    whole.remote.run(NIGHTLY, "schedule", status="completed", conclusion="success")
    found = whole.diagnosis()
    assert not_in_order(found) == {"secrets": "missing"}
    said = re.sub(r"\s*\\?\n\s+", " ", as_text(found))
    assert "gh secret set AUTORESEARCH_APP_KEY --env autoresearch --repo ada/shop" in said
    assert "gh variable set AUTORESEARCH_APP_ID --env autoresearch --repo ada/shop" in said
    place = whole.remote.environments["autoresearch"]
    place.secrets.append("AUTORESEARCH_APP_KEY")
    assert {f.commands[0].split()[1] for f in whole.diagnosis().findings if f.state == "missing"} == {"variable"}
    place.variables["AUTORESEARCH_APP_ID"] = "Iv1.0123456789abcdef"
    assert not_in_order(whole.diagnosis()) == {}


def test_a_repository_that_was_renamed(whole: Setup) -> None:
    """GitHub answers under the old name too."""
    asked = Inspection(whole.token, "ada/shop", whole.github.api_url)
    asked.repository()["full_name"] = "ada/store"
    ground = Ground(whole.checkout, whole.github.server_url, "ada/shop", asked, whole.github.clock.now)
    (found,) = check_repository(ground)
    assert found.commands == (f"git remote set-url origin {whole.github.server_url}/ada/store.git",)


def test_a_plan_without_protection_is_told_and_stops_nothing(whole: Setup) -> None:
    whole.remote.environments.clear()
    asked = Planless(whole.token, "ada/shop", whole.github.api_url)
    found = examine(Ground(whole.checkout, whole.github.server_url, "ada/shop", asked, whole.github.clock.now))
    assert not_in_order(found) == dict.fromkeys(("default branch", "records branch", "environment"), "warning")
    assert "Pro, Team or Enterprise" in re.sub(r"\s+", " ", as_text(found))


def test_the_plan_is_recognised_by_what_github_says(whole: Setup) -> None:
    """A 403 of that kind is no lack of rights: no permission would show more."""
    asked = Inspection(whole.token, "ada/shop", whole.github.api_url)
    said = "Upgrade to GitHub Pro or make this repository public to enable this feature."
    assert isinstance(asked._refused(403, said, "Administration: read"), NotInPlan)
    assert isinstance(asked._refused(403, "Resource not accessible", "Administration: read"), NoRight)


@pytest.mark.parametrize(("minutes", "state"), [(0, "ok"), (4, "ok"), (20, "warning"), (-20, "warning")])
def test_the_clock(whole: Setup, minutes: int, state: str) -> None:
    asked = Inspection(whole.token, "ada/shop", whole.github.api_url)
    asked.repository()
    asked.ahead = minutes * 60.0
    (found,) = check_clock(Ground(whole.checkout, whole.github.server_url, "ada/shop", asked, whole.github.clock.now))
    assert found.state == state
    assert found.state == "ok" or "20 minutes" in found.says


def break_much(setup: Setup) -> None:
    names = {
        "local actions only", "Actions may not open pull requests", "tokens that write by default", "no protection",
        "records may be rewritten", "a ruleset for every branch", "a secret of the whole repository", "squash only",
        "issues are off", "switched off for inactivity", "minutes beyond the plan", "a target changed since",
        "a team reviews",
    }  # fmt: skip
    chosen = [one for one in ALL if one.name in names]
    assert len(chosen) == len(names)
    for one in chosen:
        one.breaks(setup)


def test_text_is_narrow_and_without_control_characters(whole: Setup) -> None:
    """Whatever a branch, a secret or an owner is called."""
    hostile = "main\x1b[31m\u202e$(id)`id`" + "x" * 200
    whole.remote.environment("autoresearch", branches=[hostile])
    break_much(whole)
    text = as_text(whole.diagnosis())
    assert "\x1b" not in text
    assert "\u202e" not in text
    words = [word for line in text.splitlines() if len(line) > WIDTH for word in line.split()]
    assert max(map(len, words)) > 60  # the hostile one, which cannot be broken
    assert sum(len(line) > WIDTH for line in text.splitlines()) == 1


COMMANDS = {"gh", "git", "autoresearch", "sudo"}


def test_commands_are_commands(whole: Setup) -> None:
    """What stands behind a dollar sign can be pasted into a shell."""
    break_much(whole)
    whole.remote.environments.clear()
    told = [command for finding in whole.diagnosis().findings for command in finding.commands]
    assert len(told) >= 8
    for command in told:
        assert command.split()[0] in COMMANDS, command
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0, command


def test_continued_lines_are_the_command(whole: Setup) -> None:
    """The backslashes at the ends of lines change nothing: the shell reads the same words."""
    whole.remote.environments.clear()
    found = whole.diagnosis()
    (finding,) = [one for one in found.findings if one.check == "environment"]
    printed = as_text(found).split("$ ")[1:]
    for command, block in zip(finding.commands, printed, strict=True):
        assert shlex.split(block.split("\n\n")[0].replace("\\\n", " ")) == shlex.split(command)


def environment(setup: Setup, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    told = {"GITHUB_API_URL": setup.github.api_url, "GITHUB_SERVER_URL": setup.github.server_url, **more}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "GH_TOKEN"])
def test_the_command_asks_with_a_token_and_never_prints_it(
    whole: Setup, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    environment(whole, monkeypatch, **{variable: whole.token})
    whole.remote.actions["can_approve_pull_request_reviews"] = False
    done = autoresearch(whole.checkout, "doctor")
    assert done.returncode == 3, done.stderr
    assert "missing  pull requests" in done.stdout
    assert whole.token not in done.stdout + done.stderr
    asked = [call for call in whole.github.calls if call.name.startswith("GET /repos")]
    assert asked
    assert {call.login for call in asked} == {"ada"}
    assert all(call.name.startswith("GET ") for call in whole.github.calls)


def test_no_process_that_it_starts_inherits_the_token(
    whole: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy, real = tmp_path / "bin" / "git", shutil.which("git")
    spy.parent.mkdir()
    ours = '[ -z "$GIT_OPTIONAL_LOCKS" ]'  # which the bot sets, and the test server's git does not have
    spy.write_text(f'#!/bin/sh\n{ours} || env >> {tmp_path}/inherited\nexec {real} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    environment(whole, monkeypatch, GITHUB_TOKEN=whole.token, GH_TOKEN=whole.token)
    assert autoresearch(whole.checkout, "doctor").returncode == 0
    inherited = (tmp_path / "inherited").read_text()
    assert f"GITHUB_API_URL={whole.github.api_url}" in inherited
    assert whole.token not in inherited


def test_no_token(whole: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(whole, monkeypatch)
    before = len(whole.github.calls)
    done = autoresearch(whole.checkout, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no token in GITHUB_TOKEN or GH_TOKEN" in done.stdout
    assert done.stdout.splitlines()[-1] == "next: GH_TOKEN=$(gh auth token) autoresearch doctor"
    assert len(whole.github.calls) == before


def test_offline_asks_nothing(whole: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(whole, monkeypatch, GITHUB_TOKEN=whole.token)
    before = len(whole.github.calls)
    done = autoresearch(whole.checkout, "doctor", "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--offline" in done.stdout
    assert len(whole.github.calls) == before


def test_json_holds_what_the_text_says(whole: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(whole, monkeypatch, GITHUB_TOKEN=whole.token)
    without(whole, "records")
    done = autoresearch(whole.checkout, "doctor", "--json")
    told = json.loads(done.stdout)
    (missing,) = [check for check in told["checks"] if check["state"] == "missing"]
    assert (done.returncode, told["repository"], told["ready"]) == (3, "ada/shop", False)
    assert (missing["check"], missing["commands"]) == ("records branch", [rulesets.command("records", "ada/shop")])
    assert told["next"] == missing["commands"][0]


def test_it_changes_nothing(whole: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(whole, monkeypatch, GITHUB_TOKEN=whole.token)
    before = git(whole.checkout, "status", "--porcelain"), git(whole.checkout, "for-each-ref")
    autoresearch(whole.checkout, "doctor")
    assert (git(whole.checkout, "status", "--porcelain"), git(whole.checkout, "for-each-ref")) == before


@pytest.mark.parametrize(
    ("address", "host", "slug", "password"),
    [
        ("https://github.com/ada/shop.git", "github.com", "ada/shop", False),
        ("https://github.com/ada/shop/", "github.com", "ada/shop", False),
        ("https://x-access-token:ghs_secret@github.com/ada/shop", "github.com", "ada/shop", True),
        ("https://ghp_secret@github.com/ada/shop.git", "github.com", "ada/shop", True),
        ("git@github.com:ada/shop.git", "github.com", "ada/shop", False),
        ("ssh://git@ssh.github.com:443/ada/shop.git", "github.com", "ada/shop", False),
        ("ssh://git@git.corp.example/ada/my.shop.git", "git.corp.example", "ada/my.shop", False),
        ("http://127.0.0.1:8080/ada/shop.git", "127.0.0.1:8080", "ada/shop", False),
        ("/srv/git/shop.git", "", "", False),
        ("https://github.com/ada/shop/tree/main", "github.com", "", False),
        ("https://github.com/ada/$(id)", "github.com", "", False),
    ],
)
def test_addresses(address: str, host: str, slug: str, password: bool) -> None:
    found = remote.parse(address)
    assert (found.host, found.slug, found.password) == (host, slug, password)


def test_a_token_in_the_remote_is_told_but_not_shown(whole: Setup) -> None:
    address = whole.remote.url.replace("://", "://x-access-token:ghs_secret@")
    git(whole.checkout, "remote", "set-url", "origin", address)
    found = whole.diagnosis()
    assert not_in_order(found) == {"remote": "warning"}
    text = as_text(found)
    assert "ghs_secret" not in text
    assert f"git remote set-url origin {whole.github.server_url}/ada/shop.git" in re.sub(r" \\\n\s+", " ", text)


def test_a_team_in_codeowners_is_asked(whole: Setup) -> None:
    whole.change(f"{FOLDER}/target.yaml", "file:", 'owner: "@ada/growth"\nfile:')
    (told,) = [finding for finding in whole.diagnosis().findings if finding.check == "owners"]
    whole.file(".github/CODEOWNERS", f"* @ada\n{told.lines[0]}\n")
    assert not_in_order(whole.diagnosis()) == {}
