"""measure.yaml: what one training run may cost, and what of it is judged, on each kind of device.

context: 256        keys that hold everywhere
cpu: {seconds: 4}   and what holds on one kind alone
cuda: {seconds: 300, unit: wall}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harness.complaints import nearest, parsed, place, show
from harness.documents import Document, escape
from harness.errors import ConfigError, EvaluatorError

Unit = Literal["cpu", "wall"]
Device = Literal["cpu", "cuda"]
MIB = 1 << 20
_LEAST_ANSWER = {"cpu": 1.0, "wall": 30.0}
_SHARE_OF_ANSWERS = 0.25  # of the budget


@dataclass(frozen=True)
class Settings:
    """seconds: of training, start-up excluded, in the unit: of the processor (cpu) or of the clock (wall).

    compile: seconds of start-up that are free, in the same unit; beyond them it is charged. answer: those that loading
    the weights and answering may take, by default a quarter of `seconds`. context: tokens that a prediction may look
    back on; windows: stretches of validation text that are judged; memory: bytes that a run may take; weights: bytes
    of a checkpoint; batch: windows that are asked at once.
    """

    seconds: float
    unit: Unit = "cpu"
    device: Device = "cpu"
    compile: float = 10.0
    answer: float = 1.0
    context: int = 256
    windows: int = 48
    batch: int = 8
    memory: int = 4096 * MIB
    weights: int = 256 * MIB
    threads: int = 1


_LEAST: dict[str, float] = {
    "seconds": 0.5, "compile": 0, "answer": 0.1, "context": 8, "windows": 2, "batch": 1, "memory_mb": 256,
    "weights_mb": 1, "threads": 1,
}  # fmt: skip
_WHOLE = ("context", "windows", "batch", "threads")
_DEFAULTS: dict[Device, dict[str, Any]] = {
    "cpu": {"unit": "cpu", "compile": 10},
    "cuda": {"unit": "wall", "seconds": 300, "compile": 180, "memory_mb": 32768, "weights_mb": 1024},
}


def read(path: Path, device: Device = "cpu") -> Settings:
    """What holds on this device. Raises EvaluatorError, with file, line and key, for anything but known keys with
    numbers in their range: in the other device's section too."""
    try:
        document = parsed(path.read_bytes(), path.name)
    except OSError as error:
        raise EvaluatorError(f"{path.name}: cannot be read: {error.strerror}") from None
    except ConfigError as error:
        raise EvaluatorError(error.what, next_step=error.next_step) from None
    if not isinstance(document.data, dict):
        raise EvaluatorError(f"{path.name} is no mapping")
    data: dict[str, Any] = dict(document.data)
    sections = {name: data.pop(name, None) or {} for name in get_args(Device)}
    wrong = _Wrong(path.name, document)
    _require_known(wrong, "", data)
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise wrong(f"/{name}", "is no mapping")
        _require_known(wrong, f"/{name}", section)
    found = {**_DEFAULTS[device], **data, **sections[device]}
    if "seconds" not in found:
        raise wrong(f"/{device}/seconds", "is missing: what one training run may cost")
    return _settings(found, device)


@dataclass(frozen=True)
class _Wrong:
    file: str
    document: Document

    def __call__(self, pointer: str, what: str, *, at_key: bool = False) -> EvaluatorError:
        return EvaluatorError(f"{place(self.file, self.document, pointer, at_key=at_key)}: {what}")


def _require_known(wrong: _Wrong, above: str, section: dict[str, Any]) -> None:
    for key, value in section.items():
        pointer = f"{above}/{escape(key)}"
        if key == "unit":
            if value not in get_args(Unit):
                raise wrong(pointer, f"is {show(value)}; it is cpu or wall")
        elif key not in _LEAST:
            known = ["unit", *_LEAST]
            hint = nearest(key, known if above else [*known, *get_args(Device)])
            known_ones = f"known are {', '.join(known)}; sections are cpu and cuda"
            raise wrong(pointer, f"is not known{hint}; {known_ones}", at_key=True)
        elif isinstance(value, bool) or not isinstance(value, int | float) or not value >= _LEAST[key]:
            raise wrong(pointer, f"is {show(value)}; at least {_LEAST[key]:g}")
        elif key in _WHOLE and value != int(value):
            raise wrong(pointer, f"is {show(value)}; a whole number")


def _settings(found: dict[str, Any], device: Device) -> Settings:
    sizes = {key: int(found[f"{key}_mb"] * MIB) for key in ("memory", "weights") if f"{key}_mb" in found}
    whole = {key: int(found[key]) for key in _WHOLE if key in found}
    seconds, unit = float(found["seconds"]), found["unit"]
    answer = float(found.get("answer", max(_LEAST_ANSWER[unit], _SHARE_OF_ANSWERS * seconds)))
    return Settings(seconds, unit, device, float(found["compile"]), answer, **whole, **sizes)
