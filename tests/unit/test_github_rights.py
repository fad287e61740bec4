"""Who may what on the test server, what protects a repository, and which workflows ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import github as pygithub
import pytest

from tests.github.server import GitHub
from tests.github.state import Runner
from tests.github.visiting import EVERYTHING, as_workflow, asked, client, shop


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with shop(tmp_path) as started:
        yield started


@pytest.mark.parametrize("lacking", ["contents", "pull_requests", "issues", "checks"])
def test_each_family_of_calls_needs_its_permission(github: GitHub, lacking: str) -> None:
    repo = github.repositories["ada/shop"]
    head = repo.commit("night", {"prices.txt": "2\n"})
    calls = {
        "contents": ("/git/refs", {"ref": "refs/heads/b", "sha": head}),
        "pull_requests": ("/pulls", {"title": "T", "head": "night", "base": "main"}),
        "issues": ("/issues", {"title": "T"}),
        "checks": ("/check-runs", {"name": "v", "head_sha": head}),
    }
    without = github.token(**{**EVERYTHING, lacking: "read"})
    for name, (path, body) in calls.items():
        answer = asked(github, "POST", f"/repos/ada/shop{path}", body, without)
        assert answer.status_code == (403 if name == lacking else 201), name
        if name == lacking:
            assert answer.headers["X-Accepted-GitHub-Permissions"] == f"{lacking}=write"


def test_a_repository_may_forbid_its_workflows_to_open_pull_requests(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.commit("night", {"prices.txt": "2\n"})
    repo.actions["can_approve_pull_request_reviews"] = False
    with pytest.raises(pygithub.GithubException, match="not permitted to create or approve"):
        as_workflow(github).create_pull(title="T", head="night", base="main")
    client(github, github.token(by="ada")).create_pull(title="T", head="night", base="main")
    assert list(repo.pulls) == [1]


def test_a_person_may_what_their_role_may(github: GitHub) -> None:
    github.account("eve")
    shop = client(github, github.token(by="eve"))
    assert shop.get_collaborator_permission("ada") == "admin"
    assert shop.get_collaborator_permission("eve") == "read"
    with pytest.raises(pygithub.GithubException, match="403"):
        shop.create_label("hold", "ff0000")
    with pytest.raises(pygithub.GithubException, match="403"):
        client(github, github.token(**EVERYTHING)).get_branch("main").get_protection()
    with pytest.raises(pygithub.GithubException, match="401"):
        client(github, "ghs_invented").get_branch("main")


def test_what_protects_a_repository_can_be_read(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.commit("main", {".github/workflows/nightly.yml": "name: nightly\n"})
    repo.protect("main", reviews=2, checks=["ci"], code_owners=True)
    repo.ruleset("records", ["deletion"], ["refs/heads/autoresearch/*"])
    repo.environment("autoresearch", branches=["main"], secrets=["KEY"])
    repo.runners.append(Runner(3, "big", ["gpu"]))
    shop = client(github, github.token(by="ada"))
    required = shop.get_branch("main").get_protection().required_pull_request_reviews
    assert (required.required_approving_review_count, required.require_code_owner_reviews) == (2, True)
    rules = asked(github, "GET", "/repos/ada/shop/rules/branches/autoresearch/results").json()
    assert [rule["type"] for rule in rules] == ["deletion"]
    assert asked(github, "GET", "/repos/ada/shop/rules/branches/main").json() == []
    assert [each.name for each in shop.get_environment("autoresearch").get_secrets()] == ["KEY"]
    assert [[label["name"] for label in each.labels] for each in shop.get_self_hosted_runners()] == [
        ["self-hosted", "gpu"]
    ]


def test_workflows_are_dispatched_listed_and_cancelled(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.commit("main", {".github/workflows/nightly.yml": "name: nightly\n"})
    shop = as_workflow(github)
    assert shop.get_workflow("nightly.yml").create_dispatch("main", {"experiments": "20"})
    repo.job(repo.runs[0], "run (a)", labels=("self-hosted", "gpu"))
    (run,) = shop.get_workflow_runs(status="queued")
    assert (run.event, repo.runs[0].inputs) == ("workflow_dispatch", {"experiments": "20"})
    assert run.cancel()
    assert [(job.status, job.conclusion) for job in run.jobs()] == [("completed", "cancelled")]
    assert not run.cancel(), "what is over cannot be cancelled"


def test_long_lists_come_in_pages(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    for number in range(65):
        repo.issue(f"Issue {number}", None, "ada")
    head = repo.commit("main", {"a": "b"})
    shop = as_workflow(github)
    assert [issue.number for issue in shop.get_issues(sort="created", direction="asc")] == list(range(1, 66))
    assert sum("/issues" in call.path for call in github.calls) == 3
    for number in range(33):
        shop.create_check_run(f"check {number}", head, conclusion="success")
    assert len(list(shop.get_commit(head).get_check_runs())) == 33
