"""The server that plays GitHub: does it hold messages to the description, and does it refuse what GitHub refuses?"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import github as pygithub
import pytest
import requests

from tests.github import openapi, payloads
from tests.github.play import PLAYS
from tests.github.server import TOTALS, GitHub, InvalidMessages
from tests.github.state import Runner

EVERYTHING = dict.fromkeys(("contents", "pull_requests", "issues", "checks", "statuses", "actions"), "write")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with GitHub.start(tmp_path) as started:
        repo = started.repository("ada/shop")
        repo.commit("main", {"prices.txt": "1\n2\n3\n", "other.txt": "x\n"}, "First")
        repo.actions["can_approve_pull_request_reviews"] = True
        yield started


def client(github: GitHub, token: str, retries: int = 0) -> Any:
    made = pygithub.Github(
        auth=pygithub.Auth.Token(token), base_url=github.api_url, lazy=True, timeout=10,
        retry=pygithub.GithubRetry(total=retries, backoff_factor=0, secondary_rate_wait=0) if retries else None,
        seconds_between_requests=0, seconds_between_writes=0,
    )  # fmt: skip
    return made.get_repo("ada/shop")


def as_workflow(github: GitHub) -> Any:
    return client(github, github.token(**EVERYTHING))


def git(folder: Path, *words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraheader"}
        env["GIT_CONFIG_VALUE_0"] = f"Authorization: Basic {basic}"
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False, env=env)


def clone(github: GitHub, folder: Path, token: str | None = None) -> Path:
    made = git(folder, "clone", "-q", github.repositories["ada/shop"].url, "work", token=token)
    assert made.returncode == 0, made.stderr
    return folder / "work"


def commit(work: Path, name: str, text: str, branch: str | None = None) -> None:
    if branch:
        git(work, "checkout", "-q", "-B", branch)
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_text(text, encoding="utf-8")
    git(work, "add", "-A")
    made = git(work, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", f"Edit {name}")
    assert made.returncode == 0, made.stderr


def asked(github: GitHub, method: str, path: str, body: Any = None, token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or github.token(**EVERYTHING)}"}
    return requests.request(method, github.api_url + path, json=body, headers=headers, timeout=10)


# Held against the description ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/repos/ada/shop/pullz", None, "not in GitHub's description"),
        ("GET", "/repos/ada/shop/topics", None, "not played"),
        ("GET", "/repos/ada/shop/pulls?state=opened", None, "query state"),
        ("GET", "/repos/ada/shop/pulls?number=1", None, "no such parameter"),
        ("GET", "/repos/ada/shop/pulls/one", None, "path pull_number"),
        ("POST", "/repos/ada/shop/pulls", {"title": "T", "base": "main"}, "'head' is a required property"),
        ("POST", "/repos/ada/shop/pulls", {"title": "T", "base": "main", "head": 3}, "body.head"),
        ("POST", "/repos/ada/shop/issues", {"title": "T", "lables": ["a"]}, "no such property"),
        ("POST", "/repos/ada/shop/check-runs", {"name": "v", "head_sha": "x", "conclusion": "good"}, "body.conclusion"),
        ("POST", "/repos/ada/shop/issues", None, "body: required"),
        ("DELETE", "/repos/ada/shop/labels/a", {"b": 1}, "takes none"),
    ],
)
def test_an_invalid_request_is_caught_and_has_no_effect(
    github: GitHub, method: str, path: str, body: Any, words: str
) -> None:
    answer = asked(github, method, path, body)
    (violation,) = github.expected_violations()
    assert words in violation
    assert answer.status_code in {404, 422}
    assert not github.repositories["ada/shop"].numbered()


def test_an_invalid_answer_is_caught(github: GitHub) -> None:
    github.repositories["ada/shop"].issue("A title", None, "ada").title = 7  # type: ignore[assignment]
    asked(github, "GET", "/repos/ada/shop/issues/1")
    assert any("answer.title: 7 is not of type 'string'" in each for each in github.expected_violations())


def test_an_answer_of_a_status_that_the_description_does_not_know_is_caught(github: GitHub) -> None:
    github.repositories["ada/shop"].settings["has_issues"] = False
    asked(github, "POST", "/repos/ada/shop/issues", {"title": "T"})
    assert github.violations == [], "410 is described for this operation"
    github.repositories["ada/shop"].commit("main", {"a": "b"})
    routed = openapi.description().route("GET", "/repos/ada/shop")
    assert routed
    assert openapi.description().faults_of_answer(routed.operation, 418, b"{}") == [
        "answer: repos/get never answers 418"
    ]


def test_a_fault_of_the_servers_own_is_no_answer_of_githubs(github: GitHub) -> None:
    github.repositories["ada/shop"].labels = None  # type: ignore[assignment]
    assert asked(github, "GET", "/repos/ada/shop/labels").status_code == 500
    assert any("the test server failed" in each for each in github.expected_violations())


def ask_for_nonsense(folder: Path, then: Callable[[], object] = lambda: None) -> None:
    with GitHub.start(folder) as started:
        asked(started, "GET", "/repos/ada/shop/pullz")
        then()


def test_leaving_the_block_fails_where_a_message_was_invalid(tmp_path: Path) -> None:
    before = TOTALS.invalid
    with pytest.raises(InvalidMessages, match="pullz"):
        ask_for_nonsense(tmp_path)
    assert TOTALS.invalid == before + 1, "it counts"
    TOTALS.invalid = before


def test_a_failing_test_keeps_its_own_error_and_learns_of_the_message(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        ask_for_nonsense(tmp_path, then=lambda: 1 // 0)
    assert "pullz" in caught.value.__notes__[0]
    TOTALS.invalid -= 1


def test_everything_that_is_played_is_described() -> None:
    described = {operation.id for operation in openapi.description().operations}
    assert len(PLAYS) >= 100
    assert set(PLAYS) <= described


def test_refs_paths_and_labels_may_hold_slashes(github: GitHub) -> None:
    sha = github.repositories["ada/shop"].commit("autoresearch/2026-03-02", {"a/b/c.txt": "deep\n"})
    shop = as_workflow(github)
    assert shop.get_git_ref("heads/autoresearch/2026-03-02").object.sha == sha
    assert shop.get_branch("autoresearch/2026-03-02").commit.sha == sha
    assert shop.get_contents("a/b/c.txt", ref="autoresearch/2026-03-02").decoded_content == b"deep\n"
    issue = shop.create_issue("T")
    issue.add_to_labels("target:a/b c")
    issue.remove_from_labels("target:a/b c")
    assert [event.event for event in issue.get_events()] == ["labeled", "unlabeled"]


# git over HTTP ------------------------------------------------------------------------------------------------------


def test_git_pushes_with_a_token_that_may_write_and_with_no_other(github: GitHub, tmp_path: Path) -> None:
    work = clone(github, tmp_path)
    commit(work, "prices.txt", "2\n", "night")
    assert "could not read Username" in git(work, "push", "origin", "night").stderr
    assert git(work, "push", "origin", "night", token="ghs_invented").returncode != 0
    refused = git(work, "push", "origin", "night", token=github.token(contents="read"))
    assert "403" in refused.stderr
    assert github.repositories["ada/shop"].bare.sha("refs/heads/night") is None
    assert git(work, "push", "origin", "night", token=github.token(contents="write")).returncode == 0
    head = git(work, "rev-parse", "HEAD").stdout.strip()
    assert github.repositories["ada/shop"].bare.sha("refs/heads/night") == head
    assert github.repositories["ada/shop"].pushes[-1][3] == "github-actions[bot]"


def test_a_large_push_arrives_whole(github: GitHub, tmp_path: Path) -> None:
    work = clone(github, tmp_path)
    (work / "big.bin").write_bytes(os.urandom(3_000_000))
    commit(work, "small.txt", "s\n", "big")
    assert git(work, "push", "origin", "big", token=github.token(contents="write")).returncode == 0
    repo = github.repositories["ada/shop"]
    assert repo.bare.file("refs/heads/big", "big.bin") == (work / "big.bin").read_bytes()


def test_a_private_repository_shows_itself_to_nobody_without_a_token(tmp_path: Path) -> None:
    with GitHub.start(tmp_path) as started:
        repo = started.repository("ada/secret", private=True)
        repo.commit("main", {"a": "b"})
        assert git(tmp_path, "clone", "-q", repo.url, "a").returncode != 0
        assert git(tmp_path, "clone", "-q", repo.url, "b", token=started.token(by="eve")).returncode != 0
        assert git(tmp_path, "clone", "-q", repo.url, "c", token=started.token(contents="read")).returncode == 0
        assert requests.get(f"{started.api_url}/repos/ada/secret", timeout=10).status_code == 404


def test_a_protected_branch_refuses_pushes_in_githubs_words(github: GitHub, tmp_path: Path) -> None:
    repo, token = github.repositories["ada/shop"], github.token(contents="write")
    work = clone(github, tmp_path)
    commit(work, "prices.txt", "2\n")
    repo.protect("main", reviews=1)
    refused = git(work, "push", "origin", "main", token=token)
    assert "GH006: Protected branch update failed for refs/heads/main." in refused.stderr
    assert repo.bare.sha("main") != git(work, "rev-parse", "HEAD").stdout.strip()
    repo.protection.clear()
    assert git(work, "push", "origin", "main", token=token).returncode == 0


def test_rulesets_bind_the_branches_that_they_name(github: GitHub, tmp_path: Path) -> None:
    repo, token = github.repositories["ada/shop"], github.token(contents="write")
    rules = ["deletion", "non_fast_forward"]
    made = repo.ruleset("records", rules, ["refs/heads/autoresearch/results"])
    work = clone(github, tmp_path)
    commit(work, "prices.txt", "2\n", "autoresearch/results")
    assert git(work, "push", "origin", "autoresearch/results", token=token).returncode == 0
    git(work, "reset", "-q", "--hard", "main")
    commit(work, "prices.txt", "9\n")
    for words in (("--force", "autoresearch/results"), ("--delete", "autoresearch/results")):
        refused = git(work, "push", "origin", *words, token=token)
        assert "GH013: Repository rule violations" in refused.stderr, words
    assert git(work, "push", "-f", "origin", "HEAD:refs/heads/other", token=token).returncode == 0
    made.bypass.append({"actor_id": 15368, "actor_type": "Integration", "bypass_mode": "always"})
    assert git(work, "push", "--force", "origin", "autoresearch/results", token=token).returncode == 0


def test_a_workflows_token_may_not_push_workflows(github: GitHub, tmp_path: Path) -> None:
    work = clone(github, tmp_path)
    commit(work, ".github/workflows/evil.yml", "name: evil\n", "night")
    refused = git(work, "push", "origin", "night", token=github.token(contents="write"))
    assert "without `workflows` permission" in refused.stderr
    assert git(work, "push", "origin", "night", token=github.token(by="ada")).returncode == 0


# Pull requests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "parents", "added"), [("merge", 2, 3), ("squash", 1, 1), ("rebase", 1, 2)])
def test_merging_makes_the_commits_that_git_would(github: GitHub, method: str, parents: int, added: int) -> None:
    repo = github.repositories["ada/shop"]
    for text in ("1\n2\n30\n", "1\n2\n31\n"):
        repo.commit("night", {"prices.txt": text})
    repo.commit("main", {"other.txt": "moved\n"})
    before = repo.bare.sha("main")
    repo.open("night")
    as_workflow(github).get_pull(1).merge(merge_method=method)
    after = repo.bare.sha("main")
    assert before
    assert after
    assert len(repo.bare.between(before, after)) == added
    assert len(repo.bare.run("log", "-1", "--format=%P", after).split()) == parents
    assert repo.bare.file("main", "prices.txt") == b"1\n2\n31\n"
    assert repo.bare.file("main", "other.txt") == b"moved\n"
    pull = as_workflow(github).get_pull(1)
    assert (pull.merged, pull.state, pull.commits, pull.merge_commit_sha) == (True, "closed", 2, after)


def test_a_conflict_and_a_setting_stand_in_the_way_of_a_merge(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.commit("night", {"prices.txt": "one\n"})
    repo.open("night")
    repo.settings["allow_merge_commit"] = False
    with pytest.raises(pygithub.GithubException, match="not allowed on this repository"):
        as_workflow(github).get_pull(1).merge()
    repo.commit("main", {"prices.txt": "two\n"})
    assert as_workflow(github).get_pull(1).mergeable is False
    with pytest.raises(pygithub.GithubException, match="conflict"):
        as_workflow(github).get_pull(1).merge(merge_method="squash")
    assert repo.pulls[1].state == "open"


def test_a_protected_branch_takes_a_merge_when_it_is_approved_and_checked(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    head = repo.commit("night", {"prices.txt": "2\n"})
    repo.protect("main", reviews=1, checks=["autoresearch/verdict"])
    shop = as_workflow(github)
    pull = shop.create_pull(title="T", head="night", base="main")
    repo.collaborators |= {"bob": "write", "eve": "read"}
    for login, words in (("eve", "approving review"), ("bob", "status check")):
        repo.review(1, "APPROVED", by=login)
        assert shop.get_pull(1).mergeable_state == "blocked"
        with pytest.raises(pygithub.GithubException, match=words):
            pull.merge()
    shop.create_check_run("autoresearch/verdict", head, conclusion="success")
    assert shop.get_pull(1).mergeable_state == "clean"
    assert pull.merge().merged


def test_a_pull_request_follows_its_branch_and_ends_with_it(github: GitHub, tmp_path: Path) -> None:
    repo, token = github.repositories["ada/shop"], github.token(contents="write")
    work = clone(github, tmp_path)
    commit(work, "prices.txt", "2\n", "night")
    git(work, "push", "origin", "night", token=token)
    repo.open("night")
    first = repo.pulls[1].head_sha
    commit(work, "prices.txt", "3\n")
    git(work, "push", "origin", "night", token=token)
    assert repo.pulls[1].head_sha != first
    assert as_workflow(github).get_pull(1).head.sha == git(work, "rev-parse", "HEAD").stdout.strip()
    git(work, "push", "origin", "--delete", "night", token=token)
    assert (repo.pulls[1].state, repo.pulls[1].merged) == ("closed", False)


def test_a_merge_that_was_pushed_is_a_merge(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    head = repo.commit("night", {"prices.txt": "2\n"})
    repo.open("night")
    repo.move("refs/heads/main", head, "ada")
    assert as_workflow(github).get_pull(1).merged


def test_files_with_strange_names_are_named_as_they_are(github: GitHub, tmp_path: Path) -> None:
    work, strange = clone(github, tmp_path), 'folder/a "b"\n\t:\u00fc.txt'
    commit(work, strange, "x\n", "night")
    assert git(work, "push", "origin", "night", token=github.token(contents="write")).returncode == 0
    github.repositories["ada/shop"].open("night")
    shop = as_workflow(github)
    assert [(each.filename, each.status, each.additions) for each in shop.get_pull(1).get_files()] == [
        (strange, "added", 1)
    ]
    assert [each.path for each in shop.get_contents("folder", ref="night")] == [strange]


def test_the_same_pull_request_is_not_opened_twice(github: GitHub) -> None:
    github.repositories["ada/shop"].commit("night", {"prices.txt": "2\n"})
    shop = as_workflow(github)
    shop.create_pull(title="T", body="B", head="night", base="main")
    with pytest.raises(pygithub.GithubException, match="A pull request already exists for ada:night"):
        shop.create_pull(title="T", body="B", head="night", base="main")
    with pytest.raises(pygithub.GithubException, match="Validation Failed"):
        shop.create_pull(title="T", body="B", head="nothing", base="main")
    assert [pull.number for pull in shop.get_pulls(state="all", head="ada:night")] == [1]
    assert [pull.number for pull in shop.get_pulls(state="all", head="eve:night")] == []


def test_a_forks_pull_request_is_not_the_repositorys_own(github: GitHub) -> None:
    fork = github.fork("ada/shop", by="mallory")
    fork.commit("autoresearch/2026-03-02", {"prices.txt": "0\n"}, by="mallory")
    github.repositories["ada/shop"].open("mallory:autoresearch/2026-03-02", by="mallory")
    pull = as_workflow(github).get_pull(1)
    assert (pull.head.repo.full_name, pull.base.repo.full_name) == ("mallory/shop", "ada/shop")
    assert list(as_workflow(github).get_pulls(head="ada:autoresearch/2026-03-02")) == []
    assert github.repositories["ada/shop"].bare.sha("refs/pull/1/head") == pull.head.sha


def test_reviews_come_from_others(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.commit("night", {"prices.txt": "2\n"})
    shop = as_workflow(github)
    pull = shop.create_pull(title="T", head="night", base="main")
    with pytest.raises(pygithub.GithubException, match="422"):
        pull.create_review_request(reviewers=["bob"])
    repo.collaborators["bob"] = "write"
    pull.create_review_request(reviewers=["bob"])
    assert [user.login for user in pull.get_review_requests()[0]] == ["bob"]
    repo.review(1, "CHANGES_REQUESTED", by="bob", body="No.")
    assert [(r.state, r.user.login, r.commit_id) for r in pull.get_reviews()] == [
        ("CHANGES_REQUESTED", "bob", pull.head.sha)
    ]
    with pytest.raises(pygithub.GithubException, match="422"):
        pull.create_review(event="APPROVE")


# Rights -------------------------------------------------------------------------------------------------------------


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


# Text ---------------------------------------------------------------------------------------------------------------


def test_text_outside_code_calls_people_and_closes_issues(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    for title in ("one", "two", "three"):
        repo.issue(title, None, "ada")
    repo.commit("night", {"prices.txt": "2\n"}, "Better\n\nfixes #3")
    body = "Thanks @bob and @ada/core, not `@eve`.\n\n```\n@mallory closes #2\n```\n\nCloses #1, not `closes #2`."
    as_workflow(github).create_pull(title="T", body=body, head="night", base="main")
    assert repo.mentioned == {"bob", "ada/core"}
    repo.merge(4)
    assert {number: issue.state for number, issue in repo.issues.items()} == {1: "closed", 2: "open", 3: "closed"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/issues", {"title": "T", "body": "x" * 65_537}, "body"),
        ("/issues", {"title": "x" * 257}, "title"),
        ("/labels", {"name": "x" * 51}, "name"),
        ("/labels", {"name": "x", "description": "x" * 101}, "description"),
    ],
)
def test_what_is_too_long_is_refused(github: GitHub, path: str, body: dict[str, str], field: str) -> None:
    answer = asked(github, "POST", f"/repos/ada/shop{path}", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].startswith(f"{field} is too long")
    shorter = {name: value[:-1] if name == field else value for name, value in body.items()}
    assert asked(github, "POST", f"/repos/ada/shop{path}", shorter).status_code == 201


# Events -------------------------------------------------------------------------------------------------------------


def test_events_are_those_that_github_sends(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    before = repo.bare.sha("main")
    repo.commit("night", {"prices.txt": "2\n"})
    repo.open("night", by="github-actions[bot]")
    said = repo.comment(1, "/recheck", by="bob")
    event = payloads.comment(repo, 1, said)
    assert (event["comment"]["body"], event["sender"]["login"], "pull_request" in event["issue"]) == (
        "/recheck",
        "bob",
        True,
    )
    assert payloads.comment(repo, 1, said, "edited", by="eve", before="hi")["changes"] == {"body": {"from": "hi"}}
    after = repo.commit("main", {"prices.txt": "3\n"})
    assert before
    pushed = payloads.push(repo, "refs/heads/main", before, after, "ada")
    assert [(each["id"], each["modified"]) for each in pushed["commits"]] == [(after, ["prices.txt"])]
    assert not pushed["forced"]
    assert payloads.push(repo, "refs/heads/main", after, before, "ada")["forced"]
    assert (
        payloads.dispatch(repo, ".github/workflows/nightly.yml", {"experiments": "20"}, "ada")["ref"]
        == "refs/heads/main"
    )


def test_an_event_that_github_would_not_send_is_caught(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.issue("T", None, "ada")
    said = repo.comment(1, "/recheck", by="bob")
    said.body = None  # type: ignore[assignment]
    with pytest.raises(payloads.InvalidPayload, match=r"comment\.body"):
        payloads.comment(repo, 1, said)


# Faults -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status"), [("rate-limit", 403), ("secondary", 403), (429, 429), (500, 500), (502, 502)]
)
@pytest.mark.parametrize("after", [False, True])
def test_a_fault_answers_as_github_does_before_or_after_the_effect(
    github: GitHub, kind: str | int, status: int, after: bool
) -> None:
    github.fail("issues/create", kind, after=after, seconds=7)
    answer = asked(github, "POST", "/repos/ada/shop/issues", {"title": "T"})
    assert answer.status_code == status
    assert len(github.repositories["ada/shop"].issues) == int(after)
    if kind in {"secondary", 429}:
        assert answer.headers["retry-after"] == "7"
    if kind == "rate-limit":
        assert answer.headers["x-ratelimit-remaining"] == "0"
    assert asked(github, "POST", "/repos/ada/shop/issues", {"title": "T"}).status_code == 201


@pytest.mark.parametrize("kind", ["timeout", "reset"])
def test_an_answer_that_never_comes(github: GitHub, kind: str) -> None:
    github.fail("POST /repos/{owner}/{repo}/issues", kind, after=True)
    expected = requests.Timeout if kind == "timeout" else requests.ConnectionError
    with pytest.raises(expected):
        requests.post(
            f"{github.api_url}/repos/ada/shop/issues", json={"title": "T"}, timeout=0.3,
            headers={"Authorization": f"Bearer {github.token(issues='write')}"},
        )  # fmt: skip
    assert len(github.repositories["ada/shop"].issues) == 1


def test_the_clients_own_retries_get_through(github: GitHub) -> None:
    shop = client(github, github.token(**EVERYTHING), retries=3)
    for kind in (500, "secondary", "reset"):
        fault = github.fail("issues/*", kind)
        assert shop.create_issue("T").number
        assert fault.struck == ["POST /repos/{owner}/{repo}/issues"]


def test_faults_count_calls(github: GitHub) -> None:
    github.fail("*", 500, skip=1, times=2)
    statuses = [asked(github, "GET", "/repos/ada/shop").status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    with pytest.raises(ValueError, match="is no fault"):
        github.fail("*", "flood")


def test_a_push_whose_answer_is_lost_has_happened(github: GitHub, tmp_path: Path) -> None:
    work, token = clone(github, tmp_path), github.token(contents="write")
    commit(work, "prices.txt", "2\n", "night")
    github.fail("git push transfer", "reset", after=True)
    assert git(work, "push", "origin", "night", token=token).returncode != 0
    assert github.repositories["ada/shop"].bare.sha("night") == git(work, "rev-parse", "HEAD").stdout.strip()
    github.fail("git push", 502)
    assert "502" in git(work, "push", "origin", "night:again", token=token).stderr
    assert github.repositories["ada/shop"].bare.sha("again") is None


def test_time_stands_still_until_a_test_moves_it(github: GitHub) -> None:
    repo = github.repositories["ada/shop"]
    repo.issue("T", None, "ada")
    github.clock.advance(hours=2)
    repo.close(1)
    answer = asked(github, "GET", "/repos/ada/shop/issues/1").json()
    assert (answer["created_at"], answer["closed_at"]) == ("2026-03-02T02:17:00Z", "2026-03-02T04:17:00Z")


def test_calls_are_listed_with_who_and_what(github: GitHub) -> None:
    as_workflow(github).create_issue("Dashboard", body="text")
    (call,) = [call for call in github.calls if call.id == "issues/create"]
    assert (call.status, call.login, call.body["body"]) == (201, "github-actions[bot]", "text")
    assert json.dumps(call.body)
