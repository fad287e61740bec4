"""What a candidate that is given the card can do more than others, and what it still cannot.

No card is needed: a device that every kernel has stands in for its nodes.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from harness import candidate, device
from harness.device import Shown
from harness.sandbox import bwrap
from harness.sandbox.limits import Limits

STAND_IN = next((path for path in (Path("/dev/fuse"), Path("/dev/net/tun")) if path.is_char_device()), None)
FOLDERS = (Path("/sys/devices"), Path("/sys/bus/pci"))
PROBE = """
import json, os, socket, threading, time
told = {}
def tried(name, what):
    try:
        what()
        told[name] = True
    except OSError:
        told[name] = False
threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
other = next(task for task in os.listdir("/proc/self/task") if int(task) != os.getpid())
tried("thread", lambda: open(f"/proc/self/task/{other}/comm", "r+").write("named"))
tried("setting", lambda: open("/proc/sys/kernel/core_pattern", "r+"))
tried("made", lambda: open("/proc/sys/kernel/hostname", "w"))
tried("unix", lambda: socket.socket(socket.AF_UNIX))
tried("internet", lambda: socket.socket(socket.AF_INET))
tried("memory", lambda: os.memfd_create("x"))
tried("machine", lambda: os.listdir("/sys/devices/system/cpu"))
tried("written", lambda: open("/sys/devices/system/cpu/cpu0/uevent", "w"))
tried("classes", lambda: os.listdir("/sys/class"))
tried("kernel", lambda: os.listdir("/sys/kernel"))
tried("shared", lambda: open("/dev/shm/x", "w"))
tried("device", lambda: os.close(os.open(DEVICE, os.O_RDWR)))
told["nodes"] = sorted(os.listdir("/dev"))
print(json.dumps(told))
"""


def reached(*, gpu: bool) -> dict[str, object]:
    code = PROBE.replace("DEVICE", repr(str(STAND_IN or "/dev/nvidia0")))
    done = candidate.run(["python", "-c", code], gpu=gpu)
    assert done.ok, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown = Shown((STAND_IN,) if STAND_IN else (), tuple(folder for folder in FOLDERS if folder.is_dir()))
    monkeypatch.setattr(device, "shown", lambda: shown)
    return shown


def test_what_cuda_needs_is_there_and_no_more(card: Shown) -> None:
    without, with_card = reached(gpu=False), reached(gpu=True)
    gained = {name for name, found in with_card.items() if found is True and without[name] is False}
    assert gained == {"thread", "unix", "memory", "machine"} | ({"device"} if STAND_IN else set())
    closed = {name for name, found in with_card.items() if found is False}
    assert closed >= {"setting", "made", "internet", "written", "classes", "kernel"}
    assert with_card["shared"] is without["shared"] is True, "the control: a place that may be written"


def test_only_its_own_nodes_are_added(card: Shown) -> None:
    more = set(reached(gpu=True)["nodes"]) - set(reached(gpu=False)["nodes"])  # type: ignore[call-overload]
    assert more == {path.relative_to("/dev").parts[0] for path in card.nodes}


def test_the_command_line_shows_nodes_as_devices_before_dev_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = (Path("/dev/nvidia0"), Path("/dev/nvidiactl"), Path("/dev/nvidia-caps/nvidia-cap21"))
    monkeypatch.setattr(device, "shown", lambda: Shown(nodes, (Path("/sys/devices"),)))
    words = bwrap.command(["true"], sees=(), limits=Limits(), gpu=True)
    for node in nodes:
        at = words.index(str(node))
        assert words[at - 1 : at + 2] == ["--dev-bind", str(node), str(node)]
        assert words.index("/dev", words.index("--dev")) < at < _closed(words, "/dev")
    assert words[words.index("/sys/devices") - 1] == "--ro-bind"
    assert _closed(words, "/proc") == -1
    assert words[words.index("/proc/sys") - 1] == "--ro-bind-try"


def test_without_the_card_the_command_line_is_as_ever() -> None:
    words = bwrap.command(["true"], sees=(), limits=Limits())
    assert _closed(words, "/proc") > 0
    assert "--dev-bind" not in words
    assert "LD_LIBRARY_PATH" not in words


def _closed(words: list[str], place: str) -> int:
    pairs = list(itertools.pairwise(words))
    return pairs.index(("--remount-ro", place)) if ("--remount-ro", place) in pairs else -1
