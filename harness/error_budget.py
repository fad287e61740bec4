"""The night's error budget: alpha, split evenly over the tries that `plan` froze, and what it can detect.

Each try may be kept falsely with a chance of alpha / N, so that any of all N is with a chance of at most alpha. A
try counts from its first pair, crashes included; a resume gives nothing back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.decide import Share
from harness.evidence import FUTILITY, LEAST, THETAS, WEIGHTS

POWER = 0.8
_TRIES = 400
_HALVINGS = 7  # of an interval as long as the gain or twice as long: to a hundredth of it
_MARGIN = 2 / 3  # of the standard error that a spread from so few pairs has; by simulation, over seven kinds of noise
_NORMAL = 1.4826
_SEED = 20_000


@dataclass(frozen=True)
class ErrorBudget:
    """tries: N, frozen before the first; alpha: of the whole night; max_pairs: of one try."""

    alpha: float
    tries: int
    max_pairs: int

    def share(self) -> Share:
        """One try's part."""
        return Share(self.tries / self.alpha, self.max_pairs)

    def least_pairs(self) -> int:
        """How many pairs the clearest candidate needs: every difference the same, in its favour."""
        logs = [math.log1p(math.tanh(theta / _NORMAL)) for theta in THETAS]
        threshold, pairs = self.tries / self.alpha, 1
        while sum(w * math.exp(pairs * log) for w, log in zip(WEIGHTS, logs, strict=True)) < threshold:
            pairs += 1
        return pairs

    @property
    def affordable(self) -> bool:
        """Whether any candidate can be kept at all."""
        return self.least_pairs() <= self.max_pairs


def detectable(differences: Sequence[float], share: Share, power: float = POWER) -> float:
    """The gain above min_effect that a try keeps with this power, in the unit of the differences.

    differences: of A/A pairs. Found by simulation: pairs are drawn from them with either sign (an A/A pair has no
    direction), a gain is added, and the decision is made as in a night. A few pairs tell little of the spread, and a
    spread taken too small costs more power than one too large gives: hence the margin. Infinity where no gain is
    enough.
    """
    sizes = np.abs(np.asarray(differences, dtype=np.float64))
    spread = float(np.sqrt(np.mean(sizes**2)))
    if spread == 0:
        return 0.0
    rng = np.random.default_rng(_SEED)
    noise = rng.choice(sizes, (_TRIES, share.max_pairs)) * rng.choice([-1.0, 1.0], (_TRIES, share.max_pairs))
    low, high = 0.0, spread
    while kept(noise + high, share).mean() < power:
        low, high = high, 2 * high
        if high > 1e3 * spread:
            return math.inf
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if kept(noise + middle, share).mean() >= power else (middle, high)
    return high * (1 + _MARGIN / math.sqrt(2 * len(sizes)))


def kept(differences: NDArray[np.float64], share: Share) -> NDArray[np.bool_]:
    """Which rows of differences (tries x pairs) end in a keep: `harness.decide` for many at once."""
    found, left = np.zeros(len(differences), dtype=bool), np.arange(len(differences))
    sizes, total, squares = np.abs(differences), np.zeros(len(left)), np.zeros(len(left))
    logs = np.zeros((len(THETAS), len(left)))
    for n in range(1, differences.shape[1] + 1):
        last = differences[left, n - 1]
        total, squares = total + last, squares + last * last
        logs = logs + _log_factors(last, _scales(sizes[:, :n]))
        passed = (_mixed(logs) >= math.log(share.threshold)) & (total > 0)
        found[left[passed]] = True
        going = ~passed
        if n in FUTILITY:
            going &= total >= FUTILITY[n] * np.sqrt(squares)
        if not going.all():
            left, sizes, total, squares = left[going], sizes[going], total[going], squares[going]
            logs = logs[:, going]
    return found


def _scales(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """s of each row of |D|; 0 where every difference was 0."""
    count = sizes.shape[1]
    middles = [(count - 1) // 2, count // 2]
    scales: NDArray[np.float64] = _NORMAL * np.partition(sizes, middles, axis=1)[:, middles].mean(axis=1)
    if not scales.all():
        scales[scales == 0] = sizes[scales == 0].max(axis=1)
    return scales


def _log_factors(last: NDArray[np.float64], scales: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.divide(last, scales, out=np.zeros(len(last)), where=scales > 0)
    factors: NDArray[np.float64] = math.log(2) - np.logaddexp(0, -2 * np.array(THETAS)[:, None] * np.maximum(x, LEAST))
    return factors


def _mixed(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    most = logs.max(axis=0)
    mixed: NDArray[np.float64] = most + np.log(np.array(WEIGHTS) @ np.exp(logs - most))
    return mixed
