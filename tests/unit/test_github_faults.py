"""What goes wrong on request on the test server, before the effect of a call or after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.github.server import GitHub
from tests.github.visiting import EVERYTHING, asked, client, clone, commit, git, shop


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with shop(tmp_path) as started:
        yield started


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
