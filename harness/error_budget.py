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
from harness.evidence import FUTILITY, THETAS, WEIGHTS

POWER = 0.8
_NIGHTS = 1000
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
        logs = [math.log1p(math.tanh(theta)) for theta in THETAS]
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
    direction), a gain is added, and the decision is made as in a night. Infinity where no gain is enough.
    """
    sizes = np.abs(np.asarray(differences, dtype=np.float64))
    spread = float(np.sqrt(np.mean(sizes**2)))
    if spread == 0:
        return 0.0
    rng = np.random.default_rng(_SEED)
    noise = rng.choice(sizes, (_NIGHTS, share.max_pairs)) * rng.choice([-1.0, 1.0], (_NIGHTS, share.max_pairs))
    low, high = 0.0, spread
    while kept(noise + high, share).mean() < power:
        low, high = high, 2 * high
        if high > 1e3 * spread:
            return math.inf
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (low, middle) if kept(noise + middle, share).mean() >= power else (middle, high)
    return high


def kept(differences: NDArray[np.float64], share: Share) -> NDArray[np.bool_]:
    """Which rows of differences (tries x pairs) end in a keep: `harness.decide` for many at once."""
    tries, pairs = differences.shape
    thetas, weights = np.array(THETAS)[:, None], np.array(WEIGHTS)[:, None]
    logs = np.zeros((len(THETAS), tries))
    left, found = np.arange(tries), np.zeros(tries, dtype=bool)
    for n in range(1, pairs + 1):
        so_far = differences[left, :n]
        sizes, total = np.abs(so_far), so_far.sum(axis=1)
        scale = _NORMAL * np.median(sizes, axis=1)
        scale = np.where(scale > 0, scale, sizes.max(axis=1))
        x = np.divide(so_far[:, -1], scale, out=np.zeros(len(left)), where=scale > 0)
        logs[:, left] += np.where(scale > 0, math.log(2) - np.logaddexp(0, -2 * thetas * x), 0)
        evidence = np.log((weights * np.exp(logs[:, left])).sum(axis=0))
        passed = (evidence >= math.log(share.threshold)) & (total > 0)
        found[left[passed]] = True
        hopeless = total < FUTILITY.get(n, -math.inf) * np.sqrt((so_far**2).sum(axis=1))
        left = left[~passed & ~hopeless]
    return found
