"""Pull requests on GitHub: what is opened, that nothing is there twice, and what a human's touch means."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.config import PullRequests
from bot.forge import PullRequest, Standing
from bot.forge.github import checks
from bot.forge.github.client import from_environment
from bot.forge.patience import ForgeError
from bot.night.earlier import past
from bot.night.night import targets_of
from bot.night.proposing.recording import record
from harness import folds
from tests.forging import ALL, EVALUATOR, NAME, Desk, folder
from tests.support import autoresearch, git

pytestmark = pytest.mark.usefixtures("no_chart")


def standing(at: Desk) -> Standing:
    (found,) = past.proposals(at.night.repository, "t")
    return at.forge().standing(at.night.repository, found)


def kept(at: Desk) -> set[str]:
    found = folds.of_kind(at.night.segments("t"), "experiment")
    return {event["canon"] for event in found if event["status"] == "keep"}


def tried(at: Desk) -> set[str]:
    lock = at.night.target_plan("t").lock
    return past.tried(at.night.repository, "t", lock, at.night.plan.base, at.forge())


def request(at: Desk) -> PullRequest:
    return PullRequest(at.night.name, f"autoresearch/{at.night.name}", at.night.plan.base, [], {}, {}, ())


def test_a_confirmed_night_becomes_one_pull_request(at: Desk) -> None:
    result = at.propose()
    assert result.refused == {}
    (pull,) = at.there.pulls.values()
    assert result.opened is not None
    assert result.opened.where == f"{at.there.html_url}/pull/{pull.number}"
    assert result.opened.notes == ()
    assert pull.title.startswith(f"autoresearch {at.night.name}: t acc 2.0000 -> ")
    assert pull.head == f"autoresearch/{at.night.name}"
    assert pull.base == "main"
    assert "## t: evidence strong" in (pull.body or "")
    assert sorted(pull.labels) == ["autoresearch", "evidence:strong", "target:t"]
    (check,) = at.there.check_runs
    assert (check.name, check.conclusion, check.head_sha) == ("autoresearch/verdict", "success", pull.head_sha)
    assert at.records() == [f"t/{at.night.name}.{name}.jsonl" for name in ("1-run", "2-confirm", "3-propose")]


def test_a_second_time_changes_nothing(at: Desk) -> None:
    at.propose()
    before, calls = at.state(), len(at.github.calls)
    at.propose()
    assert at.state() == before
    assert not [call.name for call in at.github.calls[calls:] if not call.name.startswith(("GET", "git"))]


def test_what_a_human_wrote_and_set_stays(at: Desk) -> None:
    at.propose()
    (pull,) = at.there.pulls.values()
    ours = pull.body or ""
    pull.body = f"Seen by Ada.\n\n{ours.replace('evidence strong', 'evidence of nothing')}\nAda: ask Bob first.\n"
    pull.title = "Take this one"
    at.there.new_label("urgent", description="now")
    at.there.label(pull.number, "urgent", by="bob")
    at.there.delete_label("target:t")
    at.propose()
    assert pull.body == f"Seen by Ada.\n\n{ours}\nAda: ask Bob first.\n"
    assert pull.title == "Take this one"
    assert sorted(pull.labels) == ["autoresearch", "evidence:strong", "target:t", "urgent"]


@pytest.mark.parametrize("verdict", ["APPROVED", "CHANGES_REQUESTED"])
def test_a_reviewed_pull_request_is_left_as_it_is(at: Desk, verdict: str) -> None:
    at.propose()
    (pull,) = at.there.pulls.values()
    at.there.collaborators["bob"] = "write"
    at.there.review(pull.number, "COMMENTED", by="bob")
    assert standing(at) is Standing.WAITING
    at.there.review(pull.number, verdict, by="bob")
    pull.body = (pull.body or "").replace("evidence", "proof")
    before = pull.body
    result = at.propose()
    assert standing(at) is Standing.TOUCHED
    assert pull.body == before
    assert result.opened is not None
    assert "left as it is" in result.opened.notes[0]


def test_what_a_human_pushed_on_top_is_kept(at: Desk) -> None:
    at.propose()
    (pull,) = at.there.pulls.values()
    tip = at.there.commit(pull.head, {"README.md": "mine\n"}, by="bob")
    at.elsewhere(at.there.bare.path.parent / "again").propose()
    assert at.branches[pull.head] == tip
    assert standing(at) is Standing.TOUCHED


def test_a_closed_pull_request_is_a_decline_and_stays_closed(at: Desk) -> None:
    at.propose()
    (pull,) = at.there.pulls.values()
    at.there.close(pull.number, by="bob")
    at.propose()
    assert [one.state for one in at.there.pulls.values()] == ["closed"]
    assert standing(at) is Standing.DECLINED
    assert kept(at) <= tried(at)
    at.there.new_label("retry", description="again")
    at.there.label(pull.number, "retry", by="bob")
    assert standing(at) is Standing.RETRY
    assert kept(at).isdisjoint(tried(at))


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_is_recognised_by_its_content(at: Desk, method: str) -> None:
    at.propose()
    at.there.merge(1, method)
    at.there.pulls.clear()  # whatever GitHub says of it
    git(at.night.repository, "fetch", "--quiet", str(at.there.bare.path), "main")
    base = git(at.night.repository, "rev-parse", "FETCH_HEAD")
    (found,) = past.proposals(at.night.repository, "t")
    assert past.standing(at.night.repository, found, base, at.forge()) is Standing.MERGED
    assert past.standing(at.night.repository, found, at.night.plan.base, at.forge()) is Standing.ABSENT


def test_a_pull_request_that_a_human_opened_keeps_its_words(at: Desk) -> None:
    at.there.actions["can_approve_pull_request_reviews"] = False
    with pytest.raises(ForgeError) as failure:
        at.propose()
    assert "Allow GitHub Actions to create and approve pull requests" in failure.value.next_step
    at.there.collaborators["bob"] = "write"
    at.there.open(f"autoresearch/{at.night.name}", title="By hand", body="I opened it.", by="bob")
    result = at.propose()
    (pull,) = at.there.pulls.values()
    assert (pull.title, pull.body) == ("By hand", "I opened it.")
    assert result.opened is not None
    assert "a human opened it" in result.opened.notes[0]


def test_drafts_where_they_are_to_be_had(at: Desk) -> None:
    at.settings = PullRequests(draft=True)
    at.there.settings["drafts"] = False
    result = at.propose()
    assert result.opened is not None
    assert result.opened.notes == ("drafts are not available in this repository, so it was opened ready for review",)
    assert [pull.draft for pull in at.there.pulls.values()] == [False]


@pytest.mark.parametrize("missing", ["contents", "pull_requests", "issues", "checks"])
def test_a_missing_right_is_named(at: Desk, missing: str) -> None:
    poor = at.with_token(**{**ALL, missing: "read"})
    with pytest.raises(ForgeError) as failure:
        poor.propose()
    assert f"permissions: {{{missing.replace('_', '-')}: write}}" in failure.value.next_step
    assert poor.token not in str(failure.value)
    at.propose()
    assert len(at.there.pulls) == 1


def test_a_rule_that_refuses_the_records_is_named(at: Desk) -> None:
    at.there.ruleset("closed", ["update", "creation"], ["refs/heads/autoresearch/*"])
    with pytest.raises(ForgeError) as failure:
        at.propose()
    assert "a rule of the repository refuses it" in failure.value.what
    assert at.there.pulls == {}


def test_records_of_others_are_built_upon(at: Desk) -> None:
    """Somebody else records between this night's fetch and its push."""
    forge, night = at.forge(), at.night
    forge.fetch(night.repository)
    at.there.commit("autoresearch/results", {"u/2026-01-01.1-run.jsonl": "{}\n"}, by="bob")
    record(night, targets_of(night), forge)
    mine = {f"t/{night.name}.1-run.jsonl", f"t/{night.name}.2-confirm.jsonl"}
    assert {*mine, "u/2026-01-01.1-run.jsonl"} <= set(at.records())
    assert at.waited == [1.0]


