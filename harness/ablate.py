"""Ablation: what of the final change still pays, found by leaving its groups out one at a time. Pure.

Changes that were kept one after another can have made each other superfluous. All groups are left out in turn, and
while one does not pay, only the worst is removed; then everything is measured afresh, since the value of the others has
changed with it (of two that do the same, one must stay). A removal that crashes makes one unit of the two that cannot
stand without each other. Many groups are first left out by halves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.rows import Group, join

SEEDS = 20  # of one round of a noisy target
CONFIDENCE = 0.9  # of the one-sided lower bound of what a group adds
MANY = 6  # above so many groups, halves come first


@dataclass(frozen=True)
class Effect:
    """What a group adds to the rest of the stack: the mean gain and its lower bound. values: the headline values with
    the group left out, one per seed. pays: whether it may stay."""

    group: Group
    gain: float
    low: float
    pays: bool
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Crashed:
    """Without this part (an index) the file crashes; nothing else was found out."""

    part: int


@dataclass(frozen=True)
class Examined:
    """One effect per part, and the headline values of the whole stack at the same seeds."""

    effects: tuple[Effect, ...]
    seeds: tuple[int, ...] = ()
    head: tuple[float, ...] = ()


@dataclass(frozen=True)
class Round:
    """One round. how: leave-one-out or halves; removed: the index of the effect whose group went, if one did."""

    number: int
    how: str
    examined: Examined
    removed: int | None


class Bench(Protocol):
    """Where stacks are measured."""

    def without(self, round_: int, stack: Sequence[Group], parts: Sequence[Group]) -> Examined | Crashed | None:
        """The stack and the stack without each part, on seeds of this round's own; None where no time is left."""
        ...

    def stands(self, stack: Sequence[Group]) -> bool:
        """Whether the file can be measured with these groups alone."""
        ...


@dataclass(frozen=True)
class Ablation:
    """left: the groups that stay; effects: what the last round said of them, empty where none did; removed: effects at
    the moment of removal; finished: whether every group that stays was found to pay."""

    left: tuple[Group, ...]
    effects: tuple[Effect, ...]
    removed: tuple[Effect, ...]
    rounds: int
    finished: bool


def ablate(groups: Sequence[Group], bench: Bench, record: Callable[[Round], None]) -> Ablation:
    """Removes what does not pay; the last group stays, for the test of the whole stack is its test too."""
    stack, removed, effects = list(groups), list[Effect](), tuple[Effect, ...]()
    number, coarse = 0, len(stack) > MANY
    while len(stack) > 1:
        parts = _halves(stack) if coarse else stack
        found = bench.without(number + 1, stack, parts)
        if found is None:
            return Ablation(tuple(stack), effects, tuple(removed), number, finished=False)
        if isinstance(found, Crashed):
            stack, coarse = stack if coarse else _joined(stack, found.part, bench), False
            continue
        number, worst = number + 1, _worst(found.effects)
        record(Round(number, "halves" if coarse else "leave-one-out", found, worst))
        if worst is None and not coarse:
            return Ablation(tuple(stack), found.effects, tuple(removed), number, finished=True)
        effects = ()
        if worst is not None:
            removed.append(found.effects[worst])
            stack = [group for group in stack if not set(group.units) <= set(parts[worst].units)]
        coarse = coarse and worst is not None and len(stack) > MANY
    return Ablation(tuple(stack), (), tuple(removed), number, finished=True)


def measurements(groups: int, *, heads: bool) -> int:
    """Stacks measured in the worst case, per seed. heads: whether the whole stack is measured again in every round."""
    halves = 2 + heads if groups > MANY else 0
    return halves + sum(parts + heads for parts in range(2, groups + 1))


def _worst(effects: Sequence[Effect]) -> int | None:
    losing = [index for index, effect in enumerate(effects) if not effect.pays]
    return min(losing, key=lambda index: (effects[index].low, effects[index].gain), default=None)


def _halves(stack: Sequence[Group]) -> list[Group]:
    middle = (len(stack) + 1) // 2
    return [functools.reduce(join, stack[:middle]), functools.reduce(join, stack[middle:])]


def _joined(stack: Sequence[Group], part: int, bench: Bench) -> list[Group]:
    """The stack with this group and what needs it as a unit: the first other without which it can be left out; else all
    that stand with it and not alone."""
    others = [index for index in range(len(stack)) if index != part]
    for index in others:
        rest = [group for at, group in enumerate(stack) if at not in {part, index}]
        if rest and bench.stands(rest):
            return _united(stack, part, index)
    needing = [index for index in others if not bench.stands([stack[index]])]
    needing = [index for index in needing if bench.stands([stack[at] for at in sorted((part, index))])]
    for index in sorted(needing, reverse=True):  # from the end, so that no place ahead of it moves
        stack, part = _united(stack, part, index), min(part, index)
    return list(stack) if needing else _united(stack, part, others[min(part, len(others) - 1)])


def _united(stack: Sequence[Group], one: int, other: int) -> list[Group]:
    first, second = sorted((one, other))
    unit = join(stack[first], stack[second])
    return [unit if at == first else group for at, group in enumerate(stack) if at != second]
