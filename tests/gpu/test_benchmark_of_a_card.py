"""The benchmark for a card, as far as it can be held to its word without one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness import device
from tests.benchmarks import gpu
from tests.benchmarks.nights import ROOT

TRAIN = (ROOT / gpu.SHIPPED / "train.py").read_text()


def test_without_a_card_it_says_so_in_one_line_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(device, "look", lambda: (None, "nvidia-smi knows no card"))
    assert gpu.main(["--folder", str(tmp_path / "made"), "--tries", "14"]) == gpu.NO_CARD == 2
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "no card: nvidia-smi knows no card; not run: a baseline of 60 s" in said
    assert "14 tries" in said
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("words", "section", "needs"), [([], "cuda", ["gpu"]), (["--rehearse"], "cpu", None)])
def test_its_targets_are_the_shipped_one_at_its_own_sizes(
    tmp_path: Path, words: list[str], section: str, needs: list[str] | None
) -> None:
    made = gpu._plan(["--folder", str(tmp_path / "made"), "--seconds", "7", "--baseline", "60", *words])
    root = gpu._repository(made).root / "targets/experiments"
    for name, seconds in ((gpu.NIGHT, 7), (gpu.BASELINE, 60)):
        target = yaml.safe_load((root / name / "target.yaml").read_text())
        assert (target["name"], target["evaluate"].get("needs")) == (name, needs)
        assert yaml.safe_load((root / name / "measure.yaml").read_text())[section]["seconds"] == seconds
    assert (root / gpu.BASELINE / "train.py").read_text() == TRAIN
    assert gpu._repository(made).root == root.parents[1], "the second time it is found, not made anew"
