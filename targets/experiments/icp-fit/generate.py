"""Makes data/search.csv and data/holdout.csv of icp-fit: invented accounts with a planted truth.

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

TRUTH: Mapping[str, float] = {  # what a feature, scaled to 0..1, adds to the log odds of staying; others add nothing
    "sells_to_business": 1.6,
    "sales_people": 1.4,
    "has_revops_team": 1.2,
    "employees": 1.0,
    "outbound_sales": 0.8,
    "crm_connected": 0.6,
    "tools_in_use": 0.5,
    "is_agency": -0.7,
}
CONFLICT = "card_billing"  # who pays by card stays, but in one region it is the other way round
CONFLICT_EFFECT = {"north-america": 1.8, "europe": 1.8, "asia-pacific": 1.8, "latin-america": -1.8}
SCALING: Mapping[str, tuple[float, float]] = {  # as spec.yaml scales them; outside is cut off
    "sales_people": (0, 60),
    "employees": (0, 1000),
    "tools_in_use": (0, 20),
    "money_raised": (0, 60),
    "website_age": (0, 25),
}
INTERCEPT = -2.2
USUAL = 0.4  # the log odds of the average account
BANDS = {"under-50": 50.0, "50-249": 250.0, "250-999": 1_000.0, "1000-up": np.inf}
ROUNDS = {"none": 0.01, "early": 5.0, "growth": 30.0, "late": np.inf}  # by money raised, millions of dollars
SHARES = {
    "industry": {"software": 0.35, "services": 0.25, "retail": 0.20, "finance": 0.12, "health": 0.08},
    "region": {"north-america": 0.42, "europe": 0.28, "asia-pacific": 0.15, "latin-america": 0.15},
}

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Names = NDArray[np.str_]


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
    """Name -> one value per account: flags, counts, years, and money raised in millions of dollars."""
    employees = np.clip(np.rint(140 * np.exp(1.2 * chance.normal())), 3, 20_000)
    raw = {
        "sells_to_business": chance.yes(0.55),
        "has_revops_team": chance.yes(0.30),
        "outbound_sales": chance.yes(0.40),
        "crm_connected": chance.yes(0.50),
        "is_agency": chance.yes(0.15),
        "card_billing": chance.yes(0.50),
        "hires_sales": chance.yes(0.25),
        "writes_blog": chance.yes(0.45),
        "employees": employees,
        "sales_people": np.clip(np.rint(20 * np.exp(0.9 * chance.normal())), 0, 400),
        "tools_in_use": chance.count(7.0),
        "money_raised": chance.yes(0.6) * np.exp(2.0 + 1.3 * chance.normal()),
        "website_age": np.floor(chance.exponential(9.0)),
        "noise_1": chance.uniform(),
    }
    return {name: np.rint(100 * values.astype(np.float64)) / 100 for name, values in raw.items()}


def segments_of(chance: Chance, known: Mapping[str, Floats]) -> dict[str, Names]:
    drawn = {name: chance.pick(shares) for name, shares in SHARES.items()}
    return {
        **drawn,
        "employee_band": band(known["employees"], BANDS),
        "funding": band(known["money_raised"], ROUNDS),
    }


def band(values: Floats, ends: Mapping[str, float]) -> Names:
    """The first name whose end lies above the value."""
    return np.array(list(ends))[np.searchsorted(list(ends.values()), values, side="right")]


def scaled(name: str, values: Floats) -> Floats:
    low, high = SCALING.get(name, (0, 1))
    found: Floats = np.clip((values - low) / (high - low), 0, 1)
    return found


def fit_of(known: Mapping[str, Floats], region: Names) -> Floats:
    """The log odds of staying. The conflict moves no region as a whole: half of its accounts go up, half down."""
    planted = sum((effect * scaled(name, known[name]) for name, effect in TRUTH.items()), np.zeros(ACCOUNTS))
    conflict = np.array([CONFLICT_EFFECT[name] for name in region]) * (known[CONFLICT] - 0.5)
    found: Floats = INTERCEPT + planted + conflict
    return found


def outcomes(chance: Chance, known: Mapping[str, Floats], segments: Mapping[str, Names]) -> dict[str, Floats | Labels]:
    """Labels, revenue in whole dollars a month, lifetime value in whole dollars."""
    log_odds = fit_of(known, segments["region"])
    retained, fit = chance.yes(probability(log_odds)), log_odds - USUAL
    size = np.log(known["employees"] / 140)
    start = np.rint(np.clip(250 * np.exp(0.3 * size + 0.5 * chance.normal() + 0.1 * fit), 30, 9_000))
    months = 12 * retained + np.clip(chance.exponential(8.0), 1, 48)
    return {
        "activated": chance.yes(probability(0.2 + 0.8 * fit)),
        "retained_12mo": retained,
        "mrr": start,
        "mrr_12mo": retained * np.rint(start * (1 + growth(chance, fit))),
        "ltv": np.rint(start * months),
    }


def growth(chance: Chance, fit: Floats) -> Floats:
    """The share by which revenue moves within the year: who fits grows more often and shrinks less often."""
    grown = chance.yes(probability(-0.6 + 0.4 * fit)) * chance.between(0.05, 0.8)
    shrunk = chance.yes(probability(-1.6 - 0.4 * fit)) * chance.between(0.05, 0.5)
    return grown - shrunk


def probability(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-log_odds))
    return found


def table(split: str) -> bytes:
    """The file of a split: a header, then one line per account."""
    chance = Chance(SEEDS[split], ACCOUNTS)
    known = features(chance)
    segments = segments_of(chance, known)
    numbers = {**known, **outcomes(chance, known, segments)}
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
