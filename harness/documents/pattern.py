"""A short way to parse what differs from an earlier text in its numbers alone, which most candidates of a night do.

Whatever lies between the numbers must be the same to the last character, so the structure is; a number stands where a
number stood. Anything else is parsed in full.
"""

from __future__ import annotations

import bisect
import copy
import functools
import itertools
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.documents.canonical import digest, normal
from harness.documents.model import Document, Span, escape

Number = int | float
_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?"
_MOST_CHARACTERS, _MOST_VALUES = 65_536, 400  # beyond them a full parse is no slower than the match
_REMEMBERED = 4
_MOST_WORDS = 4096  # numbers of which a night uses the same few again and again


@dataclass(frozen=True)
class _Slot:
    """Where in a document the number of this place among all numbers stands."""

    place: int


class Pattern:
    """A parsed text as the pattern of its likes. A change is a pointer with another number than the text's."""

    def __init__(self, text: str, document: Document) -> None:
        slots: dict[str, _Slot] = {}
        parts, words, position = [], [], 0
        for pointer, span in sorted(document.spans.items(), key=lambda entry: entry[1].start):
            word = text[span.start : span.end]
            if re.fullmatch(_NUMBER, word):  # a value in quotes is text, and its span has them
                parts += [re.escape(text[position : span.start]), f"({_NUMBER})"]
                slots[pointer] = _Slot(len(slots))
                words.append(word)
                position = span.end
        self._regex = re.compile("".join([*parts, re.escape(text[position:])]))
        self._form = _form(document.data, "", slots)
        self._pointers, self._words = tuple(slots), tuple(words)
        self._numbers = {pointer: number(word) for pointer, word in zip(slots, words, strict=True)}
        self._canonical, self._places = _template(self._form, self._pointers, list(self._numbers.values()))
        self._in_text = tuple([self._places[pointer] for pointer in slots])
        self._filled = sum(map(bool, _values(self._form)))

    def moved(self, document: Document, text: str) -> tuple[Pattern, Document] | None:
        """The pattern and the document of another text, where it differs from this one's in its numbers alone.

        document: of this pattern's own text.
        """
        words = self.words(text)
        if words is None:
            return None
        other = copy.copy(self)
        values = [number(word) for word in words]
        other._words, other._numbers = tuple(words), dict(zip(self._pointers, values, strict=True))
        other._canonical = self._canonical.copy()
        for place, word in zip(self._in_text, words, strict=True):
            other._canonical[place] = _normal(word)
        shift = _Shift([document.spans[pointer] for pointer in self._pointers], words)
        spans, keys = (
            {pointer: shift.of(span) for pointer, span in held.items()} for held in (document.spans, document.keys)
        )
        return other, Document(_filled(self._form, values), spans, keys)

    def data(self, text: str) -> Any:
        """The data of a text that differs in its numbers alone, new each time; None for any other text."""
        found = self.words(text)
        return None if found is None else _filled(self._form, [number(word) for word in found])

    def words(self, text: str) -> Sequence[str] | None:
        """The numbers of a text that differs in them alone, as they are spelled there; None for any other text."""
        found = self._regex.fullmatch(text)
        return None if found is None else found.groups()

    def changes(self, words: Sequence[str]) -> dict[str, Number]:
        """What a text of these words changes. 1.0 is another than 1."""
        changes = {}
        for pointer, word, before in zip(self._pointers, words, self._words, strict=True):
            if word != before:
                value, was = number(word), self._numbers[pointer]
                if value != was or type(value) is not type(was):
                    changes[pointer] = value
        return changes

    def holds(self, pointer: str) -> bool:
        """Whether a number stands there, so that a change may name it."""
        return pointer in self._places

    def canonical_id(self, changes: Mapping[str, Number]) -> str:
        """As `canonical_id_of` the changed data."""
        parts = self._canonical.copy()
        for pointer, value in changes.items():
            parts[self._places[pointer]] = _spelled(value)
        return digest("".join(parts))

    def described(self, words: Sequence[str]) -> tuple[str, int]:
        """Of a text of these words: the canonical id, and how many values are neither 0 nor empty."""
        parts, spelled = self._canonical.copy(), [_normal(word) for word in words]
        for place, word in zip(self._in_text, spelled, strict=True):
            parts[place] = word
        return digest("".join(parts)), self._filled + len(spelled) - spelled.count("0")


