"""A short way to parse what differs from an earlier text in its numbers alone, which most candidates of a night do.

Whatever lies between the numbers must be the same to the last character, so the structure is; a number stands where a
number stood. Anything else is parsed in full.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.documents.model import Document, escape

_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?"
_MOST_CHARACTERS, _MOST_VALUES = 65_536, 400  # beyond them a full parse is no slower than the match
_REMEMBERED = 4


@dataclass(frozen=True)
class _Slot:
    """Where in a document the number of this place among all numbers stands."""

    place: int


class Pattern:
    """A parsed text as the pattern of its likes."""

    def __init__(self, text: str, document: Document) -> None:
        slots: dict[str, _Slot] = {}
        parts, position = [], 0
        for pointer, span in sorted(document.spans.items(), key=lambda entry: entry[1].start):
            if re.fullmatch(_NUMBER, text[span.start : span.end]):  # a value in quotes is text, and its span has them
                parts += [re.escape(text[position : span.start]), f"({_NUMBER})"]
                slots[pointer] = _Slot(len(slots))
                position = span.end
        self._regex = re.compile("".join([*parts, re.escape(text[position:])]))
        self._form = _form(document.data, "", slots)

    def data(self, text: str) -> Any:
        """The data of a text that differs in its numbers alone, new each time; None for any other text."""
        found = self._regex.fullmatch(text)
        return None if found is None else _filled(self._form, [number(word) for word in found.groups()])


def _form(node: Any, pointer: str, slots: Mapping[str, _Slot]) -> Any:
    """Data with a slot in each number's place."""
    if isinstance(node, dict):
        return {key: _form(value, f"{pointer}/{escape(key)}", slots) for key, value in node.items()}
    if isinstance(node, list):
        return [_form(value, f"{pointer}/{index}", slots) for index, value in enumerate(node)]
    return slots.get(pointer, node)


def _filled(form: Any, numbers: Sequence[int | float]) -> Any:
    if isinstance(form, _Slot):
        return numbers[form.place]
    if isinstance(form, dict):
        return {key: _filled(value, numbers) for key, value in form.items()}
    if isinstance(form, list):
        return [_filled(value, numbers) for value in form]
    return form


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
        if len(text) <= _MOST_CHARACTERS and len(document.spans) <= _MOST_VALUES:
            self._known.appendleft(Pattern(text, document))


def number(word: str) -> int | float:
    return float(word) if "." in word else int(word)
