"""A real loop with a proposer that proposes what it was given, and what the loop recorded of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from bot import proposers
from bot.night.folder import Night
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Request, Told
from harness import folds
from harness.events import Event
from harness.target import Target
from tests.support import make_repository


class Scripted:
    """Proposes these contents in their order, then nothing."""

    worst_case_usd = 0.0
    steady = False

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self._left = list(proposals)

    def ask(self, request: Request) -> list[Proposal]:
        asked, self._left = self._left[: request.count], self._left[request.count :]
        return asked

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learnt."""

    def recall(self, told: Iterable[Told]) -> None:
        """Nothing was learnt."""


def contents(*found: bytes | str, words: str = "hostile") -> list[Proposal]:
    return [Proposal(one.encode() if isinstance(one, str) else one, words) for one in found]


def planned(folder: Path, files: Mapping[str, str | bytes]) -> tuple[Night, Target]:
    """A night of one target, planned. Code, for which there is no proposer, is given one that proposes nothing."""
    repository = make_repository(folder, files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(proposers._KINDS, "", lambda _setting: Scripted([]))
        night, _plan = plan(repository, Wishes())
    return night, targets_of(night)[0]


def experiments(folder: Path, files: Mapping[str, str | bytes], proposals: Sequence[Proposal]) -> list[Event]:
    """What the loop recorded of these proposals."""
    night, target = planned(folder, files)
    run(night, target, quiet=True, proposer=Scripted(proposals))
    return folds.of_kind(night.segments(target.name), "experiment")
