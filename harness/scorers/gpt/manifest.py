"""The digests of a prepared corpus: written when it is whole, held against it whenever it is read.

A folder without a manifest is one that was never finished; one that differs from it is damaged. Neither is trained on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import EvaluatorError

MANIFEST = "manifest.json"
FILES = ("tokens.json", "train.bin", "validation.bin")
_AGAIN = "autoresearch setup makes it again"


def opened(folder: Path) -> None:
    """From now on the folder is unfinished."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)


def sealed(folder: Path, told: Mapping[str, Any] | None = None) -> None:
    """The folder is whole. told: what else a reader may want to know of it."""
    digests = {name: _digest(folder / name) for name in FILES}
    (folder / MANIFEST).write_text(json.dumps({"sha256": digests, **(told or {})}, indent=1) + "\n")


def check(folder: Path) -> None:
    """Raises EvaluatorError for a folder that is not what was sealed."""
    try:
        digests = json.loads((folder / MANIFEST).read_text())["sha256"]
        found = {name: _digest(folder / name) for name in FILES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluatorError(f"{folder} holds no whole corpus: {error}", next_step=_AGAIN) from None
    for name, digest in found.items():
        if not isinstance(digests, dict) or digests.get(name) != digest:
            what = f"{folder / name} is damaged: it is not what was prepared (sha256 {digest[:12]})"
            raise EvaluatorError(what, why=f"{MANIFEST} names another content", next_step=_AGAIN)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
