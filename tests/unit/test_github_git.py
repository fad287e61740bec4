"""git over HTTP and pull requests on the test server: real commits, and the refusals of the real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import github as pygithub
import pytest
import requests

from tests.github.server import GitHub
from tests.github.visiting import as_workflow, clone, commit, git, shop


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with shop(tmp_path) as started:
        yield started


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
        assert requests.get(f"{started.api_url}/repos/ada/secret", timeout=60).status_code == 404


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


def test_a_forks_pull_request_is_not_the_repositorys_own(github: GitHub, tmp_path: Path) -> None:
    fork = github.fork("ada/shop", by="mallory")
    fork.commit("autoresearch/2026-03-02", {"prices.txt": "0\n"}, by="mallory")
    github.repositories["ada/shop"].open("mallory:autoresearch/2026-03-02", by="mallory")
    pull = as_workflow(github).get_pull(1)
    assert (pull.head.repo.full_name, pull.base.repo.full_name) == ("mallory/shop", "ada/shop")
    assert list(as_workflow(github).get_pulls(head="ada:autoresearch/2026-03-02")) == []
    assert github.fork("ada/shop", by="mallory") is fork
    assert github.repositories["ada/shop"].bare.sha("refs/pull/1/head") == pull.head.sha
    ours = github.token(contents="write")
    git(tmp_path, "clone", "-q", fork.url, "fork")
    assert "403" in git(tmp_path / "fork", "push", "origin", "HEAD:refs/heads/new", token=ours).stderr
    theirs = github.token(by="mallory")
    assert git(tmp_path / "fork", "push", "origin", "HEAD:refs/heads/new", token=theirs).returncode == 0


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
