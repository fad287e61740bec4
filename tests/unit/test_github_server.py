"""The server that plays GitHub: are messages held against the description, and does it know what text does?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.github import fetch, openapi, payloads
from tests.github.play import PLAYS
from tests.github.server import TOTALS, GitHub, InvalidMessages
from tests.github.visiting import as_workflow, asked, shop


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with shop(tmp_path) as started:
        yield started


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


def test_a_description_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tgz").write_bytes(b"other")
    with pytest.raises(SystemExit, match="not the pinned"):
        fetch.unpacked(tmp_path / "other.tgz")


def test_a_property_that_is_called_description_is_no_prose() -> None:
    schema = {"description": "prose", "properties": {"description": {"type": "string", "example": "x"}}}
    assert fetch.bare(schema) == {"properties": {"description": {"type": "string"}}}


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
