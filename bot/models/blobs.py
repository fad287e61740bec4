"""Prompts and replies by the SHA-256 of their content, one file each, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


class Blobs:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, content: bytes) -> str:
        """Its name. Raises OSError."""
        name = hashlib.sha256(content).hexdigest()
        if not (self.folder / name).exists():
            write_whole(self.folder / name, content)
        return name


def write_whole(path: Path, content: bytes) -> None:
    """Durably there with all its content, or not there."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
