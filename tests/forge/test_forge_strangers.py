"""What people who may not write do to the bot's pull requests: reviews, pull requests of their own, checks by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.forge import Standing
from bot.forge.github import closing
from bot.forge.patience import ForgeError
from bot.night.earlier import past
from bot.night.folder import Night
from tests.forging import Desk, desk, made, measured

STRANGER = "mallory"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return measured(made(tmp_path_factory.mktemp("night"), {"t": ""}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart takes most of a proposal's time, and nothing here is about it."""
    monkeypatch.setattr("bot.pages.charts.chart.chart_png", lambda _report: b"png")


@pytest.fixture
def at(tmp_path: Path, night: Night) -> Iterator[Desk]:
    with desk(tmp_path, night) as found:
        found.github.account(STRANGER)
        found.propose()
        yield found


def standing(at: Desk) -> Standing:
    (found,) = past.proposals(at.night.repository, "t")
    return at.forge().standing(at.night.repository, found)


@pytest.mark.parametrize("verdict", ["APPROVED", "CHANGES_REQUESTED"])
def test_a_strangers_review_takes_nothing_out_of_the_bots_hands(at: Desk, verdict: str) -> None:
    """Anybody may review a public repository's pull requests; GitHub counts only those of people who may write."""
    at.there.review(1, verdict, by=STRANGER)
    assert standing(at) is Standing.WAITING
    at.there.collaborators["bob"] = "write"
    at.there.review(1, verdict, by="bob")
    assert standing(at) is Standing.TOUCHED


def test_a_strangers_pull_request_of_the_bots_branch_declines_nothing(at: Desk) -> None:
    """Anybody who may read may open a pull request between two branches of a public repository, and close their own."""
    at.there.commit("old", {"x.txt": "1\n"})
    theirs = at.there.open(at.there.pulls[1].head, base="old", by=STRANGER)
    assert standing(at) is Standing.WAITING
    at.there.close(theirs.number, STRANGER)
    assert standing(at) is Standing.WAITING
    at.there.close(1, "ada")
    assert standing(at) is Standing.DECLINED
    again = at.there.open(at.there.pulls[1].head, by=STRANGER)
    assert again.state == "open"
    assert standing(at) is Standing.DECLINED


def test_strangers_cannot_fill_the_reviewers_queue(at: Desk) -> None:
    at.there.commit("old", {"x.txt": "1\n"})
    at.there.commit("autoresearch/other", {"y.txt": "1\n"})
    at.there.open("autoresearch/other", base="old", by=STRANGER)
    assert at.forge().open_branches() == {f"autoresearch/{at.night.name}"}


def test_a_pull_request_that_a_stranger_opened_first_is_not_taken_for_the_bots(at: Desk) -> None:
    """Between the push of the branch and the bot's own: theirs would be theirs to close."""
    pull = at.there.pulls.pop(1)
    theirs = at.there.open(pull.head, by=STRANGER, body=pull.body)
    with pytest.raises(ForgeError, match="only one") as raised:
        at.propose()
    assert "close theirs" in raised.value.next_step
    at.there.close(theirs.number, STRANGER)
    at.propose()
    assert [one.user.type for one in at.there.pulls.values()] == ["User", "Bot"]


def test_a_mark_that_a_stranger_copied_keeps_no_comment_back(at: Desk, tmp_path: Path) -> None:
    """Who closes it says why and where the rows are, whatever somebody wrote under it."""
    at.there.comment(1, f"{closing._MARK}\nnothing to see", by=STRANGER)
    at.next_night()
    at.night = at.elsewhere(tmp_path / "again").night
    at.propose()
    old = at.there.pulls[1]
    assert old.state == "closed"
    assert [comment.user.login == STRANGER for comment in old.comments] == [True, False]
    assert "confirmed again there" in old.comments[1].body


def test_only_a_humans_close_declines(at: Desk) -> None:
    """Many repositories have a bot that closes what nobody has touched for a while."""
    robot = at.github.account("stale[bot]", "Bot")
    at.there.close(1, "stale[bot]")
    assert at.there.pulls[1].closed_by is robot
    assert standing(at) is Standing.RETRY
    at.there.reopen(1)
    at.there.close(1, "ada")
    assert standing(at) is Standing.DECLINED
