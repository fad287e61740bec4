"""YAML from libyaml's event stream, one value at a time: nothing is composed, so nothing can expand."""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass
from typing import Any

import yaml

from harness.documents.model import Document, ParseLimits, ParseProblem, Scalar, Span, escape


def parse_yaml(text: str, limits: ParseLimits) -> Document:
    builder = _YamlBuilder(limits)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ParseProblem(f"not valid YAML: {error.problem or error.context}", *where) from None
    except yaml.YAMLError as error:
        raise ParseProblem(f"not valid YAML: {str(error).splitlines()[0]}") from None
    return Document(builder.result, builder.spans, builder.keys)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Frame:
    container: dict[str, Any] | list[Any]
    pointer: str
    start: Any
    key: str | None = None


class _YamlBuilder:
    """Builds plain data from YAML events, one value at a time."""

    def __init__(self, limits: ParseLimits) -> None:
        self.result: Any = None
        self.spans: dict[str, Span] = {}
        self.keys: dict[str, Span] = {}
        self._limits = limits
        self._stack: list[_Frame] = []
        self._count = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_extras(event)
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._refuse_extras(event)
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            frame = self._stack.pop()
            self.spans[frame.pointer] = _span(frame.start, event.end_mark)
        elif isinstance(event, yaml.AliasEvent):
            raise _at(event, "aliases (*name) are not allowed")
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _at(event, "holds more than one YAML document")

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor is not None:
            raise _at(event, "anchors (&name) are not allowed")
        if event.tag is not None and event.tag != "!":
            raise _at(event, f"tags are not allowed: {event.tag[:60]}")
        self._count += 1
        if self._count > self._limits.values:
            raise _at(event, f"more than {self._limits.values:,} values")

    def _open(self, event: Any) -> None:
        if len(self._stack) >= self._limits.depth:
            raise _at(event, f"nested deeper than {self._limits.depth} levels")
        container: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        pointer = self._place(container, event)
        self._stack.append(_Frame(container, pointer, event.start_mark))

    def _scalar(self, event: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._key(frame, event)
            return
        unquoted = not event.style and event.tag is None  # libyaml says '' where the Python parser says None
        try:
            value = plain(event.value) if unquoted else event.value
        except ValueError:
            raise _at(event, f"not a number that can be used: {event.value[:40]}") from None
        pointer = self._place(value, event)
        self.spans[pointer] = _span(event.start_mark, event.end_mark)

    def _key(self, frame: _Frame, event: Any) -> None:
        if event.value in frame.container:
            raise _at(event, f"the key {event.value[:60]} stands twice")
        frame.key = event.value
        self.keys[f"{frame.pointer}/{escape(event.value)}"] = _span(event.start_mark, event.end_mark)

    def _place(self, value: Any, event: Any) -> str:
        """Puts a value into its container; its pointer."""
        if not self._stack:
            self.result = value
            return ""
        frame = self._stack[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return f"{frame.pointer}/{len(frame.container) - 1}"
        if frame.key is None:
            raise _at(event, "a key must be a plain word, not a list or mapping")
        key, frame.key = frame.key, None
        frame.container[key] = value
        return f"{frame.pointer}/{escape(key)}"


def _span(start: Any, end: Any) -> Span:
    return Span(start.index, end.index, start.line + 1, start.column + 1)


def _at(event: Any, what: str) -> ParseProblem:
    return ParseProblem(what, event.start_mark.line + 1, event.start_mark.column + 1)


_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")


@functools.lru_cache(maxsize=65_536)
def plain(text: str) -> Scalar:
    """What an unquoted YAML scalar means by the core schema of YAML 1.2, where `no` is a word and 1:30 no number.

    Raises ValueError for what no JSON number can say: infinity, not-a-number, endless digits.
    """
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if not _FLOAT.match(text) and not _NOT_FINITE.match(text):
        return text
    if _NOT_FINITE.match(text) or len(text) > 400:
        raise ValueError(text)
    value: int | float = int(text) if _INTEGER.match(text) else float(text)
    if abs(value) > sys.float_info.max:  # whole numbers too: nobody downstream could compute with it
        raise ValueError(text)
    return value
