"""Data files as data: parsed with limits, every value with its place in the text.

YAML is read from libyaml's event stream, never composed: aliases, anchors and tags are refused before anything could
expand, and depth is counted as it grows. Dates stay text: a JSON value is all that a document can hold.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from harness.documents import jsontext
from harness.documents.canonical import canonical_id_of
from harness.documents.model import Document, ParseLimits, ParseProblem, Scalar, Span, escape, unescape
from harness.documents.pattern import Pattern, Patterns, is_short
from harness.documents.pythontext import NotCode, canonical_python
from harness.documents.yamltext import parse_yaml, plain
from harness.errors import InvalidCandidate

DATA_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".toml", ".txt", ".md", ".csv"})
STRUCTURED_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".toml"})
SPLICED_SUFFIXES = frozenset({".yaml", ".yml", ".json"})

_PATTERNS = {suffix: Patterns() for suffix in (".yaml", ".yml", ".json")}
_BASIC_PLANE, _WIDE = "\uffff", "\\U"
_AT_ONCE = 65_536  # bytes; most files are shorter
# tomllib takes quadratic time for a key of many dotted parts; this finds one in linear time.
_LONG_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){65}""")


def is_data(name: str) -> bool:
    """Whether a file of this name is data, which is parsed, rather than code, which would have to be run."""
    return _suffix(name) in DATA_SUFFIXES


@functools.lru_cache(maxsize=64)
def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def load(path: Path | str, limits: ParseLimits | None = None) -> Any:
    """The content of a candidate's data file: dicts, lists and scalars, or text for .txt, .md and .csv.

    Raises InvalidCandidate for anything that is not plain data within the limits.
    """
    name = os.path.basename(path)  # noqa: PTH119  # once per experiment: pathlib costs more than reading
    try:
        content = _first_bytes(path, (limits or ParseLimits()).size + 1)
    except OSError as error:
        raise InvalidCandidate(f"{name}: cannot be read: {error.strerror}") from None
    return load_bytes(content, name, limits)


def _first_bytes(path: Path | str, most: int) -> bytes:
    """Read without open(), whose buffer takes longer to make than most files to read."""
    parts = []
    handle = os.open(path, os.O_RDONLY)
    try:
        while most and (part := os.read(handle, min(most, _AT_ONCE))):
            parts.append(part)
            most -= len(part)
    finally:
        os.close(handle)
    return b"".join(parts)


def load_bytes(content: bytes, name: str, limits: ParseLimits | None = None) -> Any:
    """As `load`, for content already in memory; `name` decides the format and appears in errors."""
    try:
        return _data(content, name, limits)
    except ParseProblem as problem:
        raise InvalidCandidate(f"{problem.place(name)}: {problem.what}") from None


def _data(content: bytes, name: str, limits: ParseLimits | None) -> Any:
    known = _PATTERNS.get(_suffix(name))
    if known is None or limits is not None:
        return parse(content, name, limits).data
    text = content.decode("utf-8", errors="surrogateescape")
    found = known.data(text)
    if found is None:
        document = parse(content, name)
        known.remember(text, document)
        found = document.data
    return found


def pattern_of(content: bytes, name: str, document: Document | None = None) -> Pattern | None:
    """The pattern of a file's likes, those that differ from it in numbers alone; None where it would not be worth it,
    as of a file that is one text. document: the content, where it is parsed already.

    Raises ParseProblem.
    """
    document, text = document or parse(content, name), content.decode()
    spliced = _suffix(name) in SPLICED_SUFFIXES and not isinstance(document.data, str)
    return Pattern(text, document) if spliced and is_short(text, document) else None


