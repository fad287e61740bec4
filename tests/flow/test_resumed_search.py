"""A night with `search` that was interrupted goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Proposal, Request, Told
from bot.proposers.search import Search
from harness import folds
from tests.scoring import FOLDER, TARGET, repository_at
from tests.support import git

EXPERIMENTS = 96


class Killed(BaseException):
    """As abrupt as a signal."""


def planned(folder: Path) -> Night:
    repository = repository_at(folder)
    path = repository.root / FOLDER / "target.yaml"
    path.write_text(TARGET.replace("kind: perturb", "kind: search"))
    git(repository.root, "commit", "--quiet", "--all", "--message", "Search")
    night, _ = plan(repository, Wishes(experiments=EXPERIMENTS, seed=3))
    return night


def tried(night: Night) -> list[tuple[str, str]]:
    return [(event["canon"], event["status"]) for event in folds.of_kind(night.segments("h"), "experiment")]


def interrupted(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the fourth batch, then resumed."""
    asked: list[int] = []
    original = Search.ask

    def ask(self: Search, request: Request) -> list[Proposal]:
        asked.append(request.first)
        if len(asked) == 4:
            raise Killed
        return original(self, request)

    monkeypatch.setattr(Search, "ask", ask)
    with pytest.raises(Killed):
        run(night, targets_of(night)[0], quiet=True)
    assert len(tried(night)) == 48
    run(night, targets_of(night)[0], quiet=True)
    assert len(tried(night)) == EXPERIMENTS


def test_it_proposes_what_an_uninterrupted_night_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, broken = planned(tmp_path / "whole"), planned(tmp_path / "broken")
    run(whole, targets_of(whole)[0], quiet=True)
    interrupted(broken, monkeypatch)
    assert tried(broken) == tried(whole)


def test_without_what_was_recorded_it_would_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is recalled is what makes the two alike."""

    def forgets(self: Search, told: Sequence[Told]) -> None:
        """Learns nothing of what was before."""

    whole, broken = planned(tmp_path / "whole"), planned(tmp_path / "broken")
    run(whole, targets_of(whole)[0], quiet=True)
    monkeypatch.setattr(Search, "recall", forgets)
    interrupted(broken, monkeypatch)
    assert tried(broken) != tried(whole)
