"""JSON written as another text of it is: indents, separators, escapes, the spelling of numbers, the end of the file.

So a change to a file that a program wrote shows as that change, and as nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.documents.model import Scalar

_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(rf"({_STRING})|(-?[0-9][-+.0-9eE]*)", re.DOTALL)
_FIRST = re.compile(r"[{\[](\s*)[^\s}\]]")
_COLON = re.compile(rf"{_STRING}(\s*:\s*)", re.DOTALL)
_COMMA = re.compile(r",(\s*)")
_EMPTY = re.compile(r"[{\[](\s*)[}\]]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[^u])")
_PLAIN = re.compile(r'[ !#-\[\]-~]*"?')
_CAREFUL = (frozenset("<>&='"), frozenset("<>&"))  # what writers escape that think of pages: Gson's and Go's
_ASCII = 0x7F
_BASIC = 0xFFFF


def rewritten(data: Any, like: str) -> str:
    """JSON text of `data` in the style of another; that text itself for its own data, where a program wrote it."""
    style = _style(like)
    parts = list[str]()
    _write(data, style, "\n", parts.append)
    body = "".join(parts) if style.newline == "\n" else "".join(parts).replace("\n", style.newline)
    return f"{style.start}{body}{style.end}"


@dataclass(frozen=True)
class _Style:
    """indent: None where all stands in one line; comma: with what follows it before the line ends; pad: within the
    brackets of one line; empty: within brackets around nothing; known: texts and numbers as it spells them."""

    start: str
    end: str
    newline: str
    indent: str | None
    comma: str
    colon: str
    pad: str
    empty: str
    escapes: frozenset[str]
    ascii_only: bool
    upper: bool
    known: dict[tuple[type, Scalar], str]

    def spelled(self, value: Scalar) -> str:
        """A scalar as this text spells it, or would."""
        found = self.known.get((type(value), value))
        if found is None:
            found = self._text(value) if isinstance(value, str) else json.dumps(value)
            self.known[type(value), value] = found
        return found

    def _text(self, value: str) -> str:
        written = json.dumps(value, ensure_ascii=False)
        return "".join(self._letter(letter) for letter in written)

    def _letter(self, letter: str) -> str:
        code = ord(letter)
        if letter == "/" and letter in self.escapes:
            return "\\/"
        if letter not in self.escapes and not (self.ascii_only and code >= _ASCII) and not _is_half(letter):
            return letter
        codes = [code] if code <= _BASIC else [0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF)]
        return "".join(f"\\u{one:04X}" if self.upper else f"\\u{one:04x}" for one in codes)


def _is_half(letter: str) -> bool:
    """Whether it is half of a character, which JSON can spell and UTF-8 cannot."""
    return "\ud800" <= letter <= "\udfff"


def _write(value: Any, style: _Style, line: str, put: Callable[[str], None]) -> None:
    """line: the newline and the indent that the value's own line begins with."""
    if isinstance(value, dict):
        pairs = ((f"{style.spelled(key)}{style.colon}", inner) for key, inner in value.items())
        _brackets("{}", len(value), pairs, style, line, put)
    elif isinstance(value, list):
        _brackets("[]", len(value), (("", inner) for inner in value), style, line, put)
    else:
        put(style.spelled(value))


def _brackets(
    marks: str, count: int, items: Iterator[tuple[str, Any]], style: _Style, line: str, put: Callable[[str], None]
) -> None:
    if not count:
        put(f"{marks[0]}{style.empty}{marks[1]}")
        return
    inner = line if style.indent is None else f"{line}{style.indent}"
    opening, between, closing = style.pad, style.comma, style.pad
    if style.indent is not None:
        opening, between, closing = inner, f"{style.comma}{inner}", line
    put(f"{marks[0]}{opening}")
    for index, (key, value) in enumerate(items):
        put(f"{between if index else ''}{key}")
        _write(value, style, inner, put)
    put(f"{closing}{marks[1]}")


def _style(text: str) -> _Style:
    structure = _TOKEN.sub('""', text)
    first = _found(_FIRST, structure, "")
    indent = first.rpartition("\n")[2] if "\n" in first else None
    body = text.strip()
    at = text.find(body)
    escapes, ascii_only, upper = _escapes(text)
    return _Style(
        start=text[:at], end=text[at + len(body) :] if body else "\n", newline="\r\n" if "\r\n" in first else "\n",
        indent=indent, comma="," + _within(_found(_COMMA, structure, " " if indent is None else "")),
        colon=_found(_COLON, structure, ": "),
        pad=first if indent is None else "", empty=_within(_found(_EMPTY, structure, "")),
        escapes=escapes, ascii_only=ascii_only, upper=upper, known=_known(text),
    )  # fmt: skip


def _found(pattern: re.Pattern[str], text: str, otherwise: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else otherwise


def _within(space: str) -> str:
    """What of it stands before the line ends."""
    return space.partition("\n")[0].rstrip("\r")


def _known(text: str) -> dict[tuple[type, Scalar], str]:
    """What stands in the text other than a plain spelling of it would be."""
    found: dict[tuple[type, Scalar], str] = {}
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match.group(1) and _PLAIN.fullmatch(token, 1):
            continue
        try:
            value = json.loads(token, strict=False)
        except ValueError:
            continue
        found.setdefault((type(value), value), token)
    return found


def _escapes(text: str) -> tuple[frozenset[str], bool, bool]:
    """Letters that are escaped though they need not be; whether all but ASCII is; whether in capitals."""
    escaped, upper, wide = set[str](), False, False
    for match in _ESCAPE.finditer(text):
        if match.group() == "\\/":
            escaped.add("/")
        elif match.group(1):
            letter = chr(int(match.group(1), 16))
            upper = upper or match.group(1) != match.group(1).lower()
            wide = wide or ord(letter) >= _ASCII
            if letter >= " ":
                escaped.add(letter)
    for family in _CAREFUL:
        if escaped & family and not any(letter in text for letter in family):
            escaped |= family
            break
    escaped -= {'"', "\\"}
    letters = frozenset(letter for letter in escaped if ord(letter) < _ASCII)
    return letters, wide and text.isascii(), upper
