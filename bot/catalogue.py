"""A catalogue of lines: which may stand in each other's place in a text file. What the proposer `tune` draws from.

A YAML list:

    - options: ["-O1", "-O2", "-O3"]      one of these lines stands in the file
      why: how hard the compiler tries
    - options: ["", "-funroll-loops"]     "" is no line at all
      after: "# loops"                    where it is inserted; default: the end of the file

Lines are compared whole, but for blanks before and behind them; one that replaces another keeps its indentation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.complaints import Faults, nearest, parsed, place, show
from harness.documents import Document
from harness.errors import ConfigError, Place

ABSENT = ""
KEYS = ("options", "after", "why")


@dataclass(frozen=True)
class Entry:
    """Lines of which one stands in the file, without indentation; ABSENT is none. after: None is the file's end."""

    options: tuple[str, ...]
    after: str | None


@dataclass(frozen=True)
class Catalogue:
    """Read and held against a file by `read`: each entry has exactly one option that stands there."""

    entries: tuple[Entry, ...]

    def standing(self, text: str) -> tuple[int, ...]:
        """Per entry the option that stands in this text; -1 where none does."""
        lines = {line.strip() for line in text.splitlines()}
        return tuple(_standing(entry, lines) for entry in self.entries)

    def with_options(self, text: str, options: Sequence[int]) -> str:
        """The text with these options, one per entry, and every other line as it was."""
        lines = text.splitlines(keepends=True)
        for entry, new in zip(self.entries, options, strict=True):
            old = _standing(entry, {line.strip() for line in lines})
            if old != new:
                self._change(lines, entry, entry.options[old] if old >= 0 else ABSENT, entry.options[new])
        return "".join(lines)

    def _change(self, lines: list[str], entry: Entry, old: str, new: str) -> None:
        if old == ABSENT:
            self._insert(lines, entry, new)
            return
        at = _line(lines, old)
        if new == ABSENT:
            del lines[at]
        else:
            lines[at] = lines[at].replace(old, new, 1)

    def _insert(self, lines: list[str], entry: Entry, new: str) -> None:
        """Behind the anchor and what earlier entries inserted there, so that the same options give the same text."""
        at, indent = len(lines), ""
        if entry.after is not None:
            anchor = _line(lines, entry.after)
            indent = lines[anchor][: len(lines[anchor]) - len(lines[anchor].lstrip())]
            before = self.entries[: self.entries.index(entry)]
            earlier = {option for other in before if other.after == entry.after for option in other.options} - {ABSENT}
            at = anchor + 1
            while at < len(lines) and lines[at].strip() in earlier:
                at += 1
        ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        if at and not lines[at - 1].endswith(("\n", "\r")):
            lines[at - 1] += ending
        lines.insert(at, f"{indent}{new}{ending}")


def read(content: bytes, name: str, file: str, base: bytes) -> Catalogue:
    """The catalogue of this content, held against the unchanged file. Raises ConfigErrors with all that is wrong."""
    document = parsed(content, name)
    return _Reader(name, document, file, base.decode(errors="surrogateescape")).catalogue()


