"""Reads a YAML file that a user wrote against its schema; every complaint says file, line, column, key and a cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness import schemacheck
from harness.complaints import Faults, nearest, parsed, place, show
from harness.documents import Document
from harness.errors import ConfigError, Place
from harness.repository import REGULAR_MODES, Source


@dataclass(frozen=True)
class ConfigFile:
    """A valid file: its data, and where each key stands. fallback: the file whose `defaults` fill in what it lacks."""

    file: str
    data: Any
    document: Document
    fallback: ConfigFile | None = None

    def error(
        self, pointer: str, what: str, *, why: str = "", next_step: str = "", at_key: bool = False
    ) -> ConfigError:
        """A complaint about the value at a JSON pointer, in the file that says it."""
        return ConfigError(self.place(pointer, at_key=at_key), what, why=why, next_step=next_step)

    def place(self, pointer: str, *, at_key: bool = False) -> Place:
        if self.fallback and pointer not in self.document.spans:
            inherited = f"/defaults{pointer}"
            if inherited in self.fallback.document.spans:
                return self.fallback.place(inherited, at_key=at_key)
        return place(self.file, self.document, pointer, at_key=at_key)

    def under(self, fallback: ConfigFile | None) -> ConfigFile:
        """This file with the defaults of another wherever it says nothing itself."""
        if fallback is None:
            return self
        merged = {**(fallback.data or {}).get("defaults", {}), **self.data}
        for key, value in (fallback.data or {}).get("defaults", {}).items():
            if isinstance(value, dict):
                merged[key] = {**value, **self.data.get(key, {})}
        return ConfigFile(self.file, merged, self.document, fallback)


def load(source: Source, file: str, schema_name: str) -> ConfigFile:
    """As `read`, for a file that is there."""
    if source.modes()[file] not in REGULAR_MODES:
        raise ConfigError(Place(file), "is a link or a submodule; it must be a plain file")
    return read(source.read([file])[file], file, schema_name)


def read(content: bytes, file: str, schema_name: str) -> ConfigFile:
    """Raises ConfigErrors with every fault that the schema finds."""
    document = parsed(content, file)
    faults = Faults()
    faults.found += schemacheck.complaints(document, file, schema_name)
    faults.tell()
    return ConfigFile(file, document.data, document)


__all__ = ["ConfigFile", "Faults", "load", "nearest", "parsed", "place", "read", "show"]
