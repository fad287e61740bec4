"""Proposals that cost, fail or crash: one experiment in the record each, with its costs, and the record holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from bot.night import night as nightly
from bot.night import run as running
from bot.night.folder import Night
from bot.night.handed import handover
from bot.proposers import Outcome, Over, Proposal, Request, Told
from harness import folds
from tests.support import make_repository
from tests.surviving import FOLDER, ONE_BY_ONE, events, planned

CRASHING = """
grep -q 'a: 3' "$AUTORESEARCH_FILE" && { echo "a slip in line 3" >&2; exit 1; }
echo ---
"""
EXACT = """awk '{ total -= ($2 - 7) ^ 2 } END { print "closeness: " total }' "$AUTORESEARCH_FILE"
"""
VARYING = """awk -v seed="$AUTORESEARCH_SEED" '{ total += $2 }
END { srand(seed % 100000 + total * 7919); rand(); print "closeness: " total / 4 + rand() }' "$AUTORESEARCH_FILE"
"""
USD = 0.25


def spec(a: int, b: int = 0) -> bytes:
    return f"a: {a}\nb: {b}\nc: 9\n".encode()


class Mender:
    """Proposes these contents; what crashes is mended by the next of `repairs`, None: there is nothing to mend."""

    steady = False

    def __init__(self, contents: Sequence[bytes], repairs: Sequence[bytes | None] = (), worst: float = 0.0) -> None:
        self.contents, self.repairs, self.worst_case_usd = list(contents), list(repairs), worst
        self.asked: list[Request] = []
        self.told: list[Outcome] = []
        self.why: list[str] = []

    def ask(self, request: Request) -> list[Proposal]:
        self.asked.append(request)
        if not self.contents:
            raise Over("exhausted", "the model is gone")
        content = self.contents.pop(0)
        if content == b"":
            return [Proposal(request.incumbent, "no candidate", USD, spent=spent(), failed="it said nothing")]
        return [Proposal(content, "an idea", USD, spent=spent())]

    def repair(self, _proposal: Proposal, why: str) -> Proposal | None:
        self.why.append(why)
        content = self.repairs.pop(0) if self.repairs else None
        return Proposal(content, "the idea, mended", USD, spent=spent()) if content else None

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self.told += outcomes

    def recall(self, told: Iterable[Told]) -> None:
        """It begins anew."""


def spent() -> dict[str, object]:
    return {"model": "m", "calls": 1, "input": 10, "output": 2, "seconds": 0.5, "prompt": "a" * 64, "reply": ""}


def night(tmp_path: Path, *, noisy: bool = False, usd: float = 9.0, experiments: int = 6) -> Night:
    declared = f"{ONE_BY_ONE}budget: {{usd: {usd}}}\n" + ("noise: {max_pairs: 10, calibration: 4}\n" if noisy else "")
    content = {
        f"{FOLDER}/target.yaml": declared,
        f"{FOLDER}/evaluate.py": CRASHING + (VARYING if noisy else EXACT),
        f"{FOLDER}/spec.yaml": spec(0).decode(),
    }
    return planned(make_repository(tmp_path, content), experiments)


def played(night: Night, proposer: Mender) -> str:
    target = nightly.targets_of(night)[0]
    end = running.run(night, target, quiet=True, proposer=proposer, regardless=True)
    handover.read(night, target)  # raises where the record does not hold
    return end


@pytest.mark.parametrize("noisy", [False, True], ids=["exact", "noisy"])
def test_a_crash_is_mended_twice_and_is_one_experiment(tmp_path: Path, noisy: bool) -> None:
    proposer = Mender([spec(3), spec(1)], [spec(3, 1), spec(4, 1)])
    tonight = night(tmp_path, noisy=noisy)
    assert played(tonight, proposer) == "exhausted"
    first, second = events(tonight, "experiment")
    assert (first["repairs"], first["cost_usd"], first["description"]) == (2, 3 * USD, "the idea, mended")
    assert (first["model"]["calls"], first["model"]["input"], first["model"]["seconds"]) == (3, 30, 1.5)
    assert first["status"] != "crash"
    assert "repairs" not in second
    assert all("a slip in line 3" in why for why in proposer.why)
    tries = [event["id"] for event in events(tonight, "try")]
    assert tries == ([1, 1, 1, 2] if noisy else [])


@pytest.mark.parametrize("noisy", [False, True], ids=["exact", "noisy"])
def test_what_crashes_a_third_time_is_a_crash(tmp_path: Path, noisy: bool) -> None:
    proposer = Mender([spec(3)], [spec(3, 1), spec(3, 2), spec(4)])
    tonight = night(tmp_path, noisy=noisy)
    played(tonight, proposer)
    (only,) = events(tonight, "experiment")
    assert (only["status"], only["repairs"], only["cost_usd"]) == ("crash", 2, 3 * USD)
    assert len(proposer.repairs) == 1


@pytest.mark.parametrize("noisy", [False, True], ids=["exact", "noisy"])
def test_a_repair_that_is_no_candidate_costs_and_changes_nothing(tmp_path: Path, noisy: bool) -> None:
    """Mended into what was tried before: paid for, and not measured."""
    tonight = night(tmp_path, noisy=noisy)
    played(tonight, Mender([spec(3)], [spec(0)]))
    (only,) = events(tonight, "experiment")
    assert (only["status"], only["cost_usd"], "repairs" in only) == ("crash", 2 * USD, False)


def test_a_repair_must_fit_into_the_budget(tmp_path: Path) -> None:
    tonight = night(tmp_path, usd=2 * USD)
    proposer = Mender([spec(3), spec(1)], [spec(3, 1), spec(4)], worst=USD)
    assert played(tonight, proposer) == "money"
    (only,) = events(tonight, "experiment")
    assert (only["status"], only["cost_usd"], only["repairs"]) == ("crash", 2 * USD, 1)


def test_what_failed_is_recorded_with_its_cost_and_not_measured(tmp_path: Path) -> None:
    tonight = night(tmp_path)
    proposer = Mender([spec(1), b"", spec(2)])
    assert played(tonight, proposer) == "exhausted"
    kept, failed, then = events(tonight, "experiment")
    assert (failed["status"], failed["reason"], failed["why"]) == ("discard", "invalid", "it said nothing")
    assert (failed["blob"], failed["cost_usd"], failed["seconds"]) == (kept["blob"], USD, 0)
    assert then["status"] == "keep"
    run = next(one for one in tonight.segments("t") if one.header["verb"] == "run")
    assert run.events[-1]["why"] == "the model is gone"
    assert folds.run_end(tonight.segments("t")) == "exhausted"


def test_a_proposer_is_told_what_is_left_and_what_became_of_it(tmp_path: Path) -> None:
    tonight = night(tmp_path, usd=3.0)
    proposer = Mender([spec(1), spec(-5)])
    played(tonight, proposer)
    assert [(request.left, request.usd_left) for request in proposer.asked] == [(6, 3.0), (5, 2.75), (4, 2.5)]
    kept, worse = proposer.told
    assert (kept.status, kept.gain > 0) == ("keep", True)
    assert (worse.status, worse.gain < 0, bool(worse.why)) == ("discard", True, True)
