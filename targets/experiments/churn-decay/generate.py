"""Makes data/search.csv and data/holdout.csv of churn-decay: invented accounts with a planted truth.

    python generate.py            writes both files
    python generate.py --check    exit status 1 unless the files beside it are exactly what it would write

The same bytes with any numpy: all chance comes from the raw bits of PCG64, which numpy keeps the same across versions,
and none from its distributions, which it does not. README.md says what is planted.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"
ACCOUNTS = 5_000  # in each of the two files
SEEDS = {"search": 1, "holdout": 2}

TRUTH: Mapping[str, float] = {  # what a feature, scaled to 0..1, adds to the log odds of leaving; others add nothing
    "usage_drop": 3.0,
    "days_since_login": 2.2,
    "seats_lost": 1.6,
    "tickets_rise": 1.2,
    "champion_silent": 0.9,
    "features_dropped": 0.6,
    "late_invoices": 0.4,
}
SCALING: Mapping[str, tuple[float, float]] = {  # as spec.yaml scales them; outside is cut off
    "usage_drop": (0, 1),
    "days_since_login": (0, 45),
    "seats_lost": (0, 0.5),
    "tickets_rise": (0, 6),
    "features_dropped": (0, 5),
    "late_invoices": (0, 4),
    "contract_age": (0, 48),
    "survey_score": (0, 10),
}
INTERCEPT = -3.1
WEEKS = 8  # of usage before the score is made, the last four held against the four before
MEDIAN_REVENUE = {"monthly": 140.0, "annual": 260.0}  # dollars a month
SHARES = {
    "contract": {"monthly": 0.55, "annual": 0.45},
    "region": {"north-america": 0.45, "europe": 0.35, "asia-pacific": 0.20},
    "size": {"under-50": 0.50, "50-249": 0.32, "250-up": 0.18},
}

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


class Chance:
    """n independent draws at a time, each from the bits of one generator."""

    def __init__(self, seed: int, n: int) -> None:
        self._bits, self._n = np.random.PCG64(seed), n

    def uniform(self) -> Floats:
        """In [0, 1), from the 53 highest of 64 bits."""
        bits = np.asarray(self._bits.random_raw(self._n)) >> np.uint64(11)
        return bits.astype(np.float64) * 2.0**-53

    def between(self, low: float, high: float) -> Floats:
        return low + (high - low) * self.uniform()

    def exponential(self, mean: float) -> Floats:
        found: Floats = -mean * np.log1p(-self.uniform())
        return found

    def normal(self) -> Floats:
        """Box and Muller's transformation of two uniform draws."""
        found: Floats = np.sqrt(2 * self.exponential(1.0)) * np.cos(2 * np.pi * self.uniform())
        return found

    def beta(self, a: int, b: int) -> Floats:
        """The a-th smallest of a + b - 1 uniform draws."""
        found: Floats = np.sort([self.uniform() for _ in range(a + b - 1)], axis=0)[a - 1]
        return found

    def count(self, mean: float) -> Floats:
        """Poisson: how many exponential waits fit into a unit of time, up to 12."""
        waits = np.cumsum([self.exponential(1 / mean) for _ in range(12)], axis=0)
        found: Floats = (waits < 1).sum(axis=0).astype(np.float64)
        return found

    def yes(self, probability: Floats | float) -> Labels:
        return self.uniform() < probability

    def pick(self, shares: Mapping[str, float]) -> NDArray[np.str_]:
        places = np.searchsorted(np.cumsum(list(shares.values())), self.uniform(), side="right")
        return np.array(list(shares))[np.minimum(places, len(shares) - 1)]


