"""The libraries that tables need and a plain installation lacks."""

from __future__ import annotations

import importlib
from typing import Any

from harness.errors import ConfigError, Place

_EXTRAS = {"pyarrow": "saas", "duckdb": "saas", "psycopg": "postgres"}


def library(name: str) -> Any:
    """The module. Raises ConfigError with the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigError(
            Place("autoresearch new"), f"needs the library {name}, which is not installed",
            next_step=f"pip install 'autoresearch-bot[{_EXTRAS[name]}]'",
        ) from None  # fmt: skip