class _Reader:
    def __init__(self, name: str, document: Document, file: str, text: str) -> None:
        self._name, self._document, self._file = name, document, file
        self._lines = [line.strip() for line in text.splitlines()]

    def catalogue(self) -> Catalogue:
        listed = self._document.data
        if not isinstance(listed, list) or not listed:
            raise self._error("", "is not a list of entries", 'such as: - options: ["", "-funroll-loops"]')
        with Faults() as faults:
            for index, raw in enumerate(listed):
                faults.found += self._misshapen(f"/{index}", raw)
        entries = tuple(Entry(tuple(map(str.strip, raw["options"])), _anchor(raw)) for raw in listed)
        with Faults() as faults:
            faults.found += self._twice(entries)
            for index, entry in enumerate(entries):
                faults.found += self._misplaced(f"/{index}", entry, entries)
        return Catalogue(entries)

    def _misshapen(self, pointer: str, raw: Any) -> Iterator[ConfigError]:
        if not isinstance(raw, dict):
            yield self._error(pointer, f"{show(raw)} is not a mapping with the key options")
            return
        for key in raw:
            if key not in KEYS:
                hint = nearest(key, KEYS) or f"; valid: {', '.join(KEYS)}"
                yield self._error(f"{pointer}/{key}", f"unknown key{hint}", at_key=True)
        options = raw.get("options")
        if not isinstance(options, list) or len(options) < 2:
            yield self._error(f"{pointer}/options", "needs a list of at least two lines; an empty one is no line")
            return
        lines = {f"{pointer}/options/{index}": option for index, option in enumerate(options)}
        lines |= {f"{pointer}/{key}": raw[key] for key in ("after", "why") if key in raw}
        for where, value in lines.items():
            if not isinstance(value, str) or len(value.splitlines()) > 1:
                yield self._error(where, f"{show(value)} is not one line of text", "put it in quotes")
        if "after" in raw and isinstance(raw["after"], str) and not raw["after"].strip():
            yield self._error(f"{pointer}/after", "is an empty line, which names no place")

    def _twice(self, entries: Sequence[Entry]) -> Iterator[ConfigError]:
        """A line belongs to one entry, else nobody could say which entry stands in the file."""
        first: dict[str, int] = {}
        for index, entry in enumerate(entries):
            for number, option in enumerate(entry.options):
                known = first.setdefault(option, index) if option != ABSENT else index
                if option in entry.options[:number]:
                    yield self._error(f"/{index}/options/{number}", f"{show(option)} stands twice")
                elif known != index:
                    line = self._place(f"/{known}").line
                    what = f"{show(option)} is an option of the entry in line {line} too"
                    yield self._error(f"/{index}/options/{number}", what)

    def _misplaced(self, pointer: str, entry: Entry, entries: Sequence[Entry]) -> Iterator[ConfigError]:
        """What does not fit the file as it is."""
        standing = [option for line in self._lines for option in entry.options if option and option == line]
        if len(standing) > 1:
            numbers = [str(n) for n, line in enumerate(self._lines, 1) if line in entry.options and line]
            what = f"{len(standing)} lines of {self._file} are options of this entry (lines {', '.join(numbers)})"
            yield self._error(f"{pointer}/options", what, "leave one of them in the file")
        if not standing and ABSENT not in entry.options:
            what = f"none of these lines stands in {self._file}"
            yield self._error(f"{pointer}/options", what, 'add "" to the options if none may stand there')
        if entry.after is None:
            return
        found = self._lines.count(entry.after)
        if found != 1:
            hint = nearest(entry.after, self._lines) if not found else ""
            how = f"is not a line of {self._file}{hint}" if not found else f"stands {found} times in {self._file}"
            yield self._error(f"{pointer}/after", f"{show(entry.after)} {how}")
        if any(entry.after in other.options for other in entries):
            what = f"{show(entry.after)} is an option itself: it may go, and the anchor with it"
            yield self._error(f"{pointer}/after", what, "name a line that always stands, such as a comment")

    def _place(self, pointer: str, *, at_key: bool = False) -> Place:
        return place(self._name, self._document, pointer, at_key=at_key)

    def _error(self, pointer: str, what: str, next_step: str = "", *, at_key: bool = False) -> ConfigError:
        return ConfigError(self._place(pointer, at_key=at_key), what, next_step=next_step)


def _anchor(raw: Mapping[str, str]) -> str | None:
    return raw["after"].strip() if "after" in raw else None


def _standing(entry: Entry, lines: Collection[str]) -> int:
    found = [number for number, option in enumerate(entry.options) if option and option in lines]
    if found:
        return found[0]
    return entry.options.index(ABSENT) if ABSENT in entry.options else -1


def _line(lines: Sequence[str], wanted: str) -> int:
    return next(at for at, line in enumerate(lines) if line.strip() == wanted)
