"""`python -m tests.benchmarks.optimisers [--seeds 10] [--experiments 2000] [NAME ...]`: which optimiser climbs soonest.

5,000 accounts of a made-up process, 14 weights, the AUC exactly. How far each optimiser is below the logistic
regression of the same accounts, in AUC, after so many experiments in batches of 16 that are asked and told together.
Exits 1 if `search` misses its bar: a median gap of 0.0005 after 300.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from harness.scorers.saas import auc
from tests.benchmarks import optimiser_field as field
from tests.benchmarks.optimiser_field import COUNT, START, Optimiser, Ours, Point

BATCH = 16
MARKS = (100, 200, 300, 500, 1000, 2000)
BAR_AT, BAR = 300, 0.0005
LOGIT = {"alert": 2.5, "session": 2, "speed": 1.8, "exported": 1, "credit": 0.8, "days_active": 0.5, "email": 0.3,
         "rage": -0.5}  # fmt: skip


class Accounts:
    """Features in whole hundredths, and who stayed: by a logit of eight of the features, the rest beside the point."""

    def __init__(self, seed: int, count: int = 5000) -> None:
        chance = np.random.default_rng(seed)
        columns = {
            name: np.minimum(chance.exponential(mean, count), 1.0)
            for name, mean in (("days_active", 0.3), ("session", 0.17), ("teams", 0.25), ("reports", 0.2),
                               ("rage", 0.3), ("errors", 0.3))
        }  # fmt: skip
        for name, share in (("alert", 0.16), ("exported", 0.22), ("credit", 0.25), ("invited", 0.3)):
            columns[name] = (chance.random(count) < share).astype(float)
        columns["speed"] = chance.beta(2, 4.2, count)
        columns |= {name: chance.random(count) for name in ("email", "noise_a", "noise_b")}
        self.features = np.round(np.array(list(columns.values())) * 100)
        logit = np.array([LOGIT.get(name, 0.0) for name in columns]) @ self.features / 100 - 1.5
        self.stayed = (chance.random(count) < 1 / (1 + np.exp(-logit))).astype(np.int64)
        self.start = self.measure([[START] * COUNT])[0]
        self.reference = self._logistic()

    def measure(self, weights: Sequence[Point]) -> list[float]:
        scores = (np.array(weights, dtype=float) @ self.features).astype(np.int64)  # whole numbers far below 2**53
        return [auc(self.stayed, row) for row in scores]

    def _logistic(self) -> float:
        from sklearn.linear_model import LogisticRegression

        shares = self.features.T / 100
        fitted = LogisticRegression(C=np.inf, max_iter=5000, tol=1e-10).fit(shares, self.stayed)
        return auc(self.stayed, shares @ fitted.coef_[0])


FIELD: dict[str, Callable[[int], Optimiser]] = {
    "search": lambda seed: Ours("search", seed),
    "search, screened with a bound": lambda seed: Ours("search", seed, "bound"),
    "search, screened without": lambda seed: Ours("search", seed, "bare"),
    "perturb": lambda seed: Ours("perturb", seed),
    **{
        f"cmaes {name}, sigma {sigma}, {population} a generation": (
            lambda seed, n=name, s=sigma, p=population: field.Cmaes(n, seed, s, p)
        )
        for name, sigma, population in (
            ("CMA", 2, 11), ("CMA", 4, 8), ("CMA", 4, 11), ("CMA", 4, 16), ("CMA", 7, 11), ("SepCMA", 4, 11),
            ("SepCMA", 4, 16), ("CMAwM", 4, 11), ("CMAwM", 4, 16), ("CatCMAwM", 4, 16),
        )
    },
    "cma lq-CMA-ES, one at a time": field.lq_cma,
    "scipy COBYQA, one at a time": lambda _seed: field.cobyqa(),
    **{
        f"nevergrad {name}": (lambda seed, n=name: field.Nevergrad(n, seed, 2000))
        for name in ("OnePlusOne", "DiscreteOnePlusOne", "DiscreteDE", "TwoPointsDE", "TBPSA", "DiagonalCMA", "NGOpt",
                     "NgIohTuned")
    },
    "optuna CmaEsSampler": lambda seed: field.Optuna("CmaEsSampler", seed),
    "optuna TPESampler": lambda seed: field.Optuna("TPESampler", seed),
}  # fmt: skip


def climb(accounts: Accounts, optimiser: Optimiser, experiments: int) -> tuple[list[float], float]:
    """The best AUC after each experiment, and the optimiser's CPU in milliseconds per experiment."""
    best, curve, spent = accounts.start, list[float](), 0.0
    if isinstance(optimiser, Ours):
        optimiser.begin(accounts.start)
    while len(curve) < experiments:
        begun = time.process_time()
        points = optimiser.ask(min(BATCH, experiments - len(curve)))
        spent += time.process_time() - begun
        if not points:
            break
        values = accounts.measure(points)
        for value in values:
            best = max(best, value)
            curve.append(best)
        begun = time.process_time()
        optimiser.tell(values)
        spent += time.process_time() - begun
    cost = 1000 * spent / max(len(curve), 1)
    return curve + [best] * (experiments - len(curve)), cost


def compare(name: str, accounts: Sequence[Accounts], experiments: int) -> dict[int, float]:
    """Prints an optimiser's row; returns its median gap at each mark."""
    runs = [climb(one, FIELD[name](seed), experiments) for seed, one in enumerate(accounts)]
    medians, cells = {}, []
    for mark in (mark for mark in MARKS if mark <= experiments):
        gaps = [one.reference - curve[mark - 1] for one, (curve, _) in zip(accounts, runs, strict=True)]
        medians[mark] = statistics.median(gaps)
        cells.append(f"{medians[mark] * 1e4:.1f} [{min(gaps) * 1e4:.1f} .. {max(gaps) * 1e4:.1f}]")
    print(f"| {name} | {' | '.join(cells)} | {statistics.median(cost for _, cost in runs):.2f} |", flush=True)
    return medians


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of names; none: all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--experiments", type=int, default=2000)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")  # of libraries about what they miss
    accounts = [Accounts(seed) for seed in range(asked.seeds)]
    stayed = statistics.mean(float(one.stayed.mean()) for one in accounts)
    print(f"{asked.seeds} seeds; {stayed:.1%} stayed; gaps in 1e-4, median [lowest .. highest]; CPU ms per experiment")
    passed = True
    for name in FIELD:
        if asked.names and not any(part in name for part in asked.names):
            continue
        try:
            medians = compare(name, accounts, asked.experiments)
        except Exception as error:  # noqa: BLE001  # a library that is not there, or does not work with this numpy
            print(f"| {name} | {type(error).__name__}: {str(error)[:100]} |")
            continue
        passed = passed and (name != "search" or medians.get(BAR_AT, 0.0) <= BAR)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