def parse(content: bytes, name: str, limits: ParseLimits | None = None) -> Document:
    """Parses by the name's suffix. Raises ParseProblem."""
    limits = limits or ParseLimits()
    if len(content) > limits.size:
        raise ParseProblem(f"larger than {limits.size:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseProblem(f"not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise ParseProblem("starts with a byte order mark; save it as plain UTF-8", 1, 1)
    suffix = _suffix(name)
    if suffix in {".yaml", ".yml"}:
        return parse_yaml(text, limits)
    if suffix == ".json":
        return _parse_json(text, limits)
    if suffix == ".toml":
        return Document(_parse_toml(text, limits), {}, {})
    return Document(text, {}, {})


def canonical_id(content: bytes, name: str) -> str:
    """Equal for two contents that mean the same data, whatever their comments, order or spelling of numbers.

    So too for Python, whatever its comments and spacing. For other code, and for text whose every character counts,
    equal only for equal bytes.
    """
    if _suffix(name) == ".py":
        with contextlib.suppress(NotCode, UnicodeDecodeError):
            return canonical_python(content.decode())
    if _suffix(name) not in STRUCTURED_SUFFIXES:
        return hashlib.sha256(content).hexdigest()[:32]
    return canonical_id_of(load_bytes(content, name))


def leaves(data: Any, pointer: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every scalar with its JSON pointer (RFC 6901), in the file's order."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, f"{pointer}/{escape(key)}")
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, f"{pointer}/{index}")
    else:
        yield pointer, data


def splice(text: str, document: Document, changes: dict[str, Scalar], name: str) -> str:
    """`text` with the scalars at these pointers replaced and every other character as it was."""
    edits = sorted(((document.spans[pointer], value) for pointer, value in changes.items()), key=_start)
    parts, position = [], 0
    for span, value in edits:
        parts += [text[position : span.start], _fitted(spell(value, name, text[span.start : span.end]), text, span)]
        position = span.end
    return "".join([*parts, text[position:]])


def _fitted(word: str, text: str, span: Span) -> str:
    """A new value in an old one's place: apart from the colon before, before a line's end that was in it."""
    if span.start == span.end and text[span.start - 1 : span.start] in {":", "-"}:
        word = f" {word}"
    return f"{word}\n" if text[span.start : span.end].endswith("\n") else word


def spell(value: Scalar, name: str, before: str = "") -> str:
    """A scalar as it is written in a file of this name; quoted as the text that it replaces was."""
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or _suffix(name) == ".json":
        return json.dumps(value)
    if before[:1] not in {'"', "'"} and plain(value) == value and _is_plain_safe(value):
        return value
    # JSON's escapes are YAML's, but for what JSON writes as surrogate pairs.
    return f'"{"".join(json.dumps(c)[1:-1] if c <= _BASIC_PLANE else f"{_WIDE}{ord(c):08x}" for c in value)}"'


def _start(edit: tuple[Span, Scalar]) -> int:
    return edit[0].start


def _is_plain_safe(value: str) -> bool:
    """Letters, digits, - and _ with at least one of the first two: a word that needs no quotes anywhere in YAML."""
    return any(c.isalnum() for c in value) and value.replace("_", "a").replace("-", "a").isalnum()


def _parse_json(text: str, limits: ParseLimits) -> Document:
    spans: dict[str, Span] = {}
    keys: dict[str, Span] = {}
    try:
        data = jsontext.scan(text, limits.depth, limits.values, spans, keys)
    except jsontext.JsonProblem as problem:
        raise ParseProblem(problem.what, *jsontext.position(text, problem.at)) from None
    return Document(data, spans, keys)


def _parse_toml(text: str, limits: ParseLimits) -> Any:
    if _LONG_KEY.search(text):
        raise ParseProblem("a dotted key of more than 65 parts")
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # endless whole numbers are a plain ValueError
        raise ParseProblem(f"not valid TOML: {str(error)[:200]}") from None
    data = _plain_data(data, limits.depth)
    if sum(1 for _ in leaves(data)) > limits.values:
        raise ParseProblem(f"more than {limits.values:,} values")
    return data


def _plain_data(value: Any, depth: int) -> Any:
    if depth < 0:
        raise ParseProblem("nested too deeply")
    if isinstance(value, dict):
        return {key: _plain_data(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_data(inner, depth - 1) for inner in value]
    if isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        raise ParseProblem("not a number that can be used")
    return value if isinstance(value, (str, int, float, bool)) else str(value)


__all__ = [
    "DATA_SUFFIXES", "SPLICED_SUFFIXES", "Document", "ParseLimits", "ParseProblem", "Pattern", "Scalar", "Span",
    "canonical_id", "canonical_id_of", "escape", "is_data", "leaves", "load", "load_bytes", "parse", "pattern_of",
    "splice", "spell", "unescape",
]  # fmt: skip
