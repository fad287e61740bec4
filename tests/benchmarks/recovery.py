"""Does a night find what was planted? `python -m tests.benchmarks.recovery [--draws]`. Exits 1 if a bar is missed.

The accounts of health-score, equal weights at the start, and a night's real loop by `perturb` and by `search` under ten
seeds; with --draws another 5,000 accounts for every seed. Beside them a logistic regression fitted to the same accounts
(scikit-learn, unregularised, float coefficients), and the AUC of both on a fresh draw of 100,000.

Two columns are chance, so their true weights are 0. In a sample they are not: beside the weights that a night found
stands what the AUC of its accounts loses where both are 0, or the best pair of 0 and 1, or of -1, 0 and 1.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.night.night import targets_of
from harness import folds
from harness.documents import load_bytes
from tests.benchmarks.health import (
    NAME,
    Accounts,
    accounts_of,
    fresh_accounts,
    health_files,
    logistic,
    worth,
    worth_of,
)
from tests.benchmarks.nights import run_loop, scratch_repository
from tests.benchmarks.saas import shipped, table

SIGNALS = ("alert_created", "session_depth", "setup_speed", "report_exported", "credits_used")  # strongest first
NOISE = ("noise_1", "noise_2")
PERTURB, SEARCH = 2_000, 300
SMALL = ((0,), (0, 1), (-1, 0, 1))  # weights that noise might as well have


@dataclass(frozen=True)
class Found:
    """gap: the logistic regression's AUC less ours, on the accounts of the search; fresh: both on the fresh draw.

    noise: the weights of the two columns; theirs: what the regression gives them, where alert_created has our weight;
    losses: of AUC, where the noise had the best of each of SMALL instead. Below 0: the night stopped short of it.
    """

    gap: float
    fresh: tuple[float, float]
    ordered: bool
    logistic_ordered: bool
    noise: tuple[int, ...]
    theirs: tuple[float, ...]
    losses: tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--draws", action="store_true", help="other accounts for every seed")
    asked = parser.parse_args()
    count = asked.seeds
    print("| proposer | experiments | gap to logistic, median [range] | fresh AUC | logistic's | order right", end=" ")
    print("| logistic's |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    perturb = told("perturb", PERTURB, [one(seed, "perturb", PERTURB, draws=asked.draws) for seed in range(count)])
    search = told("search", SEARCH, [one(seed, "search", SEARCH, draws=asked.draws) for seed in range(count)])
    medians = noise_told(perturb)
    bars = {
        "perturb: median gap at most 0.001": statistics.median(found.gap for found in perturb) <= 0.001,
        "perturb: planted signals in order in 9 of 10": sum(found.ordered for found in perturb) >= 0.9 * count,
        **{
            f"perturb: the median weight of {name} is 0 or 1 ({median:g})": median in (0, 1)
            for name, median in medians.items()
        },
        "search: median gap at most 0.0005": statistics.median(found.gap for found in search) <= 0.0005,
    }
    for name, held in bars.items():
        print(f"{'ok  ' if held else 'MISS'} {name}")
    sys.exit(not all(bars.values()))


def told(proposer: str, experiments: int, found: Sequence[Found]) -> Sequence[Found]:
    gaps = sorted(one.gap for one in found)
    ours, theirs = (statistics.median(one.fresh[side] for one in found) for side in (0, 1))
    print(
        f"| {proposer} | {experiments:,} | {statistics.median(gaps):+.5f} [{gaps[0]:+.5f} .. {gaps[-1]:+.5f}] "
        f"| {ours:.4f} | {theirs:.4f} | {sum(one.ordered for one in found)} of {len(found)} "
        f"| {sum(one.logistic_ordered for one in found)} of {len(found)} |",
        flush=True,
    )
    return found


def noise_told(found: Sequence[Found]) -> Mapping[str, float]:
    """The weights that perturb gave to chance, seed by seed. Returns their medians by feature."""
    print(f"\n| perturb, seed | {', '.join(NOISE)} | regression's | 0.00001 of AUC lost at 0 | at 0, 1 | at -1, 0, 1 |")
    print("|--:|--:|--:|--:|--:|--:|")
    for seed, each in enumerate(found):
        ours, theirs = (", ".join(f"{value:.2g}" for value in values) for values in (each.noise, each.theirs))
        print(f"| {seed} | {ours} | {theirs} | {' | '.join(f'{100_000 * loss:+.1f}' for loss in each.losses)} |")
    every = [weight for each in found for weight in each.noise]
    for small in SMALL[1:]:
        print(f"{sum(weight in small for weight in every)} of {len(every)} noise weights are one of {small}")
    return {name: statistics.median(each.noise[index] for each in found) for index, name in enumerate(NOISE)}


def one(seed: int, proposer: str, experiments: int, *, draws: bool) -> Found:
    accounts = table(1_000 + seed if draws else shipped(), 5_000)
    changes = {"{kind: perturb}": f"{{kind: {proposer}}}"}
    with scratch_repository(health_files(accounts, changes=changes, guards=False)) as repository:
        night = run_loop(repository, experiments, seed)
        content = folds.loop_state(night.segments(NAME), night.packs(NAME)).content
        weights = load_bytes(content, targets_of(night)[0].file)["weights"]
    names = list(weights)
    here, fresh = accounts_of(accounts, names), fresh_accounts(seed, names)
    fitted, reached = logistic(here, names), worth(weights, here)
    points = weights["alert_created"] / fitted["alert_created"]
    return Found(
        gap=worth_of(fitted, here) - reached,
        fresh=(worth(weights, fresh), worth_of(fitted, fresh)),
        ordered=_falling([weights[name] for name in SIGNALS]),
        logistic_ordered=_falling([fitted[name] for name in SIGNALS]),
        noise=tuple(weights[name] for name in NOISE),
        theirs=tuple(points * fitted[name] for name in NOISE),
        losses=tuple(reached - best_with(weights, small, here) for small in SMALL),
    )


def best_with(weights: Mapping[str, int], small: Sequence[int], accounts: Accounts) -> float:
    """The AUC of these weights with the best of so small ones for the noise."""
    tried = itertools.product(small, repeat=len(NOISE))
    return max(worth({**weights, **dict(zip(NOISE, pair, strict=True))}, accounts) for pair in tried)


def _falling(values: Sequence[float]) -> bool:
    return all(one > other for one, other in pairwise(values))


if __name__ == "__main__":
    main()