def features(chance: Chance) -> dict[str, Floats]:
    """Name -> one value per account, in its own unit. Usage that fades shows in several of them."""
    fading = np.clip(chance.exponential(0.10) - 0.05, 0, 0.6)  # the share of usage that is lost from week to week
    raw = {
        "usage_drop": usage_drop(chance, fading),
        "days_since_login": np.floor(chance.exponential(5.0) + 30 * fading * chance.uniform()),
        "seats_lost": np.clip(chance.exponential(0.08) - 0.05, 0, 0.9),
        "tickets_rise": chance.count(1.4) - chance.count(1.0),
        "champion_silent": chance.yes(0.18 + 0.4 * fading),
        "features_dropped": chance.count(0.9),
        "late_invoices": chance.count(0.5),
        "contract_age": np.floor(1 + chance.exponential(18.0)),
        "survey_score": np.floor(11 * chance.uniform()),
        "mails_ignored": chance.beta(2, 2),
        "noise_1": chance.uniform(),
        "noise_2": chance.uniform(),
    }
    return {name: np.rint(100 * values.astype(np.float64)) / 100 for name, values in raw.items()}


def usage_drop(chance: Chance, fading: Floats) -> Floats:
    """1 - usage of the last four weeks / usage of the four before: below 0 where an account grows."""
    weeks = [(1 - fading) ** week * np.exp(0.25 * chance.normal()) for week in range(WEEKS)]
    found: Floats = 1 - sum(weeks[WEEKS // 2 :]) / sum(weeks[: WEEKS // 2])
    return found


def scaled(name: str, values: Floats) -> Floats:
    low, high = SCALING.get(name, (0, 1))
    found: Floats = np.clip((values - low) / (high - low), 0, 1)
    return found


def outcomes(chance: Chance, known: Mapping[str, Floats], contract: NDArray[np.str_]) -> dict[str, Floats | Labels]:
    """Labels, revenue in whole dollars a month, lifetime value in whole dollars."""
    risk = sum((effect * scaled(name, known[name]) for name, effect in TRUTH.items()), np.zeros(ACCOUNTS))
    churned = chance.yes(probability(INTERCEPT + risk))
    median = np.array([MEDIAN_REVENUE[name] for name in contract])
    start = np.rint(np.clip(median * np.exp(0.7 * chance.normal()), 20, 5_000))
    return {
        "churned": churned,
        "mrr": start,
        "mrr_3mo": ~churned * np.rint(start * (1 + growth(chance, known))),
        "came_back": churned & chance.yes(probability(-1.3 - 0.4 * risk)),
        "ltv": np.rint(start * (known["contract_age"] + ~churned * chance.exponential(12.0))),
    }


def growth(chance: Chance, known: Mapping[str, Floats]) -> Floats:
    """The share by which revenue moves: lost seats are paid for no longer, at the next invoice or the one after."""
    billed = scaled("seats_lost", known["seats_lost"]) * 0.5 * chance.uniform()
    grown = chance.yes(0.15) * (1 - scaled("usage_drop", known["usage_drop"])) * chance.between(0.05, 0.5)
    found: Floats = grown - billed
    return found


def probability(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-log_odds))
    return found


def table(split: str) -> bytes:
    """The file of a split: a header, then one line per account."""
    chance = Chance(SEEDS[split], ACCOUNTS)
    known = features(chance)
    segments = {name: chance.pick(shares) for name, shares in SHARES.items()}
    numbers = {**known, **outcomes(chance, known, segments["contract"])}
    ids = [f"{split[0]}{number}" for number in range(1, ACCOUNTS + 1)]
    columns = [[f"{float(value):.10g}" for value in values] for values in numbers.values()]
    lines = map(",".join, zip(ids, *columns, *segments.values(), strict=True))
    return "\n".join([",".join(["account_id", *numbers, *segments]), *lines, ""]).encode("ascii")


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the tables of this target.")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    check = parser.parse_args().check
    for split in SEEDS:
        path, content = DATA / f"{split}.csv", table(split)
        if not check:
            DATA.mkdir(exist_ok=True)
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            raise SystemExit(f"data/{split}.csv is not what the generator makes. Try: python generate.py")


if __name__ == "__main__":
    main()
