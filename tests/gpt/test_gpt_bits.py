"""Bits per byte against a sum by hand, and models that the probes must find out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.scorers.gpt import bits
from harness.scorers.gpt.corpus import Corpus, Ids
from harness.scorers.gpt.training import Failed

VOCABULARY, WINDOWS, CONTEXT = 11, 6, 40
Logits = NDArray[np.float32]


class Honest:
    """Logits that follow from the tokens up to each place."""

    def logits(self, ids: Ids) -> Logits:
        found = np.zeros((*ids.shape, VOCABULARY), dtype=np.float32)
        for window, row in enumerate(ids):
            for place in range(len(row)):
                found[window, place] = np.sin(np.arange(VOCABULARY) * (1 + int(row[: place + 1].sum())))
        return found


class Ahead(Honest):
    """Knows the next token."""

    def logits(self, ids: Ids) -> Logits:
        found = super().logits(ids)
        for window, row in enumerate(ids):
            found[window, np.arange(len(row) - 1), row[1:]] += 5
        return found


class Remembering(Honest):
    """Learns from the windows that it was asked before."""

    def __init__(self) -> None:
        self._seen = np.zeros(VOCABULARY)

    def logits(self, ids: Ids) -> Logits:
        found: Logits = (super().logits(ids) + self._seen).astype(np.float32)
        self._seen += np.bincount(ids.ravel(), minlength=VOCABULARY) / 20
        return found


class Drawing(Honest):
    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)

    def logits(self, ids: Ids) -> Logits:
        found = super().logits(ids)
        return (found + self._chance.normal(size=found.shape)).astype(np.float32)


@pytest.fixture
def windows() -> Ids:
    return np.random.default_rng(3).integers(0, VOCABULARY, size=(WINDOWS, CONTEXT + 1)).astype(np.uint16)


@pytest.fixture
def corpus(windows: Ids) -> Corpus:
    lengths = np.arange(1, VOCABULARY + 1, dtype=np.int64)
    spoken = np.ones(VOCABULARY, dtype=bool)
    spoken[0], lengths[0] = False, 0
    return Corpus(Path(), windows.ravel(), lengths, spoken)


def test_it_is_the_sum_of_bits_over_the_sum_of_bytes_without_what_is_no_text(windows: Ids, corpus: Corpus) -> None:
    found = bits.measured(Honest(), Honest(), windows, corpus, 2, 1)  # type: ignore[arg-type]
    logits = Honest().logits(windows[:, :-1])
    spent = covered = 0.0
    for window in range(WINDOWS):
        for place in range(CONTEXT):
            target = int(windows[window, place + 1])
            if target == 0:
                continue
            row = [math.exp(float(one)) for one in logits[window, place]]
            spent -= math.log2(row[target] / sum(row))
            covered += int(corpus.lengths[target])
    assert found == pytest.approx(spent / covered, rel=1e-4)


@pytest.mark.parametrize("size", [1, 2, 4, 6, 50])
def test_the_size_of_batches_changes_nothing(size: int, windows: Ids, corpus: Corpus) -> None:
    whole = bits.measured(Honest(), Honest(), windows, corpus, 3, 1)  # type: ignore[arg-type]
    assert bits.measured(Honest(), Honest(), windows, corpus, size, 1) == pytest.approx(whole)  # type: ignore[arg-type]


def test_logits_need_not_be_normalised(windows: Ids) -> None:
    logits = Honest().logits(windows[:, :-1])
    shifted = (logits + 7).astype(np.float32)
    assert bits.bits_of(shifted, windows[:, 1:]) == pytest.approx(bits.bits_of(logits, windows[:, 1:]), abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["ahead", "remembering", "drawing"])
def test_a_model_that_is_not_one_is_found_out(kind: str, seed: int, windows: Ids, corpus: Corpus) -> None:
    """The control: without the second asking each of them scores."""
    made = {"ahead": lambda _: Ahead(), "remembering": lambda _: Remembering(), "drawing": Drawing}[kind]
    with pytest.raises(Failed, match="changed with what stands after it"):
        bits.measured(made(1), made(2), windows, corpus, 2, seed)  # type: ignore[arg-type, operator]
    inputs, targets = windows[:, :-1], windows[:, 1:]
    scored = bits.per_byte(bits.bits_of(made(1).logits(inputs), targets), targets, corpus)  # type: ignore[operator]
    assert math.isfinite(scored)


def test_looking_ahead_would_pay(windows: Ids, corpus: Corpus) -> None:
    inputs, targets = windows[:, :-1], windows[:, 1:]
    honest, ahead = (
        bits.per_byte(bits.bits_of(model.logits(inputs), targets), targets, corpus) for model in (Honest(), Ahead())
    )
    assert ahead < honest / 2
