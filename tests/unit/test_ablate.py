"""Which groups an ablation leaves: one removal at a time, everything measured anew after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.ablate import MANY, Ablation, Crashed, Effect, Examined, Round, ablate, measurements
from harness.rows import Group

Units = frozenset[int]


@dataclass
class Exact:
    """A bench without noise: `score` of the units that stand, None for a crash. rounds: how many it can pay for."""

    score: Callable[[Units], float | None]
    rounds: int = 100
    asked: list[tuple[int, int]] = field(default_factory=list)

    def without(self, round_: int, stack: Sequence[Group], parts: Sequence[Group]) -> Examined | Crashed | None:
        if round_ > self.rounds:
            return None
        self.asked.append((round_, len(parts)))
        whole = units(stack)
        head, effects = self.score(whole), []
        assert head is not None
        for index, part in enumerate(parts):
            value = self.score(whole - set(part.units))
            if value is None:
                return Crashed(index)
            effects.append(Effect(part, head - value, head - value, head > value, (value,)))
        return Examined(tuple(effects), (round_,), (head,))

    def stands(self, stack: Sequence[Group]) -> bool:
        return self.score(units(stack)) is not None


def units(stack: Sequence[Group]) -> Units:
    return frozenset(unit for group in stack for unit in group.units)


def groups(count: int) -> list[Group]:
    return [Group((unit,), f"change {unit}", (unit + 1,)) for unit in range(count)]


def ablated(bench: Exact, count: int) -> tuple[Ablation, list[Round]]:
    rounds: list[Round] = []
    return ablate(groups(count), bench, rounds.append), rounds


def test_of_two_that_do_the_same_one_stays() -> None:
    found, rounds = ablated(Exact(lambda on: float(bool(on & {0, 1})) + (2 in on)), 3)
    assert len(units(found.left) & {0, 1}) == 1
    assert 2 in units(found.left)
    assert [entry.removed is None for entry in rounds] == [False, True]


def test_removing_all_that_do_not_pay_at_once_would_lose_both() -> None:
    bench = Exact(lambda on: float(bool(on & {0, 1})))
    first = bench.without(1, groups(2), groups(2))
    assert isinstance(first, Examined)
    assert not any(effect.pays for effect in first.effects), "the case proves nothing"
    assert len(ablated(bench, 2)[0].left) == 1


def test_the_worst_goes_first_and_everything_is_measured_again() -> None:
    values = {0: 1.0, 1: -2.0, 2: -1.0, 3: 3.0}
    bench = Exact(lambda on: sum(values[unit] for unit in on))
    found, rounds = ablated(bench, 4)
    assert [effect.group.units for effect in found.removed] == [(1,), (2,)]
    assert bench.asked == [(1, 4), (2, 3), (3, 2)]
    assert [entry.examined.seeds for entry in rounds] == [(1,), (2,), (3,)]
    assert found.effects == rounds[-1].examined.effects


def test_a_change_that_only_looked_bad_beside_another_stays() -> None:
    """Group 1 spoils group 0: with both there neither pays, and 1 is the worse of the two."""
    score = {frozenset({0, 1}): 0.0, frozenset({0}): 2.0, frozenset({1}): 0.5, frozenset[int](): 0.0}
    found, _ = ablated(Exact(score.__getitem__), 2)
    assert units(found.left) == {0}


def test_a_pair_that_works_only_together_stays() -> None:
    found, _ = ablated(Exact(lambda on: float({0, 1} <= on) + (2 in on)), 3)
    assert units(found.left) == {0, 1, 2}
    assert not found.removed


def test_two_that_cannot_stand_without_each_other_become_one() -> None:
    """Group 2 needs group 0; group 1 does nothing and must not ride along."""
    bench = Exact(lambda on: None if 2 in on and 0 not in on else float(2 in on) + (3 in on))
    found, _ = ablated(bench, 4)
    assert sorted(group.units for group in found.left) == [(0, 2), (3,)]
    assert next(group for group in found.left if group.units == (0, 2)).experiments == (1, 3)
    assert [effect.group.units for effect in found.removed] == [(1,)]


def test_where_nothing_can_be_left_out_all_is_one_unit() -> None:
    found, rounds = ablated(Exact(lambda on: 1.0 if len(on) == 4 else None), 4)
    assert [group.units for group in found.left] == [(0, 1, 2, 3)]
    assert found.finished
    assert not rounds


def test_many_groups_lose_halves_first() -> None:
    bench = Exact(lambda on: float(1 in on))
    found, rounds = ablated(bench, 8)
    assert rounds[0].how == "halves"
    assert found.removed[0].group.units == (4, 5, 6, 7)
    assert [entry.how for entry in rounds[1:]] == ["leave-one-out"] * (len(rounds) - 1)
    assert units(found.left) == {1}


def test_halves_that_pay_are_taken_apart_one_by_one() -> None:
    found, rounds = ablated(Exact(lambda on: float((0 in on) + (7 in on))), 8)
    assert [entry.how for entry in rounds][:2] == ["halves", "leave-one-out"]
    assert units(found.left) == {0, 7}


def test_halves_that_crash_are_taken_apart_one_by_one() -> None:
    found, rounds = ablated(Exact(lambda on: None if len(on) < 6 else float(len(on))), 7)
    assert rounds[0].how == "leave-one-out"
    assert units(found.left) == set(range(7))


def test_the_last_group_is_left_to_the_test_of_the_whole() -> None:
    found, _ = ablated(Exact(lambda on: -float(len(on))), 3)
    assert len(found.left) == 1
    assert found.finished
    assert found.effects == ()


def test_what_no_time_is_left_for_stays_and_is_said() -> None:
    found, _ = ablated(Exact(lambda on: -float(len(on)), rounds=1), 4)
    assert len(found.left) == 3
    assert not found.finished
    assert found.effects == (), "effects of before a removal say nothing of what is left"


def test_the_worst_case_counts_what_an_ablation_measures_at_most() -> None:
    for count in range(1, 13):
        bench = Exact(lambda on: -float(len(on)))
        ablated(bench, count)
        assert sum(parts + 1 for _, parts in bench.asked) <= measurements(count, heads=True)
        assert sum(parts for _, parts in bench.asked) <= measurements(count, heads=False)
    bench = Exact(lambda on: -float(len(on)))
    ablated(bench, MANY)
    assert sum(parts for _, parts in bench.asked) == measurements(MANY, heads=False), "the bound is never reached"


def test_all_that_need_a_group_are_one_with_it() -> None:
    """Two things stand in what group 1 makes: neither can be left alone without it, and no other has to do with it."""
    needs = {2: 1, 4: 1}
    bench = Exact(lambda on: None if any(one in on and other not in on for one, other in needs.items()) else len(on))
    found, _ = ablated(bench, 6)
    assert sorted(sorted(group.units) for group in found.left) == [[0], [1, 2, 4], [3], [5]]
    assert found.finished
