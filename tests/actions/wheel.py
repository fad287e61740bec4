"""Wheels that stand for the bot in a workflow: installed by the real pip, from the real lock file, by hash."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import harness

NAME = f"autoresearch_bot-{harness.__version__}-py3-none-any.whl"
THE_REAL_BOT = f"""
import os, sys

def main():
    os.execv({sys.executable!r}, [{sys.executable!r}, "-P", "-m", "bot.cli", *sys.argv[1:]])
"""


def write(folder: Path, main: str = THE_REAL_BOT) -> Path:
    """A wheel of the bot's name and version whose command is `main()` of this source. Same source, same bytes."""
    info = f"autoresearch_bot-{harness.__version__}.dist-info"
    contents = {
        "autoresearch_stand_in.py": main,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: autoresearch-bot\nVersion: {harness.__version__}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nautoresearch = autoresearch_stand_in:main\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return folder / NAME