class _Shift:
    """Where in a text things stand once other numbers are in it. numbers: their places, rising; words: the others."""

    def __init__(self, numbers: Sequence[Span], words: Sequence[str]) -> None:
        self._ends = [span.end for span in numbers]
        longer = [len(word) - (span.end - span.start) for span, word in zip(numbers, words, strict=True)]
        self._by = [0, *itertools.accumulate(longer)]
        self._moves = any(longer)

    def of(self, span: Span) -> Span:
        if not self._moves:
            return span
        line = self._at(span.start - span.column + 1)
        start, end = self._at(span.start), self._at(span.end)
        return Span(start, end, span.line, start - line + 1)

    def _at(self, position: int) -> int:
        return position + self._by[bisect.bisect_right(self._ends, position)]


def _form(node: Any, pointer: str, slots: Mapping[str, _Slot]) -> Any:
    """Data with a slot in each number's place."""
    if isinstance(node, dict):
        return {key: _form(value, f"{pointer}/{escape(key)}", slots) for key, value in node.items()}
    if isinstance(node, list):
        return [_form(value, f"{pointer}/{index}", slots) for index, value in enumerate(node)]
    return slots.get(pointer, node)


def _filled(form: Any, numbers: Sequence[Number]) -> Any:
    if isinstance(form, _Slot):
        return numbers[form.place]
    if isinstance(form, dict):
        return {key: _filled(value, numbers) for key, value in form.items()}
    if isinstance(form, list):
        return [_filled(value, numbers) for value in form]
    return form


def _values(form: Any) -> Iterator[Any]:
    """The leaves that are no slot."""
    if isinstance(form, (dict, list)):
        for inner in form.values() if isinstance(form, dict) else form:
            yield from _values(inner)
    elif not isinstance(form, _Slot):
        yield form


def _template(form: Any, pointers: Sequence[str], numbers: Sequence[Number]) -> tuple[list[str], dict[str, int]]:
    """The canonical text in pieces, and which piece is the number at a pointer."""
    parts: list[str] = []
    places = {}
    for piece in _pieces(form):
        if isinstance(piece, _Slot):
            places[pointers[piece.place]] = len(parts)
            parts.append(_spelled(numbers[piece.place]))
        elif parts and len(parts) - 1 not in places.values():
            parts[-1] += piece
        else:
            parts.append(piece)
    return parts, places


def _pieces(form: Any) -> Iterator[str | _Slot]:
    """What `json.dumps` with sorted keys and no spaces writes, slots apart."""
    if isinstance(form, _Slot):
        yield form
    elif isinstance(form, dict):
        yield "{"
        for index, key in enumerate(sorted(form)):
            yield f"{',' if index else ''}{json.dumps(key)}:"
            yield from _pieces(form[key])
        yield "}"
    elif isinstance(form, list):
        yield "["
        for index, value in enumerate(form):
            yield "," if index else ""
            yield from _pieces(value)
        yield "]"
    else:
        yield _spelled(form)


def _spelled(value: Any) -> str:
    if type(value) is int:
        return str(value)  # as json would, in a tenth of the time
    return json.dumps(normal(value))


class Patterns:
    """The last texts that were parsed in full."""

    def __init__(self) -> None:
        self._known: deque[Pattern] = deque(maxlen=_REMEMBERED)

    def data(self, text: str) -> Any:
        """As `Pattern.data`, by the first pattern that fits."""
        for pattern in self._known:
            found = pattern.data(text)
            if found is not None:
                return found
        return None

    def remember(self, text: str, document: Document) -> None:
        if is_short(text, document):
            self._known.appendleft(Pattern(text, document))


def is_short(text: str, document: Document) -> bool:
    """Whether its pattern is worth having."""
    return len(text) <= _MOST_CHARACTERS and len(document.spans) <= _MOST_VALUES


@functools.lru_cache(maxsize=_MOST_WORDS)
def number(word: str) -> Number:
    return float(word) if "." in word else int(word)


@functools.lru_cache(maxsize=_MOST_WORDS)
def _normal(word: str) -> str:
    """A number as it stands in the canonical text."""
    return _spelled(number(word))
