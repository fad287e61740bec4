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
    for; underpowered: whether confirm cannot be paid for at all; seconds: the worst case; says: all of it in words;
    longer: what the pairs at a longer budget cost, in usual measurements; 0 where none are asked for, or do not fit."""

    groups: int
    wanted: int
    underpowered: bool
    seconds: float
    says: str
    longer: float = 0.0


def affordable(seconds: float, target: Target) -> Reserve:
    """seconds: of one measurement, on the machine that confirms."""
    budget, wanted = target.confirm.budget, target.confirm.groups
    longer = target.confirm.longer.measurements if target.confirm.longer else 0.0
    groups = _most(seconds, target, longer)
    if not groups:  # the test itself comes first
        longer, groups = 0.0, _most(seconds, target)
    cost = (worst_case(max(groups, 1), target) + longer) * seconds
    if not groups:
        return Reserve(1, wanted, True, cost, _underpowered(seconds, cost, target))
    said, then = f"confirm: at most {cost:.0f} s of {budget:g} s", _then(target, fits=longer > 0)
    if groups == wanted:
        how = f"up to {groups} groups measured one by one"
    elif groups > 1:
        how = f"{groups} groups measured one by one instead of {wanted}"
    else:
        how = "the change measured as a set: no ablation fits"
    return Reserve(groups, wanted, False, cost, f"{said}, {how}{then}", longer)


def _most(seconds: float, target: Target, longer: float = 0.0) -> int:
    """As many groups as fit beside the pairs at a longer budget; 0 where not even the test does."""
    budget = target.confirm.budget
    fitting = (n for n in range(target.confirm.groups, 0, -1) if (worst_case(n, target) + longer) * seconds <= budget)
    return next(fitting, 0)


def _then(target: Target, *, fits: bool) -> str:
    """What becomes of the pairs at a longer budget."""
    if (longer := target.confirm.longer) is None:
        return ""
    if fits:
        return f"; then {longer.pairs} pairs at {longer.times:g} times the budget"
    return f"; {longer.pairs} pairs at {longer.times:g} times the budget do not fit: likely not measured"


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
