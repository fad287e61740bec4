"""Bits per byte, computed from logits by the evaluator alone; and the probes that a model has to pass.

Every window is asked twice, of two models in two sandboxes, in two orders: once as it stands, once with its end
replaced by other real text from a place that chance draws when the model is trained already. What stands before that
place must get the same logits. A model that looks ahead, that learns from what it was asked before, or that draws
lots, gets others; and neither of the two can know what the other was asked.

Whoever looks one token ahead, and moves one logit by it, shows it only at the last place before the swapped end. So
every place is held to the bits of its own target. And what is gained on average at those last places, by however
little and of whatever was ahead, is charged for every place: looking ahead where nobody happens to look pays nothing
in expectation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.scorers.gpt.answers import Logits, Model, in_batches
from harness.scorers.gpt.corpus import Corpus, Ids
from harness.scorers.gpt.training import Failed

Bits = NDArray[np.float64]
_LOG2 = float(np.log(2))


@dataclass(frozen=True)
class Rounding:
    """What answers may differ by for no other reason. bits: of any one target, and this share of it; mean: bits of a
    target over all that are compared; apart: share of logits that may move by more than a tenth."""

    bits: float
    relative: float
    mean: float
    apart: float


EXACT = Rounding(bits=0.1, relative=0.01, mean=0.003, apart=0.0005)  # sums in 32 bits, answers rounded to 16
HALF = Rounding(bits=0.5, relative=0.05, mean=0.03, apart=0.02)  # sums and logits in bfloat16, in any order
_MOVED = 0.1  # of a logit


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
        self.unswapped: list[int] = chance.permutation(count).tolist()  # in which they are asked as they stand


def measured(
    first: Model, second: Model, windows: Ids, corpus: Corpus, size: int, seed: int, rounding: Rounding = EXACT
) -> float:
    """windows: (n, context + 1). Bits per byte. Raises Failed where a probe fails."""
    inputs, targets = windows[:, :-1], windows[:, 1:]
    probe = Probe(inputs, seed)
    bits, again = np.zeros(targets.shape), np.zeros(targets.shape)
    kept: dict[int, Logits] = {}
    for chosen, logits in in_batches(first, inputs, probe.unswapped, size):
        bits[chosen] = bits_of(logits, targets[chosen])
        for index, found in zip(chosen, logits, strict=True):
            kept[index] = found[: probe.places[index]].astype(np.float16)
    for chosen, logits in in_batches(second, probe.windows, probe.order, size):
        again[chosen] = bits_of(logits, targets[chosen])
        for index, found in zip(chosen, logits, strict=True):
            _require_same_logits(kept.pop(index), found[: probe.places[index]], rounding)
    _require_same_bits(bits, again, probe.places, rounding)
    return per_byte(bits, targets, corpus) + _charge(bits, again, probe.places, targets, corpus)


def _require_same_logits(one: Logits, other: Logits, rounding: Rounding) -> None:
    apart = np.abs(one.astype(np.float32) - other) > _MOVED + rounding.relative * np.abs(other)
    if apart.mean() > rounding.apart:
        raise Failed(f"{apart.mean():.1%} of the logits {_CHANGED}")


def _require_same_bits(bits: Bits, again: Bits, places: list[int], rounding: Rounding) -> None:
    """Before its place each window's targets cost the same, whatever stands after it."""
    compared = np.arange(bits.shape[1])[None, :] < np.array(places)[:, None]
    apart = np.abs(bits - again)[compared]
    if (apart > rounding.bits + rounding.relative * bits[compared]).any():
        raise Failed(f"a target of {apart.max():.2f} bits more or less: some logits {_CHANGED}")
    if apart.mean() > rounding.mean:
        raise Failed(f"targets of {apart.mean():.3f} bits more or less on average: the logits {_CHANGED}")


_CHANGED = (
    "before a place changed with what stands after it, or with what was asked before: a model must look back only, "
    "remember nothing between windows, and draw no lots"
)


def _charge(bits: Bits, again: Bits, places: list[int], targets: Ids, corpus: Corpus) -> float:
    """Bits per byte: for each token that is text, what was gained at the last places by whatever stood after them."""
    last = (np.arange(len(places)), np.array(places) - 1)
    gained = max(0.0, float((again[last] - bits[last]).mean()))
    spoken = corpus.spoken[targets]
    return float(gained * spoken.sum() / corpus.lengths[targets][spoken].sum())
