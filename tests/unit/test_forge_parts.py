"""The parts of a forge that need none: patience, failures, labels, owners, names of branches."""

from __future__ import annotations

import pytest
from github import GithubException, RateLimitExceededException

from bot.forge import labels
from bot.forge.github.failures import explained
from bot.forge.owners import parse
from bot.forge.patience import ForgeError, Passing, Patience
from bot.forge.remote import Remote, _kind
from bot.night.proposing.opening import branch_of, slug
from harness.errors import RepositoryError
from harness.handover.loop import Contradiction
from harness.handover.outcome import check_proposed


def patiently(failures: list[Exception], *, tries: int = 4, left: float = 100.0) -> tuple[str, list[float]]:
    waited: list[float] = []

    def step() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    return Patience(tries, left, waited.append)(step, "trying"), waited


def test_patience_waits_longer_each_time_and_as_long_as_it_is_asked() -> None:
    assert patiently([Passing("a"), Passing("b"), Passing("c", wait=7.0)]) == ("done", [2.0, 4.0, 7.0])


def test_patience_ends_with_tries_and_with_time() -> None:
    with pytest.raises(ForgeError, match="tried 4 times"):
        patiently([Passing("a") for _ in range(4)])
    with pytest.raises(ForgeError, match="tried once"):
        patiently([Passing("a", wait=101.0)])
    with pytest.raises(ForgeError, match="tried 2 times"):
        patiently([Passing("a", wait=60.0), Passing("a", wait=60.0)])


def test_an_error_that_does_not_pass_is_not_tried_again() -> None:
    failures = [ForgeError("no"), ForgeError("no")]
    with pytest.raises(ForgeError):
        patiently(failures)
    assert len(failures) == 1


@pytest.mark.parametrize(
    ("status", "said", "headers", "wait"),
    [
        (403, "API rate limit exceeded", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1060"}, 61.0),
        (403, "You have exceeded a secondary rate limit", {"Retry-After": "30"}, 30.0),
        (403, "You have exceeded a secondary rate limit", {}, 60.0),
        (429, "Too Many Requests", {"retry-after": "5"}, 5.0),
        (429, "Too Many Requests", {"retry-after": "soon"}, 60.0),
        (502, "Bad gateway", {}, None),
    ],
)
def test_what_passes_is_waited_for(status: int, said: str, headers: dict[str, str], wait: float | None) -> None:
    kind = RateLimitExceededException if "rate limit" in said else GithubException
    found = explained(kind(status, {"message": said}, headers), "doing", "contents: read", now=1000.0)
    assert isinstance(found, Passing)
    assert found.wait == wait


@pytest.mark.parametrize(
    ("status", "said", "cure"),
    [
        (401, "Bad credentials", "the token is not valid any more"),
        (403, "Resource not accessible by integration", "permissions: {checks: write}"),
        (403, "GitHub Actions is not permitted to create or approve pull requests.", "Allow GitHub Actions to create"),
        (404, "Not Found", "GITHUB_REPOSITORY"),
        (410, "Issues are disabled for this repo", "turn Issues on"),
        (422, "Validation Failed", "autoresearch doctor"),
    ],
)
def test_what_does_not_pass_names_its_cure(status: int, said: str, cure: str) -> None:
    found = explained(GithubException(status, {"message": said}, {}), "doing", "checks: write", now=0.0)
    assert isinstance(found, ForgeError)
    assert cure in found.next_step
    assert said.rstrip(".") in found.why


def test_what_github_says_stays_one_plain_line() -> None:
    said = {"message": "a\nb\x1b[31m", "errors": [{"message": "::error::c\u202e"}, "d"]}
    found = explained(GithubException(422, said, {}), "doing", "checks: write", now=0.0)
    assert isinstance(found, ForgeError)
    assert found.why == "a b[31m; ::error::c; d"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (" ! [rejected] autoresearch/results -> autoresearch/results (fetch first)", Passing),
        (" ! [rejected] x -> x (stale info)", Passing),
        ("fatal: unable to access 'http://x/': The requested URL returned error: 502", Passing),
        ("fatal: unable to access 'http://x/': Recv failure: Connection reset by peer", Passing),
        ("fatal: unable to access 'http://x/': The requested URL returned error: 403", ForgeError),
        ("remote: error: GH006: Protected branch update failed for refs/heads/autoresearch/results.", ForgeError),
        ("remote: error: GH013: Repository rule violations found for refs/heads/autoresearch/x", ForgeError),
        ("fatal: bad object", RepositoryError),
    ],
)
def test_what_git_says_of_a_push(said: str, kind: type[Exception]) -> None:
    assert isinstance(_kind(RepositoryError("git push failed", why=said), "pushing", "contents: write"), kind)


