"""A night on api-latency with a scripted proposer: one refused, one kept by pairs and confirmed with an interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.night.confirm import confirm
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from bot.proposers import Outcome, Proposal, Request, Told
from harness import folds
from harness.repository import Repository
from tests.latency.wrong import EXPERT, WRONG
from tests.support import make_repository

ROOT = Path(__file__).parents[2]
FOLDER = "targets/experiments/api-latency"
SAID = ("stale cache", "an expert")


class Script:
    """Proposes what was written before the night."""

    worst_case_usd, steady = 0.0, False

    def __init__(self, *contents: str) -> None:
        self._contents = contents

    def ask(self, request: Request) -> list[Proposal]:
        left = list(zip(self._contents, SAID, strict=True))[request.first - 1 :][: request.count]
        return [Proposal(content.encode(), said) for content, said in left]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """It has made up its mind."""

    def recall(self, told: Iterable[Told]) -> None:
        """Likewise."""


def smaller(folder: Path) -> Repository:
    """The target with fewer requests and pairs, so that a night takes a minute."""
    files = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / FOLDER).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name, old, new in (
        ("traffic.py", "EACH = 50", "EACH = 24"),
        ("target.yaml", "noise: {}", "noise: {max_pairs: 20, calibration: 4}"),
        ("target.yaml", "groups: 6", "groups: 1"),
        ("target.yaml", "experiments: 40", "experiments: 2"),
    ):
        assert old in files[f"{FOLDER}/{name}"]
        files[f"{FOLDER}/{name}"] = files[f"{FOLDER}/{name}"].replace(old, new)
    return make_repository(folder, files)


def test_an_experts_handler_is_kept_and_confirmed(tmp_path: Path) -> None:
    night, _ = plan(smaller(tmp_path), Wishes(seed=4))
    (target,) = targets_of(night)
    run(night, target, quiet=True, proposer=Script(WRONG["stale cache"].content, EXPERT))
    stale, kept = folds.of_kind(night.segments(target.name), "experiment")
    assert (stale["status"], stale["reason"]) == ("crash", "refused")
    assert kept["status"] == "keep", kept["why"]
    assert confirm(night, target) == "confirmed"
    (found,) = folds.of_kind(night.segments(target.name), "confirm")
    assert found["confirmed"]["metric"] == "p99_ms"
    assert 0 < found["confirmed"]["low"] < found["confirmed"]["gain"] < found["confirmed"]["high"]
