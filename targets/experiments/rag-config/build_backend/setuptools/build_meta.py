"""Answers the one question that pip asks of a source archive: which package is it? From the archive's PKG-INFO.

pip wants metadata before it hands an archive over, and would build it by running the archive's own setup.py. With this
in the place of the build backend it reads a text file instead.
"""

from __future__ import annotations

import shutil
from email import message_from_string
from pathlib import Path
from typing import Any


def get_requires_for_build_wheel(_settings: Any = None) -> list[str]:
    return []


def prepare_metadata_for_build_wheel(directory: str, _settings: Any = None) -> str:
    """pip starts it in the unpacked archive. The name of the folder made in `directory`."""
    said = message_from_string(Path("PKG-INFO").read_text(encoding="utf-8"))
    made = Path(directory, f"{said['Name']}-{said['Version']}.dist-info")  # older pip takes the name from here
    made.mkdir()
    shutil.copyfile("PKG-INFO", made / "METADATA")
    return made.name
