"""Invented nights of training runs, with the courses that an evaluator tells, written by the code that writes real
ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.events import Segment
from harness.rule import Metric, Rule, Tolerance
from tests import invented

BITS = Rule(
    "primary",
    (
        Metric("val_bpb", "minimize", floor=0.5),
        Metric("memory_mb", "minimize", guard=Tolerance(0.5, True), compare="ratio"),
    ),
)
EFFECTS = {3: 0.11, 6: 0.06, 7: 0.02}  # try -> bits per byte by which it is really better
CHANGES = {3: "MATRIX_RATE 0.002 -> 0.0183", 6: "EMBEDDING_RATE 0.002 -> 0.021", 7: "DEPTH 4 -> 3"}
ROWS = {3: "MATRIX_RATE: 0.002 -> 0.0183", 6: "EMBEDDING_RATE: 0.002 -> 0.021", 7: "DEPTH: 4 -> 3"}
CARD = {"gpu_utilisation": 97.0, "gpu_memory_mb": 21_904.0, "gpu_celsius": 64.0, "gpu_watts": 611.0, "mfu": 0.4127}


def parts(better: float, *, steps: int) -> dict[str, float]:
    """What the evaluator tells of a run that is so many bits per byte better than the base."""
    curve = {
        f"curve_{percent:02}": 4.9 - 3.2 * better + 6.1 * math.exp(-percent / 14) + 0.04 * math.sin(percent)
        for percent in range(5, 101, 5)
    }
    pace = {"tokens_per_second": 1024.0 * steps / 4, "steps": float(steps), "train_seconds": 4.02}
    return {**curve, **pace}


class Training(invented.Noisy):
    truth: Mapping[int, float] = EFFECTS
    more: Mapping[str, Any] = {"file": "train.py", "unit": "hunk", "proposer": "tune", "signal": "file-property"}

    def measured(self, effect: float) -> dict[str, float]:
        return {"val_bpb": self.random.gauss(2.31 - effect, 0.012), "memory_mb": 640 + self.random.gauss(0, 6)}

    def described(self, number: int) -> str:
        return CHANGES.get(number, f"WIDTH {100 + number} -> {101 + number}")

    def row(self, _number: int, experiments: Sequence[int]) -> str:
        return "; ".join(ROWS[experiment] for experiment in experiments)

    def parts(self, _number: int) -> dict[str, float]:
        return parts(sum(effect for at, effect in EFFECTS.items() if at <= _number), steps=142 + 2 * _number)


class OnCard(Training):
    more: Mapping[str, Any] = {**Training.more, "machine": {"system": "Linux", "device": "NVIDIA H200"}}

    def parts(self, _number: int) -> dict[str, float]:
        return {**super().parts(_number), **CARD}


def training_night(folder: Path, name: str = "gpt-training", *, card: bool = False, **more: Any) -> list[Segment]:
    """more: as `invented.noisy_night`."""
    made = OnCard if card else Training
    return invented.noisy_night(folder, name, **{"tries": 12, "rule": BITS, "made": made, **more})
