"""What a parsed file is: its data, and the place of every value in its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import Place

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class ParseLimits:
    """What a hostile data file may cost at most. Bytes, nesting levels, values."""

    size: int = 4 * 1024 * 1024
    depth: int = 64
    values: int = 200_000


@dataclass(frozen=True, slots=True)
class Span:
    """A value in its text: characters [start, end), line and column from 1."""

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A parsed file: its data, and the span of every scalar, key and container by JSON pointer."""

    data: Any
    spans: dict[str, Span]
    keys: dict[str, Span]


class ParseProblem(Exception):
    """What is wrong with a text, and where (line and column from 1, 0 if unknown)."""

    def __init__(self, what: str, line: int = 0, column: int = 0) -> None:
        super().__init__(what)
        self.what, self.line, self.column = what, line, column

    def place(self, file: str) -> Place:
        return Place(file, self.line, self.column)


def escape(key: str) -> str:
    """A key as one segment of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")
