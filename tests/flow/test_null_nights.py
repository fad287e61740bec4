"""Whole nights by the command, of candidates without effect: the study of tests/benchmarks in a size for every day."""

from __future__ import annotations

import pytest

from tests.benchmarks import nights_through_the_door as door

SEED, TRIES = 20261121, 8
ALPHA = 1e-4  # a night's coin cannot be pinned: at 5 % this test would fail by chance in one run of seven


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_night_without_effects_keeps_nothing(number: int) -> None:
    found = door.night(SEED, TRIES, number, ALPHA)
    assert (found.kept, found.tries, found.end) == (0, TRIES, "experiments")
    assert found.pairs >= 20 + 4 * TRIES


def test_a_night_with_an_effect_is_seen_to_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is counted above can be more than nothing."""
    changed = 'next(values) + 5 * (b"x: 4\\n" != Path(_item.path).read_bytes())'
    monkeypatch.setattr(door, "EVALUATE", door.EVALUATE.replace("next(values)}", changed + "}"))
    assert door.night(SEED, 3, 0, ALPHA).kept == 1
