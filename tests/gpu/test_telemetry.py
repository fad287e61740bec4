"""What the card says while a candidate trains, and what share of the card that was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness import device as cards
from harness.scorers.gpt import device
from harness.scorers.gpt.device import Sample, Watch
from tests.gpu.smi import Smi, on_path


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Smi:
    return on_path(tmp_path / "driver", monkeypatch)


def waited_for(watch: Watch, samples: int) -> None:
    until = time.monotonic() + 120
    while len(watch._samples) < samples:
        assert time.monotonic() < until, "no sample came"
        time.sleep(0.02)


def test_a_run_is_watched_from_outside(smi: Smi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "EACH", 0.05)
    monkeypatch.setenv(cards.DEVICE_VARIABLE, "cuda")
    smi.says(
        memory__used="632|41000", utilization__gpu="0|97", temperature__gpu="31|64", power__draw="76.5|640",
        clocks__sm="345|1980",
    )  # fmt: skip
    with device.watched() as watch:
        waited_for(watch, 1)
        began = time.monotonic()
        waited_for(watch, 4)
        process = watch._process
    assert process
    assert process.poll() is not None, "the loop outlives the run"
    found = watch.parts(began, time.monotonic())
    assert found == pytest.approx(
        {"gpu_utilisation": 97, "gpu_memory_mb": 40368 * 1.048576, "gpu_celsius": 64, "gpu_watts": 640, "gpu_mhz": 1980}
    )
    assert watch.parts(0, began)["gpu_utilisation"] == 0, "what was before the run is no part of it"


def test_what_the_card_does_not_say_is_absent() -> None:
    watch = Watch(on=False)
    watch._samples = [Sample(1.0, None, 600.0, 40.0, None, None), Sample(2.0, 90.0, None, 50.0, None, None)]
    assert watch.parts(0, 3) == {"gpu_utilisation": 90.0, "gpu_memory_mb": 0.0, "gpu_celsius": 50.0}
    assert watch.parts(5, 6) == {}


def test_nothing_is_watched_on_a_processor(smi: Smi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cards.DEVICE_VARIABLE, raising=False)
    assert device.kind() == "cpu"
    with device.watched() as watch:
        assert watch._process is None
    assert watch.parts(0, time.monotonic()) == {}
    assert device.mfu(1e6, 1e9) is None


def test_a_loop_that_breaks_off_leaves_what_it_said(smi: Smi) -> None:
    smi.fails = "Unable to determine the device handle for GPU0: Unknown Error"
    smi.install()
    with Watch(on=True) as watch:
        assert watch._reader
        watch._reader.join(30)
    assert watch.parts(0, time.monotonic()) == {}


def test_mfu_is_of_the_cards_own_peak() -> None:
    flops = 6e8  # a token's, of a model of a hundred million parameters
    assert device.mfu(5e5, flops, "NVIDIA H200") == pytest.approx(5e5 * flops / 989e12)
    assert device.mfu(5e5, flops, "NVIDIA H100 80GB HBM3") == device.mfu(5e5, flops, "NVIDIA H200")
    assert device.mfu(5e5, flops, "Tesla T4") == pytest.approx(5e5 * flops / 65e12)


@pytest.mark.parametrize("name", ["NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 4090 D", "none", ""])
def test_a_card_that_nobody_wrote_down_has_no_mfu(name: str) -> None:
    assert device.peak("NVIDIA GeForce RTX 4090") == 165.2e12, "the control"
    assert device.mfu(1e5, 1e9, name) is None


def test_every_peak_is_of_the_size_of_one() -> None:
    assert len(device.peaks()) >= 20
    assert all(5e13 <= peak <= 5e15 for peak in device.peaks().values())
