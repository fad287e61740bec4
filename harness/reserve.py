"""What confirm will be able to pay for, said before anything is spent.

A night whose confirm cannot be afforded ends in nothing, so the worst case of confirm is held against its budget first.
Where it does not fit, confirm takes the final change apart in fewer groups, then not at all, and where even the last
test does not fit, the night is underpowered.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.ablate import SEEDS, measurements
from harness.intervals import LEAST_PAIRS
from harness.target import Target

AGAIN = 2  # base and head on the search split
HELD_OUT = 4  # base and head on the holdout, each twice


@dataclass(frozen=True)
class Reserve:
    """groups: parts that the final change is taken apart in, 1: measured as a set; wanted: as many as the target asks
    for; underpowered: whether confirm cannot be paid for at all; seconds: the worst case; says: all of it in words."""

    groups: int
    wanted: int
    underpowered: bool
    seconds: float
    says: str


def affordable(seconds: float, target: Target) -> Reserve:
    """seconds: of one measurement, on the machine that confirms."""
    budget, wanted = target.confirm.budget, target.confirm.groups
    groups = next((n for n in range(wanted, 0, -1) if worst_case(n, target) * seconds <= budget), 0)
    cost = worst_case(max(groups, 1), target) * seconds
    if not groups:
        return Reserve(1, wanted, True, cost, _underpowered(seconds, cost, target))
    said = f"confirm: at most {cost:.0f} s of {budget:g} s"
    if groups == wanted:
        return Reserve(groups, wanted, False, cost, f"{said}, up to {groups} groups measured one by one")
    if groups > 1:
        return Reserve(groups, wanted, False, cost, f"{said}, {groups} groups measured one by one instead of {wanted}")
    return Reserve(1, wanted, False, cost, f"{said}, the change measured as a set: no ablation fits")


def least(target: Target) -> int:
    """Measurements without which nothing deterministic is confirmed."""
    held_out = HELD_OUT // 2 if target.evaluate.model else HELD_OUT  # asked anew, nothing comes out twice
    return AGAIN + (held_out if target.sample else 0)


def worst_case(groups: int, target: Target) -> int:
    """Measurements that confirm may need for so many groups."""
    if target.noise:
        return 2 * LEAST_PAIRS + SEEDS * measurements(groups, heads=True)
    return least(target) + measurements(groups, heads=False) + groups - 1


def _underpowered(seconds: float, cost: float, target: Target) -> str:
    what = f"{worst_case(1, target)} measurements of {seconds:.3g} s"
    return (
        f"underpowered: confirm needs at least {what}, {cost:.0f} s, and its budget is {target.confirm.budget:g} s; "
        f"a larger confirm budget or a faster evaluator would do"
    )
