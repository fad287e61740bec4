"""Whether the workflows are as `autoresearch install` writes them."""

from __future__ import annotations

from harness.repository import Repository


def drifted(repository: Repository) -> list[str]:
    return []
