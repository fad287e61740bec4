"""The published shapes: JSON Schemas of the files that users write and of the lines that evaluators exchange."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The schema in `<name>.schema.json`."""
    text = resources.files(__package__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
