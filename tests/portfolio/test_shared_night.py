"""A real night that two proposers share: recorded by arm, resumed as if nothing had been, and shown by arm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.pages.body import Links, body
from bot.pages.summary import summarise
from bot.pages.target.arms import yields
from bot.proposers import Proposal, Proposer, Request, portfolio
from bot.proposers.bandit import CONTROL_SHARE
from bot.proposers.portfolio import Portfolio
from harness import folds
from harness.handover.shapes import KINDS
from harness.target import Budget, Target
from tests.attacks import forgery
from tests.attacks.forgery import confirmed, proposed
from tests.scoring import FOLDER, TARGET, repository_at
from tests.support import git

EXPERIMENTS = 160
SHARED = "kind: portfolio, arms: [{kind: perturb}, {kind: search}]"


class Killed(BaseException):
    """As abrupt as a signal."""


def planned(folder: Path, proposer: str = SHARED, experiments: int = EXPERIMENTS) -> Night:
    repository = repository_at(folder)
    path = repository.root / FOLDER / "target.yaml"
    path.write_text(TARGET.replace("kind: perturb", proposer))
    git(repository.root, "commit", "--quiet", "--all", "--allow-empty", "--message", "Proposers")
    night, _ = plan(repository, Wishes(experiments=experiments, seed=3))
    return night


def made(night: Night) -> list[tuple[str, str, str]]:
    found = folds.of_kind(night.segments("h"), "experiment")
    return [(event["model"]["arm"], event["canon"], event["status"]) for event in found]


def killed_and_resumed(night: Night, monkeypatch: pytest.MonkeyPatch, batches: list[int]) -> None:
    """Killed before each of these batches, then resumed."""
    asked, original = [0], Portfolio.ask

    def ask(self: Portfolio, request: Request) -> list[Proposal]:
        asked[0] += 1
        if asked[0] in batches:
            raise Killed
        return original(self, request)

    monkeypatch.setattr(Portfolio, "ask", ask)
    for _ in batches:
        with pytest.raises(Killed):
            run(night, targets_of(night)[0], quiet=True)
    assert run(night, targets_of(night)[0], quiet=True) == "experiments"
    monkeypatch.setattr(Portfolio, "ask", original)


def test_a_night_that_two_proposers_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, broken = planned(tmp_path / "whole"), planned(tmp_path / "broken")
    assert run(whole, targets_of(whole)[0], quiet=True) == "experiments"
    found = made(whole)
    arms = [arm for arm, _canon, _status in found]
    assert len(found) == EXPERIMENTS
    assert set(arms) == {"perturb", "search"}
    for number in range(1, EXPERIMENTS + 1):
        assert arms[:number].count("perturb") >= CONTROL_SHARE * number
    for event in folds.of_kind(whole.segments("h"), "experiment"):
        assert not KINDS["experiment"].problem(event)

    killed_and_resumed(broken, monkeypatch, [4, 7])
    assert made(broken) == found

    _shown(whole)


def test_without_the_arm_on_record_it_would_be_another_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is recalled is what makes the two alike."""
    whole, broken = planned(tmp_path / "whole"), planned(tmp_path / "broken")
    run(whole, targets_of(whole)[0], quiet=True)
    monkeypatch.setattr(Portfolio, "recall", lambda _self, _told: None)
    killed_and_resumed(broken, monkeypatch, [4, 7])
    assert made(broken) != made(whole)


def _shown(night: Night) -> None:
    segments = night.segments("h")
    report, state = summarise(segments), folds.loop_state(segments, night.packs("h"))
    assert sum(arm.experiments for arm in report.arms) == EXPERIMENTS
    assert sum(arm.kept for arm in report.arms) == state.kept > 0
    assert sum(arm.gain for arm in report.arms) == pytest.approx(state.claimed)
    assert report.arms == yields(folds.all_events(segments))
    text = body(night.name, [report], Links("", "", {}, {}))
    assert "| arm | experiments | kept | gain | dollars | minutes |" in text
    for arm in report.arms:
        assert f"| `{arm.arm}` | {arm.experiments} | {arm.kept} |" in text


def test_its_pull_request_says_what_each_arm_came_to(tmp_path: Path) -> None:
    """After confirm and every check of what was handed over."""
    night = planned(tmp_path)
    run(night, targets_of(night)[0], quiet=True)
    assert proposed(confirmed(night)).opened is not None
    for arm in summarise(night.segments("h")).arms:
        assert f"| `{arm.arm}` | {arm.experiments} | {arm.kept} |" in forgery.page(night)


def test_it_counts_with_the_budget_that_the_night_has_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Budget] = []
    original = portfolio.assembled

    def assembled(target: Target, seed: int, make: Callable[[Target, int], Proposer]) -> Portfolio:
        seen.append(target.budget)
        return original(target, seed, make)

    monkeypatch.setattr(portfolio, "assembled", assembled)
    night = planned(tmp_path)
    assert targets_of(night)[0].budget.experiments == 2000
    run(night, targets_of(night)[0], quiet=True)
    assert [budget.experiments for budget in seen] == [EXPERIMENTS]


def test_an_arm_that_was_never_asked_is_on_the_page_too(tmp_path: Path) -> None:
    night = planned(tmp_path, experiments=1)
    run(night, targets_of(night)[0], quiet=True)
    report = summarise(night.segments("h"))
    assert sorted(arm.experiments for arm in report.arms) == [0, 1]
    never = next(arm.arm for arm in report.arms if not arm.experiments)
    assert f"| `{never}` | 0 | 0 |" in body(night.name, [report], Links("", "", {}, {}))


def test_a_night_of_one_proposer_says_nothing_of_arms(tmp_path: Path) -> None:
    night = planned(tmp_path, "kind: perturb")
    run(night, targets_of(night)[0], quiet=True)
    report = summarise(night.segments("h"))
    assert report.arms == ()
    assert "| arm |" not in body(night.name, [report], Links("", "", {}, {}))
