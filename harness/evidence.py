"""Evidence that a candidate is better, pair by pair: an e-process that may be looked at after every pair.

D is the goal-signed difference of a pair, less min_effect. The order inside a pair is a fair coin's, so for a candidate
without effect D is as often above as below 0, whatever drifts, jumps or spreads: given |D| and the past, each factor

    2 / (1 + exp(-2 theta D / s)) = 1 + tanh(theta D / s)

has mean 1, and their product E is a martingale. By Ville's inequality E ever reaches N / alpha with a chance of at
most alpha / N. s is 1.4826 times the median of |D| so far, and theta a mixture of three, so that no size of effect
needs to be guessed. Known as a self-normalised process (de la Pena 1999) and an e-test of symmetry (Vovk and Wang;
Ramdas et al. 2020).
"""

from __future__ import annotations

import math
from bisect import bisect
from dataclasses import dataclass

THETAS = (0.7, 1.2, 2.5)
WEIGHTS = (0.4, 0.3, 0.3)
FUTILITY = {4: -0.6, 8: 0.0, 16: 0.6, 30: 1.4}  # pairs -> least sum(D) / sqrt(sum(D^2)) worth going on with
TIED = 4  # pairs without any difference, after which none is looked for
_NORMAL = 1.4826  # from a median of absolute values to the standard deviation of a normal distribution
_LOG_2 = math.log(2)
LEAST = -1e3  # of D / s: a factor of e to the -1,400 is 0 for every purpose, and one of 0 leaves no logarithm


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision needs of all pairs so far; its size is bounded by the most pairs of a duel.

    sizes: |D|, sorted; logs: log of the product of factors, per theta; total, squares: sums of D and D^2; log_e: the
    logarithm of E; peak: the largest log E at any pair so far.
    """

    sizes: tuple[float, ...] = ()
    logs: tuple[float, ...] = (0.0,) * len(THETAS)
    total: float = 0.0
    squares: float = 0.0
    log_e: float = 0.0
    peak: float = 0.0

    @property
    def pairs(self) -> int:
        return len(self.sizes)

    @property
    def mean(self) -> float:
        return self.total / len(self.sizes) if self.sizes else 0.0

    @property
    def tied(self) -> bool:
        """Whether there were pairs enough, and no difference in any."""
        return len(self.sizes) >= TIED and self.sizes[-1] == 0.0

    @property
    def hopeless(self) -> bool:
        """Whether going on is not worth its cost. Giving up only lowers the chance of a false keep."""
        least = FUTILITY.get(len(self.sizes))
        return least is not None and self.total < least * math.sqrt(self.squares)

    def add(self, difference: float) -> Evidence:
        """With one more pair."""
        size = abs(difference)
        at = bisect(self.sizes, size)
        sizes = (*self.sizes[:at], size, *self.sizes[at:])
        logs = self.logs
        if scale := _NORMAL * _median(sizes) or sizes[-1]:
            x = max(difference / scale, LEAST)
            logs = tuple([log + _log_factor(theta * x) for log, theta in zip(logs, THETAS, strict=True)])
        log_e = _mixed(logs)
        total, squares = self.total + difference, self.squares + difference * difference
        return Evidence(sizes, logs, total, squares, log_e, max(self.peak, log_e))


def _mixed(logs: tuple[float, ...]) -> float:
    most = max(logs)
    return most + math.log(sum([w * math.exp(log - most) for w, log in zip(WEIGHTS, logs, strict=True)]))


def _log_factor(x: float) -> float:
    """log(2 / (1 + exp(-2 x))), without overflow."""
    return _LOG_2 - (math.log1p(math.exp(-2 * x)) if x > 0 else math.log1p(math.exp(2 * x)) - 2 * x)


def _median(ordered: tuple[float, ...]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
