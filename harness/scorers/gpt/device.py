"""What a training run computes on, what the card said while it did, and how much of the card it used.

The card is asked by a process of the evaluator's own, `nvidia-smi` in a loop, from outside the sandbox: no candidate
can change what it answers. It costs a few milliseconds of one processor each second.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import TracebackType
from typing import Literal, Self

import yaml

from harness import device

Kind = Literal["cpu", "cuda"]
EACH = 0.5  # seconds between two samples
ADDRESS_SPACE = 1 << 46  # bytes: CUDA reserves addresses for all memory of card and machine, and uses few of them
PROCESSES = 4096  # threads included: compilers start one of each per processor
OPEN_FILES = 4096
_FIELDS = ("utilization.gpu", "memory.used", "temperature.gpu", "power.draw", "clocks.sm")
_TERA = 1e12
_ENDS = 5.0  # seconds that the loop may take to end


@dataclass(frozen=True)
class Sample:
    """One look at the card. at: by time.monotonic(); used: percent of the time since the look before, in which anything
    computed; memory in MB of 2^20 bytes, watts, MHz. None: the card does not say."""

    at: float
    used: float | None
    memory: float | None
    celsius: float | None
    watts: float | None
    clock: float | None


def kind() -> Kind:
    """On what this evaluator lets candidates train: on a card only where its target needs one."""
    return "cuda" if os.environ.get(device.DEVICE_VARIABLE) == "cuda" else "cpu"


class Watch:
    """Samples of the card from entering to leaving; none without a card to watch."""

    def __init__(self, *, on: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._on, self._clock = on, clock
        self._samples: list[Sample] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        program = shutil.which("nvidia-smi") if self._on else None
        if program:
            words = [f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits", "--id=0"]
            self._process = subprocess.Popen(
                [program, *words, f"--loop-ms={EACH * 1000:.0f}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._reader is None:
            return
        self._process.kill()
        self._process.wait(_ENDS)
        self._reader.join(_ENDS)

    def parts(self, began: float, ended: float) -> dict[str, float]:
        """Of the time between these two moments of time.monotonic(), for an evaluator's parts; what no sample says is
        absent. gpu_utilisation: mean, percent; gpu_memory_mb: the most, in millions of bytes, above what lay there
        before the run; gpu_celsius: the most; gpu_watts, gpu_mhz: means."""
        inside = [sample for sample in list(self._samples) if began <= sample.at <= ended]
        before = [sample.memory for sample in list(self._samples)[:1] if sample.memory is not None]
        memory = _known([sample.memory for sample in inside])
        found = {
            "gpu_utilisation": _mean([sample.used for sample in inside]),
            "gpu_memory_mb": (max(memory) - min(before, default=0.0)) * 1.048576 if memory else None,
            "gpu_celsius": max(_known([sample.celsius for sample in inside]), default=None),
            "gpu_watts": _mean([sample.watts for sample in inside]),
            "gpu_mhz": _mean([sample.clock for sample in inside]),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _read(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        for line in self._process.stdout:
            cells = [device.number(cell.strip()) for cell in line.split(",")]
            if len(cells) == len(_FIELDS):
                self._samples.append(Sample(self._clock(), *cells))


def watched() -> Watch:
    """Around a training run. Entered before the candidate starts, its first sample is of the card without it."""
    return Watch(on=kind() == "cuda")


@functools.cache
def peaks() -> Mapping[str, float]:
    """Name of a card, without its maker's -> operations a second at most."""
    text = resources.files(__package__).joinpath("cards.yaml").read_text(encoding="utf-8")
    return {str(name): float(tera) * _TERA for name, tera in yaml.safe_load(text).items()}


def peak(name: str) -> float | None:
    """Operations a second of the card of this name; None where nobody wrote them down."""
    return peaks().get(name.removeprefix("NVIDIA ").strip())


def mfu(tokens_per_second: float, flops: float, name: str | None = None) -> float | None:
    """The share of the card's peak that the model's own operations took (model FLOPs utilisation). flops: per token,
    the candidate's word: shown, it decides nothing. None on a processor, and for a card that nobody wrote down."""
    if name is None:
        name = device.name() if kind() == "cuda" else device.NONE
    most = peak(name)
    return tokens_per_second * flops / most if most else None


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    known = _known(values)
    return sum(known) / len(known) if known else None