def test_the_token_reaches_no_argument_no_file_and_no_child(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    start = subprocess.run

    def watched(command: list[str], **how: Any) -> Any:
        seen.append(command)
        return start(command, **how)

    monkeypatch.setattr(subprocess, "run", watched)
    environment = {"GITHUB_TOKEN": at.token, "GITHUB_REPOSITORY": NAME, "GITHUB_API_URL": at.github.api_url}
    place = from_environment(environment)
    assert "GITHUB_TOKEN" not in environment
    assert at.token not in f"{place!r} {at.forge()!r}"
    at.propose()
    secret = base64.b64encode(f"x-access-token:{at.token}".encode()).decode()
    assert any("push" in command for command in seen)
    assert not [word for command in seen for word in command if at.token in word or secret in word]
    written = [path.read_bytes() for path in at.night.repository.common.rglob("*") if path.is_file()]
    assert not [content for content in written if at.token.encode() in content or secret.encode() in content]


def test_the_summary_holds_the_same_page(at: Desk, tmp_path: Path) -> None:
    at.summary = tmp_path / "summary.md"
    at.propose()
    (pull,) = at.there.pulls.values()
    assert (pull.body or "").strip() in at.summary.read_text(encoding="utf-8")
    assert f"/blob/{pull.head_sha}/results/t/chart.png?raw=true" in (pull.body or "")
    chart = git(at.there.bare.path, "show", f"{pull.head_sha}:results/t/chart.png")
    assert chart == "png"


def test_a_base_that_moved_where_it_matters_is_said(at: Desk) -> None:
    at.there.commit("main", {"README.md": "new\n"})
    at.propose()
    (pull,) = at.there.pulls.values()
    assert "The base is at" not in (pull.body or "")
    assert at.there.check_runs[-1].conclusion == "success"
    changes = {
        "evaluate.py": (f"{EVALUATOR}\n# another\n", "it changed what computes a score"),
        "spec.yaml": ("a: 2  # one\nb: 1\nfixed: 7\n", "it changed a file that this pull request changes"),
    }
    for name, (content, why) in changes.items():
        at.there.commit("main", {f"{folder('t')}/{name}": content})
        at.propose()
        now, _kind = at.there.bare.refs()["refs/heads/main"]
        assert f"**Do not merge.** The base is at `{now[:8]}` now, and {why}." in (pull.body or "")
        assert at.there.check_runs[-1].conclusion == "failure"


def test_a_repository_that_only_squashes_is_told(at: Desk) -> None:
    at.there.settings |= {"allow_merge_commit": False, "allow_rebase_merge": False}
    links = at.forge().links(request(at))
    assert links.facts.squash_only
    at.there.settings["allow_merge_commit"] = True
    assert not at.forge().links(request(at)).facts.squash_only


def test_the_dashboard_is_one_issue(at: Desk) -> None:
    at.propose()
    (issue,) = at.there.issues.values()
    body = issue.body or ""
    assert issue.labels == ["autoresearch:dashboard"]
    assert f"Last night seen: {at.night.name}" in body
    assert "only a human's merge changes `main`" in body
    issue.body = f"Mine.\n{body.replace('Last night seen', 'First night seen')}"
    at.there.delete_label("autoresearch:dashboard")
    at.there.protect("main", reviews=1)
    at.there.issue("a copy", body, by="mallory", labels=["autoresearch:dashboard"])
    at.propose()
    assert (issue.body or "").startswith("Mine.\n<!-- autoresearch:v1 dashboard -->")
    assert "Last night seen" in (issue.body or "")
    assert issue.labels == ["autoresearch:dashboard"]
    assert len(at.there.issues) == 2


def test_a_persons_own_token_finds_its_own_again(at: Desk) -> None:
    at.token = at.github.token(by="ada")
    first = at.propose()
    before = at.state()
    assert at.propose().opened == first.opened
    assert at.state() == before
    assert (len(at.there.pulls), len(at.there.issues)) == (1, 1)


def test_a_branch_of_that_name_in_a_fork_is_somebody_elses(at: Desk) -> None:
    fork = at.github.fork(NAME, by="mallory")
    branch = f"autoresearch/{at.night.name}"
    fork.commit(branch, {"README.md": "<!-- autoresearch:v1 -->\n"}, by="mallory")
    at.there.open(f"mallory:{branch}", title="autoresearch", body="<!-- autoresearch:v1 -->", by="mallory")
    assert at.forge().open_branches() == frozenset()
    at.propose()
    assert at.forge().open_branches() == {branch}
    assert [pull.head_repository for pull in at.there.pulls.values()] == ["mallory/shop", NAME]
    assert at.there.pulls[1].body == "<!-- autoresearch:v1 -->"
    at.there.close(1, by="mallory")
    assert standing(at) is Standing.WAITING


def test_the_command_in_a_workflow(at: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_API_URL", at.github.api_url)
    monkeypatch.setenv("GITHUB_SERVER_URL", at.github.server_url)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    refused = autoresearch(at.night.repository, "propose", "--forge", "github")
    assert refused.returncode == 10
    assert "GITHUB_TOKEN" in refused.stderr
    monkeypatch.setenv("GITHUB_TOKEN", at.token)
    done = autoresearch(at.night.repository, "propose", "--forge", "github")
    assert done.returncode == 0, done.stderr
    (pull,) = at.there.pulls.values()
    assert f"page:    {at.there.html_url}/pull/{pull.number}" in done.stdout
    assert at.token not in done.stdout + done.stderr
    assert (pull.body or "").strip() in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_night_starts_from_what_it_is_merged_into(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow may be dispatched on any branch, whose commits would all be in the pull request, and no row of it."""
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_API_URL", at.github.api_url)
    monkeypatch.setenv("GITHUB_SERVER_URL", at.github.server_url)
    monkeypatch.setenv("GITHUB_TOKEN", at.token)
    here = at.night.repository
    git(here, "checkout", "--quiet", "-b", "feature")
    git(here, "commit", "--quiet", "--allow-empty", "-m", "Not on main")
    refused = autoresearch(here, "plan", "--runner", "hosted", "--forge", "github")
    assert "is not on the branch that merges go onto" in refused.stderr
    git(here, "checkout", "--quiet", "main")
    planned = autoresearch(here, "plan", "--runner", "hosted", "--forge", "github")
    assert planned.returncode == 0, planned.stderr


def test_a_verdict_on_hundreds_of_targets_fits_and_is_still_told_apart(at: Desk) -> None:
    head = at.there.bare.sha("refs/heads/main") or ""
    seals = ", ".join(f"target-{number} {'a' * 16}" for number in range(600))
    for last in ("b", "c", "c"):
        summary = f"{last}{'x' * 70_000}"
        checks.set_verdict(at.forge().client, head, "success", "Merge", summary, f"2026-01-01: {seals}{last}")
        (check,) = at.there.check_runs
        assert (check.output["summary"][0], len(check.output["summary"])) == (last, checks.MOST_SUMMARY)
        assert len(check.external_id) <= checks.MOST_ID
