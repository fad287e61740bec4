"""Does a night find what was planted? `python -m tests.benchmarks.recovery [--draws]`. Exits 1 if a bar is missed.

The accounts of health-score, equal weights at the start, and a night's real loop by `perturb` and by `search` under ten
seeds; with --draws another 5,000 accounts for every seed. Beside them a logistic regression fitted to the same accounts
(scikit-learn, unregularised, float coefficients), and the AUC of both on a fresh draw of 100,000.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bot.night.night import targets_of
from harness import folds
from harness.documents import load_bytes
from harness.scorers.saas import auc
from tests.benchmarks.nights import run_loop, scratch_repository
from tests.benchmarks.saas import FOLDER, files, parquet, shipped, table

SIGNALS = ("alert_created", "session_depth", "setup_speed", "report_exported", "credits_used")  # strongest first
NOISE = ("noise_1", "noise_2")
PERTURB, SEARCH = 2_000, 300
FRESH = 100_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """gap: the logistic regression's AUC less ours, on the accounts of the search; fresh: both on the fresh draw."""

    gap: float
    fresh: tuple[float, float]
    ordered: bool
    logistic_ordered: bool
    noise: tuple[int, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--draws", action="store_true", help="other accounts for every seed")
    asked = parser.parse_args()
    count = asked.seeds
    print("| proposer | experiments | gap to logistic, median [range] | fresh AUC | logistic's | order right", end=" ")
    print("| logistic's | noise |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    perturb = told("perturb", PERTURB, [one(seed, "perturb", PERTURB, draws=asked.draws) for seed in range(count)])
    search = told("search", SEARCH, [one(seed, "search", SEARCH, draws=asked.draws) for seed in range(count)])
    quiet = all(weight in (0, 1) for found in perturb for weight in found.noise)
    bars = {
        "perturb: median gap at most 0.001": statistics.median(found.gap for found in perturb) <= 0.001,
        "perturb: planted signals in order in 9 of 10": sum(found.ordered for found in perturb) >= 0.9 * count,
        "perturb: noise weights are 0 or 1": quiet,
        "search: median gap at most 0.0005": statistics.median(found.gap for found in search) <= 0.0005,
    }
    for name, held in bars.items():
        print(f"{'ok  ' if held else 'MISS'} {name}")
    sys.exit(not all(bars.values()))


def told(proposer: str, experiments: int, found: Sequence[Found]) -> Sequence[Found]:
    gaps = sorted(one.gap for one in found)
    ours, theirs = (statistics.median(one.fresh[side] for one in found) for side in (0, 1))
    noise = sorted({weight for one in found for weight in one.noise})
    print(
        f"| {proposer} | {experiments:,} | {statistics.median(gaps):+.5f} [{gaps[0]:+.5f} .. {gaps[-1]:+.5f}] "
        f"| {ours:.4f} | {theirs:.4f} | {sum(one.ordered for one in found)} of {len(found)} "
        f"| {sum(one.logistic_ordered for one in found)} of {len(found)} | {noise} |",
        flush=True,
    )
    return found


def one(seed: int, proposer: str, experiments: int, *, draws: bool) -> Found:
    drawn = 1_000 + seed if draws else shipped()
    with scratch_repository(_files(drawn, proposer)) as repository:
        night = run_loop(repository, experiments, seed)
        content = folds.loop_state(night.segments("health-score"), night.packs("health-score")).content
        weights = load_bytes(content, targets_of(night)[0].file)["weights"]
    names = list(weights)
    here, labels = _accounts(drawn, 5_000, names)
    fresh, fresh_labels = _accounts(9_000 + seed, FRESH, names)
    fitted = LogisticRegression(C=np.inf, max_iter=2_000).fit(here, labels).coef_[0]
    ours = np.array([float(weights[name]) for name in names])
    return Found(
        gap=auc(labels, here @ fitted) - auc(labels, np.rint(100 * here) @ ours),
        fresh=(auc(fresh_labels, np.rint(100 * fresh) @ ours), auc(fresh_labels, fresh @ fitted)),
        ordered=_falling([weights[name] for name in SIGNALS]),
        logistic_ordered=_falling([float(fitted[names.index(name)]) for name in SIGNALS]),
        noise=tuple(weights[name] for name in NOISE),
    )


def _falling(values: Sequence[float]) -> bool:
    return all(one > other for one, other in pairwise(values))


def _files(drawn: int, proposer: str) -> dict[str, str | bytes]:
    found = files(5_000)
    found[f"{FOLDER}/data/search.parquet"] = parquet([table(drawn, 5_000)])
    target = str(found[f"{FOLDER}/target.yaml"])
    assert "{kind: perturb}" in target
    lines = target.replace("{kind: perturb}", f"{{kind: {proposer}}}").splitlines()
    # Guards are about what a business may lose, not about what can be found.
    found[f"{FOLDER}/target.yaml"] = "\n".join(line for line in lines if "guard:" not in line) + "\n"
    return found


def _accounts(seed: int, count: int, names: Sequence[str]) -> tuple[Floats, Floats]:
    found = table(seed, count)
    features = np.stack([found.column(name).to_numpy().astype(np.float64) for name in names], axis=1)
    return np.round(features, 2), found.column("retained_6mo").to_numpy().astype(np.float64)


if __name__ == "__main__":
    main()
