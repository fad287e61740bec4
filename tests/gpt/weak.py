"""Writes weak.patch from train.py: the three rates ten times too low (`python -m tests.gpt.weak`)."""

from __future__ import annotations

import difflib
from pathlib import Path

from bot import marks

ROOT = Path(__file__).resolve().parents[2]
TRAIN = "targets/experiments/gpt-training/train.py"
PATCH = Path(TRAIN).with_name("weak.patch")
RATES = ("MATRIX_RATE", "EMBEDDING_RATE", "HEAD_RATE")
TIMES = 0.1


def weakened(text: str) -> str:
    """train.py with these rates a tenth of what they are. Raises ValueError for a rate that is not marked."""
    marked = marks.read(text, TRAIN)
    values = {one.name: one.value for one in marked}
    if lacking := [name for name in RATES if name not in values]:
        raise ValueError(f"{TRAIN} marks no {', '.join(lacking)}")
    rates = {name: float(f"{TIMES * float(values[name]):.6g}") for name in RATES}
    return marks.with_values(text, marked, {**values, **rates})


def patch(text: str) -> str:
    """From train.py to the weak one, as `git apply` takes it from the root of the repository."""
    return "".join(
        difflib.unified_diff(
            text.splitlines(keepends=True), weakened(text).splitlines(keepends=True), f"a/{TRAIN}", f"b/{TRAIN}", n=1
        )
    )


if __name__ == "__main__":
    (ROOT / PATCH).write_text(patch((ROOT / TRAIN).read_text(encoding="utf-8")), encoding="utf-8")
