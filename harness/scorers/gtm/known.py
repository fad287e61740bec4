"""catalogue.yaml and profiles.yaml, which lie beside the scorer and are read once."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from harness.documents import parse


@functools.cache
def _read(name: str) -> dict[str, Any]:
    content = resources.files(__package__).joinpath(name).read_bytes()
    loaded: dict[str, Any] = parse(content, name).data
    return loaded


def catalogue() -> dict[str, Any]:
    """What is known of Tag Manager's own words."""
    return _read("catalogue.yaml")


def profiles() -> dict[str, Any]:
    """The standard: weights, and what each business must measure."""
    return _read("profiles.yaml")


def tag_facts(kind: str) -> dict[str, Any]:
    """What is known of a tag type; {} for types that nobody wrote down."""
    found: dict[str, Any] = catalogue()["tags"].get(kind, {})
    return found
