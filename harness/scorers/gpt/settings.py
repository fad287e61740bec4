"""measure.yaml: what one training run may cost, and what of it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.documents import load
from harness.errors import EvaluatorError

Unit = Literal["cpu", "wall"]
MIB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """seconds: of training, start-up excluded, in the unit: of the processor (cpu) or of the clock (wall).

    context: tokens that a prediction may look back on; windows: stretches of validation text that are judged; memory:
    bytes that a run may take; batch: windows that are asked at once.
    """

    seconds: float
    unit: Unit = "cpu"
    context: int = 256
    windows: int = 48
    batch: int = 8
    memory: int = 4096 * MIB
    threads: int = 1


_LEAST: dict[str, float] = {"seconds": 0.5, "context": 8, "windows": 2, "batch": 1, "memory_mb": 256, "threads": 1}


def read(path: Path) -> Settings:
    """Raises EvaluatorError for anything but known keys with numbers in their range."""
    data: Any = load(path)
    if not isinstance(data, dict):
        raise EvaluatorError(f"{path.name} is no mapping")
    for key, value in data.items():
        if key == "unit":
            if value not in ("cpu", "wall"):
                raise EvaluatorError(f"{path.name}: unit is {value!r}; it is cpu or wall")
        elif key not in _LEAST:
            raise EvaluatorError(f"{path.name}: {key} is not known; known are unit, {', '.join(_LEAST)}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < _LEAST[key]:
            raise EvaluatorError(f"{path.name}: {key} is {value!r}; at least {_LEAST[key]:g}")
    if "seconds" not in data:
        raise EvaluatorError(f"{path.name}: seconds is missing: what one training run may cost")
    memory = int(data.pop("memory_mb", 4096)) * MIB
    whole = {key: int(data[key]) for key in ("context", "windows", "batch", "threads") if key in data}
    return Settings(float(data["seconds"]), data.get("unit", "cpu"), memory=memory, **whole)
