"""The next batch is prepared while one is measured: the night is the one that it would be without that."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.night.asking import Asking
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Proposal, Request
from bot.proposers.perturb import Perturb
from harness import folds
from tests.scoring import FOLDER, TARGET, repository_at
from tests.support import git

EXPERIMENTS = 150
SMALL = "/weights/*: {int: [4, 6]}"  # 81 points, which are walked to their end


def planned(folder: Path, space: str) -> Night:
    repository = repository_at(folder)
    path = repository.root / FOLDER / "target.yaml"
    path.write_text(TARGET.replace("/weights/*: {int: [-5, 25]}", space))
    git(repository.root, "commit", "--quiet", "--all", "--allow-empty", "--message", "Space")
    night, _ = plan(repository, Wishes(experiments=EXPERIMENTS, seed=3))
    return night


def made(night: Night) -> tuple[list[tuple[object, ...]], str | None]:
    run(night, targets_of(night)[0], quiet=True)
    found = folds.of_kind(night.segments("h"), "experiment")
    keys = ("id", "canon", "content", "description", "status", "reason", "metrics", "parent")
    return [tuple(event[key] for key in keys) for event in found], folds.run_end(night.segments("h"))


@pytest.mark.parametrize("space", ["/weights/*: {int: [-5, 25]}", SMALL], ids=["large", "walked"])
def test_the_night_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str) -> None:
    asked: list[int] = []
    original = Perturb.ask

    def ask(self: Perturb, request: Request) -> list[Proposal]:
        asked.append(request.first)
        return original(self, request)

    monkeypatch.setattr(Perturb, "ask", ask)
    with_it = made(planned(tmp_path / "with", space))
    ahead, asked = asked, []
    monkeypatch.setattr(Asking, "ahead", lambda _self: None)
    assert made(planned(tmp_path / "without", space)) == with_it
    statuses = {experiment[4] for experiment in with_it[0]}
    assert statuses == {"keep", "discard"}
    repeated = len(ahead) > len(asked)
    assert repeated == (space != SMALL), "a prepared batch is thrown away after a keep, and nothing is in a walk"
    assert with_it[1] == ("experiments" if space != SMALL else "exhausted")
