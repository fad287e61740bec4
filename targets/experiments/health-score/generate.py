"""Makes data/search.csv and data/holdout.csv of health-score: invented accounts with a planted truth.

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
SEEDS = {"search": 11, "holdout": 12}

TRUTH: Mapping[str, float] = {  # what a feature adds to the log odds of staying; what is not named adds nothing
    "alert_created": 2.5,
    "session_depth": 2.0,
    "setup_speed": 1.8,
    "report_exported": 1.0,
    "credits_used": 0.8,
    "days_active": 0.5,
    "email_opens": 0.3,
    "rage_clicks": -0.5,
}
INTERCEPT = -1.5
USUAL = 0.4  # the log odds of the average account
MEDIAN_REVENUE = {"starter": 90.0, "team": 160.0, "business": 320.0}  # dollars a month
SHARES = {
    "plan": {"starter": 0.45, "team": 0.35, "business": 0.20},
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

    def yes(self, probability: Floats | float) -> Labels:
        return self.uniform() < probability

    def pick(self, shares: Mapping[str, float]) -> NDArray[np.str_]:
        places = np.searchsorted(np.cumsum(list(shares.values())), self.uniform(), side="right")
        return np.array(list(shares))[np.minimum(places, len(shares) - 1)]


def features(chance: Chance) -> dict[str, Floats]:
    """Name -> one value per account, whole hundredths of 0..1."""
    raw = {
        "days_active": chance.exponential(0.25),
        "session_depth": chance.exponential(0.25),
        "credits_used": chance.exponential(0.25),
        "searches_run": chance.exponential(0.28),
        "alert_created": chance.yes(0.16),
        "report_exported": chance.yes(0.22),
        "teammate_invited": chance.yes(0.35),
        "profile_completed": chance.yes(0.55),
        "setup_speed": chance.beta(1, 3),
        "rage_clicks": chance.exponential(0.15),
        "error_rate": chance.exponential(0.10),
        "email_opens": chance.beta(1, 2),
        "noise_1": chance.uniform(),
        "noise_2": chance.uniform(),
    }
    return {name: np.rint(100 * np.clip(values, 0, 1)) / 100 for name, values in raw.items()}


def outcomes(chance: Chance, known: Mapping[str, Floats], plan: NDArray[np.str_]) -> dict[str, Floats | Labels]:
    """Labels, revenue in whole dollars a month, lifetime value in whole dollars."""
    log_odds = INTERCEPT + sum((effect * known[name] for name, effect in TRUTH.items()), np.zeros(ACCOUNTS))
    retained, health = chance.yes(probability(log_odds)), log_odds - USUAL
    median = np.array([MEDIAN_REVENUE[name] for name in plan])
    start = np.rint(np.clip(median * np.exp(0.6 * chance.normal() + 0.08 * health), 20, 5_000))
    return {
        "retained_6mo": retained,
        "churned": ~retained,
        "mrr": start,
        "mrr_6mo": retained * np.rint(start * (1 + growth(chance, health))),
        "came_back": ~retained & chance.yes(probability(-2.0 + 0.5 * health)),
        "activated": activated(chance, known),
        "ltv": lifetime_value(chance, known, start),
    }


def growth(chance: Chance, health: Floats) -> Floats:
    """The share by which revenue moves: healthy accounts grow more often and shrink less often."""
    grown = chance.yes(probability(-0.9 + 0.35 * health)) * chance.between(0.05, 0.60)
    shrunk = chance.yes(probability(-1.7 - 0.35 * health)) * chance.between(0.05, 0.50)
    return grown - shrunk


def activated(chance: Chance, known: Mapping[str, Floats]) -> Labels:
    log_odds = -1.0 + 1.5 * known["alert_created"] + 1.2 * known["report_exported"] + 2.0 * known["setup_speed"]
    return chance.yes(probability(log_odds))


def lifetime_value(chance: Chance, known: Mapping[str, Floats], start: Floats) -> Floats:
    months = np.clip(chance.exponential(14.0), 1, 60)
    more = 1 + 0.3 * known["alert_created"] + 0.2 * known["setup_speed"] + 0.1 * known["session_depth"]
    found: Floats = np.rint(start * months * more)
    return found


def probability(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-log_odds))
    return found


def table(split: str) -> bytes:
    """The file of a split: a header, then one line per account."""
    chance = Chance(SEEDS[split], ACCOUNTS)
    known = features(chance)
    segments = {name: chance.pick(shares) for name, shares in SHARES.items()}
    numbers = {**known, **outcomes(chance, known, segments["plan"])}
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
