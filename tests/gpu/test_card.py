"""What is known of the card, from a program that answers as nvidia-smi does and from nodes in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import device
from tests.gpu.smi import H200, Smi, on_path


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Smi]:
    device.name.cache_clear()
    yield on_path(tmp_path / "driver", monkeypatch)
    device.name.cache_clear()


def test_the_card_is_what_the_driver_says(smi: Smi) -> None:
    card, why = device.look()
    assert card == device.Card(
        0, "NVIDIA H200", "570.86.15", "00000000:19:00.0", 143771.0, 143139.0, 345.0, 1980.0, 31.0
    )
    assert (why, device.name(), device.split(card), device.slowed(card)) == ("", "NVIDIA H200", False, 1)


def test_of_several_the_first_counts(smi: Smi) -> None:
    smi.cards = [{**H200, "index": "1", "name": "NVIDIA L4"}, dict(H200)]
    smi.install()
    assert device.name() == "NVIDIA H200"


def test_what_the_driver_does_not_say_is_no_number(smi: Smi) -> None:
    smi.says(temperature__gpu="[N/A]", memory__free="[Not Supported]")
    card, _why = device.look()
    assert card
    assert (card.celsius, card.memory_free, card.memory_total) == (None, None, 143771.0)


def test_an_older_driver_knows_the_older_word_for_throttling(smi: Smi) -> None:
    old = {key: value for key, value in H200.items() if not key.startswith("clocks_event")}
    smi.cards = [{**old, "clocks_throttle_reasons.active": "0x0000000000000048"}]
    smi.install()
    card, _why = device.look()
    assert card
    assert device.slowed(card) == 0x48
    smi.cards = [old]
    smi.install()
    assert device.slowed(card) is None


@pytest.mark.parametrize("said", ["No devices were found", "NVIDIA-SMI has failed because it couldn't communicate"])
def test_why_there_is_no_card_is_told(smi: Smi, said: str) -> None:
    smi.fails = said
    smi.install()
    assert device.look() == (None, f"nvidia-smi says: {said}")
    assert device.name() == device.NONE


def test_without_the_program_there_is_no_card(smi: Smi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    card, why = device.look()
    assert card is None
    assert "no driver" in why


def test_who_else_computes_is_named(smi: Smi) -> None:
    card, _why = device.look()
    assert card
    assert device.others(card) == []
    smi.apps = ["4242, /usr/bin/python3, 40210"]
    smi.install()
    assert device.others(card) == ["process 4242 (python3, 40210 MB)"]


class Machine:
    """Folders in place of /dev, /proc and /sys."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        for name in ("dev", "proc", "sys"):
            (folder / name).mkdir()
            monkeypatch.setattr(device, f"_{name.upper()}", folder / name)

    def nodes(self, *names: str, mode: int = 0o666) -> None:
        for name in names:
            path = self.folder / "dev" / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
            path.chmod(mode)

    def minor(self, bus: str, number: int) -> None:
        folder = self.folder / "proc/driver/nvidia/gpus" / bus
        folder.mkdir(parents=True)
        (folder / "information").write_text(
            f"Model: \t\t NVIDIA H200\nBus Location: \t {bus}\nDevice Minor: \t {number}\n"
        )

    def shown(self) -> list[str]:
        return [str(path.relative_to(self.folder)) for path in (*device.shown().nodes, *device.shown().folders)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_what_cuda_opens_is_shown_and_nothing_else(machine: Machine) -> None:
    machine.nodes("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "sda", "kvm")
    for folder in ("devices/system", "bus/pci/devices", "module/nvidia", "class/net", "kernel/debug"):
        (machine.folder / "sys" / folder).mkdir(parents=True)
    assert machine.shown() == [
        "dev/nvidia0", "dev/nvidiactl", "dev/nvidia-uvm", "dev/nvidia-uvm-tools",
        "sys/devices", "sys/bus/pci", "sys/module/nvidia",
    ]  # fmt: skip
    assert device.missing_nodes() == []


def test_the_node_is_that_of_the_first_card_by_its_place(machine: Machine) -> None:
    machine.nodes("nvidia3", "nvidia5", "nvidiactl", "nvidia-uvm")
    assert "dev/nvidia3" in machine.shown(), "a container shows one of many"
    machine.minor("0000:19:00.0", 5)
    machine.minor("0000:5a:00.0", 3)
    assert "dev/nvidia5" in machine.shown()
    assert "dev/nvidia3" not in machine.shown()


def test_parts_of_a_split_card_are_shown_and_what_splits_it_is_not(machine: Machine) -> None:
    machine.nodes("nvidia0", *(f"nvidia-caps/nvidia-cap{number}" for number in (1, 2, 21, 22)))
    assert [name for name in machine.shown() if "caps" in name] == [
        "dev/nvidia-caps/nvidia-cap21", "dev/nvidia-caps/nvidia-cap22",
    ]  # fmt: skip


def test_nodes_that_are_missing_or_closed_are_named(machine: Machine) -> None:
    machine.nodes("nvidia0", mode=0o660)
    machine.nodes("nvidiactl")
    said = device.missing_nodes()
    assert [line.partition("dev/")[2] for line in said] == [
        "nvidia0 is not open to all users, and candidates are users of their own", "nvidia-uvm is missing",
    ]  # fmt: skip


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a card: tests/gpu/test_on_a_card.py")
def test_here_there_is_none() -> None:
    assert device.shown().nodes == ()
    assert f"{os.sep}dev{os.sep}nvidia0 is missing" in device.missing_nodes()
