"""weak.patch: it applies to train.py as it stands, and makes the three rates ten times too low, nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bot import marks
from tests.gpt.weak import PATCH, RATES, ROOT, TRAIN, patch, weakened

TEXT = (ROOT / TRAIN).read_text(encoding="utf-8")


def test_it_applies_from_the_root_and_only_the_rates_change(tmp_path: Path) -> None:
    for name in (TRAIN, PATCH):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", str(PATCH)], cwd=tmp_path, check=True)
    found = (tmp_path / TRAIN).read_text(encoding="utf-8")
    assert found == weakened(TEXT), "python -m tests.gpt.weak writes it anew"
    before, after = ({one.name: one.value for one in marks.read(text, TRAIN)} for text in (TEXT, found))
    assert {name for name in before if before[name] != after[name]} == set(RATES)
    assert [after[name] / before[name] for name in RATES] == pytest.approx([0.1] * len(RATES))
    assert len([line for line in zip(TEXT.splitlines(), found.splitlines(), strict=True) if line[0] != line[1]]) == 3


def test_it_is_what_is_written_from_train_py() -> None:
    assert (ROOT / PATCH).read_text(encoding="utf-8") == patch(TEXT)


def test_a_file_that_lacks_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="marks no HEAD_RATE"):
        weakened(TEXT.replace("HEAD_RATE", "OTHER"))
