"""`python -m tests.benchmarks.nulls`: nights of candidates without effect. How many of them end with any kept?

Beside our decision two that are often made, on the same machines: keep whatever scores best, and a t-test at 5 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from harness.decide import Share
from harness.schedule import Schedule
from tests.benchmarks import noise, simulation
from tests.benchmarks.noise import FAMILIES, Machine
from tests.benchmarks.simulation import ALPHA, BUDGET, MAX_PAIRS, TRIES

MOST_PAIRS = 18  # a candidate without effect may cost so many on average
CONTROL_NIGHTS = 200
CONTROLS = ("drift, step, speed", "warm-up")  # families in which a fixed order could matter
FIXED_PAIRS = 20  # of the t-test, for every candidate


@dataclass(frozen=True)
class Null:
    """One night: whether anything was kept, and by the two other ways; pairs: per candidate."""

    kept: bool
    pairs: float
    best: bool
    t_test: bool


def night(
    seed: int, family: str, number: int, *, share: Share | None = None, fixed: bool = False, tries: int = TRIES
) -> Null:
    """share: of the error budget; given only where a study shows what a wrong one does. fixed: incumbent first."""
    machine = _machine(seed, family, number, 2 * MAX_PAIRS * tries)
    schedule = (simulation.IncumbentFirst if fixed else Schedule)(seed, f"{seed}/{family}/{number}")
    ring = simulation.ring(machine, schedule, share or BUDGET.share())
    verdicts = [simulation.fought(ring, experiment) for experiment in range(1, tries + 1)]
    kept = any(verdict.status == "keep" for verdict in verdicts)
    pairs = sum(map(simulation.pairs_of, verdicts)) / tries
    return Null(kept, pairs, _best_of(seed, family, number, tries), _t_tests(seed, family, number, tries))


def _machine(seed: int, family: str, number: int, length: int) -> Machine:
    return Machine(FAMILIES[family], noise.generator(seed, "nulls", family, number), length)


def _values(seed: int, family: str, number: int, count: int) -> noise.Values:
    return _machine(seed, family, number, count).unchanged()


def _best_of(seed: int, family: str, number: int, tries: int) -> bool:
    """Each candidate is measured once, and kept if it scores above everything kept before it."""
    values = _values(seed, family, number, tries + 1)
    return bool(values[1:].max() > values[0])


def _t_tests(seed: int, family: str, number: int, tries: int) -> bool:
    """Each candidate is measured in 20 pairs, incumbent first, and kept at a one-sided p below 5 %."""
    values = _values(seed, family, number, 2 * FIXED_PAIRS * tries).reshape(tries, FIXED_PAIRS, 2)
    tests = stats.ttest_1samp(values[:, :, 1] - values[:, :, 0], 0, axis=1, alternative="greater")
    return bool((tests.pvalue < ALPHA).any())


def most_nights(nights: int) -> int:
    """So many nights with a false keep may be, if each has one with a chance of alpha: the 99 % point."""
    return int(stats.binom.ppf(0.99, nights, ALPHA))


def _one(family: str, seed: int, number: int, *, fixed: bool = False) -> Null:
    return night(seed, family, number, fixed=fixed)


def study(seed: int, nights: int) -> dict[str, list[Null]]:
    return {family: _nights(seed, family, nights, fixed=False) for family in FAMILIES}


def _nights(seed: int, family: str, nights: int, *, fixed: bool) -> list[Null]:
    found = simulation.on_all_cores(partial(_one, family, seed, fixed=fixed), range(nights))
    order = "incumbent always first" if fixed else "order drawn"
    print(f"  {family}, {order}: {sum(night.kept for night in found)} of {nights} nights kept anything", flush=True)
    return found


def table(found: dict[str, list[Null]], controls: dict[str, list[Null]]) -> str:
    head = [
        "noise",
        "false-keep nights",
        "pairs per candidate",
        "incumbent always first",
        "t-test, 20 pairs",
        "keep if best",
    ]
    return simulation.markdown(head, [_row(family, found[family], controls.get(family, [])) for family in found])


def _row(family: str, nights: Sequence[Null], control: Sequence[Null]) -> list[str]:
    def share(of: Sequence[Null], name: str) -> str:
        return f"{100 * np.mean([getattr(night, name) for night in of]):.1f} %" if of else ""

    pairs = np.mean([night.pairs for night in nights])
    count = sum(night.kept for night in nights)
    return [
        family, f"{count} of {len(nights)} ({share(nights, 'kept')})", f"{pairs:.1f}", share(control, "kept"),
        share(nights, "t_test"), share(nights, "best"),
    ]  # fmt: skip


def bars(found: dict[str, list[Null]], controls: dict[str, list[Null]]) -> bool:
    held = []
    for family, nights in found.items():
        count, most = sum(night.kept for night in nights), most_nights(len(nights))
        pairs = float(np.mean([night.pairs for night in nights]))
        held.append(
            simulation.bar(f"{family}: {count} false-keep nights of {len(nights)}, at most {most}", held=count <= most)
        )
        held.append(
            simulation.bar(f"{family}: {pairs:.1f} pairs per candidate, at most {MOST_PAIRS}", held=pairs <= MOST_PAIRS)
        )
    broken = {family: sum(night.kept for night in nights) for family, nights in controls.items()}
    failing = [family for family, count in broken.items() if count > most_nights(CONTROL_NIGHTS)]
    held.append(
        simulation.bar(
            f"with the incumbent always first it must fail somewhere: {', '.join(failing) or 'nowhere'}",
            held=bool(failing),
        )
    )
    return all(held)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=noise.seed_of_commit())
    asked = parser.parse_args(arguments)
    clock = simulation.Clock.start(f"python -m tests.benchmarks.nulls --nights {asked.nights}", asked.seed)
    found = study(asked.seed, asked.nights)
    controls = {family: _nights(asked.seed, family, CONTROL_NIGHTS, fixed=True) for family in CONTROLS}
    print(table(found, controls))
    print(f"\n{clock.says()}\n")
    return 0 if bars(found, controls) else 1


if __name__ == "__main__":
    sys.exit(main())
