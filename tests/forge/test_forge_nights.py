"""Several nights on GitHub: what takes over from what, what is renewed in place, who is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import PullRequests
from bot.forge import Standing
from bot.forge.local import LocalForge
from bot.forge.patience import ForgeError
from bot.night import workflow
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.propose import propose
from tests.forging import Desk, copied, desk, made, measured
from tests.support import git

CONFIG = ".github/autoresearch.yml"


pytestmark = pytest.mark.usefixtures("no_chart")


def test_a_night_takes_over_what_nobody_looked_at(at: Desk) -> None:
    at.propose()
    first = at.night.name
    at.next_night()
    assert at.night.target_plan("t").carried_from == first
    at.propose()
    old, new = at.there.pulls[1], at.there.pulls[3]
    assert (old.state, sorted(old.labels)) == (
        "closed",
        ["autoresearch", "evidence:strong", "superseded", "target:t"],
    )
    (comment,) = old.comments
    assert f"Every row of this pull request is in {at.there.html_url}/pull/3," in comment.body
    assert new.state == "open"
    assert "#1" in (new.body or "")
    before = at.state()
    at.propose()
    assert at.state() == before

    assert at.declined() == set(), "taken over is not declined"
    at.there.close(3, by="bob")
    assert at.declined() == {first, at.night.name}, "what was taken over shares the fate of what took it over"
    at.there.new_label("retry", description="again")
    at.there.label(3, "retry", by="bob")
    assert at.declined() == set()


def test_what_a_human_approved_waits_for_them(at: Desk) -> None:
    at.propose()
    first = at.proposals()[0]
    at.there.collaborators["bob"] = "write"
    at.there.review(1, "APPROVED", by="bob")
    assert at.forge().standing(at.night.repository, first) is Standing.TOUCHED
    at.night, _ = plan(at.night.repository, Wishes(), forge=at.forge())
    (segment,) = at.night.segments("t")
    assert segment.events[-1]["end"] == "reviewers-behind"
    assert segment.events[-1]["why"].startswith(f"pull request #1 ({first.branch}) is in a human's hands")
    assert at.propose().opened is None
    assert at.forge().open_branches() == {first.branch}
    at.there.pulls[1].reviews.clear()
    _, again = plan(at.night.repository, Wishes(), forge=at.forge())
    assert again.targets[0].carried_from == first.night


def test_the_minutes_of_the_workflow_are_on_its_pages(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ".github/workflows/nightly.yml"
    at.there.commit("main", {path: "name: nightly\non: schedule\n"})
    mine = at.there.run(path, status="in_progress")
    at.there.job(mine, "run t", "completed")
    at.there.job(mine, "confirm t", "completed")
    targets = targets_of(at.night)
    monkeypatch.setenv("GITHUB_RUN_ID", str(mine.id))
    monkeypatch.setenv("GITHUB_WORKFLOW_REF", f"{at.there.full_name}/{path}@refs/heads/main")
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    assert workflow.minutes(at.night, targets, at.forge()) is None
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert workflow.minutes(at.night, targets, LocalForge(at.night.path)) is None
    assert workflow.minutes(at.night, targets, at.with_token(contents="read").forge()) is None
    found = workflow.minutes(at.night, targets, at.with_token(actions="read").forge())
    assert found is not None
    assert (found.used, found.reserved) == (2, 50 + 350 + 45), "a loop without a limit has the longest job there is"
    propose(at.night, targets, at.forge(), minutes=found)
    told = f"2 of {found.reserved} reserved Actions minutes"
    assert told in (at.there.pulls[1].body or "")
    (issue,) = at.there.issues.values()
    assert f"The last night took {told}." in (issue.body or "")


def test_a_review_that_comes_during_the_night_is_respected(at: Desk) -> None:
    at.propose()
    at.next_night()
    assert at.night.target_plan("t").carried_from
    at.there.new_label("hold", description="mine")
    at.there.label(1, "hold", by="bob")
    at.propose()
    assert [pull.state for pull in at.there.pulls.values()] == ["open", "open"]
    assert at.there.pulls[1].comments == []


def test_an_unreviewed_pull_request_is_renewed_in_place(tmp_path: Path, night: Night) -> None:
    mine = copied(night, tmp_path / "refreshing")
    (mine.repository.root / ".github").mkdir()
    (mine.repository.root / CONFIG).write_text("pull_request: {unreviewed: refresh}\n", encoding="utf-8")
    git(mine.repository, "add", ".")
    git(mine.repository, "commit", "--quiet", "--message", "Refresh")
    with desk(tmp_path, measured(mine.repository)) as at:
        at.settings = PullRequests(unreviewed="refresh")
        at.propose()
        (pull,) = at.there.pulls.values()
        first, branch, tip = at.night.name, pull.head, pull.head_sha
        pull.body = f"Ada: looks fine so far.\n\n{pull.body}"
        at.next_night()
        at.propose()
        assert list(at.there.pulls) == [1]
        assert (pull.state, pull.head) == ("open", branch)
        assert pull.head_sha != tip
        assert at.branches[branch] == pull.head_sha
        assert (pull.body or "").startswith("Ada: looks fine so far.\n\n<!-- autoresearch:v1")
        assert at.night.name in pull.title
        assert [check.head_sha for check in at.there.check_runs] == [tip, pull.head_sha]
        assert [one.branch for one in at.proposals()] == [branch, branch]
        before = at.state()
        at.elsewhere(tmp_path / "again").propose()
        assert at.state() == before, "run again on another machine"
        at.there.close(1, by="bob")
        assert at.declined() == {first, at.night.name}


def test_every_owner_is_asked_in_a_pull_request_of_their_own(tmp_path: Path) -> None:
    owners = {"t": "@bob", "u": "", "v": ""}
    rules = "* @nobody-here\n/targets/experiments/u/ @ada/growth @bob\n/targets/experiments/v/ # nobody\n"
    found = measured(made(tmp_path / "night", owners, {".github/CODEOWNERS": rules}))
    with desk(tmp_path, found) as at:
        at.there.collaborators["bob"] = "write"
        at.there.teams["growth"] = "write"
        result = at.propose()
        assert result.refused == {}
        pulls = {pull.head: pull for pull in at.there.pulls.values()}
        base = f"autoresearch/{found.name}"
        assert sorted(pulls) == [base, f"{base}-bob", f"{base}-growth"]
        assert {opened.branch for opened in result.pulls} == set(pulls)
        asked = {head: (pull.reviewers, pull.teams) for head, pull in pulls.items()}
        assert asked == {base: ([], []), f"{base}-bob": (["bob"], []), f"{base}-growth": ([], ["growth"])}
        for head, target in ((base, "v"), (f"{base}-bob", "t"), (f"{base}-growth", "u")):
            changed = git(at.there.bare.path, "diff", "--name-only", f"main..{head}").split()
            assert {path.split("/")[1] for path in changed if path.startswith("results/")} == {target, ".gitattributes"}
            assert [label for label in pulls[head].labels if label.startswith("target:")] == [f"target:{target}"]
        assert at.propose().refused == {}
        assert len(at.there.pulls) == 3


def test_an_owner_who_cannot_be_asked_is_a_note(tmp_path: Path) -> None:
    with desk(tmp_path, measured(made(tmp_path / "night", {"t": "@gone"}))) as at:
        result = at.propose()
        assert result.opened is not None
        assert result.opened.notes[0].startswith("@gone could not be asked to review: ")
        assert len(at.there.pulls) == 1
        at.github.expected_violations()  # the description knows no body of this refusal; GitHub sends one


def test_a_kill_while_it_takes_over(at: Desk, tmp_path: Path) -> None:
    """After the comment, after the label, after the close: the next run goes on, and says nothing twice."""
    at.propose()
    issue = "/repos/{owner}/{repo}/issues/{issue_number}"
    steps = (f"POST {issue}/comments", f"POST {issue}/labels", "PATCH /repos/{owner}/{repo}/pulls/{pull_number}")
    for step in steps:
        at.next_night()
        fault = at.github.fail(step, "reset", times=100, after=True)
        with pytest.raises(ForgeError):
            at.propose(tries=1)
        assert fault.struck, step
        at.github.faults.clear()
        at.night = at.elsewhere(tmp_path / step.rpartition("/")[2]).night
        assert at.propose().refused == {}
        *older, newest = at.there.pulls.values()
        assert newest.state == "open"
        assert newest.comments == []
        for pull in older:
            assert (pull.state, "superseded" in pull.labels, len(pull.comments)) == ("closed", True, 1)
    assert len(at.there.pulls) == len(steps) + 1
    assert len(at.there.check_runs) == len(steps) + 1


def test_what_a_human_declines_during_the_night_is_not_proposed_by_it(at: Desk) -> None:
    at.propose()
    at.next_night()
    assert at.night.target_plan("t").carried_from
    at.there.close(1, by="bob")
    result = at.propose()
    assert result.opened is None
    (report,) = result.reports
    assert report.why == "a human closed what it started from while the night ran"
    assert [pull.state for pull in at.there.pulls.values()] == ["closed"]
