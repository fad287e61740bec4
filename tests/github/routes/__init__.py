"""The operations that the server plays, a module per family."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Imports every family, so that its operations are known."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
