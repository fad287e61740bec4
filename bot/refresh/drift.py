"""How the features themselves moved between the periods: a weight learnt on other values may mean something else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.refresh.inputs import LATER, SEARCH, Inputs

STABLE, SHIFTED = (
    0.1,
    0.25,
)  # the usual reading of the population stability index (Siddiqi 2006, Credit Risk Scorecards)
_SLICES = 10


@dataclass(frozen=True)
class Drift:
    """Means and shares of zeros of one feature, before and after; index: the population stability index over tenths."""

    feature: str
    mean: tuple[float, float]
    zeros: tuple[float, float]
    index: float

    @property
    def reading(self) -> str:
        return "stable" if self.index < STABLE else "moved" if self.index < SHIFTED else "shifted"


def drifts(inputs: Inputs) -> list[Drift]:
    """One per feature, the largest shift first."""
    then, now = inputs.accounts[SEARCH].raw, inputs.accounts[LATER].raw
    found = [
        Drift(
            name,
            (float(then[at].mean()), float(now[at].mean())),
            (float(np.mean(then[at] == 0)), float(np.mean(now[at] == 0))),
            stability_index(then[at], now[at]),
        )
        for at, name in enumerate(inputs.columns.features)
    ]
    return sorted(found, key=lambda one: -one.index)


def stability_index(then: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """The sum over slices of (q - p) ln(q / p), p and q the shares before and after; slices are tenths of `then`."""
    edges = np.unique(np.quantile(then, np.linspace(0, 1, _SLICES + 1)[1:-1]))
    p, q = (_shares(np.searchsorted(edges, values, side="right"), len(edges) + 1) for values in (then, now))
    return float(np.sum((q - p) * np.log(q / p)))


def _shares(slices: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Half an account in each slice besides its own, so that an empty one has a logarithm."""
    counts = np.bincount(slices, minlength=count) + 0.5
    found: NDArray[np.float64] = counts / counts.sum()
    return found
