"""Figures of two kinds of cards never mix: in a night that goes on, in what was tried before, in what is confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.night import night as nightly
from bot.night import preflight
from bot.night import run as running
from bot.night.confirm import confirm
from bot.night.earlier.history import mark
from bot.night.folder import Night
from bot.night.loop.recollection import tried_before
from bot.reproduce import reproduce
from harness import device, folds
from harness.errors import IntegrityError
from harness.repository import Repository
from tests.gpu.test_preflight import GPU
from tests.support import make_repository
from tests.surviving import TARGET, VARYING, events, files, finish, loop, planned

NOISY_ON_A_CARD = f"{GPU}noise: {{calibration: 6, max_pairs: 20}}\n"
HERE, ELSEWHERE = "NVIDIA H200", "NVIDIA L4"


class Machine:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(preflight, "look", lambda _target, _source: ())
        self.has(HERE)

    def has(self, card: str) -> None:
        self._monkeypatch.setattr(device, "name", lambda: card)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    return Machine(monkeypatch)


def interrupted(night: Night, monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    """Cut off by a kill after so many pairs."""
    record, seen = running.SegmentWriter.append, iter(range(pairs))

    def until(writer: object, found: list[dict[str, object]], *, wait: bool = True) -> None:
        record(writer, found, wait=wait)  # type: ignore[arg-type]
        if found[0]["event"] == "pair" and next(seen, None) is None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running.SegmentWriter, "append", until)
        with pytest.raises(KeyboardInterrupt):
            loop(night)


def begins(night: Night) -> bool:
    return not preflight.ended(night, nightly.targets_of(night)[0], lambda _line: None)


def test_every_segment_names_the_card(machine: Machine, tmp_path: Path) -> None:
    night = planned(make_repository(tmp_path, files(target=GPU)), 40)
    finish(night)
    assert {segment.header["machine"]["device"] for segment in night.segments("t")} == {HERE}


def test_a_target_that_needs_no_card_names_none(machine: Machine, tmp_path: Path) -> None:
    night = planned(make_repository(tmp_path, files(target=TARGET)), 5)
    loop(night)
    assert "device" not in night.segments("t")[0].header["machine"]


def test_a_night_goes_on_where_it_began_and_nowhere_else(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = planned(make_repository(tmp_path, files(VARYING, NOISY_ON_A_CARD)), 3)
    assert begins(night)
    interrupted(night, monkeypatch, 9)
    before = [event["n"] for event in events(night, "pair")]
    machine.has(ELSEWHERE)
    with pytest.raises(IntegrityError, match="the loop ran on NVIDIA H200, this is NVIDIA L4"):
        begins(night)
    assert len(events(night, "pair")) == len(before), "a refusal records nothing"
    machine.has(HERE)
    assert begins(night)
    assert loop(night) == "experiments"
    assert [event["n"] for event in events(night, "pair")][: len(before)] == before
    assert all(event["reason"] != "unfinished" for event in events(night, "experiment"))


def test_a_try_is_not_finished_on_another_kind_whoever_starts_the_loop(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the command, which refuses: the pairs of one try are of one card."""
    night = planned(make_repository(tmp_path, files(VARYING, NOISY_ON_A_CARD)), 3)
    interrupted(night, monkeypatch, 9)
    machine.has(ELSEWHERE)
    loop(night)
    assert "unfinished" in [event["reason"] for event in events(night, "experiment")]


@pytest.mark.parametrize(("card", "known"), [(HERE, True), (ELSEWHERE, False)])
def test_what_was_tried_counts_for_the_kind_that_it_was_tried_on(
    machine: Machine, tmp_path: Path, card: str, known: bool
) -> None:
    repository = make_repository(tmp_path, files(target=GPU))
    finish(planned(repository, 40))
    second = planned(repository, 10)
    machine.has(card)
    tried = tried_before(second, nightly.targets_of(second)[0])
    assert bool(tried) == known
    assert (mark(HERE) in tried) == known
    if known:
        assert len(tried) > 10, "the control: the first night tried something"


def test_of_two_kinds_the_last_one_is_remembered(machine: Machine, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, files(target=GPU))
    finish(planned(repository, 20))
    machine.has(ELSEWHERE)
    finish(planned(repository, 20))
    third = planned(repository, 10)
    target = nightly.targets_of(third)[0]
    assert tried_before(third, target)
    machine.has(HERE)
    assert tried_before(third, target) == set()


def test_a_plain_target_remembers_as_ever(machine: Machine, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, files(target=TARGET))
    finish(planned(repository, 40))
    second = planned(repository, 10)
    machine.has(ELSEWHERE)
    assert len(tried_before(second, nightly.targets_of(second)[0])) > 10


def confirmed(repository: Repository, machine: Machine, card: str) -> Night:
    night = planned(repository, 40)
    loop(night)
    machine.has(card)
    assert confirm(night, nightly.targets_of(night)[0]) == "confirmed"
    return night


def test_confirm_on_another_kind_says_both(machine: Machine, tmp_path: Path) -> None:
    night = confirmed(make_repository(tmp_path, files(target=GPU)), machine, ELSEWHERE)
    (event,) = folds.of_kind(night.segments("t"), "confirm")
    assert event["why"].startswith("the loop ran on NVIDIA H200, this is NVIDIA L4")
    assert night.segments("t")[-1].header["machine"]["device"] == ELSEWHERE


def test_confirm_on_the_same_kind_says_nothing(machine: Machine, tmp_path: Path) -> None:
    night = confirmed(make_repository(tmp_path, files(target=GPU)), machine, HERE)
    (event,) = folds.of_kind(night.segments("t"), "confirm")
    assert "NVIDIA" not in event["why"]


def test_reproduce_on_another_kind_says_so(machine: Machine, tmp_path: Path) -> None:
    repository = make_repository(tmp_path, files(target=GPU))
    night = confirmed(repository, machine, HERE)
    here = reproduce(repository, f"{night.name}/t/1")
    assert "note: the loop ran" not in here.as_text()
    machine.has(ELSEWHERE)
    there = reproduce(repository, f"{night.name}/t/1")
    assert "note: the loop ran on NVIDIA H200, this is NVIDIA L4" in there.as_text()
    assert there.as_json()["moved"]
