"""JSON with the place of every value, duplicate keys refused, depth counted. The standard library tells no places."""

from __future__ import annotations

import json
import math
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython for twenty years, not in stubs
from typing import Any

from harness.documents.model import Span, escape

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class JsonProblem(Exception):
    """What is wrong, at which character."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what, self.at = what, at


def position(text: str, at: int) -> tuple[int, int]:
    """Line and column of a character, from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def scan(text: str, depth: int, values: int, spans: dict[str, Span], keys: dict[str, Span]) -> Any:
    """The one value of `text`; fills `spans` and `keys` by JSON pointer. Raises JsonProblem."""
    scanner = _Scanner(text, values, spans, keys)
    data, end = scanner.value(_skip(text, 0), "", depth)
    end = _skip(text, end)
    if end != len(text):
        raise JsonProblem("something follows the JSON value", end)
    return data


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


class _Scanner:
    def __init__(self, text: str, values: int, spans: dict[str, Span], keys: dict[str, Span]) -> None:
        self.text, self.values, self.spans, self.keys = text, values, spans, keys
        self._line, self._line_start, self._counted = 1, 0, 0

    def value(self, at: int, pointer: str, depth: int) -> tuple[Any, int]:
        self.values -= 1
        if self.values < 0:
            raise JsonProblem("too many values", at)
        if depth < 0:
            raise JsonProblem("nested too deeply", at)
        line, column = self._position(at)
        first = self.text[at : at + 1]
        data: Any
        if first == "{":
            data, end = self._members(at + 1, pointer, depth)
        elif first == "[":
            data, end = self._elements(at + 1, pointer, depth)
        else:
            data, end = self._scalar(at)
        self.spans[pointer] = Span(at, end, line, column)
        return data, end

    def _position(self, at: int) -> tuple[int, int]:
        """Line and column; positions are asked in rising order, so each newline is counted once."""
        newlines = self.text.count("\n", self._counted, at)
        if newlines:
            self._line += newlines
            self._line_start = self.text.rfind("\n", self._counted, at) + 1
        self._counted = at
        return self._line, at - self._line_start + 1

    def _members(self, at: int, pointer: str, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        at = _skip(self.text, at)
        if self.text[at : at + 1] == "}":
            return found, at + 1
        while True:
            if self.text[at : at + 1] != '"':
                raise JsonProblem("a key in double quotes is expected", at)
            line, column = self._position(at)
            key, end = self._string(at)
            if key in found:
                raise JsonProblem(f"the key {key[:60]} stands twice", at)
            inner = f"{pointer}/{escape(key)}"
            self.keys[inner] = Span(at, end, line, column)
            at = self._expect(":", end)
            found[key], at = self.value(at, inner, depth - 1)
            at, more = self._more(at, "}")
            if not more:
                return found, at

    def _elements(self, at: int, pointer: str, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = _skip(self.text, at)
        if self.text[at : at + 1] == "]":
            return found, at + 1
        while True:
            value, at = self.value(at, f"{pointer}/{len(found)}", depth - 1)
            found.append(value)
            at, more = self._more(at, "]")
            if not more:
                return found, at

    def _expect(self, mark: str, at: int) -> int:
        at = _skip(self.text, at)
        if self.text[at : at + 1] != mark:
            raise JsonProblem(f"{mark} is expected", at)
        return _skip(self.text, at + 1)

    def _more(self, at: int, closing: str) -> tuple[int, bool]:
        at = _skip(self.text, at)
        if self.text[at : at + 1] == closing:
            return at + 1, False
        return self._expect(",", at), True

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self.text, at + 1, True)
        except json.JSONDecodeError as error:
            raise JsonProblem(error.msg, error.pos) from None
        return text, end

    def _scalar(self, at: int) -> tuple[Any, int]:
        if self.text[at : at + 1] == '"':
            return self._string(at)
        for word, value in _WORDS.items():
            if self.text.startswith(word, at):
                return value, at + len(word)
        number = _NUMBER.match(self.text, at)
        if not number or number.end() - at > 400:
            raise JsonProblem("a value is expected", at)
        decimal = float(number.group())
        if not math.isfinite(decimal):  # of whole numbers too: nobody downstream could compute with it
            raise JsonProblem("not a finite number", at)
        is_whole = number.group(1) is None and number.group(2) is None
        return int(number.group()) if is_whole else decimal, number.end()
