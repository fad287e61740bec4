"""The card that computes beside the processor: whether one is there, what it is, and what a sandbox has to show of it.

Only NVIDIA's under Linux, and of several the first: that of index 0. What is known comes from `nvidia-smi`, which every
driver brings, and from the device nodes; no library of the field is imported.
"""

from __future__ import annotations

import csv
import functools
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DEVICE_VARIABLE = "AUTORESEARCH_DEVICE"  # "cuda" for the evaluator of a target that needs a card; else not set
NONE = "none"
_DEV, _PROC, _SYS = Path("/dev"), Path("/proc"), Path("/sys")
_SECONDS = 60.0  # without the persistence mode the driver wakes a card first
_FIELDS = (
    "index", "name", "driver_version", "pci.bus_id", "memory.total", "memory.free", "clocks.sm", "clocks.max.sm",
    "temperature.gpu",
)  # fmt: skip
_SLOWED = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")  # since driver 535, and before
_CONTROLS = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools")
_FIRST_OF_A_PART = 3  # /dev/nvidia-caps: 1 and 2 configure and watch a split card (MIG), the others are its parts


@dataclass(frozen=True)
class Card:
    """What the driver says of a card. Megabytes are of 2^20 bytes, clocks in MHz; None: it does not say."""

    index: int
    name: str
    driver: str
    bus: str
    memory_total: float | None
    memory_free: float | None
    clock: float | None
    clock_most: float | None
    celsius: float | None


@dataclass(frozen=True)
class Shown:
    """What a sandbox shows of the card: device nodes to read and write, folders to read."""

    nodes: tuple[Path, ...]
    folders: tuple[Path, ...]


def smi(*words: str) -> tuple[list[list[str]], str]:
    """Rows of what `nvidia-smi` answers as CSV, and why there are none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return [], "nvidia-smi is not on PATH: no driver of NVIDIA is installed, or the container is not given one"
    try:
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [], f"nvidia-smi gave no answer in {_SECONDS:.0f} s"
    except OSError as error:
        return [], f"nvidia-smi cannot be started: {error.strerror}"
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())
        return [], f"nvidia-smi says: {said[:200] or f'exit code {done.returncode}'}"
    rows = [[cell.strip() for cell in row] for row in csv.reader(done.stdout.splitlines()) if row]
    return rows, "" if rows else "nvidia-smi knows no card"


def query(fields: Sequence[str], index: int | None = None) -> tuple[list[list[str]], str]:
    """Of all cards, or of one, a row each of these fields."""
    of = () if index is None else (f"--id={index}",)
    return smi(f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", *of)


def look() -> tuple[Card | None, str]:
    """The first card as it is now, or why there is none."""
    rows, why = query(_FIELDS)
    cards = [_card(row) for row in rows if len(row) == len(_FIELDS) and row[0].isdecimal()]
    if not cards:
        return None, why or "nvidia-smi answers what no card would"
    return min(cards, key=lambda card: card.index), ""


@functools.cache
def name() -> str:
    """What the kind of card is called, NONE where there is none. Asked once in a process."""
    found, _why = look()
    return found.name if found else NONE


def slowed(card: Card) -> int | None:
    """Why its clocks are held back now, as NVML's bits; None: the driver does not say."""
    for field in _SLOWED:
        rows, _why = query([field], card.index)
        if rows:
            try:
                return int(rows[0][0], 16)
            except ValueError:
                return None
    return None


def others(card: Card) -> list[str]:
    """What else computes on the card, in words. In a container the driver may name none of them."""
    rows, _why = smi(
        "--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader,nounits", f"--id={card.index}"
    )
    return [f"process {row[0]} ({row[1].rpartition('/')[2]}, {row[2]} MB)" for row in rows if len(row) == 3]


def split(card: Card) -> bool:
    """Whether the card is in parts (MIG), of which each is a smaller one."""
    rows, _why = query(["mig.mode.current"], card.index)
    return bool(rows) and rows[0][0] == "Enabled"


def number(cell: str) -> float | None:
    """A cell's number; None for [N/A] and the like."""
    try:
        return float(cell)
    except ValueError:
        return None


def shown() -> Shown:
    """What CUDA opens. Nothing of it need exist: preflight says what is missing."""
    nodes = [_node(), *(_DEV / name for name in _CONTROLS), *_parts()]
    # cuInit ends with an error where it cannot read the nodes of memory, the card's place and the driver's state.
    folders = [_SYS / "devices", _SYS / "bus/pci", *(_SYS / "module" / name for name in ("nvidia", "nvidia_uvm"))]
    return Shown(tuple(node for node in nodes if node.exists()), tuple(folder for folder in folders if folder.is_dir()))


def missing_nodes() -> list[str]:
    """Nodes that CUDA cannot do without, and that are not there or that not everybody may use."""
    found = []
    for node in (_node(), _DEV / "nvidiactl", _DEV / "nvidia-uvm"):
        if not node.exists():
            found.append(f"{node} is missing")
        elif node.stat().st_mode & 0o006 != 0o006:
            found.append(f"{node} is not open to all users, and candidates are users of their own")
    return found


def _card(row: Sequence[str]) -> Card:
    return Card(int(row[0]), row[1], row[2], row[3], *map(number, row[4:]))


def _node() -> Path:
    """Of the first card. Its number is the driver's minor, which a container need not count from 0."""
    numbered = [path for path in _DEV.glob("nvidia[0-9]*") if path.name.removeprefix("nvidia").isdecimal()]
    minors = []
    for told in sorted((_PROC / "driver/nvidia/gpus").glob("*/information")):  # by bus, as nvidia-smi counts
        lines = (line.partition(":") for line in told.read_text(encoding="utf-8", errors="replace").splitlines())
        minors += [value.strip() for key, _, value in lines if key.strip() == "Device Minor"]
    for minor in minors:
        if (found := _DEV / f"nvidia{minor}") in numbered:
            return found
    return min(numbered, key=lambda path: int(path.name.removeprefix("nvidia")), default=_DEV / "nvidia0")


def _parts() -> list[Path]:
    names = (_DEV / "nvidia-caps").glob("nvidia-cap[0-9]*")
    return sorted(path for path in names if int(path.name.removeprefix("nvidia-cap")) >= _FIRST_OF_A_PART)
