"""Simulated evaluators: noise of seven families, as a machine would give it, measurement after measurement.

The unit is one sd: the standard deviation of a single measurement over a night, whatever it comes from. Only what is
here knows the family and which candidate has an effect; what is under test sees contents, seeds and values.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from harness.reports import Measurement

Values = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[2]

METRIC = "score"
USUAL = 3200  # measurements in a night of 100 candidates without effect: the time over which a drift is as given below
RAMP, STEP = 1.0, 1.0  # the drift's: sd from the night's start to its end; the height of its one step
SPEEDS, CHANGE = (0.5, 2.0), 1 / 200  # the drift's: between these the noise is scaled; the chance that it changes
QUANTUM = 0.5
CORRELATION = 0.8
WARM_UP = 0.5  # by how much the first measurement of a pair is worse


@dataclass(frozen=True)
class Family:
    """noise: the deviations of so many measurements from the night's start on; quantum: what values are rounded to."""

    noise: Callable[[np.random.Generator, int], Values]
    quantum: float = 0.0


def gaussian(rng: np.random.Generator, count: int) -> Values:
    return rng.standard_normal(count)


def student(rng: np.random.Generator, count: int) -> Values:
    """Three degrees of freedom: rare values far out."""
    return rng.standard_t(3, count) / np.sqrt(3)


def lognormal(rng: np.random.Generator, count: int) -> Values:
    """Skewed, as waiting times are."""
    spread = np.exp(0.25)  # e to the variance 0.5 ** 2
    return (np.exp(0.5 * rng.standard_normal(count)) - np.sqrt(spread)) / np.sqrt((spread - 1) * spread)


def drift(rng: np.random.Generator, count: int) -> Values:
    """A slow ramp up or down, one step, and a machine whose noise now doubles, now halves."""
    time = np.minimum(np.arange(count) / USUAL, 1)
    ramp, step = RAMP * rng.choice([-1, 1]) * time, STEP * rng.choice([-1, 1]) * (time >= rng.random())
    changes = np.cumsum(rng.random(count) < CHANGE)
    low, high = np.log(SPEEDS)
    speeds = np.exp(rng.uniform(low, high, changes[-1] + 1))
    mean_square = (SPEEDS[1] ** 2 - SPEEDS[0] ** 2) / (2 * (high - low))
    own = 1 - RAMP**2 / 12 - STEP**2 / 6  # of the variance, what neither ramp nor step make
    return ramp + step + np.sqrt(own / mean_square) * speeds[changes] * rng.standard_normal(count)


def quantised(rng: np.random.Generator, count: int) -> Values:
    """What rounding leaves is added by the evaluator, which rounds whole values."""
    return np.sqrt(1 - QUANTUM**2 / 12) * rng.standard_normal(count)


def correlated(rng: np.random.Generator, count: int) -> Values:
    """AR(1): each measurement remembers the one before it."""
    fresh = rng.standard_normal(count) * np.sqrt(1 - CORRELATION**2)
    past = CORRELATION * rng.standard_normal(1)  # as if it had run for ever
    return lfilter([1.0], [1.0, -CORRELATION], fresh, zi=past)[0]


def warm_up(rng: np.random.Generator, count: int) -> Values:
    """The first measurement after a pause, which is the first of a pair, is worse."""
    own = np.sqrt(1 - WARM_UP**2 / 4)
    return own * rng.standard_normal(count) - WARM_UP * (np.arange(count) % 2 == 0)


FAMILIES: Mapping[str, Family] = {
    "Gaussian": Family(gaussian),
    "Student t(3)": Family(student),
    "log-normal": Family(lognormal),
    "drift, step, speed": Family(drift),
    "quantised": Family(quantised, QUANTUM),
    "AR(1) 0.8": Family(correlated),
    "warm-up": Family(warm_up),
}


@dataclass
class Machine:
    """One night of an evaluator. Time passes with every measurement. effects: contents that are not like the base."""

    family: Family
    rng: np.random.Generator
    length: int
    skipped: int = 0
    effects: Mapping[bytes, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        noise = self.family.noise(self.rng, self.length)[self.skipped :]
        self.level = float(self.rng.uniform(-1, 1))
        self._noise = noise
        self._coming: Iterator[float] = iter(noise.tolist())

    def measure(self, content: bytes, _seed: int) -> Measurement:
        value = self.level + self.effects.get(content, 0.0) + next(self._coming)
        if self.family.quantum:
            value = round(value / self.family.quantum) * self.family.quantum
        return Measurement({METRIC: value})

    def unchanged(self) -> Values:
        """What measurements of a content without effect come to, all at once."""
        values = self.level + self._noise
        return np.round(values / self.family.quantum) * self.family.quantum if self.family.quantum else values


def generator(seed: int, study: str, family: str, night: int) -> np.random.Generator:
    """The chance of one night, the same in whatever order and process nights are simulated."""
    return np.random.default_rng([seed, *study.encode(), *family.encode(), night])


def seed_of_commit() -> int:
    """A seed that nobody chose: the first digits of the commit's id."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(head.stdout[:8], 16)
