"""When claims that merges do not keep pause a target, and what lets it go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.promote.folds import MERGES, merges, paused
from bot.promote.words import merged
from harness import folds
from harness.events import GENESIS, Segment, SegmentWriter, read
from harness.handover.promotions import verdict
from tests.promotions import LOCK, RULE, Record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path)


def test_three_merges_far_below_their_claims_pause(record: Record) -> None:
    for number in range(1, MERGES + 1):
        assert paused(record.segments, LOCK) == "", f"{number - 1} merges are too few to say so"
        record.add(0.01)
    why = paused(record.segments, LOCK)
    assert why == "its last 3 merges gained 10 % of what was claimed together, at most 10 %"


@pytest.mark.parametrize("gains", [(0.06, 0.04, 0.06), (0.0, 0.0, 0.2), (0.05, 0.05, 0.05)])
def test_half_of_what_was_claimed_is_enough(record: Record, gains: tuple[float, ...]) -> None:
    for gain in gains:
        record.add(gain)
    assert paused(record.segments, LOCK) == ""


def test_doubt_is_for_the_target(record: Record) -> None:
    """The upper end of what the three gained together has to lie below half of the claims."""
    for _ in range(3):
        record.add(0.01, half=0.08)
    assert paused(record.segments, LOCK) == ""
    for _ in range(3):
        record.add(0.01, half=0.05)
    assert paused(record.segments, LOCK)


def test_only_the_last_three_count(record: Record) -> None:
    for gain in (0.0, 0.0, 0.0):
        record.add(gain)
    assert paused(record.segments, LOCK)
    record.add(0.2)
    assert paused(record.segments, LOCK) == ""


def test_another_lock_is_a_new_start(record: Record) -> None:
    for _ in range(3):
        record.add(0.0)
    assert paused(record.segments, LOCK)
    assert paused(record.segments, "b" * 64) == ""


def test_a_resume_is_a_new_start(record: Record) -> None:
    for _ in range(3):
        record.add(0.0)
    record.write([], "resumed")
    assert paused(record.segments, LOCK) == ""
    for _ in range(3):
        assert paused(record.segments, LOCK) == ""
        record.add(0.0)
    assert paused(record.segments, LOCK)


@pytest.mark.parametrize("more", [{"comparable": False}, {"predicted": None}, {"predicted": 0.0}])
def test_what_claimed_nothing_comparable_does_not_count(record: Record, more: dict[str, Any]) -> None:
    for _ in range(4):
        record.add(0.0, **more)
    assert paused(record.segments, LOCK) == ""


def test_one_content_counts_once(record: Record) -> None:
    """Merged, reverted and merged again: it is the same claim."""
    for _ in range(4):
        record.add(0.0, blob="d" * 40, night="2026-11-01")
    assert len(merges(record.segments)) == 1
    assert paused(record.segments, LOCK) == ""


def test_segments_of_nights_say_nothing(record: Record, tmp_path: Path) -> None:
    for _ in range(3):
        record.add(0.0)
    writer = SegmentWriter(tmp_path / "night", "2026-11-21.1-run", GENESIS, {"verb": "run", "lock": LOCK})
    writer.append([{"event": "realised"}])
    writer.seal("experiments")
    night = read(tmp_path / "night" / "2026-11-21.1-run.jsonl")
    assert paused([night, *record.segments], LOCK) == paused(record.segments, LOCK) != ""
    assert merges([night]) == []


def test_the_words_of_a_merge(record: Record) -> None:
    record.add(0.05, 0.1, 0.01).add(0.05, None).add(0.05, 0.1, comparable=False)
    first, second, third = map(merged, merges(record.segments))
    assert first == "auc +0.050 on main (cccccccccccc), interval +0.040 to +0.060; +0.100 was confirmed"
    assert second == "auc +0.0500 on main (cccccccccccc); no night confirmed this content"
    assert third.endswith("+0.100 was confirmed under another lock, so the two are not compared")


def figures(gain: float, *, how: str = "search", hhi: float = 10.0, half: float = 0.0, **more: Any) -> dict[str, Any]:
    return {
        "how": how, "metric": "auc", "base": {"auc": 0.7, "hhi": 10.0}, "head": {"auc": 0.7 + gain, "hhi": hhi},
        "gain": gain, "low": gain - half, "high": gain + half, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "confirmed", "due"),
    [
        (figures(0.1), False, "promoted"),
        (figures(0.1), True, "promoted"),
        (figures(0.001), False, "not-confirmed"),  # below min_effect
        (figures(0.001), True, "promoted"),
        (figures(-0.1), True, "not-confirmed"),
        (figures(-0.1, half=0.2), True, "promoted"),  # perhaps worse is not measurably worse
        (figures(0.1, hhi=16), False, "not-confirmed"),  # the guard
        (None, True, "promoted"),
        (None, False, "not-confirmed"),
        (figures(0.1, how="held-out", holdout={"base": {"auc": 0.7, "hhi": 1}, "head": {"auc": 0.8, "hhi": 1},
                                               "lower": 0.02}), False, "promoted"),
        (figures(0.1, how="held-out", holdout={"base": {"auc": 0.7, "hhi": 1}, "head": {"auc": 0.8, "hhi": 1},
                                               "lower": -0.01}), False, "not-confirmed"),
        (figures(0.1, how="held-out", holdout={"base": {"auc": 0.7, "hhi": 1}, "head": {"auc": 0.8, "hhi": 9},
                                               "lower": 0.02}), False, "not-confirmed"),
    ],
)  # fmt: skip
def test_the_verdict(found: dict[str, Any] | None, confirmed: bool, due: str) -> None:
    assert verdict(found, RULE, (3, 3), confirmed=confirmed)[0] == due


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.001, 1)), min_size=3, max_size=8))
def test_a_target_that_keeps_its_claims_is_never_paused(found: list[tuple[float, float]]) -> None:
    kept = [(max(gain, claim), claim) for gain, claim in found]
    assert paused(_segments(kept), LOCK) == ""
    worse = [(min(gain, 0.49 * claim), claim) for gain, claim in found]
    assert paused(_segments(worse), LOCK)


def _segments(found: list[tuple[float, float]]) -> list[Segment]:
    """Without a file: merges of (gain, claim)."""
    header = {"event": "header", "verb": "promote", "lock": LOCK, **folds.rule_fields(RULE)}
    return [
        Segment(
            "x",
            (
                header,
                {
                    "event": "realised", "night": str(number), "row": 1, "blob": str(number), "commit": "",
                    "figures": {"gain": gain, "low": gain, "high": gain, "base": {"auc": 0.7}},
                    "predicted": {"gain": claim},
                    "comparable": True, "verdict": "promoted",
                },
            ),
            "", 0, None,
        )
        for number, (gain, claim) in enumerate(found)
    ]  # fmt: skip