def test_a_token_is_in_no_address_and_no_picture_of_the_remote() -> None:
    remote = Remote("https://example.org/a/b.git", "very-secret", Patience())
    assert "very-secret" not in repr(remote)
    settings = remote._environment()
    assert "very-secret" not in "".join(settings[key] for key in settings if "KEY" in key)
    assert settings["GIT_ALLOW_PROTOCOL"] == "http:https"


def test_labels_of_humans_stay_and_ours_follow() -> None:
    there = ["autoresearch", "evidence:strong", "target:a", "needs-recheck", "hold", "urgent"]
    after = labels.renewed(there, ["autoresearch", "evidence:weak", "target:b"])
    assert after == ["autoresearch", "evidence:weak", "hold", "target:b", "urgent"]
    assert len(labels.of_target("x" * 63)) == labels.MOST_NAME


CODEOWNERS = """
# everybody
*                 @everybody
*.yaml            @yaml-people   # and a remark
/targets/         @ada/targets @bob
targets/a/*       @files-only
/targets/b/       me@example.org @eve
/docs/**/spec.md  @docs
/free/
!/never           @never
"""


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("README.md", "@everybody"),
        ("deep/er/x.yaml", "@yaml-people"),
        ("targets/x/spec.md", "@ada/targets"),
        ("targets/a/spec.yaml", "@files-only"),
        ("targets/a/deeper/spec.yaml", "@ada/targets"),
        ("targets/b/spec.yaml", "@eve"),
        ("other/targets/x", "@everybody"),
        ("docs/spec.md", "@docs"),
        ("docs/a/b/spec.md", "@docs"),
        ("free/x.yaml", ""),
        ("never", "@everybody"),
    ],
)
def test_codeowners(path: str, owner: str) -> None:
    rules = parse(CODEOWNERS)
    assert next((who for pattern, who in reversed(rules) if pattern.fullmatch(path)), "") == owner


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("@ada/Team Growth!", "team-growth"),
        ("@bob", "bob"),
        ("@2", "o-2"),
        ("@ada/gpu", "o-gpu"),
        ("@ada/gpu-2", "o-gpu-2"),
        ("@gpuser", "gpuser"),
        ("@\u202e", "o"),
    ],
)
def test_an_owner_in_a_branch_is_never_part_of_a_nights_name(owner: str, name: str) -> None:
    assert slug(owner) == name
    assert branch_of("2026-11-21", owner) == f"autoresearch/2026-11-21-{name}"


@pytest.mark.parametrize(
    ("branch", "alone", "carried"),
    [
        ("autoresearch/2026-11-21", True, True),
        ("autoresearch/2026-11-21-team-growth", True, True),
        ("autoresearch/2026-11-20", False, True),
        ("autoresearch/results", False, False),
        ("autoresearch/2026-11-21/x", False, False),
        ("main", False, False),
    ],
)
def test_a_proposal_names_a_branch_of_its_night(branch: str, alone: bool, carried: bool) -> None:
    confirm = {"verdict": "confirmed", "rows": [{"blob": "b"}]}
    event = {"branch": branch, "rows": ["b"]}
    for takes_over, holds in ((False, alone), (True, carried)):
        if holds:
            check_proposed(event, "2026-11-21", confirm, carried=takes_over)
        else:
            with pytest.raises(Contradiction):
                check_proposed(event, "2026-11-21", confirm, carried=takes_over)
