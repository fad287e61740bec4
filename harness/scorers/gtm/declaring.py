"""declared.yaml: what a container cannot say of itself. Locked with the ads snapshot that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from harness.configfile import read as read_config
from harness.errors import NotFound
from harness.scorers.gtm.declared import Declared

Read = Callable[[str], bytes]
"""The content of a file by its path in the target's folder. Raises OSError, KeyError or NotFound."""


def declared_from(read: Read, name: str) -> Declared:
    """What the declared.yaml of that name says. Raises ConfigErrors, or ConfigError for a snapshot that is not there:
    with file, line and key."""
    found = read_config(read(name), name, "declared")
    said: dict[str, Any] = found.data
    ads = None
    if "ads" in said:
        file = str(PurePosixPath(name).parent / said["ads"])
        try:
            content = read(file)
        except (OSError, KeyError, NotFound):
            raise found.error("/ads", f"there is no file {file}", next_step="it stands beside declared.yaml") from None
        ads = read_config(content, file, "ads").data
    return Declared(said["business"], said.get("consent_mode", ""), said.get("consent_default", "container"), ads)
