"""How complaints about a file are worded, placed and gathered."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.documents import Document, ParseProblem, parse, unescape
from harness.errors import ConfigError, ConfigErrors, Place


class Faults:
    """Gathers the complaints of several checks, so that all are told at once, each file's in the order of its lines.

    most: how many are told; the others are counted.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.found: list[ConfigError] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """One check; what it raises waits until the end."""
        try:
            yield
        except ConfigErrors as several:
            self.found += several.errors
        except ConfigError as one:
            self.found.append(one)

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            self.tell()

    def tell(self) -> None:
        """Raises ConfigErrors if anything was found."""
        told = sorted(self.found, key=lambda error: (error.place.file, error.place.line, error.place.column))
        if self.most and len(told) > self.most:
            rest = ConfigError(told[self.most].place, f"this and {len(told) - self.most - 1} more are wrong too")
            told = [*told[: self.most], rest]
        if told:
            raise ConfigErrors(told)


def parsed(content: bytes, file: str) -> Document:
    """Parses by the file's suffix. Raises ConfigError, with a place wherever one can be told."""
    try:
        return parse(content, file)
    except ParseProblem as problem:
        line, column = (problem.line, problem.column) if problem.line else _unreadable(content)
        tab = " tab character" if _character(content, line, column) == "\t" else ""
        cure = next((cure for part, cure in _CURES if part in problem.what + tab), "")
        raise ConfigError(Place(file, line, column), problem.what, next_step=cure) from None


def _character(content: bytes, line: int, column: int) -> str:
    lines = content.decode("utf-8", errors="replace").split("\n")
    return lines[line - 1][column - 1 : column] if 0 < line <= len(lines) else ""


def _unreadable(content: bytes) -> tuple[int, int]:
    """Line and column of the first byte that is no text; 0, 0 if all are."""
    text = content.decode("utf-8", errors="surrogateescape")
    found = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]", text)
    if not found:
        return 0, 0
    return text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())


_CURES = (
    ("tab character", "YAML aligns with spaces, never tabs"),
    ("cannot start any token", "quote text that starts with @, % or a backtick"),
    ("expected ','", "close the bracket that was opened before this place, or add the comma"),
    ("unexpected end of stream", "close the quote that was opened before this place"),
    ("mapping values are not allowed", 'align keys of one mapping; quote text that holds ": "'),
    ("control characters", "remove the character"),
    ("anchors", "write the value out in each place"),
    ("aliases", "write the value out in each place"),
    ("tags are not", "remove the tag; quotes alone make text"),
    ("more than one YAML document", "remove the line --- and what follows it"),
    ("stands twice", "remove one of the two"),
    ("not UTF-8", "save the file as UTF-8"),
    ("not valid YAML", "YAML aligns with spaces, never tabs; quote text with : or #"),
)


def place(file: str, document: Document, pointer: str, *, at_key: bool = False) -> Place:
    """Where a pointer stands: its value, or its key; else the nearest container that does stand somewhere."""
    nearest = pointer
    while nearest and nearest not in document.spans and nearest not in document.keys:
        nearest = nearest.rpartition("/")[0]
    places = (document.keys, document.spans) if at_key and nearest == pointer else (document.spans, document.keys)
    span = places[0].get(nearest) or places[1].get(nearest)
    return Place(file, span.line if span else 1, span.column if span else 1, dotted(pointer))


def dotted(pointer: str) -> str:
    """A JSON pointer as people write keys: metrics[0].goal"""
    key = ""
    for segment in map(unescape, pointer.split("/")[1:]):
        plain = segment.replace("_", "").replace("-", "").isalnum() and len(segment) < 80
        if segment.isdecimal():
            key += f"[{segment}]"
        else:
            key += ("." if key else "") + (segment if plain else show(segment))
    return key


def nearest(word: str, valid: Iterable[str]) -> str:
    """A hint in words, or nothing. Upper and lower case count the same, and an abbreviation is near."""
    known = {candidate.casefold(): candidate for candidate in valid}
    folded = word.casefold()
    close = difflib.get_close_matches(folded, list(known), n=1, cutoff=0.6)
    if not close and len(folded) > 2:
        close = [candidate for candidate in known if candidate.startswith(folded)][:2]
    return f"; did you mean {show(known[close[0]])}?" if len(close) == 1 else ""


def show(value: Any) -> str:
    """A value as a message may hold it: on one line, not too long, nothing in it that a terminal obeys."""
    if value is None or isinstance(value, (dict, list)):
        return "nothing" if value is None else "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= 80 else f"{text[:77]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
