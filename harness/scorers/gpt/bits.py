"""Bits per byte, computed from logits by the evaluator alone; and the probes that a model has to pass.

Every window is asked twice, of two models in two sandboxes, in two orders: once as it stands, once with its end
replaced by other real text from a place that chance draws. What stands before that place must get the same logits. A
model that looks ahead, that learns from what it was asked before, or that draws lots, gets others; and neither of the
two can know what the other was asked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.scorers.gpt.answers import Logits, Model, in_batches
from harness.scorers.gpt.corpus import Corpus, Ids
from harness.scorers.gpt.training import Failed

Bits = NDArray[np.float64]
DIFFERENT = 0.1  # of a logit: far above what rounding to 16 bits and another order of sums make of it
SHARE = 0.001  # of all logits, that rounding may move further
_LOG2 = float(np.log(2))


def bits_of(logits: Logits, targets: Ids) -> Bits:
    """What each target costs, in bits, under the softmax of its logits. Shapes (n, t, v), (n, t) -> (n, t)."""
    wide = logits.astype(np.float64)
    highest = wide.max(axis=-1, keepdims=True)
    total = highest[..., 0] + np.log(np.exp(wide - highest).sum(axis=-1))
    said = np.take_along_axis(wide, targets[..., None].astype(np.int64), axis=-1)[..., 0]
    found: Bits = (total - said) / _LOG2
    return found


def per_byte(bits: Bits, targets: Ids, corpus: Corpus) -> float:
    """Over all targets that are text."""
    spoken = corpus.spoken[targets]
    return float(bits[spoken].sum() / corpus.lengths[targets][spoken].sum())


class Probe:
    """One window's end replaced by that of another, from a place on. Drawn by a seed that candidates never see."""

    def __init__(self, windows: Ids, seed: int) -> None:
        chance = np.random.default_rng(seed)
        count, length = windows.shape
        self.places: list[int] = chance.integers(1, length, size=(count,)).tolist()
        others: list[int] = ((np.arange(count) + chance.integers(1, count, size=(count,))) % count).tolist()
        self.windows = windows.copy()
        for index, (begins, other) in enumerate(zip(self.places, others, strict=True)):
            self.windows[index, begins:] = windows[other, begins:]
        self.order: list[int] = chance.permutation(count).tolist()
        self.first_order: list[int] = chance.permutation(count).tolist()


def measured(first: Model, second: Model, windows: Ids, corpus: Corpus, size: int, seed: int) -> float:
    """windows: (n, context + 1). Bits per byte. Raises Failed where a probe fails."""
    inputs, targets = windows[:, :-1], windows[:, 1:]
    probe = Probe(inputs, seed)
    bits = np.zeros(targets.shape)
    kept: dict[int, Logits] = {}
    for chosen, logits in in_batches(first, inputs, probe.first_order, size):
        bits[chosen] = bits_of(logits, targets[chosen])
        for index, found in zip(chosen, logits, strict=True):
            kept[index] = found[: probe.places[index]].astype(np.float16)
    for chosen, logits in in_batches(second, probe.windows, probe.order, size):
        for index, found in zip(chosen, logits, strict=True):
            _require_same(kept.pop(index), found[: probe.places[index]])
    return per_byte(bits, targets, corpus)


def _require_same(one: Logits, other: Logits) -> None:
    apart = np.abs(one.astype(np.float32) - other) > DIFFERENT + 0.01 * np.abs(other)
    if apart.mean() > SHARE:
        raise Failed(
            f"{apart.mean():.1%} of the logits before a place changed with what stands after it, or with what was "
            "asked before: a model must look back only, remember nothing between windows, and draw no lots"
        )
