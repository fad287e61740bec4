"""A night on api-latency with a scripted proposer: one refused, one kept by pairs and confirmed with an interval.

How fast the expert is at least, `tests/benchmarks/latency.py` holds against a bar: here the machine may be busy.
"""

from __future__ import annotations

from pathlib import Path

from bot.night.confirm import confirm
from bot.night.night import targets_of
from bot.night.plan import Wishes, plan
from bot.night.run import run
from harness import folds
from tests.latency.nights import FEWER, Script, files
from tests.latency.wrong import EXPERT, WRONG
from tests.support import make_repository


def test_an_experts_handler_is_kept_and_confirmed(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, files(*FEWER, ("target.yaml", "experiments: 40", "experiments: 2")))
    night, _ = plan(repository, Wishes(seed=4))
    (target,) = targets_of(night)
    script = Script(stale_cache=WRONG["stale cache"].content, an_expert=EXPERT)
    run(night, target, quiet=True, proposer=script)
    stale, kept = folds.of_kind(night.segments(target.name), "experiment")
    assert (stale["status"], stale["reason"]) == ("crash", "refused")
    assert kept["status"] == "keep", kept["why"]
    assert confirm(night, target) == "confirmed"
    (found,) = folds.of_kind(night.segments(target.name), "confirm")
    assert found["confirmed"]["metric"] == "p99_ms"
    assert 0 < found["confirmed"]["low"] < found["confirmed"]["gain"] < found["confirmed"]["high"]
