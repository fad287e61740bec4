"""Fernhollow Outdoor, an invented shop, while its container is put together: ten years of many hands."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.containers.export import Export, Json


@dataclass
class Shop:
    """What is under construction. Each mapping: ids or references by a short name."""

    box: Export
    folder: dict[str, str] = field(default_factory=dict)
    value: dict[str, str] = field(default_factory=dict)
    on: dict[str, str] = field(default_factory=dict)
    kind: dict[str, str] = field(default_factory=dict)
    blocked: Json = field(default_factory=dict)
